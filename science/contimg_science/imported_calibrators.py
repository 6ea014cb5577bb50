"""Calibrators of imported lists, as the pipeline knew them when it ordered the step: a CSV of those along the strip.

Columns name, ra_deg, dec_deg, flux_jy (at 1.4 GHz), spectral_index (empty: nobody knows it), catalogue (with its version). A line
without a flux is refused, never given one. Where a list holds a built-in flux calibrator, the built-in entry counts.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from contimg_science.beam import separation_from_pointing_rad
from contimg_science.calibrators import CALIBRATORS, Calibrator, find_calibrator, power_law
from contimg_science.imaging.known_sources import SAME_SOURCE_RAD
from contimg_science.protocol import Record, StepFailure

COLUMNS = ["name", "ra_deg", "dec_deg", "flux_jy", "spectral_index", "catalogue"]


class ImportedCalibrator(Record):
    name: str
    ra_deg: float
    dec_deg: float
    flux_jy: float
    spectral_index: float | None
    catalogue: str

    def calibrator(self) -> Calibrator:
        return power_law(self.name, self.ra_deg, self.dec_deg, self.flux_jy, self.spectral_index)


def read_imported(path: Path | None) -> list[ImportedCalibrator]:
    """None: the step was ordered without a file."""
    if path is None:
        return []
    with path.open(newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        if reader.fieldnames != COLUMNS:
            raise StepFailure("BadInput", "BadCalibrators", f"columns {reader.fieldnames}", f"write the columns {','.join(COLUMNS)}", "none")
        try:
            imported = [_entry(row) for row in reader]
        except (TypeError, ValueError) as error:
            message = f"line {reader.line_num} of {path.name}: {error}"
            raise StepFailure("BadInput", "BadCalibrators", message, "correct this line of the calibrators", "none") from error
    return [entry for entry in imported if not _is_built_in(entry)]


def calibrator_named(name: str, imported: list[ImportedCalibrator]) -> tuple[Calibrator, str | None]:
    """The calibrator and its catalogue, None for a built-in one; KeyError names the built-in ones."""
    for entry in imported:
        if entry.name == name:
            return entry.calibrator(), entry.catalogue
    return find_calibrator(name), None


def _entry(row: dict[str, str]) -> ImportedCalibrator:
    index = row["spectral_index"].strip()
    entry = ImportedCalibrator(
        name=row["name"],
        ra_deg=float(row["ra_deg"]),
        dec_deg=float(row["dec_deg"]),
        flux_jy=float(row["flux_jy"]),
        spectral_index=float(index) if index else None,
        catalogue=row["catalogue"],
    )
    entry.calibrator()
    return entry


def _is_built_in(entry: ImportedCalibrator) -> bool:
    ra_rad, dec_rad = np.radians([entry.ra_deg, entry.dec_deg])
    return any(
        separation_from_pointing_rad(ra_rad - np.radians(known.ra_deg), dec_rad, float(np.radians(known.dec_deg))) < SAME_SOURCE_RAD
        for known in CALIBRATORS.values()
    )
