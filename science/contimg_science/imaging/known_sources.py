"""The catalogue of an image: sources in and around the field, as the pipeline knew them when the image was ordered.

A CSV, so that a person can write one. A flux or spectral index that nobody knows is empty and becomes NaN, never a default:
a source without a flux is not subtracted and checks no flux scale.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.beam import separation_from_pointing_rad
from contimg_science.calibrators import CALIBRATORS, REFERENCE_GHZ, USUAL_SPECTRAL_INDEX
from contimg_science.protocol import StepFailure

Array = NDArray[np.float64]
Row = tuple[str, float, float, float, float]
COLUMNS = ["source_id", "name", "ra_deg", "dec_deg", "flux_jy", "spectral_index"]
REFERENCE_HZ = REFERENCE_GHZ * 1e9
# Nearer than this two entries are one source.
SAME_SOURCE_RAD = np.radians(30 / 3600)
# Expected above this, an image shows a source. Fainter ones are not worth a component (thousands of ellipses would free the noise
# again), are no neighbours of others, and hide nothing that is new.
SHOWN_SIGMA = 3.0


@dataclass(frozen=True)
class KnownSources:
    name: list[str]
    ra_rad: Array
    dec_rad: Array
    flux_jy: Array
    spectral_index: Array

    def __len__(self) -> int:
        return self.ra_rad.size

    def take(self, index: NDArray[np.int64]) -> KnownSources:
        return KnownSources(
            [self.name[number] for number in index.tolist()],
            self.ra_rad[index],
            self.dec_rad[index],
            self.flux_jy[index],
            self.spectral_index[index],
        )

    def spectrum_jy(self, freq_hz: Array) -> Array:
        """(sources, channels), a power law; the usual one where the catalogue has none, from where a fit may start."""
        index = np.where(np.isnan(self.spectral_index), USUAL_SPECTRAL_INDEX, self.spectral_index)
        return self.flux_jy[:, None] * (freq_hz[None, :] / REFERENCE_HZ) ** index[:, None]


def read_known_sources(path: Path) -> KnownSources:
    with path.open(newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        if reader.fieldnames != COLUMNS:
            raise StepFailure("BadInput", "BadSources", f"columns {reader.fieldnames}", f"write the columns {','.join(COLUMNS)}", "none")
        try:
            rows = [
                (
                    row["name"],
                    float(row["ra_deg"]),
                    float(row["dec_deg"]),
                    _known(row["flux_jy"]),
                    _known(row["spectral_index"]),
                )
                for row in reader
            ]
        except (TypeError, ValueError) as error:
            raise StepFailure(
                "BadInput", "BadSources", f"line {reader.line_num} of {path.name}: {error}", "correct this line of the sources", "none"
            ) from error
    return _with_calibrators(rows)


def _with_calibrators(rows: list[Row]) -> KnownSources:
    """The built-in calibrators too, where the catalogue leaves them out: none is as bright as they are."""
    places = np.radians(np.array([row[1:3] for row in rows]).reshape(-1, 2))
    for calibrator in CALIBRATORS.values():
        ra_rad, dec_rad = np.radians(calibrator.ra_deg), float(np.radians(calibrator.dec_deg))
        if not (separation_from_pointing_rad(places[:, 0] - ra_rad, places[:, 1], dec_rad) < SAME_SOURCE_RAD).any():
            flux_jy, above_jy = calibrator.flux_jy(np.array([REFERENCE_HZ, REFERENCE_HZ * 1.01]))
            index = float(np.log(above_jy / flux_jy) / np.log(1.01))
            rows = [*rows, (calibrator.name, calibrator.ra_deg, calibrator.dec_deg, float(flux_jy), index)]
    numbers = np.array([row[1:] for row in rows], np.float64)
    return KnownSources([row[0] for row in rows], np.radians(numbers[:, 0]), np.radians(numbers[:, 1]), numbers[:, 2], numbers[:, 3])


def _known(text: str) -> float:
    return float(text) if text.strip() else float("nan")
