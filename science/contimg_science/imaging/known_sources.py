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

from contimg_science.protocol import StepFailure

Array = NDArray[np.float64]
COLUMNS = ["source_id", "name", "ra_deg", "dec_deg", "flux_jy", "spectral_index"]
# Frequency that catalogue fluxes are of.
REFERENCE_HZ = 1.4e9
# Of extragalactic sources at 1.4 GHz; where a fit follows, only where it starts.
TYPICAL_SPECTRAL_INDEX = -0.7


@dataclass(frozen=True)
class KnownSources:
    source_id: NDArray[np.int64]
    name: list[str]
    ra_rad: Array
    dec_rad: Array
    flux_jy: Array
    spectral_index: Array

    def __len__(self) -> int:
        return self.source_id.size

    def take(self, index: NDArray[np.int64]) -> KnownSources:
        return KnownSources(
            self.source_id[index],
            [self.name[number] for number in index.tolist()],
            self.ra_rad[index],
            self.dec_rad[index],
            self.flux_jy[index],
            self.spectral_index[index],
        )

    def spectrum_jy(self, freq_hz: Array) -> Array:
        """(sources, channels), a power law; a typical one where the catalogue has none."""
        index = np.where(np.isnan(self.spectral_index), TYPICAL_SPECTRAL_INDEX, self.spectral_index)
        return self.flux_jy[:, None] * (freq_hz[None, :] / REFERENCE_HZ) ** index[:, None]


def read_known_sources(path: Path) -> KnownSources:
    with path.open(newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        if reader.fieldnames != COLUMNS:
            raise StepFailure("BadInput", "BadSources", f"columns {reader.fieldnames}", f"write the columns {','.join(COLUMNS)}", "none")
        try:
            rows = [
                (
                    int(row["source_id"]),
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
    numbers = np.array([row[2:] for row in rows], np.float64).reshape(-1, 4)
    return KnownSources(
        source_id=np.array([row[0] for row in rows], np.int64),
        name=[row[1] for row in rows],
        ra_rad=np.radians(numbers[:, 0]),
        dec_rad=np.radians(numbers[:, 1]),
        flux_jy=numbers[:, 2],
        spectral_index=numbers[:, 3],
    )


def _known(text: str) -> float:
    return float(text) if text.strip() else float("nan")
