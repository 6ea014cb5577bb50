"""The rows of a FITS table, a VOTable or a CSV file in blocks, with the columns a survey needs and the units the file states.

Of a FITS or CSV file one block is in memory at a time; of a VOTable the needed columns. What a cell means is not decided here.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.io.votable import parse
from astropy.utils.xml.iterparser import get_xml_iterator

from contimg_science.catalogues.bad_catalogue import bad_cell, missing_column, unreadable
from contimg_science.catalogues.surveys import Survey

ROWS_A_BLOCK = 20_000
FITS_MAGIC, GZIP_MAGIC = b"SIMPLE  =", b"\x1f\x8b"


@dataclass(frozen=True)
class Columns:
    """Names as the file writes them; None where neither file nor survey has one."""

    name: str | None
    ra: str
    dec: str
    flux: str
    spectral_index: str | None

    def needed(self) -> dict[str, str]:
        return {meaning: column for meaning, column in vars(self).items() if column is not None}


@dataclass(frozen=True)
class Block:
    numbers: list[int]  # of its rows, counted from 1, or of their lines in a text file
    cells: dict[str, list[Any]]  # by meaning; a masked or empty cell is None


@dataclass
class TableFile:
    kind: str
    columns: Columns
    units: dict[str, str]  # by meaning, where the file states one
    blocks: Iterator[Block] = field(repr=False)
    # What a place in the file is called: row or line.
    counted_in: str = "row"


def open_table_file(path: Path, survey: Survey) -> TableFile:
    with path.open("rb") as file:
        start = file.read(1024)
    if start.startswith((FITS_MAGIC, GZIP_MAGIC)):
        return _open_fits(path, survey)
    if b"<VOTABLE" in start or start.lstrip().startswith(b"<?xml"):
        return _open_votable(path, survey)
    return _open_csv(path, survey)


def _choose(path: Path, survey: Survey, there: list[str]) -> Columns:
    by_lower = {name.lower(): name for name in reversed(there)}

    def first(names: tuple[str, ...]) -> str | None:
        return next((by_lower[name.lower()] for name in names if name.lower() in by_lower), None)

    def required(meaning: str, names: tuple[str, ...]) -> str:
        column = first(names)
        if column is None:
            raise missing_column(path, meaning, names, there)
        return column

    return Columns(
        name=first(survey.name) if survey.prefix is not None else required("name", survey.name),
        ra=required("right ascension", survey.ra),
        dec=required("declination", survey.dec),
        flux=required("flux", survey.flux),
        spectral_index=first(survey.spectral_index),
    )


def _open_fits(path: Path, survey: Survey) -> TableFile:
    try:
        opened = fits.open(path, memmap=True)
    except OSError as error:
        raise unreadable(path, str(error)) from error
    table = next((hdu for hdu in opened if isinstance(hdu, (fits.BinTableHDU, fits.TableHDU))), None)
    if table is None:
        raise unreadable(path, "there is no table in this FITS file")
    columns = _choose(path, survey, list(table.columns.names))
    units = {meaning: table.columns[column].unit for meaning, column in columns.needed().items() if table.columns[column].unit}

    def blocks() -> Iterator[Block]:
        with opened:
            for start in range(0, len(table.data), ROWS_A_BLOCK):
                rows = table.data[start : start + ROWS_A_BLOCK]
                yield Block(_numbers(start, rows), {meaning: _values(rows[column]) for meaning, column in columns.needed().items()})

    return TableFile("fits", columns, units, blocks())


def _open_votable(path: Path, survey: Survey) -> TableFile:
    fields = _votable_fields(path)
    columns = _choose(path, survey, [name for name, _ in fields])
    numbers = {meaning: next(i for i, (name, _) in enumerate(fields) if name == column) for meaning, column in columns.needed().items()}
    units = {meaning: fields[number][1] for meaning, number in numbers.items() if fields[number][1]}
    try:
        table = parse(str(path), columns=sorted(numbers.values())).get_first_table()
    except (IndexError, ValueError, OSError) as error:
        raise unreadable(path, f"not a VOTable that can be read: {error}") from error
    ids = [one.ID for one in table.fields]

    def blocks() -> Iterator[Block]:
        for start in range(0, len(table.array), ROWS_A_BLOCK):
            rows = table.array[start : start + ROWS_A_BLOCK]
            yield Block(_numbers(start, rows), {meaning: _values(rows[ids[number]]) for meaning, number in numbers.items()})

    return TableFile("votable", columns, units, blocks())


def _votable_fields(path: Path) -> list[tuple[str, str]]:
    """Name and unit of each column of the first table, without reading its rows."""
    fields: list[tuple[str, str]] = []
    try:
        with get_xml_iterator(str(path)) as elements:
            for start, tag, attributes, _ in elements:
                if start and tag == "FIELD":
                    fields.append((attributes.get("name") or attributes.get("ID", ""), attributes.get("unit", "")))
                if start and tag == "DATA":
                    break
    except (OSError, ValueError) as error:
        raise unreadable(path, f"not XML: {error}") from error
    return fields


def _open_csv(path: Path, survey: Survey) -> TableFile:
    lines = _csv_lines(path)
    _, header = next(lines, (0, []))
    there = [name.strip() for name in header]
    columns = _choose(path, survey, there)
    places = {meaning: there.index(column) for meaning, column in columns.needed().items()}

    def blocks() -> Iterator[Block]:
        while rows := list(islice(lines, ROWS_A_BLOCK)):
            for number, cells in rows:
                if len(cells) != len(there):
                    last = there[min(len(cells), len(there) - 1)]
                    raise bad_cell(path, f"line {number}", last, f"the line has {len(cells)} cells, the header {len(there)}")
            yield Block(
                [number for number, _ in rows],
                {meaning: [cells[place].strip() or None for _, cells in rows] for meaning, place in places.items()},
            )

    return TableFile("csv", columns, {}, blocks(), "line")


def _csv_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines that hold something, with their numbers; a line that begins with # is a remark."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as opened:
        reader = csv.reader(opened)
        for cells in reader:
            if any(cell.strip() for cell in cells) and not cells[0].startswith("#"):
                yield reader.line_num, cells


def _numbers(start: int, rows: Any) -> list[int]:
    return list(range(start + 1, start + 1 + len(rows)))


def _values(column: Any) -> list[Any]:
    """Python values, None for what is masked."""
    if np.ma.isMaskedArray(column):
        masked = np.ma.getmaskarray(column)
        return [None if hidden else value for hidden, value in zip(masked.tolist(), np.ma.getdata(column).tolist(), strict=True)]
    return np.asarray(column).tolist()
