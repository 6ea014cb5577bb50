"""Interference that the whole array sees: the mean power of all baselines, in units of their own, by time and channel.

Averaging |V|²/(baseline median)² over N baselines lowers the noise by √N, so that what is far below the noise of one
visibility stands out. Two looks: against the channel's own time median (bursts, sweeps), and the channel's median
against its neighbours (carriers that stay). The sky itself changes that power smoothly while it drifts through the
beam: a low-order surface in time and frequency is taken out first, and it is too stiff to follow a burst.
"""

from __future__ import annotations

import warnings

import numba
import numpy as np
from numpy.typing import NDArray

from contimg_science.flagging.amplitudes import baseline_medians
from contimg_science.flagging.baseline_scan import MAD_TO_SIGMA
from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube

INTERMITTENT_SIGMA, INTERMITTENT_PASSES = 5.0, 3
PERSISTENT_SIGMA, PERSISTENT_FRACTION, NEIGHBOUR_CHANNELS = 7.0, 0.02, 21
SUBBANDS = 16  # the bandpass repeats its edges in each
# One sample counts at most this much, in units of its baseline's median power: noise exceeds it once in 10⁷, and a few strong
# samples of single baselines cannot hide what all of them see.
MOST_OF_ONE = 25.0
# Channels where the receivers' bandpass itself jumps (observatory notes), ± one mini channel
OUTLIER_CHANNELS_MHZ, OUTLIER_HALF_WIDTH_MHZ = (1350.0, 1395.0, 1405.0, 1422.0, 1475.0), 2.0

Plane = NDArray[np.float64]


# numba compiles these, so their arguments carry no annotations.
@numba.njit(cache=True, nogil=True)
def add_power(samples, marks, inverse_square, baselines, times, total, count):
    """`total` and `count` (time, channel and product) of good samples; `inverse_square` (baseline, product) is their unit, 0 where unusable."""
    cells, products = samples.shape[2], inverse_square.shape[1]
    unit = np.empty(cells, np.float64)
    for time in times:
        for baseline in baselines:
            for product in range(products):
                unit[product::products] = inverse_square[baseline, product]
            for cell in range(cells):
                if marks[time, baseline, cell] == 0 and unit[cell] > 0:
                    real, imaginary = np.float64(samples[time, baseline, cell].real), np.float64(samples[time, baseline, cell].imag)
                    total[time, cell] += min((real * real + imaginary * imaginary) * unit[cell], MOST_OF_ONE)
                    count[time, cell] += 1


@numba.njit(cache=True, nogil=True)
def mark_cells(marks, found, times):
    """Gives good samples the reason that `found` (time, channel and product) has for their cell; 0 is none."""
    _, baselines, cells = marks.shape
    for time in times:
        for baseline in range(baselines):
            for cell in range(cells):
                if marks[time, baseline, cell] == 0:
                    marks[time, baseline, cell] = found[time, cell]


def mean_power(cube: Cube) -> Plane:
    """Mean over baselines of (|V| / the baseline's median)², good samples only, each capped: (product, time, channel); NaN without any."""
    medians = baseline_medians(cube).astype(np.float64)
    usable = np.isfinite(medians) & (medians > 0)
    inverse_square = np.where(usable, 1.0 / np.where(usable, medians, 1.0) ** 2, 0.0)
    samples, marks, crosses = cube.samples, cube.marks, cube.crosses
    total, count = np.zeros((samples.shape[0], samples.shape[2])), np.zeros((samples.shape[0], samples.shape[2]), np.int64)
    cube.in_shares(lambda share: add_power(samples, marks, inverse_square, crosses, share, total, count), cube.times)
    power = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    return np.ascontiguousarray(np.moveaxis(power.reshape(*power.shape[:1], -1, len(cube.products)), 2, 0))


def _nan_median(values: Plane, axis: int | None = None) -> Plane:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # an empty channel has the median NaN: that is meant
        return np.asarray(np.nanmedian(values, axis=axis))


def _robust_sigma(residual: Plane) -> float:
    return MAD_TO_SIGMA * float(_nan_median(np.abs(residual - _nan_median(residual))))


