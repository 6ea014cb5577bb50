"""Flags follow their neighbours: what is left between many bad samples is rarely good.

A baseline's channel, or its integration, that has lost most of its good samples to interference loses the rest; so does a
(time, channel) cell that most of the array has lost. Samples that were never possible (missing subbands, dead receptors)
count on neither side.
"""

from __future__ import annotations

import numpy as np

from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube

# Below this a burst over half the band would take the clean half with it.
MOST = 0.75


def extend(cube: Cube) -> None:
    crosses = np.flatnonzero(cube.is_cross)
    bad = cube.reasons[:, crosses] >= Reason.ABSURD_AMPLITUDE
    good = cube.reasons[:, crosses] == Reason.GOOD
    more = np.zeros_like(good)
    for axis in (0, 1, 2):  # most times of a channel, most baselines of a cell, most channels of an integration
        bad_count, good_count = bad.sum(axis=axis, keepdims=True), good.sum(axis=axis, keepdims=True)
        more |= (good_count > 0) & (bad_count > MOST * (bad_count + good_count))
    selected = cube.reasons[:, crosses]
    selected[good & more] = Reason.EXTENSION
    cube.reasons[:, crosses] = selected
