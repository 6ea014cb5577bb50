"""concat: the subband files of one group → one Measurement Set, in one pass.

Promises: every input byte is read once, hashed and rotated from that reading, and the output is written once (a member in
another layout than the correlator's may be read twice, and is named then); a subband that is missing or cannot be used is
there, zero, flagged and listed; the same request gives the same bytes. Never looks at the clock but for its own timings,
never changes an input, never writes scratch columns. A run that stops leaves no Measurement Set behind.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from math import degrees
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from contimg_science import __version__
from contimg_science.conversion.chunk_reader import SubbandUnusable
from contimg_science.conversion.chunk_table import KnownTables
from contimg_science.conversion.classification import classify_group
from contimg_science.conversion.digests import ColumnDigests, content_digest, subtable_digests
from contimg_science.conversion.flag_reasons import MISSING, REASONS
from contimg_science.conversion.group import Group, assemble, check_request, without
from contimg_science.conversion.main_table import MainTableWriter
from contimg_science.conversion.member_header import MemberHeader
from contimg_science.conversion.open_member import OpenMember, open_member
from contimg_science.conversion.phase_centre import PhaseCentre, phase_centre
from contimg_science.conversion.provenance import history_messages, requested_mjd, software_versions
from contimg_science.conversion.row_blocks import BlockPass
from contimg_science.conversion.sample_columns import SampleColumns
from contimg_science.conversion.subtables import Provenance, time_range_s, write_subtables
from contimg_science.conversion.table_layout import create_main_table
from contimg_science.imported_calibrators import ImportedCalibrator, read_imported
from contimg_science.measurement_set import CONTIMG_KEYWORD, CONTIMG_SCHEMA, SECONDS_PER_DAY
from contimg_science.meridian import JD_OF_MJD_ZERO, earth_orientation_version
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step


class Member(Record):
    path: Path
    subband: int


class Inputs(Record):
    members: list[Member]
    expected_subbands: int
    t0_jd: float
    dec_rad: float
    # CSV of imported calibrators along the strip; null: the built-in ones alone.
    calibrators: Path | None


class Parameters(Record):
    max_bad_fraction: float


class Outputs(Record):
    ms: Path


class ConcatRequest(StepRequest):
    inputs: Inputs
    parameters: Parameters
    outputs: Outputs


class InputFile(Record):
    path: Path
    subband: int
    bytes: int
    sha256: str
    t0_jd: float
    dec_rad: float
    ntimes: int


class MissingCells(Record):
    subband: int
    integrations: list[int]


class UnusableMember(Record):
    """A member that was given and is treated as missing, and why."""

    subband: int
    code: str
    message: str


class ReadTwice(Record):
    """A member that could not be hashed and converted from one reading, and why."""

    subband: int
    reason: str


class ConcatResult(Record):
    ms: Path
    rows: int
    times: int
    baselines: int
    channels: int
    start_mjd: float
    mid_mjd: float
    end_mjd: float
    ra_deg: float
    dec_deg: float
    dec_apparent_deg: float
    subbands_present: list[int]
    missing: list[MissingCells]
    unusable: list[UnusableMember]
    flagged_by_reason: dict[str, int]
    flagged_fraction: float
    inputs: list[InputFile]
    iers: str
    software: dict[str, str]
    content_digest: str
    column_digests: dict[str, str]
    subtable_digests: dict[str, str]
    site: dict[str, float]
    # Those of the imported ones that the group can be calibrated with; absent in results of before they could be.
    calibrators: list[ImportedCalibrator] = Field(default_factory=list)
    bytes_read: int
    read_twice: list[ReadTwice]
    bytes_written: int
    timings_s: dict[str, float]


def concat(request: ConcatRequest) -> ConcatResult:
    timings = Timings()
    inputs = request.inputs
    if request.outputs.ms.exists():
        remedy = "give a path that is free: a finished or half-written set is never written over"
        raise StepFailure("BadInput", "OutputExists", f"{request.outputs.ms} exists", remedy, "none")
    with ExitStack() as opened:
        with timings.phase("load"):
            known = KnownTables()
            members = {member.subband: opened.enter_context(open_member(member.path, member.subband, known)) for member in inputs.members}
            if len(members) < len(inputs.members):
                raise StepFailure("BadInput", "BadRequest", "a subband is given twice", "give each subband once", "none")
            group = assemble([member.header for member in members.values()], inputs.expected_subbands)
            check_request(group, inputs.t0_jd, inputs.dec_rad, JD_OF_MJD_ZERO)
        return _convert_usable(request, group, members, timings)


def _convert_usable(request: ConcatRequest, group: Group, members: dict[int, OpenMember], timings: Timings) -> ConcatResult:
    """Convert, leaving out one subband after the other whose samples turn out to be of no use."""
    partial = request.outputs.ms.with_name(f".{request.outputs.ms.name}.partial")
    unusable: list[UnusableMember] = []
    try:
        while True:
            shutil.rmtree(partial, ignore_errors=True)
            try:
                converted = _convert(request, group, members, partial, unusable, timings)
                break
            except SubbandUnusable as reason:
                # What was read so far is read again without this subband: rare, and exact.
                unusable.append(UnusableMember(subband=reason.subband, code=reason.code, message=reason.message))
                group = without(group, [p.header for p in group.placements], reason.subband)
                for member in members.values():
                    member.source.rewind()
        partial.rename(request.outputs.ms)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    bytes_read = sum(member.source.bytes_read for member in members.values())
    return _result(request, group, converted, unusable, bytes_read, timings)


@dataclass(frozen=True)
class _Converted:
    centre: PhaseCentre
    files: list[InputFile]
    counts: dict[str, int]
    digests: dict[str, str]
    subtables: dict[str, str]
    content: str
    read_twice: dict[int, str]
    calibrators: list[ImportedCalibrator]


def _convert(
    request: ConcatRequest, group: Group, members: dict[int, OpenMember], path: Path, unusable: list[UnusableMember], timings: Timings
) -> _Converted:
    with timings.phase("phase"):
        centre = phase_centre(group)
    imported = read_imported(request.inputs.calibrators)
    classified, digests = classify_group(group, imported), ColumnDigests()
    with (
        create_main_table(path, group) as main,
        SampleColumns(path, main, digests) as columns,
        BlockPass(group, centre, members, columns, request.threads, request.parameters.max_bad_fraction) as blocks,
    ):
        writer = MainTableWriter(main, group, digests)
        for block in timed(blocks.blocks(), timings, "phase"):
            with timings.phase("write"):
                writer.write(block)
            progress(0.9 * block.end / group.rows, f"{block.end} of {group.rows} rows")
        # The threads rotate and write in turn: their share of the wait for blocks is the writing of samples.
        written_s = columns.seconds / request.threads
        timings.seconds["phase"] -= written_s
        timings.seconds["write"] += written_s
        with timings.phase("hash"):
            sha256 = blocks.digests()
            column_digests = digests.finished()
        counts = {name: int(count) for name, count in zip(REASONS, blocks.counts.sum(axis=0), strict=True)}
        absent = group.subbands - len(group.placements)
        counts[REASONS[MISSING]] += absent * group.rows * group.channels_per_subband * len(group.corr_types)
        files = [_input_file(placement.header, digest) for placement, digest in zip(group.placements, sha256, strict=True)]
        with timings.phase("write"):
            messages = history_messages(
                [file.model_dump(exclude={"path", "ntimes"}) | {"input": file.path.name} for file in files],
                request.parameters.model_dump(mode="json"),
                group.missing,
                {member.subband: member.code for member in unusable},
            )
            write_subtables(path, main, group, centre, classified.calibrator, Provenance(requested_mjd(request.requested_at), messages))
            main.flush()
            subtables = subtable_digests(path)
            content = content_digest([*column_digests.items(), *subtables.items()])
            main.putkeyword(CONTIMG_KEYWORD, _keyword(request, content))
        serving = [entry for entry in imported if entry.name in {one.name for one in classified.candidates}]
        return _Converted(centre, files, counts, column_digests, subtables, content, blocks.read_twice, serving)


def timed(items: Any, timings: Timings, name: str) -> Any:
    """The items, with the time spent waiting for each counted under `name`."""
    iterator = iter(items)
    while True:
        with timings.phase(name):
            try:
                item = next(iterator)
            except StopIteration:
                return
        yield item


def _input_file(header: MemberHeader, sha256: str) -> InputFile:
    return InputFile(
        path=header.path,
        subband=header.subband,
        bytes=header.path.stat().st_size,
        sha256=sha256,
        t0_jd=float(header.times_mjd[0]) + JD_OF_MJD_ZERO,
        dec_rad=header.dec_apparent_rad,
        ntimes=header.times_mjd.size,
    )


def _keyword(request: ConcatRequest, content: str) -> dict[str, Any]:
    return {
        "schema": CONTIMG_SCHEMA,
        "group_id": request.group_id,
        "version": __version__,
        "manifest": f"{request.group_id}.manifest.json",
        "content_digest": content,
    }


def _result(
    request: ConcatRequest, group: Group, converted: _Converted, unusable: list[UnusableMember], bytes_read: int, timings: Timings
) -> ConcatResult:
    start_s, end_s = time_range_s(group)
    samples = group.rows * group.channels * len(group.corr_types)
    return ConcatResult(
        ms=request.outputs.ms,
        rows=group.rows,
        times=group.times,
        baselines=group.baselines,
        channels=group.channels,
        start_mjd=start_s / SECONDS_PER_DAY,
        mid_mjd=group.mid_mjd,
        end_mjd=end_s / SECONDS_PER_DAY,
        ra_deg=float(np.degrees(converted.centre.ra_rad)) % 360,
        dec_deg=float(np.degrees(converted.centre.dec_rad)),
        dec_apparent_deg=float(np.degrees(group.dec_apparent_rad)),
        subbands_present=[placement.header.subband for placement in group.placements],
        missing=[MissingCells(subband=subband, integrations=list(cells)) for subband, cells in group.missing.items()],
        unusable=unusable,
        flagged_by_reason=converted.counts,
        flagged_fraction=sum(converted.counts.values()) / samples,
        inputs=converted.files,
        iers=earth_orientation_version(),
        software=software_versions(),
        content_digest=converted.content,
        column_digests=converted.digests,
        subtable_digests=converted.subtables,
        site={"lat_deg": degrees(group.site.lat_rad), "lon_deg": degrees(group.site.lon_rad), "height_m": group.site.height_m},
        calibrators=converted.calibrators,
        bytes_read=bytes_read,
        read_twice=[ReadTwice(subband=subband, reason=reason) for subband, reason in converted.read_twice.items()],
        bytes_written=sum(file.stat().st_size for file in request.outputs.ms.rglob("*") if file.is_file()),
        timings_s=timings.seconds,
    )


if __name__ == "__main__":
    run_step(ConcatRequest, concat)
