"""Divides visibilities by the gains of their two antennas, weighs them by |g₁g₂|², and averages channels; compiled, one pass.

V = D / (g₁ g₂*), weight w |g₁ g₂|², the inverse variance of V when the noise of D is the same in all channels. A sample that
is flagged, not finite or without a gain on either side counts for nothing; where nothing is left the result is 0 and flagged: it
never leaves as it came. The kernel releases the interpreter, rows are shared among threads.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.complex64]
Gains = NDArray[np.complex128]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float32]
Antennas = NDArray[np.int32]

# Enough shares that a thread which is held up by others of the machine does not keep the rest waiting.
SHARES_A_THREAD = 4


def calibrate_rows(
    data: Samples,
    flags: Flags,
    weights: Floats,
    rows: NDArray[np.int64],
    antennas: tuple[Antennas, Antennas],
    gains: Gains,
    gain_flags: Flags,
    average: int,
    out: tuple[Samples, Flags, Floats],
    threads: int,
) -> None:
    """data, flags (row, channel, product); weights (row, product); gains, gain_flags (antenna, channel, product).

    `rows` are those to calibrate, `antennas` of each of them. `out`: data, flags and weights (one of `rows`, channel / average,
    product), filled. The mean over channels is weighted.
    """
    # Single precision as the data have it: 1e-7 of a gain.
    known = np.where(gain_flags, 0, gains).astype(np.complex64)
    edges = np.linspace(0, rows.size, SHARES_A_THREAD * threads + 1).astype(np.int64)

    def share(index: int) -> None:
        fill_rows(data, flags, weights, rows, *antennas, known, average, *out, edges[index], edges[index + 1])

    with ThreadPoolExecutor(max_workers=threads) as pool:
        list(pool.map(share, range(edges.size - 1)))


@numba.njit(nogil=True, cache=True)
def fill_rows(data, flags, weights, rows, first, second, gains, average, out, out_flags, out_weights, start, end):
    zero = np.float32(0)
    for index in range(start, end):
        row, one, other = rows[index], gains[first[index]], gains[second[index]]
        for channel in range(out.shape[1]):
            for product in range(out.shape[2]):
                real, imaginary, power = zero, zero, zero
                for c in range(channel * average, (channel + 1) * average):
                    sample = data[row, c, product]
                    if flags[row, c, product] or not (np.isfinite(sample.real) and np.isfinite(sample.imag)):
                        continue
                    a, b = one[c, product], other[c, product]
                    # D / response · |response|², without dividing: D · response*, with response = g₁ g₂*.
                    response_real = a.real * b.real + a.imag * b.imag
                    response_imaginary = a.imag * b.real - a.real * b.imag
                    real += sample.real * response_real + sample.imag * response_imaginary
                    imaginary += sample.imag * response_real - sample.real * response_imaginary
                    power += response_real * response_real + response_imaginary * response_imaginary
                weight = power * weights[row, product]
                missing = weight == zero
                out_flags[index, channel, product] = missing
                out_weights[index, channel, product] = weight
                if missing:
                    out[index, channel, product] = np.complex64(0)
                else:
                    out[index, channel, product] = np.complex64(complex(real / power, imaginary / power))
