"""Frequencies of the correlator: which channel of which subband is where.

Everything follows from the digitiser: 8192 fine channels over 250 MHz below 1530 MHz, 384 fine channels a subband from
fine channel 1024 on, averaged by `fine_channels_per_channel`. Subband 0 is the highest, channels fall in frequency.
The functions give channel centres and never look at a file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SUBBANDS = 16
FINE_CHANNELS_PER_SUBBAND = 384
FIRST_FINE_CHANNEL = 1024
TOP_OF_BAND_HZ = 1530e6
FINE_CHANNEL_WIDTH_HZ = 250e6 / 8192
SUBBAND_WIDTH_HZ = FINE_CHANNELS_PER_SUBBAND * FINE_CHANNEL_WIDTH_HZ
# 1530 MHz is the centre of fine channel 0, so edges lie half a fine channel above centres.
BAND_UPPER_EDGE_HZ = TOP_OF_BAND_HZ - (FIRST_FINE_CHANNEL - 0.5) * FINE_CHANNEL_WIDTH_HZ
BAND_LOWER_EDGE_HZ = BAND_UPPER_EDGE_HZ - SUBBANDS * SUBBAND_WIDTH_HZ
BAND_CENTRE_HZ = (BAND_UPPER_EDGE_HZ + BAND_LOWER_EDGE_HZ) / 2


def fine_channels_per_channel(nfreqs: int) -> int:
    """Fine channels averaged into one channel of a file with `nfreqs` channels: 8 at full size."""
    if nfreqs < 1 or FINE_CHANNELS_PER_SUBBAND % nfreqs:
        raise ValueError(f"a subband of {FINE_CHANNELS_PER_SUBBAND} fine channels cannot hold {nfreqs} equal channels")
    return FINE_CHANNELS_PER_SUBBAND // nfreqs


def channel_width_hz(nfreqs: int) -> float:
    """Width of a channel, always positive: 244,140.625 Hz at full size."""
    return fine_channels_per_channel(nfreqs) * FINE_CHANNEL_WIDTH_HZ


def subband_frequencies_hz(subband: int, nfreqs: int) -> NDArray[np.float64]:
    """Channel centres of one subband in the order of the file: (nfreqs,), descending."""
    if not 0 <= subband < SUBBANDS:
        raise ValueError(f"subband {subband} is outside 0…{SUBBANDS - 1}")
    return frequencies_from_fine_channel_hz(FIRST_FINE_CHANNEL + FINE_CHANNELS_PER_SUBBAND * subband, nfreqs)


def frequencies_from_fine_channel_hz(first_fine_channel: int, nfreqs: int) -> NDArray[np.float64]:
    """Channel centres of a file that starts at any fine channel: (nfreqs,), descending."""
    fine = fine_channels_per_channel(nfreqs)
    index = first_fine_channel + fine * np.arange(nfreqs, dtype=np.float64) + (fine - 1) / 2
    return TOP_OF_BAND_HZ - index * FINE_CHANNEL_WIDTH_HZ
