"""Runs WSClean until its image can be trusted, at most once more for each thing that can go wrong.

Diagnosed, never guessed: clean that diverged runs again with gentler gains, one that ran out of memory with half of it and one
thread, one that was held to the catalogue and met a bright source outside it without that mask. What was done is told.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.bright_sources import Subtracted
from contimg_science.imaging.clean_mask import write_mask
from contimg_science.imaging.contract import ImageRequest, Retry, WSCleanUse
from contimg_science.imaging.fits_headers import read_plane
from contimg_science.imaging.image_quality import robust_sigma
from contimg_science.imaging.image_size import ImageSize
from contimg_science.imaging.weighting import ImagingWeights
from contimg_science.imaging.wsclean_run import CleanPlan, run_wsclean, wsclean_command, wsclean_version
from contimg_science.measuring.blind_finding import KnownHere, artefact_floor
from contimg_science.measuring.forced_fit import Beam
from contimg_science.protocol import StepFailure

# A source that is not in the catalogue is worth a second run above this: its own side lobes then reach the noise.
OUTSIDE_MASK_SIGMA = 10.0
# The largest residual falls from one major cycle to the next; noise alone moves it by some per cent.
PEAK_GROWTH = 1.5
# No component is larger than what was there before any was taken off.
MODEL_OVER_DIRTY = 3.0
GENTLE_GAIN, GENTLE_MGAIN = 0.05, 0.6
# Where the bright sources were subtracted, those that are left are cleaned to the noise before the visibilities are looked at
# again: what the one point spread function gets wrong of a source (some per cent of it) and coarser gridding (a thousandth, where
# WSClean's own is a tenth of that) stay in the noise. A peak above this shows that something bright is left after all.
FAINT_SIGMA = 150.0
ACCURACY, FAINT_ACCURACY, FAINT_MGAIN = 1e-4, 1e-3, 0.999
# Of the memory a process may have: WSClean's own limit covers its visibilities and grids, not all that it uses.
MEMORY_SHARE = 0.6


@dataclass(frozen=True)
class Cleaning:
    """What is made of which visibilities: `sets` are only read, planes are left at `<prefix>-<plane>.fits`."""

    request: ImageRequest
    sets: list[Path]
    prefix: Path
    size: ImageSize
    weights: ImagingWeights
    mask: NDArray[np.bool_] | None
    subtracted: Subtracted | None

    def plane(self, name: str) -> NDArray[np.float32]:
        return read_plane(self.prefix.with_name(f"{self.prefix.name}-{name}.fits"))[0]


def clean(cleaning: Cleaning) -> WSCleanUse:
    request, version = cleaning.request, wsclean_version()
    plan, retries = _first_plan(cleaning), list[Retry]()
    while True:
        command = wsclean_command(cleaning.sets, cleaning.prefix, request.work_dir, cleaning.size, plan)
        try:
            peaks_jy = run_wsclean(command, cleaning.prefix, 0.1, 0.85)
        except StepFailure as failure:
            if failure.type != "ToolKilled" or any(retry.reason == "memory" for retry in retries):
                raise
            plan = replace(plan, threads=1, memory_gb=plan.memory_gb / 2)
            remedy = f"one thread, {plan.memory_gb:.2g} GB"
            retries.append(Retry(reason="memory", detail=failure.message.splitlines()[0], remedy=remedy))
            continue
        diverged = _divergence(cleaning, peaks_jy)
        if diverged is not None and plan.gain is None:
            plan = replace(plan, gain=GENTLE_GAIN, mgain=min(plan.mgain, GENTLE_MGAIN))
            retries.append(Retry(reason="diverged", detail=diverged, remedy=f"gain {plan.gain}, mgain {plan.mgain}"))
            continue
        if plan.gridding_accuracy == FAINT_ACCURACY and peaks_jy and peaks_jy[0] > FAINT_SIGMA * cleaning.weights.thermal_noise_jy:
            plan = replace(plan, mgain=request.parameters.mgain, gridding_accuracy=ACCURACY)
            detail = f"{peaks_jy[0] * 1e3:.3g} mJy were left, above {FAINT_SIGMA:g} times the thermal noise"
            retries.append(Retry(reason="bright_source_left", detail=detail, remedy=f"mgain {plan.mgain:g}, finer gridding"))
            continue
        outside = _source_outside_mask(cleaning) if plan.mask is not None else None
        if outside is not None:
            plan = replace(plan, mask=None, mgain=request.parameters.mgain, gridding_accuracy=ACCURACY)
            retries.append(Retry(reason="source_outside_mask", detail=outside, remedy="cleaned what was found, not the catalogue"))
            continue
        return WSCleanUse(
            version=version,
            command=command,
            major_cycles=len(peaks_jy),
            mask="found" if plan.mask is None else "catalogue",
            diverged=diverged is not None,
            retries=retries,
        )


def _first_plan(cleaning: Cleaning) -> CleanPlan:
    request, parameters = cleaning.request, cleaning.request.parameters
    mask, only_faint = None, cleaning.mask is not None and cleaning.subtracted is not None
    if cleaning.mask is not None and cleaning.mask.any():
        mask = cleaning.prefix.with_name("clean-mask.fits")
        write_mask(mask, cleaning.mask)
    memory_gb = request.inputs.memory_gb or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return CleanPlan(
        tier=parameters.tier,
        robust=parameters.robust,
        niter=parameters.niter,
        auto_threshold_sigma=parameters.auto_threshold_sigma,
        auto_mask_sigma=parameters.auto_mask_sigma,
        gain=None,
        mgain=max(parameters.mgain, FAINT_MGAIN) if only_faint else parameters.mgain,
        gridding_accuracy=FAINT_ACCURACY if only_faint else ACCURACY,
        taper_arcsec=cleaning.weights.taper_arcsec,
        beam_arcsec=(cleaning.weights.beam_major_arcsec, cleaning.weights.beam_minor_arcsec),
        beam_pa_deg=float(np.degrees(cleaning.weights.beam_pa_rad)),
        mask=mask,
        threads=request.threads,
        memory_gb=MEMORY_SHARE * memory_gb,
    )


def _divergence(cleaning: Cleaning, peaks_jy: list[float]) -> str | None:
    """What shows that cleaning made it worse, or nothing."""
    for cycle, (before, after) in enumerate(pairwise(peaks_jy), 2):
        if not after <= PEAK_GROWTH * before:
            return f"the largest residual grew from {before:.4g} to {after:.4g} Jy in major cycle {cycle}"
    dirty, model = (float(np.abs(cleaning.plane(name)).max()) for name in ("dirty", "model"))
    if not model <= MODEL_OVER_DIRTY * dirty:
        return f"the model has {model:.4g} Jy in one pixel, the image before cleaning had {dirty:.4g}"
    return None


def _source_outside_mask(cleaning: Cleaning) -> str | None:
    assert cleaning.mask is not None
    residual = cleaning.plane("residual")
    outside = np.where(cleaning.mask | (residual < _artefacts(cleaning, residual.shape)), 0, residual)
    y, x = np.unravel_index(int(outside.argmax()), outside.shape)
    peak, noise = float(outside[y, x]), robust_sigma(residual)
    if not peak > OUTSIDE_MASK_SIGMA * noise > 0:
        return None
    return f"{peak * 1e3:.3g} mJy, {peak / noise:.0f} times the noise, at pixel {x}, {y}"


def _artefacts(cleaning: Cleaning, shape: tuple[int, ...]) -> NDArray[np.float32] | float:
    if cleaning.subtracted is None:
        return 0.0
    weights, cell_arcsec = cleaning.weights, cleaning.size.cell_arcsec
    beam = Beam(weights.beam_major_arcsec / cell_arcsec, weights.beam_minor_arcsec / cell_arcsec, weights.beam_pa_rad)
    x, y, flux_jy = cleaning.subtracted.x_px, cleaning.subtracted.y_px, cleaning.subtracted.image_jy
    ahead = np.isfinite(x)
    return artefact_floor(shape, KnownHere(x[ahead], y[ahead], flux_jy[ahead]), beam)
