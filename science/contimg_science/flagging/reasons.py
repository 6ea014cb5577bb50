"""Why a sample is flagged: the closed list of reasons, in the order in which they are looked for.

A sample keeps the first reason that applied. The numbers are stored in one byte a sample while the step runs; 0 is "good".
"""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    GOOD = 0
    CONVERSION = 1  # flagged by the conversion although the sample is a number that is not zero
    ZERO = 2
    NON_FINITE = 3
    AUTO = 4
    DEAD_RECEPTOR = 5
    ABSURD_AMPLITUDE = 6
    ARRAY_INTERMITTENT = 7
    ARRAY_PERSISTENT = 8
    OUTLIER_CHANNEL = 9  # persistent, in a channel where the bandpass itself is known to jump: told apart from interference
    AOFLAGGER = 10
    MAD_CLIP = 11
    EXTENSION = 12

    @property
    def key(self) -> str:
        return self.name.lower()
