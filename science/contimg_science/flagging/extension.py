"""Flags follow their neighbours: what is left between many bad samples is rarely good.

A baseline's channel, or its integration, that has lost most of its good samples to interference loses the rest; so does a
(time, channel) cell that most of the array has lost. Samples that were never possible (missing subbands, dead receptors)
count on neither side.
"""

from __future__ import annotations

import numba
import numpy as np

from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube

# Below this a burst over half the band would take the clean half with it.
MOST = 0.75
FIRST_BAD, EXTENSION = int(Reason.ABSURD_AMPLITUDE), int(Reason.EXTENSION)


# numba compiles these, so their arguments carry no annotations.
@numba.njit(cache=True, nogil=True)
def find_lost_cells(marks, crosses, times, lost):
    """`lost` (time, channel and product): whether most of the array's samples there are."""
    cells = marks.shape[2]
    bad, good = np.empty(cells, np.int64), np.empty(cells, np.int64)
    for time in times:
        bad[:] = 0
        good[:] = 0
        for baseline in crosses:
            for cell in range(cells):
                bad[cell] += marks[time, baseline, cell] >= FIRST_BAD
                good[cell] += marks[time, baseline, cell] == 0
        for cell in range(cells):
            lost[time, cell] = bad[cell] > MOST * (bad[cell] + good[cell])


@numba.njit(cache=True, nogil=True)
def extend_baselines(marks, lost, products, baselines):
    times, _, cells = marks.shape
    bad, good = np.empty(cells, np.int64), np.empty(cells, np.int64)
    lost_channel, lost_then = np.empty(cells, np.bool_), np.empty((times, products), np.bool_)
    for baseline in baselines:
        bad[:] = 0
        good[:] = 0
        for time in range(times):
            for cell in range(cells):
                mark = marks[time, baseline, cell]
                bad[cell] += mark >= FIRST_BAD
                good[cell] += mark == 0
            for product in range(products):
                bad_then, good_then = 0, 0
                for cell in range(product, cells, products):
                    bad_then += marks[time, baseline, cell] >= FIRST_BAD
                    good_then += marks[time, baseline, cell] == 0
                lost_then[time, product] = bad_then > MOST * (bad_then + good_then)
        for cell in range(cells):
            lost_channel[cell] = bad[cell] > MOST * (bad[cell] + good[cell])
        for time in range(times):
            for product in range(products):
                for cell in range(product, cells, products):
                    if marks[time, baseline, cell] == 0 and (lost[time, cell] or lost_channel[cell] or lost_then[time, product]):
                        marks[time, baseline, cell] = EXTENSION


def extend(cube: Cube) -> None:
    marks, crosses, products = cube.marks, cube.crosses, len(cube.products)
    lost = np.zeros((marks.shape[0], marks.shape[2]), np.bool_)
    cube.in_shares(lambda share: find_lost_cells(marks, crosses, share, lost), cube.times)
    cube.in_shares(lambda share: extend_baselines(marks, lost, products, share), crosses)
