"""The catalogue sources of a group as the beam shows them, and those around a calibrator that its model must hold.

A gain solution takes about 2/N of whatever its model leaves out (N antennas) for its own: with the calibrator alone, all
other sources of the group came out 3 to 9 % low. A line without a flux is no source here: it is never given one.
"""

from __future__ import annotations

from pathlib import Path

import erfa
import numpy as np

from contimg_science.beam import airy_power
from contimg_science.calibrators import Calibrator, power_law
from contimg_science.imaging.known_sources import SAME_SOURCE_RAD, read_known_sources
from contimg_science.measurement_set import Description

# What the model of a full group may cost: the brightest through the beam are kept.
MAX_SOURCES = 40


def read_sources(path: Path) -> list[Calibrator]:
    """Sources of the positions file and the built-in calibrators; those without a flux are left out."""
    known = read_known_sources(path)
    places = np.degrees(np.stack([known.ra_rad, known.dec_rad], axis=1))
    numbers = zip(known.name, places.tolist(), known.flux_jy.tolist(), known.spectral_index.tolist(), strict=True)
    return [power_law(name, ra, dec, flux, None if np.isnan(index) else index) for name, (ra, dec), flux, index in numbers if np.isfinite(flux)]


def mean_seen_jy(source: Calibrator, group: Description) -> float:
    """Through the beam, on average over the group, at mid-band."""
    band_hz = float(group.frequencies_hz.mean())
    separation = erfa.seps(group.pointing_rad[:, 0], group.pointing_rad[:, 1], np.radians(source.ra_deg), np.radians(source.dec_deg))
    # The formula repeats on the far side of the sky, where the dish does not look.
    response = np.where(separation < np.pi / 2, airy_power(separation, band_hz), 0.0)
    return float(source.flux_jy(band_hz) * response.mean())


def brightest(sources: list[Calibrator], group: Description, fraction: float, count: int, of_jy: float | None = None) -> list[Calibrator]:
    """Up to `count` that the beam shows brighter than a fraction of `of_jy` (the brightest of them when None), brightest first."""
    seen = sorted(((mean_seen_jy(source, group), source) for source in sources), key=lambda entry: (-entry[0], entry[1].name))
    limit_jy = fraction * (of_jy if of_jy is not None else max((flux_jy for flux_jy, _ in seen), default=0.0))
    return [source for flux_jy, source in seen[:count] if flux_jy >= limit_jy]


def choose_field(sources: list[Calibrator], calibrator: Calibrator, group: Description, min_fraction: float) -> list[Calibrator]:
    """All but the calibrator that must be in its model."""

    def is_calibrator(source: Calibrator) -> bool:
        place = np.radians([source.ra_deg, source.dec_deg, calibrator.ra_deg, calibrator.dec_deg])
        return float(erfa.seps(*place)) < SAME_SOURCE_RAD

    others = [source for source in sources if not is_calibrator(source)]
    return brightest(others, group, min_fraction, MAX_SOURCES, of_jy=mean_seen_jy(calibrator, group))
