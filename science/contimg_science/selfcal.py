"""Step `selfcal`: one round of self-calibration of a calibrated set, and whether its image is better for it.

The sky is the catalogue's, through the drifting beam, with fluxes fitted to the data; gains are found against it and taken off
a private copy. Kept only if the noise of a quick image falls and its flux scale against the catalogue does not get worse; the
numbers are answered either way. The set it starts from is only read.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from pydantic import Field

from contimg_science.calibration.self_data import against_model, divide
from contimg_science.calibration.self_solution import solve_self
from contimg_science.image import image
from contimg_science.imaging.bright_sources import choose_bright
from contimg_science.imaging.bright_subtraction import fit_fluxes
from contimg_science.imaging.contract import ImageInputs, ImageOutputs, ImageParameters, ImageRequest
from contimg_science.imaging.image_size import beam_for_cell_arcsec
from contimg_science.imaging.known_sources import read_known_sources
from contimg_science.imaging.sky_model import sky_model
from contimg_science.imaging.visibilities import read_visibilities
from contimg_science.imaging.weighting import imaging_weights
from contimg_science.measurement_set import describe, require_set
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step


class ImageMeasure(Record):
    """What a quick image says; no ratio with fewer than five sources to compare."""

    noise_jy: float
    flux_ratio: float | None
    flux_ratio_error: float | None


class SelfCalInputs(Record):
    # Of the round before; the calibrated set in the first.
    ms: Path
    sources: Path
    round: int = Field(ge=1)
    # Of the calibrated set; none in the first round, which makes it.
    before: ImageMeasure | None
    # Those of the image to come; always made as a quick look.
    image: ImageParameters
    memory_gb: float | None


class SelfCalParameters(Record):
    self_cal_rounds: int = Field(ge=1)
    self_cal_interval_s: float = Field(gt=0)
    self_cal_amplitude_from: int = Field(ge=1)
    self_cal_min_gain: float = Field(ge=0, lt=1)


class SelfCalOutputs(Record):
    ms: Path
    gains: Path


class SelfCalRequest(StepRequest):
    inputs: SelfCalInputs
    parameters: SelfCalParameters
    outputs: SelfCalOutputs


class SelfCalResult(Record):
    """Rms of this round's phases (degrees) and of its amplitudes, both over receptors and intervals."""

    ms: Path
    round: int
    sources: int
    phase_rms_deg: float
    amplitude_rms: float
    before: ImageMeasure
    after: ImageMeasure
    kept: bool
    reason: str
    timings_s: dict[str, float]


def selfcal(request: SelfCalRequest) -> SelfCalResult:
    timings = Timings()
    inputs, parameters, outputs = request.inputs, request.parameters, request.outputs
    require_set(inputs.ms, "calibrate the group again")
    with timings.phase("before"):
        before = inputs.before if inputs.before is not None else _measured(request, inputs.ms, "before")
    with timings.phase("model"):
        progress(0.3, "model of the sky")
        group = describe(inputs.ms)
        vis = read_visibilities(inputs.ms)
        chosen = inputs.image
        cell_beam = beam_for_cell_arcsec(chosen.tier, chosen.cell_arcsec)
        weights = imaging_weights(vis, chosen.robust, chosen.extent_deg, cell_beam)
        bright = choose_bright(read_known_sources(inputs.sources), vis, weights, chosen.bright_sigma)
        if len(bright) == 0:
            raise StepFailure(
                "QualityRejected",
                "NothingToSolveOn",
                "no catalogue source is bright enough",
                "leave self-calibration off here",
                "none",
            )
        catalogue = sky_model(vis, bright)
        fit = fit_fluxes(inputs.ms, catalogue, request.threads)
        model = catalogue.scaled(fit.amplitude, fit.slope)
    with timings.phase("solve"):
        progress(0.5, f"gains on {len(bright)} sources")
        times_each = max(1, round(parameters.self_cal_interval_s / group.interval_s))
        against = against_model(inputs.ms, model, group, request.threads)
        with_amplitude = inputs.round >= parameters.self_cal_amplitude_from
        gains = solve_self(against, group.antenna1, group.antenna2, len(group.antenna_names), times_each, with_amplitude)
    with timings.phase("apply"):
        divide(inputs.ms, outputs.ms, group, gains, times_each)
        np.savez(outputs.gains, gains=gains, times_each=times_each, antenna_names=group.antenna_names)
    with timings.phase("after"):
        progress(0.7, "image with these gains")
        after = _measured(request, outputs.ms, "after")
    kept, reason = judge(before, after, parameters.self_cal_min_gain)
    seen = np.unique(np.concatenate([group.antenna1, group.antenna2]))
    return SelfCalResult(
        ms=outputs.ms,
        round=inputs.round,
        sources=len(bright),
        phase_rms_deg=float(np.degrees(np.sqrt(np.mean(np.angle(gains[:, seen]) ** 2)))),
        amplitude_rms=float(np.sqrt(np.mean((np.abs(gains[:, seen]) - 1) ** 2))),
        before=before,
        after=after,
        kept=kept,
        reason=reason,
        timings_s=timings.seconds,
    )


def judge(before: ImageMeasure, after: ImageMeasure, min_gain: float) -> tuple[bool, str]:
    """Kept or not, and why, in words."""
    noise = f"noise {before.noise_jy * 1e3:.3f} → {after.noise_jy * 1e3:.3f} mJy"
    if after.noise_jy > before.noise_jy * (1 - min_gain):
        return False, f"{noise}: not lower by {min_gain:.1%}"
    if before.flux_ratio is None or after.flux_ratio is None or after.flux_ratio_error is None:
        return False, f"{noise}, but too few catalogue sources say anything of the flux scale"
    ratio = f"flux over catalogue {before.flux_ratio:.4f} → {after.flux_ratio:.4f} ± {after.flux_ratio_error:.4f}"
    if abs(after.flux_ratio - 1) > abs(before.flux_ratio - 1) + after.flux_ratio_error:
        return False, f"{noise}, but {ratio}: farther from 1"
    return True, f"{noise}, {ratio}"


def _measured(request: SelfCalRequest, ms: Path, name: str) -> ImageMeasure:
    work = request.work_dir / name
    asked = ImageRequest(
        **request.model_dump(include={"schema_version", "group_id", "attempt_id", "requested_at", "threads"}),
        step="image",
        work_dir=work,
        inputs=ImageInputs(
            ms=ms,
            calibration_set="",
            degraded_reasons=[],
            subbands_missing=[],
            sources=request.inputs.sources,
            memory_gb=request.inputs.memory_gb,
        ),
        parameters=request.inputs.image,
        outputs=ImageOutputs(directory=work / "products", name=name),
    )
    made = image(asked)
    shutil.rmtree(work)
    catalogue = made.catalogue
    return ImageMeasure(
        noise_jy=made.noise_jy,
        flux_ratio=None if catalogue is None else catalogue.flux_ratio,
        flux_ratio_error=None if catalogue is None else catalogue.flux_ratio_error,
    )


if __name__ == "__main__":
    run_step(SelfCalRequest, selfcal)
