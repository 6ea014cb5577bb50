"""Compiled looks at each baseline by itself: its median amplitude, and whether anything on it stands out from its noise.

The look is SumThreshold's first question, for runs and blocks of every length: in units of the baseline's own robust scatter,
relative to what the whole array shows in each cell and to the baseline's own surroundings, because sources fringe through it. A
baseline on which nothing stands out by LIMIT has nothing that AOFlagger could find with confidence, and is spared it; of pure
noise one in some thirty stands out. Never flags anything.
"""

from __future__ import annotations

# numba compiles these, so their arguments carry no annotations.
import numba
import numpy as np

LIMIT = 6.0
# Longest runs, in integrations and in channels, and the largest block of both; every power of two below is tried.
LONGEST_TIME, LONGEST_BAND, LARGEST_BLOCK = 16, 256, 32
# The surroundings of a sample: integrations and channels on either side. AOFlagger takes the mean of as many away.
ABOUT_TIME, ABOUT_BAND = 5, 30
# Far above LIMIT: a sample of this many standard deviations stands out by itself.
HIGHEST = 1000.0
# A few thousand samples give a median to 1 %; every k-th of them, k odd, so that all channels of a subband take part.
ENOUGH_SAMPLES = 4096
MAD_TO_SIGMA = 1.4826


@numba.njit(cache=True, nogil=True)
def sampling_stride(size):
    return max(1, size // ENOUGH_SAMPLES) | 1


@numba.njit(cache=True, nogil=True)
def fill_medians(data, reasons, baselines, medians):
    """`medians` (baseline, product) of the amplitudes that have no reason yet; NaN where there is none."""
    times, _, channels, products = data.shape
    stride = sampling_stride(times * channels)
    some = np.empty(times * channels // stride + 1, np.float32)
    for baseline in baselines:
        for product in range(products):
            count = 0
            for index in range(0, times * channels, stride):
                time, channel = index // channels, index % channels
                if reasons[time, baseline, channel, product] == 0:
                    some[count] = abs(data[time, baseline, channel, product])
                    count += 1
            medians[baseline, product] = np.median(some[:count]) if count else np.nan


@numba.njit(cache=True, nogil=True)
def centre_and_sigma(values, usable):
    """Robust, of some of the usable values of a (time, channel) plane; NaN where there is none."""
    flat, there = values.reshape(-1), usable.reshape(-1)
    stride = sampling_stride(flat.size)
    some = np.empty(flat.size // stride + 1, np.float32)
    count = 0
    for index in range(0, flat.size, stride):
        if there[index] > 0:
            some[count] = flat[index]
            count += 1
    if count == 0:
        return np.nan, np.nan
    centre = np.median(some[:count])
    return centre, MAD_TO_SIGMA * np.median(np.abs(some[:count] - centre))


@numba.njit(cache=True, nogil=True, fastmath=True)
def sum_about(plane, along_band, sums):
    """`sums` of the plane over the surroundings of each cell; `along_band` has room for one more than the channels."""
    times, channels = plane.shape
    column = np.zeros(channels, np.float32)
    for time in range(min(ABOUT_TIME, times)):
        for channel in range(channels):
            column[channel] += plane[time, channel]
    for time in range(times):
        if time + ABOUT_TIME < times:
            for channel in range(channels):
                column[channel] += plane[time + ABOUT_TIME, channel]
        if time > ABOUT_TIME:
            for channel in range(channels):
                column[channel] -= plane[time - ABOUT_TIME - 1, channel]
        along_band[0] = 0.0
        for channel in range(channels):
            along_band[channel + 1] = along_band[channel] + column[channel]
        for channel in range(channels):
            sums[time, channel] = along_band[min(channel + ABOUT_BAND + 1, channels)] - along_band[max(channel - ABOUT_BAND, 0)]


@numba.njit(cache=True, nogil=True, fastmath=True)
def count_above(values, limit):
    # Counted to the end: a maximum, or leaving early, would take eight times as long.
    count = 0
    for index in range(values.size):
        count += values[index] > limit
    return count


@numba.njit(cache=True, nogil=True, fastmath=True)
def add(left, right, sums):
    # Sizes and offsets are those of views: with indices that may be negative nothing here would be done eight at a time.
    for index in range(sums.size):
        sums[index] = left[index] + right[index]


@numba.njit(cache=True, nogil=True)
def stands_out(excess, one, other):
    """Whether a block of cells adds up to more than LIMIT; `excess` in standard deviations, 0 where there is no sample.

    A block counts with its whole size: what is missing in it has the shorter blocks beside it. `one` and `other` have room for a row.
    Sums along time are made in `excess`.
    """
    times, channels = excess.shape
    length = 1
    while True:
        widest = min(channels, LONGEST_BAND if length == 1 else LARGEST_BLOCK // length)
        for time in range(times):
            now, then, width, places = excess[time], one, 1, channels
            while True:
                if count_above(now[:places], np.float32(LIMIT * np.sqrt(length * width))):
                    return True
                if 2 * width > widest:
                    break
                places -= width
                add(now[:places], now[width : width + places], then[:places])
                now, then = then, (other if width == 1 else now)
                width *= 2
        if 2 * length > LONGEST_TIME or times <= length:
            return False
        times -= length
        for time in range(times):
            add(excess[time], excess[time + length], excess[time])
        length *= 2


@numba.njit(cache=True, nogil=True)
def fill_suspicious(data, reasons, level, baselines, suspicious):
    """`suspicious` (baseline, product); `level` (product, time, channel) is the amplitude the array shows, NaN where it shows none."""
    times, _, channels, products = data.shape
    excess, usable = np.empty((times, channels), np.float32), np.empty((times, channels), np.float32)
    sums, counts = np.empty((times, channels), np.float32), np.empty((times, channels), np.float32)
    one, other, along_band = np.empty(channels, np.float32), np.empty(channels, np.float32), np.empty(channels + 1, np.float32)
    for baseline in baselines:
        for product in range(products):
            for time in range(times):
                for channel in range(channels):
                    here = level[product, time, channel]
                    if reasons[time, baseline, channel, product] == 0 and here > 0:
                        sample = data[time, baseline, channel, product]
                        usable[time, channel] = 1.0
                        excess[time, channel] = np.sqrt(sample.real * sample.real + sample.imag * sample.imag) / here
                    else:
                        usable[time, channel] = 0.0
                        excess[time, channel] = 0.0
            centre, sigma = centre_and_sigma(excess, usable)
            if np.isnan(centre):
                suspicious[baseline, product] = False
                continue
            if sigma <= 0:
                suspicious[baseline, product] = True
                continue
            for time in range(times):
                for channel in range(channels):
                    excess[time, channel] = min((excess[time, channel] - centre) / sigma, HIGHEST) * usable[time, channel]
            sum_about(excess, along_band, sums)
            sum_about(usable, along_band, counts)
            for time in range(times):
                for channel in range(channels):
                    if usable[time, channel] > 0:
                        excess[time, channel] -= sums[time, channel] / counts[time, channel]
            suspicious[baseline, product] = stands_out(excess, one, other)
