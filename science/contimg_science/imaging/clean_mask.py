"""Where WSClean may put components: an ellipse of the beam around each catalogue source that this image can show.

Cleaning that is free to take any peak takes noise for sources and leaves faint sources in the residual, with their side lobes:
both make faint sources too faint. Held to known places it may go down to the noise.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from contimg_science.imaging.image_size import ImageSize
from contimg_science.imaging.known_sources import SHOWN_SIGMA, KnownSources
from contimg_science.imaging.sky_model import expected_flux_jy, places_px
from contimg_science.imaging.visibilities import Visibilities
from contimg_science.imaging.weighting import ImagingWeights
from contimg_science.measuring.forced_fit import Beam

MASK_BEAMS = 1.3


def catalogue_mask(known: KnownSources, vis: Visibilities, weights: ImagingWeights, size: ImageSize) -> NDArray[np.bool_]:
    """(y, x), True inside the ellipses; sources whose flux nobody knows have one, too."""
    expected = expected_flux_jy(vis, weights, known)
    seen = known.take(np.flatnonzero(~(expected < SHOWN_SIGMA * weights.thermal_noise_jy)))
    all_x, all_y = places_px(vis, seen, size)
    ahead = np.isfinite(all_x)
    return ellipses(all_x[ahead], all_y[ahead], weights, size)


def on_the_edge(x: NDArray[np.float64], y: NDArray[np.float64], weights: ImagingWeights, size: ImageSize) -> NDArray[np.bool_]:
    """Whose ellipse the edge of the image may cut: a source that has no room there is cleaned into components of both signs."""
    reach = MASK_BEAMS * weights.beam_major_arcsec / size.cell_arcsec / 2 + 1
    to_edge = np.minimum.reduce([x, y, size.width_px - 1 - x, size.width_px - 1 - y])
    return np.abs(to_edge) < reach


def ellipses(all_x: NDArray[np.float64], all_y: NDArray[np.float64], weights: ImagingWeights, size: ImageSize) -> NDArray[np.bool_]:
    """One around each place that has room for it."""
    beam = Beam(
        MASK_BEAMS * weights.beam_major_arcsec / size.cell_arcsec, MASK_BEAMS * weights.beam_minor_arcsec / size.cell_arcsec, weights.beam_pa_rad
    )
    mask = np.zeros((size.width_px, size.width_px), bool)
    reach = int(np.ceil(beam.major_px / 2)) + 1
    room = ~on_the_edge(all_x, all_y, weights, size)
    for x, y in zip(all_x[room], all_y[room], strict=True):
        rows = slice(max(0, round(y) - reach), max(0, round(y) + reach + 1))
        columns = slice(max(0, round(x) - reach), max(0, round(x) + reach + 1))
        grid_y, grid_x = np.mgrid[rows, columns]
        inside = (grid_y < size.width_px) & (grid_x < size.width_px)
        # Half the maximum of a beam of full width w is the ellipse of diameter w.
        ellipse = (beam(grid_x - x, grid_y - y) >= 0.5) & inside
        mask[grid_y[ellipse], grid_x[ellipse]] = True
    return mask


def write_mask(path: Path, mask: NDArray[np.bool_]) -> None:
    """Four axes, as WSClean wants its own images back."""
    fits.PrimaryHDU(mask.astype(np.float32)[None, None]).writeto(path, overwrite=True)
