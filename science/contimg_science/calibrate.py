"""Step `calibrate`: makes the imaging Measurement Set of a group from its visibilities and one or two calibration sets.

One streaming pass, an integration at a time: divide by the gains, carry flags over, weigh, average channels, write. Before
it, one phase a receptor may be found on the catalogue sources of the field; it is kept only if it fits better.
Refuses when there is no set: uncalibrated DATA is never copied to look calibrated, and antennas without solutions leave
flagged. The group's own Measurement Set is only read; a target that exists is not overwritten.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from contimg_science.calibration.apply_gains import calibrate_rows
from contimg_science.calibration.field_phase import FieldPhase, no_field_phase
from contimg_science.calibration.field_sample import find_field_phase
from contimg_science.calibration.gain_product import SetGains, gains_at, gains_of_set, weights_at
from contimg_science.calibration.imaging_set import UNCHANGED_COLUMNS, create_imaging_set, is_earlier_attempt
from contimg_science.calibration.smearing import channels_to_average
from contimg_science.measurement_set import Description, describe, open_table, sigma_of
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step

# The gains by interval (2G) describe the transit itself and are kept for inspection: hours later they would only add noise.
TRANSFERRED_TYPES = ("BP", "GP")


class CalibrationTable(Record):
    type: str
    order: int
    path: Path


class CalibrationSet(Record):
    id: str
    mid_mjd: float
    tables: list[CalibrationTable]


class Inputs(Record):
    ms: Path
    sets: list[CalibrationSet]
    # CSV of catalogue sources around the group: source_id, name, ra_deg, dec_deg, flux_jy, spectral_index.
    positions: Path


class Parameters(Record):
    # None: as many as lose less than max_smearing_loss at the edge of the beam.
    average_channels: int | None
    max_smearing_loss: float
    field_phase: bool


class Outputs(Record):
    ms: Path


class CalibrateRequest(StepRequest):
    inputs: Inputs
    parameters: Parameters
    outputs: Outputs


class SetUsed(Record):
    id: str
    weight: float


class FieldPhaseReport(Record):
    """What the field said of the phases; rms and error in degrees over receptors, whether it was kept or not."""

    kept: bool
    reason: str
    sources: int
    rms_deg: float
    error_deg: float
    improvement: float


class CalibrateResult(Record):
    ms: Path
    rows: int
    channels: int
    # What averaging costs a source at the 20 % edge of the beam; 0 when it was asked for or none is done.
    smearing_loss: float
    flagged_fraction: float
    antennas_without_solutions: list[str]
    sets_used: list[SetUsed]
    field_phase: FieldPhaseReport
    bytes_read: int
    bytes_written: int
    timings_s: dict[str, float]


def calibrate(request: CalibrateRequest) -> CalibrateResult:
    timings = Timings()
    target = request.outputs.ms
    with timings.phase("load"):
        group = describe(request.inputs.ms)
        _refuse(request, group)
        average, loss = _average(request, group)
        sets = sorted((load_set(entry, group) for entry in request.inputs.sets), key=lambda entry: entry.mid_mjd)
    with timings.phase("field_phase"):
        field = _field_phase(request, group, sets)
    partial = target.with_name(f".{target.name}.{request.attempt_id}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    with timings.phase("create"):
        create_imaging_set(request.inputs.ms, partial, group, average, request.group_id, [entry.id for entry in sets])
    with timings.phase("apply"):
        flagged, samples = _apply(request.inputs.ms, partial, group, sets, field, average, request.threads)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    progress(1.0, "calibrated")

    here = group.antenna_present
    missing = [name for index, name in enumerate(group.antenna_names) if here[index] and all(entry.flags[index].all() for entry in sets)]
    crosses = int((~group.autocorrelation).sum())
    return CalibrateResult(
        ms=target,
        rows=group.shape.times * crosses,
        channels=group.shape.channels // average,
        smearing_loss=round(loss, 6),
        flagged_fraction=flagged / samples,
        antennas_without_solutions=missing,
        sets_used=[SetUsed(id=entry.id, weight=weight) for entry, weight in zip(sets, weights_at(sets, group.mid_mjd), strict=True)],
        field_phase=FieldPhaseReport(
            kept=field.kept,
            reason=field.reason,
            sources=field.sources,
            rms_deg=round(field.rms_deg, 4),
            error_deg=round(field.error_deg, 4),
            improvement=round(field.improvement, 8),
        ),
        bytes_read=group.shape.rows * group.shape.channels * group.shape.correlations * 8,
        bytes_written=sum(path.stat().st_size for path in target.rglob("*") if path.is_file()),
        timings_s=timings.seconds,
    )


def _refuse(request: CalibrateRequest, group: Description) -> None:
    count, average = len(request.inputs.sets), request.parameters.average_channels
    if count == 0:
        raise StepFailure(
            "NoCalibration", "NoSet", "no calibration set is named", "solve a calibrator transit of this strip, or name a valid set", "none"
        )
    if count > 2:
        raise StepFailure("BadInput", "TooManySets", f"{count} sets are named", "name the one or two sets nearest in time", "none")
    for entry in request.inputs.sets:
        types = sorted(table.type for table in entry.tables if table.type in TRANSFERRED_TYPES)
        if types != sorted(TRANSFERRED_TYPES):
            raise StepFailure(
                "NoCalibration", "IncompleteSet", f"set {entry.id} has tables {types}, wanted BP and GP", "solve the calibrator again", "none"
            )
    if average is not None and (average < 1 or group.shape.channels % average):
        raise StepFailure(
            "BadInput",
            "BadAverage",
            f"{group.shape.channels} channels cannot be averaged by {average}",
            "choose a divisor of the channels",
            "none",
        )
    if request.outputs.ms.exists() and not is_earlier_attempt(request.outputs.ms, request.group_id):
        raise StepFailure("BadInput", "TargetExists", f"{request.outputs.ms} exists and is not ours", "name a new path", "none")


def _average(request: CalibrateRequest, group: Description) -> tuple[int, float]:
    if request.parameters.average_channels is not None:
        return request.parameters.average_channels, 0.0
    with open_table(request.inputs.ms) as main:
        uvw_m = main.getcol("UVW", 0, group.shape.baselines)[~group.autocorrelation]
    return channels_to_average(uvw_m, group, request.parameters.max_smearing_loss)


def load_set(entry: CalibrationSet, group: Description) -> SetGains:
    tables = sorted((table for table in entry.tables if table.type in TRANSFERRED_TYPES), key=lambda table: table.order)
    return gains_of_set(entry.id, entry.mid_mjd, [table.path for table in tables], group)


def _field_phase(request: CalibrateRequest, group: Description, sets: list[SetGains]) -> FieldPhase:
    if not request.parameters.field_phase:
        return no_field_phase(len(group.antenna_names), group.shape.correlations, "switched off (calibrate.field_phase)")
    return find_field_phase(request.inputs.ms, request.inputs.positions, group, sets, request.threads)


def _apply(
    source: Path, target: Path, group: Description, sets: list[SetGains], field: FieldPhase, average: int, threads: int
) -> tuple[int, int]:
    """Fills the target; answers (flagged samples, all samples)."""
    cross = np.flatnonzero(~group.autocorrelation)
    antennas = group.antenna1[cross], group.antenna2[cross]
    baselines, crosses = group.shape.baselines, cross.size
    data = np.empty((baselines, group.shape.channels, group.shape.correlations), np.complex64)
    flags = np.empty(data.shape, bool)
    shape = (crosses, group.shape.channels // average, group.shape.correlations)
    out, out_flags, out_weights = np.empty(shape, np.complex64), np.empty(shape, bool), np.empty(shape, np.float32)
    flagged, turn = 0, np.exp(1j * field.phase_rad)[:, None, :]
    with open_table(source) as old, open_table(target, writable=True) as new:
        for time, mjd in enumerate(group.times_mjd):
            read, write = (time * baselines, baselines), (time * crosses, crosses)
            gains, gain_flags = gains_at(sets, float(mjd))
            old.getcolnp("DATA", data, *read)
            old.getcolnp("FLAG", flags, *read)
            weight, filled = old.getcol("WEIGHT", *read), (out, out_flags, out_weights)
            calibrate_rows(data, flags, weight, cross, antennas, gains * turn, gain_flags, average, filled, threads)
            good = (~out_flags).sum(axis=1)
            mean_weight = (out_weights.sum(axis=1) / np.maximum(good, 1)).astype(np.float32)
            sigma = sigma_of(mean_weight)
            for name in UNCHANGED_COLUMNS:
                new.putcol(name, old.getcol(name, *read)[cross], *write)
            for name, values in (
                ("DATA", out),
                ("FLAG", out_flags),
                ("WEIGHT_SPECTRUM", out_weights),
                ("WEIGHT", mean_weight),
                ("SIGMA", sigma),
            ):
                new.putcol(name, values, *write)
            new.putcol("FLAG_ROW", out_flags.all(axis=(1, 2)), *write)
            flagged += int(out_flags.sum())
            progress((time + 1) / group.shape.times, f"integration {time + 1} of {group.shape.times}")
    return flagged, group.shape.times * out.size


if __name__ == "__main__":
    run_step(CalibrateRequest, calibrate)
