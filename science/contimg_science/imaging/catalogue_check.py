"""An image against the catalogue: are fluxes and places those that everybody knows, and is what should be seen there?

Compares bright, isolated sources inside the corrected image; medians, so that a few variable ones do not count. Says nothing
with fewer than five: the caller then has no check, rather than one that passes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.known_sources import KnownSources
from contimg_science.measuring.forced_fit import KERNEL_FLOOR, MAD_TO_SIGMA, Beam, fully_inside
from contimg_science.protocol import Record

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
FEWEST_MATCHES = 5
# Expected above this, a source is compared; above 5 it is seen. Noise alone hides none of the first: 3σ lie between.
COMPARED_SIGMA, SEEN_SIGMA = 8.0, 5.0
# Neighbours farther off than this share no pixels of the fit.
ISOLATED_BEAMS = 3.0
# Newton steps towards the peak; from a third of a beam away four leave a thousandth of a pixel.
STEPS = 6


class CatalogueComparison(Record):
    """Flux ratio is image over catalogue, offsets image minus catalogue: medians, and the rms of the offsets' lengths."""

    compared: int
    seen_fraction: float
    flux_ratio: float
    # Of the median, from the scatter of the sources: their own variability is in it.
    flux_ratio_error: float
    # None: too few of them are seen to say where they stand. Never a number that nobody measured.
    offset_east_arcsec: float | None
    offset_north_arcsec: float | None
    astrometry_rms_arcsec: float | None


@dataclass(frozen=True)
class Plane:
    """An image in Jy a beam, the primary beam on its grid, and what is needed to place sources on it."""

    image: Pixels
    response: Pixels
    beam: Beam
    noise_jy: float
    cell_arcsec: float


def compare(plane: Plane, known: KnownSources, x: Array, y: Array, freq_hz: float, pb_cut: float) -> CatalogueComparison | None:
    """`x`, `y`: places of the known sources in pixels, NaN behind the observer."""
    chosen = _comparable(plane, known, x, y, freq_hz, pb_cut)
    if len(chosen) < FEWEST_MATCHES:
        return None
    fitted = np.array([fit_near(plane.image, plane.beam, x[index], y[index]) for index, _ in chosen])
    expected = np.array([flux for _, flux in chosen])
    seen = fitted[:, 0] > SEEN_SIGMA * plane.noise_jy
    if seen.sum() < FEWEST_MATCHES:
        # There should be sources, and they are not: neither ratio nor place means anything but that.
        return CatalogueComparison(
            compared=len(chosen),
            seen_fraction=float(seen.mean()),
            flux_ratio=float(np.median(fitted[:, 0] / expected)),
            flux_ratio_error=_error_of_median(fitted[:, 0] / expected),
            offset_east_arcsec=None,
            offset_north_arcsec=None,
            astrometry_rms_arcsec=None,
        )
    east, north = -fitted[seen, 1] * plane.cell_arcsec, fitted[seen, 2] * plane.cell_arcsec
    return CatalogueComparison(
        compared=len(chosen),
        seen_fraction=float(seen.mean()),
        flux_ratio=float(np.median(fitted[seen, 0] / expected[seen])),
        flux_ratio_error=_error_of_median(fitted[seen, 0] / expected[seen]),
        offset_east_arcsec=float(np.median(east)),
        offset_north_arcsec=float(np.median(north)),
        astrometry_rms_arcsec=float(np.sqrt(np.mean(east**2 + north**2))),
    )


def _error_of_median(values: Array) -> float:
    """Of Gaussian scatter, measured robustly: √(π/2) of the error of a mean."""
    scatter = MAD_TO_SIGMA * np.median(np.abs(values - np.median(values)))
    return float(np.sqrt(np.pi / 2 / values.size) * scatter)


def _comparable(plane: Plane, known: KnownSources, x: Array, y: Array, freq_hz: float, pb_cut: float) -> list[tuple[int, float]]:
    """(index, expected Jy in the image) of the sources that say something."""
    inside = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & np.isfinite(known.flux_jy))
    inside = inside[fully_inside(plane.image.shape, x[inside], y[inside], plane.beam)]
    response = plane.response[np.round(y[inside]).astype(int), np.round(x[inside]).astype(int)]
    expected = known.spectrum_jy(np.array([freq_hz]))[inside, 0] * response
    bright = (response >= pb_cut) & (expected > COMPARED_SIGMA * plane.noise_jy)
    chosen = []
    for index, flux_jy in zip(inside[bright].tolist(), expected[bright].tolist(), strict=True):
        distance = np.hypot(x - x[index], y - y[index])
        distance[index] = np.inf
        if np.nanmin(distance, initial=np.inf) > ISOLATED_BEAMS * plane.beam.major_px:
            chosen.append((index, flux_jy))
    return chosen


def fit_near(image: Pixels, beam: Beam, x: float, y: float) -> tuple[float, float, float]:
    """Flux (Jy) of the beam that fits best near a place, and how far off (pixels, x and y) it stands."""
    reach = beam.reach_px
    rows, columns = slice(round(y) - reach, round(y) + reach + 1), slice(round(x) - reach, round(x) + reach + 1)
    grid_y, grid_x = np.mgrid[rows, columns].astype(np.float64)
    data = image[rows, columns].astype(np.float64)
    flux, moved_x, moved_y = 0.0, 0.0, 0.0
    for _ in range(STEPS):
        dx, dy = grid_x - x - moved_x, grid_y - y - moved_y
        kernel = beam(dx, dy)
        used = kernel > KERNEL_FLOOR
        slope_x, slope_y = (beam(dx - 0.5, dy) - beam(dx + 0.5, dy))[used], (beam(dx, dy - 0.5) - beam(dx, dy + 0.5))[used]
        flux, by_x, by_y = (float(part) for part in np.linalg.lstsq(np.stack([kernel[used], slope_x, slope_y], axis=1), data[used])[0])
        # Half a beam at most: beyond it the slope says nothing, and a source that is not there would wander off.
        limit = beam.minor_px / 2
        if flux <= 0:
            break
        moved_x = float(np.clip(moved_x + np.clip(by_x / flux, -1, 1), -limit, limit))
        moved_y = float(np.clip(moved_y + np.clip(by_y / flux, -1, 1), -limit, limit))
    return flux, moved_x, moved_y
