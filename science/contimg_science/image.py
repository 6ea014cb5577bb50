"""Step `image`: a calibrated Measurement Set in Jy becomes an image, its primary-beam corrected copy and a picture.

Bright catalogue sources are taken out of a private copy of the visibilities, WSClean makes and cleans the planes, and the
sources come back; primary beam, headers, quality verdict and pictures are made here. An image that fails its checks is still
written, with verdict `fail`: the caller decides that nobody measures it. The Measurement Set is never changed. On one thread
the same input gives the same bytes; on several, pixels differ by a millionth of the peak.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.averaged_sets import write_averaged_sets
from contimg_science.imaging.averaging import averaging_plan
from contimg_science.imaging.bright_sources import choose_bright, fit_bright
from contimg_science.imaging.bright_subtraction import subtract
from contimg_science.imaging.clean_mask import catalogue_mask, ellipses
from contimg_science.imaging.cleaning import Cleaning, clean
from contimg_science.imaging.contract import ImageRequest, ImageResult
from contimg_science.imaging.control_places import ControlPlaces, control_places
from contimg_science.imaging.image_size import ImageSize, beam_for_cell_arcsec, image_size
from contimg_science.imaging.known_sources import KnownSources, read_known_sources
from contimg_science.imaging.private_copy import private_copy
from contimg_science.imaging.products import Cleaned, finish
from contimg_science.imaging.sky_model import SkyModel
from contimg_science.imaging.visibilities import Visibilities, read_visibilities
from contimg_science.imaging.weighting import ImagingWeights, imaging_weights
from contimg_science.imaging.wsclean_run import wsclean_version
from contimg_science.measurement_set import describe, require_set
from contimg_science.protocol import Timings, progress, run_step


def image(request: ImageRequest) -> ImageResult:
    timings = Timings()
    inputs, parameters = request.inputs, request.parameters
    require_set(inputs.ms, "run the calibrate step of this group")
    wsclean_version()
    known = None if inputs.sources is None else read_known_sources(inputs.sources)
    with timings.phase("weights"):
        progress(0.01, "weights and beam")
        vis = read_visibilities(inputs.ms)
        weights = imaging_weights(vis, parameters.robust, parameters.extent_deg, beam_for_cell_arcsec(parameters.tier, parameters.cell_arcsec))
    size = image_size(parameters.tier, parameters.extent_deg, parameters.cell_arcsec, weights.beam_minor_arcsec)
    request.work_dir.mkdir(parents=True, exist_ok=True)
    group = describe(inputs.ms)
    averaging = averaging_plan(inputs.ms, group, vis, weights.weight)
    with timings.phase("fit_bright"):
        subtracted, bright = None, None
        if known is not None and parameters.subtract_bright:
            chosen = choose_bright(known, vis, weights, parameters.bright_sigma, size)
            if len(chosen) > 0:
                subtracted, bright = fit_bright(inputs.ms, chosen, vis, weights, size, averaging, request.threads)
    with timings.phase("average"):
        progress(0.05, "visibilities without bright sources")
        if averaging.shares:
            sets = write_averaged_sets(inputs.ms, request.work_dir, group, vis, averaging.shares, bright, request.threads)
        else:
            sets = [inputs.ms if bright is None else _without_bright(request, bright)]
    mask, controls = _mask(request, known, vis, weights, size)
    prefix = request.work_dir / "wsclean"
    with timings.phase("wsclean"):
        use = clean(Cleaning(request, sets, prefix, size, weights, mask, subtracted))
    for own in sets:
        if own != inputs.ms:
            shutil.rmtree(own)
    return finish(request, Cleaned(vis, weights, size, prefix, known, subtracted, controls, use, averaging), timings)


def _mask(
    request: ImageRequest, known: KnownSources | None, vis: Visibilities, weights: ImagingWeights, size: ImageSize
) -> tuple[NDArray[np.bool_] | None, ControlPlaces | None]:
    if known is None or not request.parameters.catalogue_mask:
        return None, None
    mask = catalogue_mask(known, vis, weights, size)
    if not mask.any():
        # With no source to hold clean to, controls alone would hold it to nothing.
        return None, None
    controls = control_places(known, vis, weights, size)
    return mask if controls is None else mask | ellipses(controls.x, controls.y, weights, size), controls


def _without_bright(request: ImageRequest, bright: SkyModel) -> Path:
    copy = request.work_dir / "without-bright.ms"
    private_copy(request.inputs.ms, copy)
    subtract(copy, bright, request.threads)
    return copy


if __name__ == "__main__":
    run_step(ImageRequest, image)
