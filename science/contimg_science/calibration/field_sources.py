"""The catalogue sources around a calibrator that its model must hold, read from the positions file of the request.

A gain solution takes about 2/N of whatever its model leaves out (N antennas) for its own: with the calibrator alone, all
other sources of the group came out 3 to 9 % low. A line without a flux is no source here: it is never given one.
"""

from __future__ import annotations

import csv
from pathlib import Path

import erfa
import numpy as np

from contimg_science.beam import airy_power
from contimg_science.calibrators import Calibrator, power_law
from contimg_science.measurement_set import Description
from contimg_science.protocol import StepFailure

# Of the calibrator's own place: the catalogue lists it too, and it is in the model already.
SAME_SOURCE_RAD = np.radians(30 / 3600)
# What the model of a full group may cost: the brightest through the beam are kept.
MAX_SOURCES = 40


def read_sources(path: Path) -> list[Calibrator]:
    """Sources of a CSV with name, ra_deg, dec_deg, flux_jy (at 1.4 GHz) and spectral_index; those without a flux are left out."""
    sources = []
    with path.open(newline="") as file:
        for line in csv.DictReader(file):
            try:
                if line["flux_jy"] == "":
                    continue
                index = float(line["spectral_index"]) if line["spectral_index"] != "" else None
                sources.append(power_law(line["name"], float(line["ra_deg"]), float(line["dec_deg"]), float(line["flux_jy"]), index))
            except (KeyError, ValueError) as error:
                raise StepFailure("BadInput", "BadPositions", f"{path}: {line}: {error}", "import the catalogue again", "none") from error
    return sources


def choose_field(sources: list[Calibrator], calibrator: Calibrator, group: Description, min_fraction: float) -> list[Calibrator]:
    """Those that the beam shows, on average over the group at mid-band, brighter than a fraction of the calibrator; brightest first."""
    band_hz = float(group.frequencies_hz.mean())

    def seen_jy(source: Calibrator) -> float:
        separation = erfa.seps(group.pointing_rad[:, 0], group.pointing_rad[:, 1], np.radians(source.ra_deg), np.radians(source.dec_deg))
        return float(source.flux_jy(band_hz) * airy_power(separation, band_hz).mean())

    def is_calibrator(source: Calibrator) -> bool:
        place = np.radians([source.ra_deg, source.dec_deg, calibrator.ra_deg, calibrator.dec_deg])
        return float(erfa.seps(*place)) < SAME_SOURCE_RAD

    limit_jy = min_fraction * seen_jy(calibrator)
    seen = [(seen_jy(source), source) for source in sources if not is_calibrator(source)]
    chosen = sorted((entry for entry in seen if entry[0] >= limit_jy), key=lambda entry: (-entry[0], entry[1].name))
    return [source for _, source in chosen[:MAX_SOURCES]]
