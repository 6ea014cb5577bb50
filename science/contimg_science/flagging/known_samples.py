"""What is known of a sample before anybody looks for interference: flagged by the conversion, zero, not finite, an autocorrelation.

Sets every reason of the cube anew, in one compiled pass that also counts what is left for the search for dead receptors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube

CONVERSION, ZERO, NON_FINITE, AUTO, GOOD = (int(r) for r in (Reason.CONVERSION, Reason.ZERO, Reason.NON_FINITE, Reason.AUTO, Reason.GOOD))


@dataclass(frozen=True)
class GoodSamples:
    a_baseline: NDArray[np.int64]  # how many, (baseline, product)
    anywhere: NDArray[np.bool_]  # whether any baseline has one there, (time, channel, product)


# numba compiles this, so its arguments carry no annotations.
@numba.njit(cache=True, nogil=True, error_model="numpy")
def fill_known(samples, flagged, is_cross, baselines, marks, good, anywhere):
    """`good` (baseline, product) and `anywhere` (time, channel and product) count the cross-correlations."""
    times, _, cells = samples.shape
    products = good.shape[1]
    good_there = np.empty(cells, np.int64)
    for baseline in baselines:
        cross = is_cross[baseline]
        good_there[:] = 0
        for time in range(times):
            for cell in range(cells):
                sample = samples[time, baseline, cell]
                # A number less itself is zero only when it is finite.
                finite = (sample.real - sample.real) == 0 and (sample.imag - sample.imag) == 0
                zero = sample.real == 0 and sample.imag == 0
                if zero:
                    marks[time, baseline, cell] = ZERO
                elif not cross and finite:
                    marks[time, baseline, cell] = AUTO
                elif not finite:
                    marks[time, baseline, cell] = NON_FINITE
                elif flagged[time, baseline, cell]:
                    marks[time, baseline, cell] = CONVERSION
                else:
                    marks[time, baseline, cell] = GOOD
                    good_there[cell] += 1
                    anywhere[time, cell] = True
        for cell in range(cells):
            good[baseline, cell % products] += good_there[cell]


def mark_known(cube: Cube, flagged: NDArray[np.bool_]) -> GoodSamples:
    """`flagged` by the conversion, for whatever reason; what DATA shows by itself is told from what only the conversion knew."""
    times, baselines, channels, products = cube.data.shape
    good = np.zeros((baselines, products), np.int64)
    anywhere = np.zeros((times, channels * products), np.bool_)
    flags, is_cross, samples, marks = flagged.reshape(cube.samples.shape), cube.is_cross, cube.samples, cube.marks
    cube.in_shares(lambda share: fill_known(samples, flags, is_cross, share, marks, good, anywhere), cube.baselines)
    return GoodSamples(good, anywhere.reshape(times, channels, products))
