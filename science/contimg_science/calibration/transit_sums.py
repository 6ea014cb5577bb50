"""What a transit says of the gains: sums of its data against a model of its sky, over the integrations of each interval.

Where gains do not change, least squares knows nothing of samples D with models M and weights w but Σ w D M* and Σ w |M|²: one
sample D = Σ w D M* / Σ w |M|² of weight Σ w |M|² against a model of 1 says the same. So the group is read once, in its own
phase centre (D M* has none), and what is solved on is a fifth of it. Nothing is written; what is flagged counts nowhere.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.antenna_places import BANDS
from contimg_science.calibration.apply_gains import SHARES_A_THREAD
from contimg_science.calibration.field_fluxes import FieldSample, sampled_channels, sampled_times
from contimg_science.calibration.sky_model import SourceTrack
from contimg_science.measurement_set import SECONDS_PER_DAY, Description, open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S
from contimg_science.protocol import StepFailure

# A baseline keeps its length whatever it is phased to; rounding alone stays far below this.
UVW_GROWTH_M = 1e-3


@dataclass(frozen=True)
class TransitSums:
    intervals: list[NDArray[np.intp]]  # integrations of each
    across: NDArray[np.complex64]  # Σ w D M*, (interval, cross baseline, channel, product)
    power: NDArray[np.float32]  # Σ w |M|², 0 where nothing is left
    by_band: NDArray[np.complex128]  # Σ D M*, (time, band, cross baseline, product)
    good: NDArray[np.float64]  # part of the samples that is not flagged, (cross baseline, product)
    sample: FieldSample


def sum_transit(ms: Path, group: Description, sky: list[SourceTrack], interval_s: float, threads: int) -> TransitSums:
    """`sky`: all sources of the model."""
    rows, times = np.flatnonzero(~group.autocorrelation), group.shape.times
    channels, products = group.shape.channels, group.shape.correlations
    span_s = (group.times_mjd[-1] - group.times_mjd[0]) * SECONDS_PER_DAY + group.interval_s
    intervals = np.array_split(np.arange(times), int(np.clip(round(span_s / interval_s), 1, times)))
    interval_of = np.repeat(np.arange(len(intervals)), [part.size for part in intervals])
    shape = (rows.size, channels, products)
    across, power = np.zeros((len(intervals), *shape), np.complex64), np.zeros((len(intervals), *shape), np.float32)
    by_band, good = np.zeros((times, rows.size, BANDS, products), np.complex128), np.zeros((rows.size, products))
    band = np.arange(channels) * BANDS // channels
    step_hz = float(group.frequencies_hz[-1] - group.frequencies_hz[0]) / max(1, channels - 1)
    edges = np.linspace(0, rows.size, SHARES_A_THREAD * threads + 1).astype(np.int64)
    picked: list[tuple[NDArray[np.complex64], NDArray[np.bool_], NDArray[np.float64]]] = []
    with open_table(ms) as main, ThreadPoolExecutor(max_workers=threads) as pool:
        for time in range(times):
            read = (time * group.shape.baselines, group.shape.baselines)
            data, flags, weights, uvw_m = (main.getcol(name, *read) for name in ("DATA", "FLAG", "WEIGHT", "UVW"))
            _refuse_other_lengths(ms, uvw_m[rows], sky[0].uvw_m[time])
            # DATA = exp(+2πi ν (w_source − w_centre)/c) for a source.
            delays_s = np.stack([source.uvw_m[time, :, 2] - uvw_m[rows, 2] for source in sky], axis=1) / SPEED_OF_LIGHT_M_S
            fluxes_jy = np.stack([source.model_jy[time] for source in sky], axis=1)
            model = delays_s, fluxes_jy, float(group.frequencies_hz[0]), step_hz
            out = across[interval_of[time]], power[interval_of[time]], by_band[time], good
            shares = [pool.submit(add_integration, data, flags, weights, rows, *model, band, *out, start, end) for start, end in pairwise(edges)]
            for done in shares:
                done.result()
            if time in sampled_times(group):
                picked.append((data[rows, sampled_channels(group)], flags[rows, sampled_channels(group)], uvw_m[rows, 2]))
    unflagged = ~np.stack([flags for _, flags, _ in picked])
    sample = FieldSample(np.where(unflagged, np.stack([data for data, _, _ in picked]), 0), unflagged, np.stack([w_m for _, _, w_m in picked]))
    return TransitSums(intervals, across, power, np.swapaxes(by_band, 1, 2), good / (times * channels), sample)


def leave_out(sums: TransitSums, group: Description, antennas: list[str]) -> None:
    """Nothing is solved for these antennas, nor with them."""
    cross, indices = ~group.autocorrelation, [group.antenna_names.index(name) for name in antennas]
    touched = np.isin(group.antenna1[cross], indices) | np.isin(group.antenna2[cross], indices)
    sums.power[:, touched], sums.good[touched], sums.sample.good[:, touched] = 0, 0, False


def _refuse_other_lengths(ms: Path, uvw_m: NDArray[np.float64], expected_m: NDArray[np.float64]) -> None:
    growth_m = float(np.abs(np.linalg.norm(expected_m, axis=1) - np.linalg.norm(uvw_m, axis=1)).max(initial=0.0))
    if growth_m > UVW_GROWTH_M:
        raise StepFailure(
            "BadInput",
            "UvwDisagree",
            f"{ms}: |uvw| differs from the antenna positions by up to {growth_m:.4f} m",
            "convert the group again: UVW is not what concat wrote",
        )


# Everything of fastmath but that nothing is infinite or no number: that is looked at.
@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract", "arcp", "nsz"})
def add_integration(data, flags, weights, rows, delays_s, fluxes_jy, first_hz, step_hz, band, across, power, by_band, good, start, end):
    """data, flags (row, channel, product); weights (row, product); delays_s (one of `rows`, source); fluxes_jy (channel, source).

    Adds to across, power (one of `rows`, channel, product), by_band (…, band, product) and good (…, product).
    """
    count = delays_s.shape[1]
    real, imaginary, step_real, step_imaginary = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    for index in range(start, end):
        row = rows[index]
        for s in range(count):
            turns = first_hz * delays_s[index, s]
            turns -= np.floor(turns)
            real[s], imaginary[s] = np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)
            step_real[s], step_imaginary[s] = np.cos(2 * np.pi * step_hz * delays_s[index, s]), np.sin(2 * np.pi * step_hz * delays_s[index, s])
        for channel in range(data.shape[1]):
            model_real, model_imaginary = 0.0, 0.0
            for s in range(count):
                flux, here, there = fluxes_jy[channel, s], real[s], imaginary[s]
                model_real += flux * here
                model_imaginary += flux * there
                real[s] = here * step_real[s] - there * step_imaginary[s]
                imaginary[s] = here * step_imaginary[s] + there * step_real[s]
            for product in range(data.shape[2]):
                sample = data[row, channel, product]
                if flags[row, channel, product] or not (np.isfinite(sample.real) and np.isfinite(sample.imag)):
                    continue
                weight = weights[row, product]
                turned = complex(
                    sample.real * model_real + sample.imag * model_imaginary, sample.imag * model_real - sample.real * model_imaginary
                )
                across[index, channel, product] += np.complex64(weight * turned)
                power[index, channel, product] += np.float32(weight * (model_real * model_real + model_imaginary * model_imaginary))
                by_band[index, band[channel], product] += turned
                good[index, product] += 1.0
