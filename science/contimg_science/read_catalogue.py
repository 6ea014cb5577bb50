"""read_catalogue: a published catalogue as sources with a place in degrees (ICRS) and a flux in Jy at 1.4 GHz.

Writes one JSON array a line: [row, name, RA, Dec, flux at 1.4 GHz, flux as catalogued, spectral index], null where the catalogue
knows none. A flux that is zero, negative or no number is none: it is never replaced by one. A flux of another frequency is taken to
1.4 GHz with the index that the source states or, where it states none, the usual one; the result says so. One bad cell refuses the whole file.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from astropy import units

from contimg_science.calibrators import REFERENCE_GHZ, USUAL_SPECTRAL_INDEX
from contimg_science.catalogues.bad_catalogue import bad_cell, unreadable
from contimg_science.catalogues.coordinates import declination_deg, name_of_place, right_ascension_deg
from contimg_science.catalogues.surveys import SURVEYS, Survey
from contimg_science.catalogues.table_file import TableFile, open_table_file
from contimg_science.catalogues.vla_list import read_vla_list
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step

REFERENCE_HZ = REFERENCE_GHZ * 1e9
SOURCES_A_REPORT = 200_000
Line = tuple[int, str, float, float, float | None, float | None, float | None]


class Inputs(Record):
    file: Path
    format: Literal["vla", "nvss", "first", "racs-low", "racs-mid", "vlass", "csv"]
    # What the file must be, in hexadecimal; null when nobody said.
    sha256: str | None


class Parameters(Record):
    pass


class Outputs(Record):
    sources: Path


class ReadCatalogueRequest(StepRequest):
    inputs: Inputs
    parameters: Parameters
    outputs: Outputs


class ReadCatalogueResult(Record):
    sources_file: Path
    file_kind: str
    sha256: str
    bytes: int
    # By meaning, as the file names them.
    columns: dict[str, str]
    sources: int
    without_flux: int
    # Sources of the file that were not taken, and why.
    left_out: int
    left_out_because: str | None
    frequency_hz: float
    # The index that took fluxes to 1.4 GHz; null: they were measured there, or all came with their own.
    assumed_spectral_index: float | None
    timings_s: dict[str, float]


def read_catalogue(request: ReadCatalogueRequest) -> ReadCatalogueResult:
    timings, path = Timings(), request.inputs.file
    with timings.phase("hash"):
        sha256 = _checked(path, request.inputs.sha256)
    progress(0.1, f"{path.name} has sha256 {sha256[:12]}…")
    with timings.phase("read"):
        counts = _Counts()
        survey = SURVEYS.get(request.inputs.format)
        if survey is None:
            table, lines = None, _calibrators(path, counts)
        else:
            table = open_table_file(path, survey)
            lines = _sources(path, survey, table, counts)
        _write(request.outputs.sources, lines)
    return ReadCatalogueResult(
        sources_file=request.outputs.sources,
        file_kind="vla list" if table is None else table.kind,
        sha256=sha256,
        bytes=path.stat().st_size,
        columns={} if table is None else table.columns.needed(),
        sources=counts.sources,
        without_flux=counts.without_flux,
        left_out=counts.left_out,
        left_out_because="no flux at L band" if counts.left_out else None,
        frequency_hz=REFERENCE_HZ if survey is None else survey.frequency_hz,
        assumed_spectral_index=USUAL_SPECTRAL_INDEX if counts.assumed else None,
        timings_s=timings.seconds,
    )


def _write(target: Path, lines: Iterator[Line]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("w", encoding="utf-8") as out:
            for line in lines:
                out.write(json.dumps(line, allow_nan=False, ensure_ascii=False) + "\n")
    except BaseException:
        target.unlink()
        raise


class _Counts:
    sources = without_flux = left_out = assumed = 0


def _checked(path: Path, wanted: str | None) -> str:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if wanted is not None and sha256 != wanted.lower():
        message = f"{path.name} has the sha256 {sha256}, not {wanted.lower()}"
        raise StepFailure("BadInput", "ChecksumMismatch", message, "fetch the file again, or correct the checksum; nothing was imported", "none")
    return sha256


def _calibrators(path: Path, counts: _Counts) -> Iterator[Line]:
    """The L-band flux of the list is taken as it stands: the list names bands, not frequencies."""
    for source in read_vla_list(path):
        if source.flux_jy is None:
            counts.left_out += 1
        else:
            counts.sources += 1
            yield source.line, source.name, source.ra_deg, source.dec_deg, source.flux_jy, source.flux_jy, None
    if counts.sources == 0:
        raise unreadable(path, f"none of its {counts.left_out} sources has a flux at L band")


def _sources(path: Path, survey: Survey, table: TableFile, counts: _Counts) -> Iterator[Line]:
    columns, log_ratio = table.columns, math.log(REFERENCE_HZ / survey.frequency_hz)
    jy_a_unit = _flux_unit_jy(path, survey, table)
    named = _named_once if survey.prefix is None else _named
    names: set[str] = set()
    for block in table.blocks:
        empty = [None] * len(block.numbers)
        cells = [block.cells.get(meaning, empty) for meaning in ("name", "ra", "dec", "flux", "spectral_index")]
        for number, name, ra, dec, flux, own_index in zip(block.numbers, *cells, strict=True):
            where = f"{table.counted_in} {number}"
            ra_deg = _degrees(path, where, columns.ra, ra, right_ascension_deg)
            dec_deg = _degrees(path, where, columns.dec, dec, declination_deg)
            index = _number(path, where, columns.spectral_index or "", own_index)
            stated = _number(path, where, columns.flux, flux)
            catalogued_jy = None if stated is None or stated <= 0 else stated * jy_a_unit
            flux_jy = None if catalogued_jy is None else catalogued_jy * math.exp((USUAL_SPECTRAL_INDEX if index is None else index) * log_ratio)
            counts.sources += 1
            counts.without_flux += flux_jy is None
            counts.assumed += flux_jy is not None and index is None and log_ratio != 0
            if columns.name is None:
                name = name_of_place(survey.prefix or "", ra_deg, dec_deg)
            yield number, named(path, where, columns.name or "", name, names), ra_deg, dec_deg, flux_jy, catalogued_jy, index
            if counts.sources % SOURCES_A_REPORT == 0:
                progress(0.5, f"{counts.sources} sources")
    if counts.sources == 0:
        raise unreadable(path, "it holds no source")


def _named(path: Path, where: str, column: str, value: Any, _: set[str]) -> str:
    name = "" if value is None else str(value).strip()
    if not name:
        raise bad_cell(path, where, column, "the source has no name")
    return name


def _named_once(path: Path, where: str, column: str, value: Any, names: set[str]) -> str:
    """Surveys give several components one name; a list that a person wrote does not."""
    name = _named(path, where, column, value, names)
    if name in names:
        raise bad_cell(path, where, column, f"{name} is there twice")
    names.add(name)
    return name


def _degrees(path: Path, where: str, column: str, value: Any, read: Callable[[Any], float]) -> float:
    if value is None:
        raise bad_cell(path, where, column, "is empty")
    try:
        return read(value)
    except (TypeError, ValueError) as problem:
        raise bad_cell(path, where, column, str(problem)) from problem


def _number(path: Path, where: str, column: str, value: Any) -> float | None:
    """None for an empty cell and for what is not finite."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as problem:
        raise bad_cell(path, where, column, f"{value!r} is not a number") from problem
    return number if math.isfinite(number) else None


def _flux_unit_jy(path: Path, survey: Survey, table: TableFile) -> float:
    """What one of the file's flux units is in Jy; the survey's own where the file states none."""
    stated = table.units.get("flux", survey.flux_unit)
    # An image's unit for the peak of a point source.
    text = stated.replace("/beam", "").replace("beam-1", "").strip()
    try:
        return float(units.Unit(text).to(units.Jy))
    except (ValueError, units.UnitConversionError) as problem:
        raise bad_cell(path, "header", table.columns.flux, f"the unit {stated!r} is not one of flux density") from problem


if __name__ == "__main__":
    run_step(ReadCatalogueRequest, read_catalogue)
