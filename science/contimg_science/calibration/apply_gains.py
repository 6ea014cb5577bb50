"""Divides visibilities by the gains of their two antennas, weighs them by |g₁g₂|², and averages channels.

V = D / (g₁ g₂*), weight w |g₁ g₂|², the inverse variance of V when the noise of D is the same in all channels. A sample
without a gain on either side is flagged and written as 0: it never leaves as it came. Plain numpy in blocks: a compiled
pass takes a third of the time, but loading its compiler costs a small group more than all of its samples.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.complex64]
Gains = NDArray[np.complex128]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Antennas = NDArray[np.int32]

# Of a full-size group 400 kB: a block stays in the processor's cache from one operation to the next.
BLOCK_ROWS = 32


def calibrate_rows(
    data: Samples,
    flags: Flags,
    weights: Floats,
    antennas: tuple[Antennas, Antennas],
    gains: Gains,
    gain_flags: Flags,
    average: int,
    out: tuple[Samples, Flags, Floats],
    threads: int,
) -> None:
    """data, flags (row, channel, product); weights (row, product); gains, gain_flags (antenna, channel, product).

    `out`: data, flags and weights (row, channel / average, product), filled. The mean over channels is weighted.
    """
    # Single precision as the data have it: 1e-7 of a gain.
    known = np.where(gain_flags, 0, gains).astype(np.complex64)

    def block(first: int) -> None:
        rows = slice(first, first + BLOCK_ROWS)
        response = known[antennas[0][rows]] * np.conj(known[antennas[1][rows]])
        response[flags[rows]] = 0
        power = np.square(np.abs(response))
        # D / response · (w · power) without dividing: D · response* · w, and w is the same in all channels of a row.
        total = np.where(flags[rows], 0, data[rows]) * np.conj(response)
        if average > 1:
            shape = (power.shape[0], -1, average, power.shape[2])
            power, total = power.reshape(shape).sum(axis=2), total.reshape(shape).sum(axis=2)
        weight = power * weights[rows, None]
        missing = weight == 0
        out[0][rows] = np.where(missing, 0, total / np.where(missing, 1, power))
        out[1][rows], out[2][rows] = missing, weight

    with ThreadPoolExecutor(max_workers=threads) as pool:
        list(pool.map(block, range(0, data.shape[0], BLOCK_ROWS)))
