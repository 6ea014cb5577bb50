"""Detectors that look at one amplitude at a time: dead receptors, absurd values, and the clip by median and MAD.

Amplitudes are compared in units of their own baseline's median, because uncalibrated gains differ by tens of per cent
between antennas. Never in units of a channel's own median: that hides interference that stays.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from contimg_science.flagging.baseline_scan import MAD_TO_SIGMA, fill_medians
from contimg_science.flagging.known_samples import GoodSamples
from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube

ABSURD_RATIO = 100.0  # to the median amplitude of the array: no sky, gain or beam explains it
DEAD_POWER_FRACTION = 1e-3  # of the array's median autocorrelation


def dead_receptors(cube: Cube, good: GoodSamples, dead_fraction: float) -> list[tuple[int, int]]:
    """(antenna, product) pairs without power, or with more than `dead_fraction` of their possible samples already bad.

    Possible samples are those of times and channels that any baseline of the array has, so that a missing subband kills no antenna.
    """
    autos = np.flatnonzero(~cube.is_cross)
    dead: list[tuple[int, int]] = []
    for product in range(len(cube.products)):
        power = {int(cube.antenna1[b]): float(np.median(np.abs(cube.data[:, b, :, product]))) for b in autos}
        typical = float(np.median([p for p in power.values() if p > 0] or [0.0]))
        possible = max(int(good.anywhere[..., product].sum()), 1)
        for antenna in np.union1d(cube.antenna1, cube.antenna2):
            mine = cube.is_cross & ((cube.antenna1 == antenna) | (cube.antenna2 == antenna))
            fraction = good.a_baseline[mine, product].max(initial=0) / possible
            if fraction < 1 - dead_fraction or power.get(int(antenna), typical) < DEAD_POWER_FRACTION * typical:
                dead.append((int(antenna), product))
    return dead


def mark_receptors(cube: Cube, dead: list[tuple[int, int]]) -> None:
    for antenna, product in dead:
        for baseline in np.flatnonzero((cube.antenna1 == antenna) | (cube.antenna2 == antenna)):
            reasons = cube.reasons[:, baseline, :, product]
            reasons[reasons == Reason.GOOD] = Reason.DEAD_RECEPTOR


def baseline_medians(cube: Cube) -> NDArray[np.float32]:
    """Median amplitude of the good samples to 1 %, (baseline, product); NaN for autocorrelations and baselines without any."""
    medians = np.full((len(cube.antenna1), len(cube.products)), np.nan, np.float32)
    cube.in_shares(lambda share: fill_medians(cube.data, cube.reasons, share, medians), cube.crosses)
    return medians


def clip_absurd(cube: Cube) -> None:
    medians = baseline_medians(cube)
    limits = np.full(medians.shape, np.inf)
    for product in range(len(cube.products)):
        known = np.isfinite(medians[:, product])
        if known.any():
            limits[known, product] = ABSURD_RATIO * float(np.median(medians[known, product]))
    _clip(cube, limits, Reason.ABSURD_AMPLITUDE)


def clip_mad(cube: Cube, sigma: float) -> None:
    """Flag amplitudes more than `sigma` robust standard deviations above the median of the whole array, a product at a time."""
    medians = baseline_medians(cube)
    limits = np.full(medians.shape, np.inf)
    for product in range(len(cube.products)):
        known = np.flatnonzero(np.isfinite(medians[:, product]) & (medians[:, product] > 0))
        if not known.size:
            continue
        # A few hundred baselines describe the distribution to 0.1 %; the full array has thousands.
        sample = known[:: max(1, known.size // 300)]
        ratio = np.abs(cube.data[..., product][:, sample]) / medians[sample, product][:, None]
        ratio = ratio[cube.reasons[..., product][:, sample] == Reason.GOOD]
        centre = float(np.median(ratio))
        limit = centre + sigma * MAD_TO_SIGMA * float(np.median(np.abs(ratio - centre)))
        limits[known, product] = limit * medians[known, product]
    _clip(cube, limits, Reason.MAD_CLIP)


# numba compiles this, so its arguments carry no annotations.
@numba.njit(cache=True, nogil=True)
def clip_above(samples, marks, limits, reason, baselines):
    """Marks good samples of an amplitude above the `limits` (baseline, product) of their baseline."""
    times, _, cells = samples.shape
    products = limits.shape[1]
    highest_power = np.empty(cells, np.float64)
    for baseline in baselines:
        for cell in range(cells):
            highest_power[cell] = limits[baseline, cell % products] ** 2
        for time in range(times):
            for cell in range(cells):
                real, imaginary = np.float64(samples[time, baseline, cell].real), np.float64(samples[time, baseline, cell].imag)
                if real * real + imaginary * imaginary > highest_power[cell] and marks[time, baseline, cell] == 0:
                    marks[time, baseline, cell] = reason


def _clip(cube: Cube, limits: NDArray[np.float64], reason: Reason) -> None:
    samples, marks, code = cube.samples, cube.marks, np.uint8(reason)
    limited = np.flatnonzero(np.isfinite(limits).any(axis=1))
    cube.in_shares(lambda share: clip_above(samples, marks, limits, code, share), limited)
