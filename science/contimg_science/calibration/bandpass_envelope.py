"""Which channels of a bandpass stand off their own envelope, and by more than noise.

The envelope is a running median over channels, corrected for the shape that all subbands of an antenna share, so that the
roll-off at subband edges is no outlier. Plain numpy: it runs in processes with casacore and with CASA alike.
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

ENVELOPE_CHANNELS = 21
SUBBANDS = 16


def outlier_channels(amplitude: NDArray[np.floating], flags: NDArray[np.bool_], fraction: float) -> NDArray[np.bool_]:
    """Mask of (receptor, channel, row) entries whose amplitude differs from the envelope by more than `fraction` of it.

    A noisy antenna is not cut to pieces: the limit is at least five robust standard deviations of its own scatter.
    """
    values = np.where(flags, np.nan, amplitude)
    channels = values.shape[1]
    half = min(ENVELOPE_CHANNELS, channels) // 2
    padded = np.pad(values, ((0, 0), (half, half), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=1)
    with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # an all-flagged window has the median NaN, which compares False below
        ratio = values / np.nanmedian(windows, axis=-1)
        if channels % SUBBANDS == 0:
            by_subband = ratio.reshape(ratio.shape[0], SUBBANDS, -1, ratio.shape[2])
            ratio = (by_subband / np.nanmedian(by_subband, axis=1, keepdims=True)).reshape(ratio.shape)
        deviation = np.abs(ratio - 1.0)
        scatter = 1.4826 * np.nanmedian(deviation, axis=1, keepdims=True)
        return deviation > np.maximum(fraction, 5.0 * scatter)
