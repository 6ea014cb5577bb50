"""Compiled looks at each baseline by itself: its median amplitude, and whether anything on it stands out from its noise.

The look is SumThreshold's first question at every length, time and frequency apart, in units of the baseline's own robust scatter
and relative to what the whole array shows in each cell. A baseline on which nothing stands out by LIMIT has nothing that AOFlagger could
find with confidence, and is spared it; of pure noise one in some thirty stands out. Never flags anything.
"""

from __future__ import annotations

# numba compiles these, so their arguments carry no annotations.
import numba
import numpy as np

LIMIT = 6.0
# A few thousand samples give a median to 1 %; every k-th of them, k odd, so that all channels of a subband take part.
ENOUGH_SAMPLES = 4096
LENGTHS = np.array([1, 2, 4, 8, 16, 32])
MAD_TO_SIGMA = 1.4826


@numba.njit(cache=True, nogil=True)
def sampled(values, usable):
    """Some of the usable values of a (time, channel) plane."""
    times, channels = values.shape
    stride = max(1, (times * channels) // ENOUGH_SAMPLES) | 1
    found = np.empty(times * channels // stride + 1, np.float32)
    count = 0
    for index in range(0, times * channels, stride):
        time, channel = index // channels, index % channels
        if usable[time, channel]:
            found[count] = values[time, channel]
            count += 1
    return found[:count]


@numba.njit(cache=True, nogil=True)
def fill_medians(data, reasons, baselines, medians):
    """`medians` (baseline, product) of the amplitudes that have no reason yet; NaN where there is none."""
    times, _, channels, products = data.shape
    amplitude, usable = np.empty((times, channels), np.float32), np.empty((times, channels), np.bool_)
    for baseline in baselines:
        for product in range(products):
            for time in range(times):
                for channel in range(channels):
                    amplitude[time, channel] = abs(data[time, baseline, channel, product])
                    usable[time, channel] = reasons[time, baseline, channel, product] == 0
            some = sampled(amplitude, usable)
            medians[baseline, product] = np.median(some) if some.size else np.nan


@numba.njit(cache=True, nogil=True)
def stands_out(excess, usable):
    """Whether a run of cells along either axis, of any of LENGTHS, adds up to more than LIMIT; `excess` in standard deviations."""
    times, channels = excess.shape
    for length in LENGTHS:
        for outer in range(channels):
            total, count = 0.0, 0
            for time in range(times):
                if usable[time, outer]:
                    total += excess[time, outer]
                    count += 1
                if time >= length and usable[time - length, outer]:
                    total -= excess[time - length, outer]
                    count -= 1
                if count and total > LIMIT * np.sqrt(count):
                    return True
        for outer in range(times):
            total, count = 0.0, 0
            for channel in range(channels):
                if usable[outer, channel]:
                    total += excess[outer, channel]
                    count += 1
                if channel >= length and usable[outer, channel - length]:
                    total -= excess[outer, channel - length]
                    count -= 1
                if count and total > LIMIT * np.sqrt(count):
                    return True
    return False


@numba.njit(cache=True, nogil=True)
def fill_suspicious(data, reasons, level, baselines, suspicious):
    """`suspicious` (baseline, product); `level` (product, time, channel) is the amplitude the array shows, NaN where it shows none."""
    times, _, channels, products = data.shape
    excess, usable = np.empty((times, channels), np.float32), np.empty((times, channels), np.bool_)
    for baseline in baselines:
        for product in range(products):
            for time in range(times):
                for channel in range(channels):
                    here = level[product, time, channel]
                    usable[time, channel] = reasons[time, baseline, channel, product] == 0 and here > 0
                    excess[time, channel] = abs(data[time, baseline, channel, product]) / here if usable[time, channel] else 0.0
            some = sampled(excess, usable)
            if some.size == 0:
                suspicious[baseline, product] = False
                continue
            centre = np.median(some)
            sigma = MAD_TO_SIGMA * np.median(np.abs(some - centre))
            if sigma <= 0:
                suspicious[baseline, product] = True
                continue
            excess -= centre
            excess /= sigma
            suspicious[baseline, product] = stands_out(excess, usable)
