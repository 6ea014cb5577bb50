"""How much the scale of the gains changed since the last good set of the strip.

A calibrator whose model is wrong by a factor solves as well as a right one: only the scale of its gains tells. The
electronics change slowly, so the median over receptors of |new| / |old| must be near 1. The first set of a strip has
nothing to be compared with, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contimg_science.calibration.calibration_table import Solutions, read_solutions

Tables = tuple[Solutions, Solutions]


@dataclass(frozen=True)
class GainScale:
    compared_with: str
    ratio: float
    receptors: int


def compare_scale(previous_id: str, previous: tuple[Path, Path], bandpass: Solutions, gain: Solutions) -> GainScale:
    """`previous` are the BP and GP tables of the other set; receptors are matched by the name of their antenna."""
    old = _by_receptor((read_solutions(previous[0]), read_solutions(previous[1])))
    new = _by_receptor((bandpass, gain))
    ratios = [amplitude / old[receptor] for receptor, amplitude in new.items() if receptor in old]
    return GainScale(previous_id, float(np.median(ratios)) if ratios else 0.0, len(ratios))


def _by_receptor(tables: Tables) -> dict[tuple[str, int], float]:
    """Median |gain| over the channels of each receptor that has any."""
    bandpass, gain = tables
    amplitude = np.abs(bandpass.gains[0] * gain.gains[0])
    flags = bandpass.flags[0] | gain.flags[0]
    return {
        (name, receptor): float(np.median(amplitude[index, ~flags[index, :, receptor], receptor]))
        for index, name in enumerate(bandpass.antenna_names)
        for receptor in range(amplitude.shape[-1])
        if not flags[index, :, receptor].all()
    }
