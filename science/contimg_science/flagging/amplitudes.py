"""Detectors that look at one amplitude at a time: dead receptors, absurd values, and the clip by median and MAD.

Amplitudes are compared in units of their own baseline's median, because uncalibrated gains differ by tens of per cent
between antennas. Never in units of a channel's own median: that hides interference that stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contimg_science.flagging.baseline_scan import MAD_TO_SIGMA, fill_medians
from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube

ABSURD_RATIO = 100.0  # to the median amplitude of the array: no sky, gain or beam explains it
DEAD_POWER_FRACTION = 1e-3  # of the array's median autocorrelation


def dead_receptors(cube: Cube, dead_fraction: float) -> list[tuple[int, int]]:
    """(antenna, product) pairs without power, or with more than `dead_fraction` of their possible samples already bad.

    Possible samples are those of times and channels that any baseline of the array has, so that a missing subband kills no antenna.
    """
    crosses, autos = np.flatnonzero(cube.is_cross), np.flatnonzero(~cube.is_cross)
    good = cube.reasons[:, crosses] == Reason.GOOD
    possible = good.any(axis=1)  # (time, channel, product)
    good_a_baseline = good.sum(axis=(0, 2))  # (cross baseline, product)
    dead: list[tuple[int, int]] = []
    for product in range(len(cube.products)):
        power = {int(cube.antenna1[b]): float(np.median(np.abs(cube.data[:, b, :, product]))) for b in autos}
        typical = float(np.median([p for p in power.values() if p > 0] or [0.0]))
        for antenna in np.union1d(cube.antenna1, cube.antenna2):
            mine = (cube.antenna1[crosses] == antenna) | (cube.antenna2[crosses] == antenna)
            fraction = good_a_baseline[mine, product].max(initial=0) / max(int(possible[..., product].sum()), 1)
            if fraction < 1 - dead_fraction or power.get(int(antenna), typical) < DEAD_POWER_FRACTION * typical:
                dead.append((int(antenna), product))
    return dead


def mark_receptors(cube: Cube, dead: list[tuple[int, int]]) -> None:
    for antenna, product in dead:
        baselines = (cube.antenna1 == antenna) | (cube.antenna2 == antenna)
        where = np.zeros((1, len(cube.antenna1), 1, len(cube.products)), bool)
        where[0, baselines, 0, product] = True
        cube.mark(where, Reason.DEAD_RECEPTOR)


def baseline_medians(cube: Cube) -> NDArray[np.float32]:
    """Median amplitude of the good samples to 1 %, (baseline, product); NaN for autocorrelations and baselines without any."""
    medians = np.full((len(cube.antenna1), len(cube.products)), np.nan, np.float32)
    fill_medians(cube.data, cube.reasons, np.flatnonzero(cube.is_cross), medians)
    return medians


def clip_absurd(cube: Cube) -> None:
    medians = baseline_medians(cube)
    for product in range(len(cube.products)):
        known = np.isfinite(medians[:, product])
        if known.any():
            _clip(cube, product, np.where(known, ABSURD_RATIO * float(np.median(medians[known, product])), np.inf), Reason.ABSURD_AMPLITUDE)


def clip_mad(cube: Cube, sigma: float) -> None:
    """Flag amplitudes more than `sigma` robust standard deviations above the median of the whole array, a product at a time."""
    medians = baseline_medians(cube)
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
        _clip(cube, product, np.where(medians[:, product] > 0, limit * medians[:, product], np.inf), Reason.MAD_CLIP)


def _clip(cube: Cube, product: int, limits: NDArray[np.floating], reason: Reason) -> None:
    for baseline in np.flatnonzero(np.isfinite(limits)):
        high = np.abs(cube.data[:, baseline, :, product]) > limits[baseline]
        reasons = cube.reasons[:, baseline, :, product]
        reasons[high & (reasons == Reason.GOOD)] = reason
