"""Weighted means of visibilities over integrations and channels, compiled.

Never takes what is flagged. Releases the interpreter: the caller shares rows among threads.
"""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(nogil=True, cache=True, fastmath=True)
def fill_means(data, flag, weight, uvw_m, baselines, out, out_flag, out_weight, out_uvw_m):
    """data, flag, weight (times, baselines, channels, products), uvw_m (times, baselines, 3); out (rows, fewer channels, products).

    Row i is baseline `baselines[i]`. A sample is the mean of all that are not flagged, its weight their sum; flagged when none is
    left. (u, v, w) is the mean with the weights of the samples, so that it belongs to what was averaged.
    """
    times, channels = data.shape[0], data.shape[2] // out.shape[1]
    of_time = np.empty(times)
    for row in range(baselines.size):
        baseline = baselines[row]
        of_time[:] = 0.0
        for channel in range(out.shape[1]):
            for product in range(out.shape[2]):
                total, real, imaginary = 0.0, 0.0, 0.0
                for time in range(times):
                    for fine in range(channel * channels, (channel + 1) * channels):
                        if not flag[time, baseline, fine, product]:
                            one, value = weight[time, baseline, fine, product], data[time, baseline, fine, product]
                            total += one
                            real += one * value.real
                            imaginary += one * value.imag
                            of_time[time] += one
                out_flag[row, channel, product] = total <= 0.0
                out_weight[row, channel, product] = total
                out[row, channel, product] = np.complex64(complex(real / total, imaginary / total)) if total > 0.0 else np.complex64(0)
        if of_time.sum() <= 0.0:
            of_time[:] = 1.0
        for axis in range(3):
            summed = 0.0
            for time in range(times):
                summed += of_time[time] * uvw_m[time, baseline, axis]
            out_uvw_m[row, axis] = summed / of_time.sum()
