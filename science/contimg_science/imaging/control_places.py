"""Blank places that are cleaned as if sources were there: what is measured at them is what cleaning makes of the noise.

Inside a mask clean fits the noise, too, with as many components as it takes, and restores them with a smoother beam: fluxes of known
sources scatter more than fits on the residual do. How much depends on the beam, the mask and how deep clean goes; so each
image measures it on itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.image_size import ImageSize
from contimg_science.imaging.known_sources import KnownSources
from contimg_science.imaging.sky_model import places_px
from contimg_science.imaging.visibilities import Visibilities
from contimg_science.imaging.weighting import ImagingWeights
from contimg_science.measuring.forced_fit import Beam, NoiseMap, fit_companions

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
# 100 give the scatter to 7 %. Each takes some noise out of the visibilities: 324 of them 3 % of the noise of 24 antennas.
PLACES_A_SIDE = 10
# Closer together they would be much of a small image: it goes without.
APART_BEAMS = 20.0
# Of the width of the image, about its middle.
SPREAD = 0.8
# So far from any known source nothing of its wings or of its mask is left.
BLANK_BEAMS = 4.0
# Fewer leave the scatter unknown by more than 12 %: nothing is said then.
FEWEST = 40
# A control with a source that nobody knows of is none.
OUTLIER_SIGMA = 5.0


@dataclass(frozen=True)
class ControlPlaces:
    x: Array
    y: Array


@dataclass(frozen=True)
class CleaningNoise:
    """`factor`: noise of fluxes fitted where clean worked, over that of fits on the residual; 1 with too few `controls`."""

    factor: float
    controls: int


def control_places(known: KnownSources, vis: Visibilities, weights: ImagingWeights, size: ImageSize) -> ControlPlaces | None:
    """None where fewer than are needed fit in."""
    beam_px = weights.beam_major_arcsec / size.cell_arcsec
    a_side = min(PLACES_A_SIDE, 1 + int(SPREAD * size.width_px / (APART_BEAMS * beam_px)))
    along = size.width_px * (0.5 + SPREAD * np.linspace(-0.5, 0.5, a_side))
    x, y = (grid.ravel() for grid in np.meshgrid(along, along))
    known_x, known_y = places_px(vis, known, size)
    distance = np.hypot(x[:, None] - known_x[None, :], y[:, None] - known_y[None, :])
    blank = ~(distance < BLANK_BEAMS * beam_px).any(axis=1)
    return ControlPlaces(x[blank], y[blank]) if blank.sum() >= FEWEST else None


def cleaning_noise(controls: ControlPlaces | None, image: Pixels, residual: Pixels, beam: Beam) -> CleaningNoise:
    if controls is None:
        return CleaningNoise(1.0, 0)
    noise = NoiseMap(residual, beam)
    fits = [fit_companions(image, x, y, beam, noise)[0] for x, y in zip(controls.x[:, None], controls.y[:, None], strict=True)]
    pulls = np.array([fit.flux_jy / fit.error_jy for fit in fits if fit.error_jy > 0])
    pulls = pulls[np.abs(pulls) < OUTLIER_SIGMA]
    if pulls.size < FEWEST:
        return CleaningNoise(1.0, 0)
    # Never below 1: at full size blank places scatter by 0.7 of their errors, sources of known flux by as much as theirs or more.
    return CleaningNoise(max(1.0, float(np.sqrt(np.mean(pulls**2)))), pulls.size)
