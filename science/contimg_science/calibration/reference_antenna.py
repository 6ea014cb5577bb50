"""Chooses the reference antenna by name: of a preferred list, the first that has nearly as much good data as the best.

Phases are relative to it, so both its receptors must see the calibrator: one that delivers plausible noise is dead too. A
list of which nothing is usable is refused, never replaced by whatever antenna comes first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.transit_sums import TransitSums
from contimg_science.measurement_set import Description
from contimg_science.protocol import StepFailure

# Of the best candidate's good samples: a few per cent of interference is no reason to leave the preferred order.
NEARLY = 0.9
USABLE = 0.5
# Of the median coherence of all baselines: pure noise has about 1/√channels.
COHERENT = 0.5


def choose_reference(sums: TransitSums, group: Description, preferred: list[str]) -> str:
    cross = ~group.autocorrelation
    first, second = group.antenna1[cross], group.antenna2[cross]
    middle = len(sums.intervals) // 2
    coherence = _coherence(sums.across[middle], sums.power[middle])

    def good_fraction(name: str) -> float:
        """Of the worse receptor; 0 for an antenna that is not in the data."""
        if name not in group.antenna_names:
            return 0.0
        index = group.antenna_names.index(name)
        mine = (first == index) | (second == index)
        if not mine.any() or float(np.median(coherence[mine], axis=0).min()) < COHERENT * typical:
            return 0.0
        return float(sums.good[mine].mean(axis=0).min())

    typical = float(np.median(coherence[coherence > 0])) if (coherence > 0).any() else 0.0
    fractions = {name: good_fraction(name) for name in preferred}
    best = max(fractions.values(), default=0.0)
    if best < USABLE:
        raise StepFailure(
            "BadInput",
            "NoReferenceAntenna",
            f"none of {', '.join(preferred) or 'an empty list'} sees the calibrator in both receptors with {USABLE:.0%} good data",
            "name other reference antennas, or look at why these are dead",
            "none",
        )
    return next(name for name in preferred if fractions[name] >= NEARLY * best)


def _coherence(across: NDArray[np.complexfloating], power: NDArray[np.floating]) -> NDArray[np.float64]:
    """(baseline, product): |sum| over sum of | | along the band, 1 for a source that is far above the noise; 0 where all is flagged."""
    good = np.where(power > 0, across, 0)
    total = np.abs(good).sum(axis=1)
    return np.where(total > 0, np.abs(good.sum(axis=1)) / np.where(total > 0, total, 1), 0.0)
