"""Chooses the reference antenna by name: of a preferred list, the first that has nearly as much good data as the best.

Phases are relative to it, so it must have both receptors alive. A list of which nothing is usable is refused, never
replaced by whatever antenna comes first.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contimg_science.measurement_set import Description, open_table
from contimg_science.protocol import StepFailure

# Of the best candidate's good samples: a few per cent of interference is no reason to leave the preferred order.
NEARLY = 0.9
USABLE = 0.5


def choose_reference(ms: Path, group: Description, preferred: list[str]) -> str:
    cross = ~group.autocorrelation
    bad = np.zeros((group.shape.baselines, group.shape.correlations))
    with open_table(ms) as main:
        for time in range(group.shape.times):
            bad += main.getcol("FLAG", time * group.shape.baselines, group.shape.baselines).mean(axis=1)
    good = 1.0 - bad / group.shape.times

    def good_fraction(name: str) -> float:
        """Of the worse receptor; 0 for an antenna that is not in the data."""
        if name not in group.antenna_names:
            return 0.0
        index = group.antenna_names.index(name)
        mine = cross & ((group.antenna1 == index) | (group.antenna2 == index))
        return float(good[mine].mean(axis=0).min()) if mine.any() else 0.0

    fractions = {name: good_fraction(name) for name in preferred}
    best = max(fractions.values(), default=0.0)
    if best < USABLE:
        raise StepFailure(
            "BadInput",
            "NoReferenceAntenna",
            f"none of {', '.join(preferred) or 'an empty list'} has {USABLE:.0%} good data in both receptors",
            "name other reference antennas, or look at why these are dead",
            "none",
        )
    return next(name for name in preferred if fractions[name] >= NEARLY * best)
