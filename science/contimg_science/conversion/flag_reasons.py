"""Why conversion flags a sample: each flagged sample is counted once, under the first reason of this list that holds.

Only what has no valid sample is flagged here, and autocorrelations so that nobody images them by accident. Judgement
(interference, dead antennas, clips) belongs to the step `flag`.
"""

from __future__ import annotations

MISSING, AUTOCORRELATION, NOT_FINITE, NO_SAMPLES, EXACT_ZERO, RAW_FLAG = range(6)

REASONS: tuple[str, ...] = ("missing", "autocorrelation", "not_finite", "no_samples", "exact_zero", "raw_flag")
