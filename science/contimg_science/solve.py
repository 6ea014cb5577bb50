"""Step `solve`: calibration tables of the antennas from a group in which a flux calibrator crosses the beam.

Sums the group against a model of its sky, has CASA solve on a small set of these sums inside the work directory, writes the
tables into outputs.directory and judges them. A set that fails the gate is still a result (`passed` false, with reasons): the
workflow decides. Solutions carry the flux scale; they are never normalised. The group's Measurement Set is only read.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from contimg_science.calibration.antenna_places import Misplaced, find_misplaced
from contimg_science.calibration.calibration_table import read_solutions
from contimg_science.calibration.closure import measure_closure
from contimg_science.calibration.field_fluxes import changed_fluxes, field_model
from contimg_science.calibration.field_sources import choose_field, read_sources
from contimg_science.calibration.gain_scale import compare_scale
from contimg_science.calibration.quality_gate import Limits, judge
from contimg_science.calibration.reference_antenna import choose_reference
from contimg_science.calibration.sky_model import SourceTrack, site_of, track
from contimg_science.calibration.solving_set import write_solving_set
from contimg_science.calibration.transit_sums import leave_out, sum_transit
from contimg_science.casa_session import run_casa
from contimg_science.classify import MINIMUM_RESPONSE, CalibratorKind
from contimg_science.imported_calibrators import calibrator_named, read_imported
from contimg_science.measurement_set import describe
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step

PLAUSIBLE_MODEL_JY = (0.1, 1000.0)


class PreviousSet(Record):
    id: str
    bandpass: Path
    gain: Path


class Inputs(Record):
    ms: Path
    calibrator: str
    # CSV of imported calibrators along the strip; null: the built-in ones alone.
    calibrators: Path | None
    # The last good set of the strip; none before the first.
    previous: PreviousSet | None
    # CSV of catalogue sources around the group: source_id, name, ra_deg, dec_deg, flux_jy, spectral_index.
    positions: Path


class Parameters(Record):
    min_field_fraction: float
    min_snr: float
    min_phase_snr: float
    phase_interval_s: float
    min_baselines_per_antenna: int
    fill_gaps: int
    uv_min_lambda: float
    refant_order: list[str]
    bandpass_outlier_fraction: float
    max_flagged_fraction: float
    min_antenna_fraction: float
    min_median_snr: float
    max_amplitude_scatter: float
    max_phase_scatter_deg: float
    min_band_fraction: float
    max_gain_scale_change: float
    max_phase_slope_deg: float
    max_antenna_turn_deg: float
    max_misplaced_fraction: float


class Outputs(Record):
    directory: Path


class SolveRequest(StepRequest):
    inputs: Inputs
    parameters: Parameters
    outputs: Outputs


class SolvedTable(Record):
    type: str
    order: int
    path: Path


class SolveResult(Record):
    calibrator: str
    calibrator_kind: CalibratorKind
    # Catalogue and version of an imported one.
    calibrator_catalogue: str | None
    flux_jy: float
    reference_antenna: str
    tables: list[SolvedTable]
    start_mjd: float
    mid_mjd: float
    end_mjd: float
    dec_deg: float
    qa: dict[str, float | int | list[str]]
    passed: bool
    reasons: list[str]
    # What a set that passed does not hold, and why.
    warnings: list[str]
    timings_s: dict[str, float]


def solve(request: SolveRequest) -> SolveResult:
    timings, parameters = Timings(), request.parameters
    with timings.phase("prepare"):
        group = describe(request.inputs.ms)
        try:
            calibrator, catalogue = calibrator_named(request.inputs.calibrator, read_imported(request.inputs.calibrators))
        except KeyError as unknown:
            raise StepFailure("BadInput", "UnknownCalibrator", str(unknown.args[0]), "name a calibrator with a known flux", "none") from unknown
        site = site_of(request.inputs.ms)
        at = track(group, site, calibrator)
        _refuse_outside_beam(request.inputs.calibrator, at)
        around = choose_field(read_sources(request.inputs.positions), calibrator, group, parameters.min_field_fraction)
        field = [track(group, site, source) for source in around]
    with timings.phase("sum"):
        sums = sum_transit(request.inputs.ms, group, [at, *field], parameters.phase_interval_s, request.threads)
        misplaced = find_misplaced(sums.by_band, group, at, parameters.max_antenna_turn_deg, parameters.max_phase_slope_deg)
        _refuse_many_misplaced(misplaced, int(group.antenna_present.sum()), parameters.max_misplaced_fraction)
        leave_out(sums, group, list(misplaced.turn_deg))
        reference = choose_reference(sums, group, parameters.refant_order)
    with timings.phase("field"):
        catalogued = field_model(sums.sample, group, at, field)
        factors = changed_fluxes(sums.sample, group, catalogued)
    changed = {source.name: factor for source, factor in zip(around, factors.tolist(), strict=False) if factor != 1}
    if changed:
        progress(0.15, f"summing again with fitted fluxes of {', '.join(changed)}")
        del sums  # as large as those that follow
        with timings.phase("sum"):
            as_found = [_times(source, changed.get(known.name, 1.0)) for source, known in zip(field, around, strict=True)]
            sums = sum_transit(request.inputs.ms, group, [at, *as_found], parameters.phase_interval_s, request.threads)
            leave_out(sums, group, list(misplaced.turn_deg))
    with timings.phase("write"):
        small = request.work_dir / f"{request.group_id}.solve.ms"
        shutil.rmtree(small, ignore_errors=True)
        request.work_dir.mkdir(parents=True, exist_ok=True)
        write_solving_set(request.inputs.ms, small, group, calibrator, at, sums)
    progress(0.25, f"phased to {calibrator.name}, {len(field)} sources around it, reference antenna {reference}")

    with timings.phase("casa"):
        paths = _fresh_tables(request.outputs.directory, request.group_id)
        plan = {
            **parameters.model_dump(exclude={"refant_order", "min_field_fraction"}),
            "ms": str(small),
            "reference_antenna": reference,
            "tables": {kind: str(path) for kind, path in paths.items()},
        }
        answer = run_casa("contimg_science.calibration.casa_solve", plan, request.work_dir, request.threads)
    if answer["without_solutions"] is not None:
        raise StepFailure(
            "QualityRejected",
            "CalibrationGate",
            f"{calibrator.name}: nothing could be solved for {answer['without_solutions']}",
            "look whether the calibrator is in the data at all, and how much of them is flagged",
        )
    progress(0.9, "tables solved")

    with timings.phase("judge"):
        phase, bandpass, gain, by_interval = (read_solutions(paths[kind]) for kind in ("phase", "BP", "GP", "2G"))
        closure = measure_closure(sums, group, [paths["BP"], paths["GP"]], at, catalogued)
        before = request.inputs.previous
        scale = None if before is None else compare_scale(before.id, (before.bandpass, before.gain), bandpass, gain)
        limits = Limits(**{name: getattr(parameters, name) for name in Limits.__dataclass_fields__})
        verdict = judge(phase, bandpass, gain, by_interval, group.antenna_present, closure, scale, limits)
    shutil.rmtree(small)
    shutil.rmtree(paths["phase"])
    progress(1.0, "passed" if not verdict.reasons else "; ".join(verdict.reasons))

    return SolveResult(
        calibrator=calibrator.name,
        calibrator_kind="primary" if catalogue is None else "bright_fallback",
        calibrator_catalogue=catalogue,
        flux_jy=float(calibrator.flux_jy(group.frequencies_hz.mean())),
        reference_antenna=reference,
        tables=[SolvedTable(type=kind, order=order, path=paths[kind]) for order, kind in enumerate(("BP", "GP", "2G"), start=1)],
        start_mjd=group.time_range_mjd[0],
        mid_mjd=group.mid_mjd,
        end_mjd=group.time_range_mjd[1],
        dec_deg=float(np.degrees(group.centre_rad[1])),
        qa={
            **verdict.measures,
            "misplaced_antennas": list(misplaced.turn_deg),
            "beam_response": round(float(at.response.max()), 5),
            "clipped_channels": int(answer["clipped_channels"]),
            "field_sources": len(field),
            "field_fluxes_changed": [f"{name} × {factor:.3f}" for name, factor in changed.items()],
            "field_flux_fraction": round(sum(float(source.model_jy.mean()) for source in field) / float(at.model_jy.mean()), 5),
        },
        passed=not verdict.reasons,
        reasons=verdict.reasons,
        warnings=_left_out(misplaced),
        timings_s=timings.seconds,
    )


def _times(source: SourceTrack, factor: float) -> SourceTrack:
    return replace(source, model_jy=source.model_jy * factor)


def _refuse_outside_beam(name: str, at: SourceTrack) -> None:
    response = float(at.response.max())
    # Below it the beam model, not the calibrator, would set the flux scale.
    if response < MINIMUM_RESPONSE:
        raise StepFailure(
            "BadInput",
            "CalibratorNotInBeam",
            f"{name} is never above {response:.1%} of the beam in this group (needed: {MINIMUM_RESPONSE:.0%})",
            "solve the group that holds its transit, or name a calibrator that is in this one",
            "none",
        )
    low, high = float(at.model_jy.min()), float(at.model_jy.max())
    if not (PLAUSIBLE_MODEL_JY[0] <= low and high <= PLAUSIBLE_MODEL_JY[1]):
        raise StepFailure(
            "BadInput", "ImplausibleModel", f"the model of {name} spans {low:.3g}…{high:.3g} Jy", "check the flux of the calibrator", "none"
        )


def _refuse_many_misplaced(misplaced: Misplaced, antennas: int, max_fraction: float) -> None:
    if len(misplaced.turn_deg) > max_fraction * antennas:
        raise StepFailure(
            "QualityRejected",
            "AntennasMisplaced",
            f"{len(misplaced.turn_deg)} of {antennas} antennas do not stand where the table of positions says, or have other names: "
            f"{', '.join(misplaced.turn_deg)}",
            "no flags and no other calibrator will help: look at the order of antennas in the raw headers and at their positions",
        )


def _left_out(misplaced: Misplaced) -> list[str]:
    turns = ", ".join(f"{name} ({turn:+.0f}°)" for name, turn in misplaced.turn_deg.items())
    exchanged = [f"{one} and {other} look exchanged" for one, other in misplaced.exchanged]
    return [*exchanged, *([f"left out, because their phases turn as if they stood elsewhere: {turns}"] if turns else [])]


def _fresh_tables(directory: Path, group_id: str) -> dict[str, Path]:
    """Paths of the four tables; what an earlier attempt left there is removed, because CASA appends to what it finds."""
    directory.mkdir(parents=True, exist_ok=True)
    stem = group_id.replace(":", "")
    paths = {
        "phase": directory / f"{stem}.prephase.cal",
        "BP": directory / f"{stem}.bp.cal",
        "GP": directory / f"{stem}.gp.cal",
        "2G": directory / f"{stem}.2g.cal",
    }
    for path in paths.values():
        shutil.rmtree(path, ignore_errors=True)
    return paths


if __name__ == "__main__":
    run_step(SolveRequest, solve)
