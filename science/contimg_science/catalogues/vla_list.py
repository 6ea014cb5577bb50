"""The VLA calibrator list in the text form NRAO publishes: a J2000 and a B1950 line, then a line a band.

The flux of a band stands between its four quality letters and UVMIN: either limit may be there alone, so it is found by its columns.
Tags of the web page are dropped. A source without a flux at L band is left out and counted: none is made up from other bands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from contimg_science.catalogues.bad_catalogue import bad_cell, missing_column
from contimg_science.catalogues.coordinates import declination_deg, right_ascension_deg

_TAG = re.compile(r"<[^>]*>")
_POSITION = re.compile(r"\s*(\d{4}[+-]\d{3})\s+J2000\s+([A-Z?])\s+(\S+)\s+(\S+)(?:\s.*)?")
_BAND = re.compile(r"\s*[\d.]+\s*cm\s+([A-Z])\s+\S\s+\S\s+\S\s+\S(.*)")
_ANY_BAND = re.compile(r"\s*[\d.]+\s*cm\s")
_HEADER = "UVMIN"
# Where the page does not repeat the heading: the flux ends before this column.
_UVMIN_COLUMN = 35


@dataclass
class ListedCalibrator:
    line: int
    name: str
    ra_deg: float
    dec_deg: float
    # None: no flux at L band.
    flux_jy: float | None = None


def read_vla_list(path: Path) -> Iterator[ListedCalibrator]:
    source: ListedCalibrator | None = None
    uvmin_column, seen = _UVMIN_COLUMN, set[str]()
    with path.open(encoding="utf-8", errors="replace") as lines:
        for number, tagged in enumerate(lines, start=1):
            line = _TAG.sub("", tagged).rstrip().replace("&quot;", '"')
            if "J2000" in line:
                if source is not None:
                    yield source
                source = _position(path, number, line)
                if source.name in seen:
                    raise bad_cell(path, f"line {number}", "IAU NAME", f"{source.name} is there twice")
                seen.add(source.name)
            elif _HEADER in line:
                uvmin_column = line.index(_HEADER)
            elif _ANY_BAND.match(line):
                band, flux_jy = _band(path, number, line, uvmin_column)
                if source is None:
                    raise bad_cell(path, f"line {number}", "BAND", "a band comes before the first J2000 line")
                if band == "L":
                    source.flux_jy = flux_jy
    if source is None:
        raise missing_column(path, "place of a calibrator", ("a line with a name, J2000, right ascension and declination",), [])
    yield source


def _position(path: Path, number: int, line: str) -> ListedCalibrator:
    where = f"line {number}"
    parts = _POSITION.fullmatch(line)
    if parts is None:
        raise bad_cell(path, where, "IAU NAME", f"{line.strip()!r} is not NAME J2000 CODE RA DEC")
    name, _, ra, dec = parts.groups()
    try:
        ra_deg = right_ascension_deg(ra)
    except ValueError as problem:
        raise bad_cell(path, where, "RA(hh,mm,ss)", str(problem)) from problem
    try:
        dec_deg = declination_deg(dec)
    except ValueError as problem:
        raise bad_cell(path, where, "DEC(ddd,mm,ss)", str(problem)) from problem
    return ListedCalibrator(number, f"J{name}", ra_deg, dec_deg)


def _band(path: Path, number: int, line: str, uvmin_column: int) -> tuple[str, float | None]:
    parts = _BAND.fullmatch(line)
    if parts is None:
        raise bad_cell(path, f"line {number}", "BAND", f"{line.strip()!r} is not WAVELENGTH BAND and four quality letters")
    text = line[parts.start(2) : uvmin_column].strip()
    if not text:
        return parts[1], None
    try:
        flux_jy = float(text)
    except ValueError as problem:
        raise bad_cell(path, f"line {number}", "FLUX(Jy)", f"{text!r} is not a number") from problem
    return parts[1], flux_jy if 0 < flux_jy < float("inf") else None
