"""Which catalogue sources are bright enough to be taken out of the visibilities, and how they come back into the image.

Promises that products mean what they say: image and model hold every source inside them, subtracted or cleaned, the first
with the flux it has in this image, averaged over drift and band; the residual holds neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.averaging import Averaging
from contimg_science.imaging.bright_subtraction import fit_fluxes
from contimg_science.imaging.clean_mask import on_the_edge
from contimg_science.imaging.image_size import ImageSize
from contimg_science.imaging.known_sources import SHOWN_SIGMA, KnownSources
from contimg_science.imaging.sky_model import SkyModel, expected_flux_jy, places_px, sky_model
from contimg_science.imaging.visibilities import Visibilities
from contimg_science.imaging.weighting import ImagingWeights
from contimg_science.measuring.forced_fit import Beam
from contimg_science.protocol import progress

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
# More cost more than they spoil: the artefacts of a source are a ten-thousandth of its flux.
MOST_SUBTRACTED = 60
# Farther out than the first side lobes nobody knows how a real dish differs from an Airy pattern.
LEAST_RESPONSE = 1e-3
# A beam is drawn out to where it falls below this: single precision knows no less of the peak beside it.
BEAM_FLOOR = 1e-7


@dataclass(frozen=True)
class Subtracted:
    sources: KnownSources
    fitted_jy: Array  # at the reference frequency, on axis
    image_jy: Array
    x_px: Array
    y_px: Array


def choose_bright(
    known: KnownSources, vis: Visibilities, weights: ImagingWeights, limit_sigma: float, image: ImageSize | None = None
) -> KnownSources:
    """Those above the limit, and any that the image would show on its edge: it cannot be cleaned there, so it comes before brighter ones."""
    expected = expected_flux_jy(vis, weights, known)
    edge = np.zeros(len(known), bool) if image is None else on_the_edge(*places_px(vis, known, image), weights, image)
    limit = np.where(edge, min(limit_sigma, SHOWN_SIGMA), limit_sigma)
    # Without noise everything with a flux is bright; the comparison is false for NaN.
    in_beam = expected > LEAST_RESPONSE * known.spectrum_jy(np.array([weights.freq_hz]))[:, 0]
    bright = np.flatnonzero(in_beam & (expected > limit * weights.thermal_noise_jy))
    return known.take(bright[np.lexsort((-expected[bright], ~edge[bright]))][:MOST_SUBTRACTED])


def fit_bright(
    ms: Path, bright: KnownSources, vis: Visibilities, weights: ImagingWeights, size: ImageSize, averaging: Averaging, threads: int
) -> tuple[Subtracted, SkyModel]:
    """What is to be put back into the image, and what is to leave the visibilities."""
    progress(0.02, f"fluxes of {len(bright)} bright sources")
    catalogue = sky_model(vis, bright)
    fit = fit_fluxes(ms, catalogue, threads)
    fitted = catalogue.scaled(fit.amplitude, fit.slope)
    x_px, y_px = places_px(vis, bright, size)
    middle = fitted.lmn[len(fitted.lmn) // 2]
    subtracted = Subtracted(
        sources=bright,
        fitted_jy=bright.flux_jy * fit.amplitude,
        # As averaging leaves those that were not subtracted: one beam image is right for all.
        image_jy=fitted.image_flux_jy(weights) * averaging.kept(middle[:, 0], middle[:, 1]),
        x_px=x_px,
        y_px=y_px,
    )
    return subtracted, fitted


def restore(image: Pixels, model: Pixels, subtracted: Subtracted, beam: Beam) -> None:
    """Adds the sources: to the image with its beam, to the model shared among the four pixels around their places."""
    height, width = image.shape
    reach = int(np.ceil(beam.major_px / 2 * np.sqrt(np.log2(1 / BEAM_FLOOR)))) + 1
    for flux_jy, x, y in zip(subtracted.image_jy, subtracted.x_px, subtracted.y_px, strict=True):
        if not (-reach < x < width + reach and -reach < y < height + reach):
            continue
        rows, columns = (slice(max(0, round(at) - reach), round(at) + reach + 1) for at in (y, x))
        grid_y, grid_x = np.mgrid[rows.start : min(rows.stop, height), columns.start : min(columns.stop, width)].astype(np.float64)
        image[rows, columns] += (flux_jy * beam(grid_x - x, grid_y - y)).astype(np.float32)
        left, low = int(np.floor(x)), int(np.floor(y))
        for column, share_x in ((left, left + 1 - x), (left + 1, x - left)):
            for row, share_y in ((low, low + 1 - y), (low + 1, y - low)):
                if 0 <= column < width and 0 <= row < height:
                    model[row, column] += np.float32(flux_jy * share_x * share_y)
