"""Where the synthetic sources of a canary go: inside the beam, away from known sources and from everything the image shows.

Drawn from the group's id: the same group always gets the same places, and no two groups the same.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from contimg_science.beam import separation_from_pointing_rad
from contimg_science.calibration.field_sources import mean_seen_jy
from contimg_science.calibrators import power_law
from contimg_science.imaging.drift_beam import sky_place
from contimg_science.imaging.known_sources import KnownSources
from contimg_science.measurement_set import Description
from contimg_science.measuring.positions import ImageFrame, pixel_positions
from contimg_science.protocol import StepFailure

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
# Of the half width of the image: what is measured needs pixels around it.
INSIDE = 0.9
# A pixel this far above or below zero is something, whether the catalogue knows it or not.
BLANK_SIGMA = 4.0
BLANK_BEAMS = 1.0
DRAWS = 5000


def free_places(
    group_id: str,
    count: int,
    group: Description,
    known: KnownSources,
    image: tuple[Pixels, ImageFrame],
    noise_jy: float,
    beam_rad: float,
    clearance_rad: float,
    least_response: float,
) -> list[tuple[float, float, float]]:
    """(RA, Dec in degrees, mean response of the beam at mid-band) of so many places."""
    pixels, frame = image
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(group_id.encode()).digest()[:8]))
    reach = INSIDE * pixels.shape[0] / 2 * frame.cell_rad
    ra_taken, dec_taken = known.ra_rad, known.dec_rad
    found: list[tuple[float, float, float]] = []
    for _ in range(DRAWS):
        if len(found) == count:
            return found
        l, m = random.uniform(-reach, reach, 2)  # noqa: E741 (l, m are the field's names)
        ra, dec = (float(part) for part in sky_place(l, m, frame.centre_rad))
        if ra_taken.size and separation_from_pointing_rad(ra_taken - ra, dec_taken, dec).min() < clearance_rad:
            continue
        response = mean_seen_jy(power_law("", float(np.degrees(ra)), float(np.degrees(dec)), 1.0, 0.0), group)
        if response < least_response or not _is_blank(pixels, frame, ra, dec, noise_jy, beam_rad):
            continue
        found.append((float(np.degrees(ra)) % 360, float(np.degrees(dec)), response))
        ra_taken, dec_taken = np.append(ra_taken, ra), np.append(dec_taken, dec)
    raise StepFailure(
        "QualityRejected",
        "NoFreePlace",
        f"{len(found)} of {count} places are free of sources in this field",
        "lower canary.clearance_arcmin or canary.min_response; the next group has another field",
        "none",
    )


def _is_blank(pixels: Pixels, frame: ImageFrame, ra_rad: float, dec_rad: float, noise_jy: float, beam_rad: float) -> bool:
    x, y = (float(part[0]) for part in pixel_positions(frame, np.array([ra_rad]), np.array([dec_rad])))
    half = int(np.ceil(BLANK_BEAMS * beam_rad / frame.cell_rad))
    around = pixels[round(y) - half : round(y) + half + 1, round(x) - half : round(x) + half + 1]
    return around.shape == (2 * half + 1, 2 * half + 1) and bool(np.abs(around).max() < BLANK_SIGMA * noise_jy)