def _smooth_sky(ratio: Plane) -> Plane:
    """Least-absolute-deviation surface, cubic in time with a linear change over frequency, of power over its time median."""
    times, channels = ratio.shape
    t, f = np.linspace(-1, 1, times)[:, None], np.linspace(-1, 1, channels)[None, :]
    order = min(3, times - 1)
    terms = np.stack([(t**i * f**j).ravel() for i in range(order + 1) for j in (0, 1)], axis=1)
    good = np.isfinite(ratio.ravel())
    design, values = terms[good], ratio.ravel()[good]
    weights = np.ones(values.size)
    surface = np.ones(values.size)
    for _ in range(12):  # iteratively re-weighted: converged to 1e-3 of the scatter on simulated groups
        scaled = design * weights[:, None]
        coefficients = np.linalg.solve(scaled.T @ design + 1e-12 * np.eye(design.shape[1]), scaled.T @ values)
        surface = design @ coefficients
        residual = np.abs(values - surface)
        weights = 1.0 / np.maximum(residual, max(float(np.median(residual)), 1e-9))
    filled = np.full(ratio.size, np.nan)
    filled[good] = surface
    return filled.reshape(ratio.shape)


def intermittent(power: Plane) -> NDArray[np.bool_]:
    """(time, channel) cells of one product above their channel's usual power."""
    found = np.zeros(power.shape, bool)
    if power.shape[0] < 4:
        return found  # a time median of three integrations says nothing
    for _ in range(INTERMITTENT_PASSES):
        clean = np.where(found, np.nan, power)
        ratio = clean / _nan_median(clean, axis=0)
        if not np.isfinite(ratio).any():
            return found
        residual = ratio - _smooth_sky(ratio)
        sigma = _robust_sigma(residual)
        new = np.nan_to_num(residual, nan=0.0) > INTERMITTENT_SIGMA * sigma
        if sigma <= 0 or not new.any():
            break
        found |= new
    return found


def persistent(power: Plane) -> NDArray[np.bool_]:
    """Channels of one product whose median power stands above that of their neighbours."""
    level = _nan_median(power, axis=0)
    found = np.zeros(level.size, bool)
    if not np.isfinite(level).any():
        return found
    for _ in range(3):  # a strong carrier bends its neighbours' running median; the next pass sees without it
        clean = np.where(found, np.nan, level)
        shape = _running_median(clean)
        if level.size % SUBBANDS == 0:
            edges = _nan_median((clean / shape).reshape(SUBBANDS, -1), axis=0)
            shape = shape * np.tile(np.where(np.isfinite(edges), edges, 1.0), SUBBANDS)
        excess = level / shape - 1.0
        limit = max(PERSISTENT_SIGMA * _robust_sigma(np.where(found, np.nan, excess)), PERSISTENT_FRACTION)
        new = np.nan_to_num(excess, nan=0.0) > limit
        if np.array_equal(new | found, found):
            break
        found |= new
    return found


def _running_median(values: Plane) -> Plane:
    half = min(NEIGHBOUR_CHANNELS, values.size) // 2
    padded = np.pad(values, half, constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1)
    return _nan_median(windows, axis=1)


def is_outlier_channel(freq_hz: Plane) -> NDArray[np.bool_]:
    mhz = freq_hz[:, None] / 1e6
    return np.any(np.abs(mhz - np.array(OUTLIER_CHANNELS_MHZ)) <= OUTLIER_HALF_WIDTH_MHZ, axis=1)


def mark_array_interference(cube: Cube) -> Plane:
    """Answers the mean power it looked at."""
    power = mean_power(cube)
    outlier = is_outlier_channel(cube.freq_hz)
    times, _, channels, products = cube.data.shape
    found = np.zeros((times, channels, products), np.uint8)
    for product in range(products):
        lasting = persistent(power[product])
        found[intermittent(np.where(lasting, np.nan, power[product])), product] = Reason.ARRAY_INTERMITTENT
        found[:, lasting & outlier, product] = Reason.OUTLIER_CHANNEL
        found[:, lasting & ~outlier, product] = Reason.ARRAY_PERSISTENT
    if found.any():
        marks, cells = cube.marks, found.reshape(times, -1)
        cube.in_shares(lambda share: mark_cells(marks, cells, share), cube.times)
    return power
