"""validate: a converted Measurement Set, whole, against the raw headers and against what `concat` said of it.

Every check is on every row unless it says otherwise; one that fails rejects the set (QualityRejected, its code) and nothing
is ever downgraded to a warning. Writes nothing.
"""

from __future__ import annotations

from pathlib import Path

from contimg_science.classify import Classification
from contimg_science.concat import ConcatResult, Member
from contimg_science.conversion.checking import Check, Expected, reject, require
from contimg_science.conversion.classification import classify_group
from contimg_science.conversion.digests import content_digest, subtable_digests
from contimg_science.conversion.group import assemble, check_request
from contimg_science.conversion.member_header import read_member_header
from contimg_science.conversion.phase_centre import phase_centre
from contimg_science.conversion.raw_check import RawRows
from contimg_science.conversion.row_checks import RowChecks
from contimg_science.conversion.subtable_checks import check_centre, check_observation, check_tables, check_window
from contimg_science.measurement_set import CONTIMG_KEYWORD, FIELD_NAME, describe, open_table
from contimg_science.meridian import JD_OF_MJD_ZERO
from contimg_science.protocol import Record, StepRequest, Timings, progress, run_step


class Inputs(Record):
    ms: Path
    members: list[Member]
    t0_jd: float
    dec_rad: float
    concat: ConcatResult


class Parameters(Record):
    raw_rows_checked: int


class Outputs(Record):
    pass


class ValidateRequest(StepRequest):
    inputs: Inputs
    parameters: Parameters
    outputs: Outputs


class ValidateResult(Record):
    checks: list[Check]
    classification: Classification
    timings_s: dict[str, float]


def validate(request: ValidateRequest) -> ValidateResult:
    timings = Timings()
    said = request.inputs.concat
    with timings.phase("load"):
        expected = _expected(request)
        _open(request)
    with timings.phase("subtables"):
        checks = [check_window(expected), check_centre(expected), check_tables(expected), check_observation(expected)]
    progress(0.1, "subtables agree with the headers")
    with timings.phase("rows"):
        raw_rows = RawRows(expected, request.parameters.raw_rows_checked)
        row_checks, digests = RowChecks(expected, raw_rows).run()
    progress(0.8, "every row agrees with the headers")
    with timings.phase("raw"):
        raw = raw_rows.check()
    with timings.phase("digest"):
        checks += [*row_checks, raw, _check_digests(request, digests)]
    classification = classify_group(expected.group, said.calibrators)
    named = describe(request.inputs.ms).field_name
    right = classification.calibrator or FIELD_NAME
    require(named == right, "V04", f"the field is called {named}, the group's class asks for {right}")
    require(said.rows == expected.group.rows, "V01", f"concat reported {said.rows} rows, there are {expected.group.rows}")
    return ValidateResult(checks=sorted(checks, key=lambda check: check.code), classification=classification, timings_s=timings.seconds)


def _expected(request: ValidateRequest) -> Expected:
    said = request.inputs.concat
    headers = [read_member_header(member.path, member.subband) for member in request.inputs.members if member.subband in said.subbands_present]
    subbands = len(said.subbands_present) + sum(cells.subband not in said.subbands_present for cells in said.missing)
    group = assemble(headers, subbands)
    check_request(group, request.inputs.t0_jd, request.inputs.dec_rad, JD_OF_MJD_ZERO)
    listed = {cells.subband: tuple(cells.integrations) for cells in said.missing}
    require(group.missing == listed, "V07", "the missing cells that concat listed are not those of the headers")
    return Expected(request.inputs.ms, request.group_id, group, phase_centre(group), said.flagged_by_reason)


def _open(request: ValidateRequest) -> None:
    try:
        with open_table(request.inputs.ms) as main:
            named = main.getkeyword(CONTIMG_KEYWORD)["group_id"]
    except RuntimeError as error:
        reject("V12", f"{request.inputs.ms} does not open as a Measurement Set of contimg: {error}")
    require(named == request.group_id, "V12", f"the set is of group {named}, not {request.group_id}")


def _check_digests(request: ValidateRequest, digests: dict[str, str]) -> Check:
    said = request.inputs.concat
    differing = sorted(name for name in said.column_digests.keys() | digests.keys() if said.column_digests.get(name) != digests.get(name))
    require(not differing, "V12", f"columns differ from what was written: {', '.join(differing)}")
    content = content_digest([*digests.items(), *subtable_digests(request.inputs.ms).items()])
    with open_table(request.inputs.ms) as main:
        keyword = main.getkeyword(CONTIMG_KEYWORD)["content_digest"]
    require(content == said.content_digest == keyword, "V12", "the content digest is not the one that was written")
    return Check(code="V12", passed=True, detail=f"content digest {content[:12]}…")


if __name__ == "__main__":
    run_step(ValidateRequest, validate)
