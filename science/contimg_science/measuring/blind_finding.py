"""Sources that nobody knew of, on what an image shows beyond the known ones.

The residual plus the clean components away from known sources, over the local noise. Only where that exceeds the threshold
anywhere is PyBDSF run, which most images spare themselves. It finds and places; flux and error come from the fit that
measures known sources, so that a source is measured alike before and after it is known. Near a known source nothing is
found: its own fit measures there.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from contimg_science.imaging.catalogue_check import fit_near
from contimg_science.measuring.forced_fit import (
    UNRESOLVED_BEAMS,
    Beam,
    FittedFlux,
    NoiseMap,
    companions,
    convolved,
    fit_companions,
    fully_inside,
)

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
Mask = NDArray[np.bool_]
Index = NDArray[np.int64]
# Within so many beams of a known source its own fit measures; neighbours farther off are resolved from it.
KNOWN_BEAMS = 1.0
# Errors of the calibration leave artefacts of a bright source at some thousandths of it: a find near one must exceed this part.
ARTEFACT_FRACTION, ARTEFACT_BEAMS = 0.01, 12.0
# A fit at the nearest pixel has this part of one in the place at least: half a pixel off in both axes costs a tenth.
PROMISING = 0.85
# One that started at a pixel ends so near to one that starts where PyBDSF places a source.
IN_PLACE = 0.97
# Islands go down to this, so that a fit has its shoulders.
ISLAND_SIGMA = 3.0
# Where a restoring beam has fallen to 1e-4: beyond, a component adds nothing to any noise.
RESTORED_FLOOR = 1e-4


@dataclass(frozen=True)
class KnownHere:
    """Places (pixels) of what is known, and what the image has there, in Jy; 0 outside of it."""

    x: Array
    y: Array
    flux_jy: Array


@dataclass(frozen=True)
class Find:
    x: float
    y: float
    fitted: FittedFlux


@dataclass(frozen=True)
class Searched:
    """`residual` and `model` as the image step wrote them, `allowed` where the primary beam lets anything be measured."""

    residual: Pixels
    model: Pixels
    allowed: Mask
    beam: Beam
    noise: NoiseMap


def find_new(searched: Searched, known: KnownHere, threshold_sigma: float, work_dir: Path) -> list[Find]:
    """Brightest first; every find is `threshold_sigma` above the local noise in the peak and in the fit."""
    beam = searched.beam
    free = searched.allowed & ~_around(searched.residual.shape, known.x, known.y, KNOWN_BEAMS * beam.major_px)
    plane = _unknown_sky(searched, known)
    noise = searched.noise.plane()
    floor = artefact_floor(searched.residual.shape, known, beam)
    significance = np.where(free & (plane > floor), plane / noise, 0).astype(np.float32)
    high_y, high_x = np.nonzero(significance > threshold_sigma)
    if not _may_fit(plane, searched, high_y, high_x, threshold_sigma):
        return []
    # Pixels under the artefact floor were zeroed to decide whether to look; a fit needs the shoulders of what is above it.
    shown = np.where(free, plane / noise, np.nan).astype(np.float32)
    x, y = _pybdsf(shown, beam, threshold_sigma, work_dir)
    inside = fully_inside(plane.shape, x, y, beam)
    # PyBDSF lets the width of a source go free, and its place with it: up to a tenth of a beam beside a restored point.
    moves = [fit_near(plane, beam, there_x, there_y)[1:] for there_x, there_y in zip(x[inside], y[inside], strict=True)]
    x, y = np.array([x[inside], y[inside]]) + np.array(moves).reshape(-1, 2).T
    inside = fully_inside(plane.shape, x, y, beam)
    x, y = x[inside], y[inside]
    finds = [
        Find(float(x[number]), float(y[number]), fitted)
        for members in companions(x, y, 1.5 * beam.major_px)
        for number, fitted in zip(members.tolist(), fit_companions(plane, x[members], y[members], beam, searched.noise), strict=True)
    ]
    high = [find for find in finds if find.fitted.flux_jy >= max(threshold_sigma * find.fitted.error_jy, _at(floor, find))]
    kept: list[Find] = []
    for find in sorted(high, key=lambda find: (-find.fitted.flux_jy / find.fitted.error_jy, find.x, find.y)):
        # Two parts of one noisy island end in the same place.
        if all(np.hypot(find.x - other.x, find.y - other.y) > UNRESOLVED_BEAMS * beam.major_px for other in kept):
            kept.append(find)
    return kept


def _may_fit(plane: Pixels, searched: Searched, high_y: Index, high_x: Index, threshold_sigma: float) -> bool:
    """Whether a fit at any of these pixels reaches the threshold: most high pixels of noise are narrower than the beam."""
    beam = searched.beam
    for y, x in zip(high_y[:, None].astype(float), high_x[:, None].astype(float), strict=True):
        if not fully_inside(plane.shape, x, y, beam)[0]:
            continue
        at_pixel = fit_companions(plane, x, y, beam, searched.noise)[0]
        if at_pixel.flux_jy <= PROMISING * threshold_sigma * at_pixel.error_jy:
            continue
        _, move_x, move_y = fit_near(plane, beam, x[0], y[0])
        there_x, there_y = x + move_x, y + move_y
        if fully_inside(plane.shape, there_x, there_y, beam)[0]:
            in_place = fit_companions(plane, there_x, there_y, beam, searched.noise)[0]
            if in_place.flux_jy > IN_PLACE * threshold_sigma * in_place.error_jy:
                return True
    return False


def _at(plane: Pixels, find: Find) -> float:
    return float(plane[round(find.y), round(find.x)])


def _unknown_sky(searched: Searched, known: KnownHere) -> Pixels:
    """The residual, with what cleaning took off away from known sources put back as the image has it."""
    components = np.where(_around(searched.model.shape, known.x, known.y, KNOWN_BEAMS * searched.beam.major_px), 0, searched.model)
    if not components.any():
        return searched.residual
    return searched.residual + convolved(components, searched.beam.kernel(RESTORED_FLOOR))


def _around(shape: tuple[int, ...], x: Array, y: Array, radius_px: float) -> Mask:
    near = np.zeros(shape, bool)
    for rows, columns, distance in _windows(shape, x, y, radius_px):
        near[rows, columns] |= distance <= radius_px
    return near


def artefact_floor(shape: tuple[int, ...], known: KnownHere, beam: Beam) -> Pixels:
    """What errors of the calibration may leave around known sources (Jy): less than this is no source."""
    floor = np.zeros(shape, np.float32)
    radius_px = ARTEFACT_BEAMS * beam.major_px
    for flux_jy, (rows, columns, distance) in zip(known.flux_jy, _windows(shape, known.x, known.y, radius_px), strict=True):
        wanted = np.where(distance <= radius_px, ARTEFACT_FRACTION * flux_jy, 0)
        floor[rows, columns] = np.maximum(floor[rows, columns], wanted)
    return floor


def _windows(shape: tuple[int, ...], x: Array, y: Array, radius_px: float) -> list[tuple[slice, slice, Array]]:
    """For each place the pixels that may be within the radius, and how far each is; nothing for places far outside."""
    reach, found = int(np.ceil(radius_px)), []
    for here_x, here_y in zip(x, y, strict=True):
        low_x, low_y = round(here_x) - reach, round(here_y) - reach
        rows = slice(max(0, low_y), max(0, min(shape[0], low_y + 2 * reach + 1)))
        columns = slice(max(0, low_x), max(0, min(shape[1], low_x + 2 * reach + 1)))
        grid_y, grid_x = np.ogrid[rows, columns]
        found.append((rows, columns, np.hypot(grid_x - here_x, grid_y - here_y)))
    return found


def _pybdsf(significance: Pixels, beam: Beam, threshold_sigma: float, work_dir: Path) -> tuple[Array, Array]:
    """Places (pixels counted from 0) of the sources on an image in units of its noise; NaN is not looked at."""
    work_dir.mkdir(parents=True, exist_ok=True)
    path = work_dir / "beyond-known.fits"
    # Any sky will do, as only pixels come back: an arcsecond each about the equator.
    header = fits.Header()
    for axis, kind, side, step in ((1, "RA---SIN", 1, -1 / 3600), (2, "DEC--SIN", 0, 1 / 3600)):
        header.update({f"CTYPE{axis}": kind, f"CRPIX{axis}": significance.shape[side] / 2, f"CRVAL{axis}": 0.0, f"CDELT{axis}": step})
    fits.PrimaryHDU(significance, header).writeto(path, overwrite=True)
    # stdout belongs to the step's own events.
    with contextlib.redirect_stdout(sys.stderr):
        # Imported here: three seconds that images with nothing new need not pay.
        import bdsf

        image = bdsf.process_image(
            str(path),
            beam=(beam.major_px / 3600, beam.minor_px / 3600, float(np.degrees(beam.pa_rad))),
            frequency=1.4e9,
            thresh="hard",
            thresh_pix=threshold_sigma,
            thresh_isl=ISLAND_SIGMA,
            mean_map="zero",
            rms_map=False,
            rms_value=1.0,
            quiet=True,
            ncores=1,
        )
    path.unlink()
    places = [
        np.average([part.centre_pix for part in source.gaussians], axis=0, weights=[part.peak_flux for part in source.gaussians])
        for source in image.sources
    ]
    x, y = np.array(places, np.float64).reshape(-1, 2).T
    return x, y
