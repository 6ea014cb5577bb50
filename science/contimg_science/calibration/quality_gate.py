"""Is a calibration set good enough to be used? Measures it from its tables and says, limit by limit, what is wrong.

Receptors with nothing left are dead, not bad: they count in no average but in the number of antennas. Antennas that are
absent from the data count nowhere. The gate never changes a solution and never decides what happens next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.calibration_table import Solutions
from contimg_science.calibration.closure import Closure
from contimg_science.calibration.gain_scale import GainScale

DEAD_RECEPTOR_FRACTION = 0.99
MAX_CLOSURE_FLUX_ERROR = 0.05
MAX_CLOSURE_OFFSET_BEAMS = 0.1
# Catalogue fluxes are some years old and sources vary: only a gross error of the calibrator's own flux shows, in the median.
MAX_FIELD_FLUX_FACTOR = 1.35
FIELD_SOURCES = 3


@dataclass(frozen=True)
class Limits:
    max_flagged_fraction: float
    min_antenna_fraction: float
    min_median_snr: float
    max_amplitude_scatter: float
    max_phase_scatter_deg: float
    min_band_fraction: float
    max_gain_scale_change: float
    max_phase_slope_deg: float


@dataclass(frozen=True)
class Verdict:
    measures: dict[str, float | int | list[str]]
    reasons: list[str]


def judge(
    phase: Solutions,
    bandpass: Solutions,
    gain: Solutions,
    gain_by_interval: Solutions,
    present: NDArray[np.bool_],
    closure: Closure,
    scale: GainScale | None,
    limits: Limits,
) -> Verdict:
    # (antenna, channel, receptor) of antennas in the data, without channels that nobody has (missing subbands)
    flags = bandpass.flags[0][present] | gain.flags[0][present]
    names = [name for name, here in zip(bandpass.antenna_names, present, strict=True) if here]
    in_band = ~flags.all(axis=(0, 2))
    flags = flags[:, in_band]
    if flags.size == 0:
        return Verdict({"antennas_solved": 0, "antennas_in_data": len(names)}, ["no antenna has a solution"])
    by_receptor = flags.mean(axis=1)
    alive = by_receptor < DEAD_RECEPTOR_FRACTION
    solved = alive.any(axis=1)
    snr = bandpass.snr[0][present][~bandpass.flags[0][present]]
    measures: dict[str, float | int | list[str]] = {
        "flagged_fraction": round(float(by_receptor[alive].mean()) if alive.any() else 1.0, 6),
        "antennas_in_data": len(names),
        "antennas_solved": int(solved.sum()),
        "dead_receptors": [f"{name}/{'XY'[r]}" for name, row in zip(names, alive, strict=True) for r, ok in enumerate(row) if not ok],
        "median_snr": round(float(np.median(snr)) if snr.size else 0.0, 2),
        "median_gain_amplitude": round(_median_gain(bandpass, gain, present), 6),
        "amplitude_scatter": round(_amplitude_scatter(gain_by_interval, present), 5),
        "phase_scatter_deg": round(_phase_scatter_deg(phase, present), 3),
        "phase_slope_deg": round(_phase_slope_deg(bandpass, present), 3),
        "closure_flux_ratio": round(closure.flux_ratio, 6),
        "closure_offset_beams": round(closure.offset_beams, 5),
        "band_fraction": round(float(in_band.mean()), 5),
        "gain_scale_compared_with": [] if scale is None else [scale.compared_with],
    }
    solved_fraction = float(solved.mean())
    checks = [
        (measures["flagged_fraction"], "<=", limits.max_flagged_fraction, "flagged fraction of the solutions"),
        (round(solved_fraction, 4), ">=", limits.min_antenna_fraction, "fraction of antennas with solutions"),
        (measures["median_snr"], ">=", limits.min_median_snr, "median SNR of the bandpass"),
        (measures["amplitude_scatter"], "<=", limits.max_amplitude_scatter, "scatter of gain amplitudes over time"),
        (measures["phase_scatter_deg"], "<=", limits.max_phase_scatter_deg, "scatter of phases over time (deg)"),
        (measures["phase_slope_deg"], "<=", limits.max_phase_slope_deg, "phase slope over the band (deg; are antennas where they should be?)"),
        (round(abs(closure.flux_ratio - 1), 6), "<=", MAX_CLOSURE_FLUX_ERROR, "flux error of the calibrator after calibration"),
        (measures["closure_offset_beams"], "<=", MAX_CLOSURE_OFFSET_BEAMS, "offset of the calibrator after calibration (beams)"),
        (measures["band_fraction"], ">=", limits.min_band_fraction, "fraction of the band with solutions"),
    ]
    if scale is not None:
        measures["gain_scale_ratio"] = round(scale.ratio, 5)
        what = f"change of the gain scale since set {scale.compared_with} (is the flux of the calibrator right?)"
        checks.append((round(abs(scale.ratio - 1), 5), "<=", limits.max_gain_scale_change, what))
    if len(closure.field_ratios) >= FIELD_SOURCES:
        ratio = float(np.median(closure.field_ratios))
        measures["field_flux_ratio"] = round(ratio, 5)
        factor = max(ratio, 1 / ratio) if ratio > 0 else np.inf
        what = f"factor between the fluxes of {len(closure.field_ratios)} catalogue sources and the calibrator's"
        checks.append((round(float(factor), 5), "<=", MAX_FIELD_FLUX_FACTOR, what))
    reasons = [
        f"{what}: {value} is not {sign} {limit:g}"
        for value, sign, limit, what in checks
        if not (float(value) <= limit if sign == "<=" else float(value) >= limit)  # type: ignore[arg-type]
    ]
    return Verdict(measures, reasons)


def _median_gain(bandpass: Solutions, gain: Solutions, present: NDArray[np.bool_]) -> float:
    amplitude = np.abs(bandpass.gains[0] * gain.gains[0])
    good = ~(bandpass.flags[0] | gain.flags[0]) & present[:, None, None]
    return float(np.median(amplitude[good])) if good.any() else 0.0


def _by_receptor_over_time(solutions: Solutions, present: NDArray[np.bool_]) -> list[NDArray[np.complex128]]:
    """Unflagged solutions of each living receptor that has at least two of them."""
    series = []
    for antenna in np.flatnonzero(present):
        for receptor in range(solutions.gains.shape[-1]):
            good = ~solutions.flags[:, antenna, 0, receptor]
            if good.sum() >= 2:
                series.append(solutions.gains[good, antenna, 0, receptor])
    return series


def _amplitude_scatter(solutions: Solutions, present: NDArray[np.bool_]) -> float:
    """Median over receptors of the standard deviation over time in units of the mean; 1 when nothing is left to measure."""
    series = _by_receptor_over_time(solutions, present)
    return float(np.median([np.abs(g).std() / np.abs(g).mean() for g in series])) if series else 1.0


def _phase_scatter_deg(solutions: Solutions, present: NDArray[np.bool_]) -> float:
    """Median over receptors of the standard deviation of phase over time about the circular mean; 180 when nothing is left."""
    series = _by_receptor_over_time(solutions, present)
    if not series:
        return 180.0
    return float(np.median([np.degrees(np.angle(g * np.conj(np.mean(g))).std()) for g in series]))


def _phase_slope_deg(bandpass: Solutions, present: NDArray[np.bool_]) -> float:
    """Median over receptors of the phase that a straight line turns over the whole band; 180 when nothing is left.

    Cables are equalised, so a slope is a delay left over: data of antennas that stand elsewhere, or a wrong phase centre.
    """
    good = ~bandpass.flags[0][present]
    gains = np.where(good, bandpass.gains[0][present], 0)
    turns = (gains[:, 1:] * np.conj(gains[:, :-1])).sum(axis=1)
    slopes = np.abs(np.degrees(np.angle(turns[np.abs(turns) > 0]))) * (gains.shape[1] - 1)
    return float(np.median(slopes)) if slopes.size else 180.0
