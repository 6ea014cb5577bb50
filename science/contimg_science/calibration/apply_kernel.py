"""Divides visibilities by the gains of their two antennas, weighs them by |g₁g₂|², and averages channels: one compiled pass.

V = D / (g₁ g₂*), weight w |g₁ g₂|², the inverse variance of V when the noise of D is the same in all channels. A sample
without a gain on either side is flagged and written as 0: it never leaves as it came.
"""

from __future__ import annotations

import numba


@numba.njit(cache=True, parallel=True, nogil=True)
def calibrate_rows(data, flags, weights, antenna1, antenna2, gains, gain_flags, average, out, out_flags, out_weights):  # type: ignore[no-untyped-def]
    """data, flags (row, channel, product); weights (row, product); gains (antenna, channel, product).

    `out`, `out_flags`, `out_weights` (row, channel / average, product) are filled. The mean over channels is weighted.
    """
    rows, channels, products = data.shape
    for row in numba.prange(rows):
        first, second = antenna1[row], antenna2[row]
        for k in range(channels // average):
            for p in range(products):
                total, total_weight = 0j, 0.0
                for c in range(k * average, (k + 1) * average):
                    if flags[row, c, p] or gain_flags[first, c, p] or gain_flags[second, c, p]:
                        continue
                    response = gains[first, c, p] * gains[second, c, p].conjugate()
                    power = response.real * response.real + response.imag * response.imag
                    # D / response · (w · power) without dividing: D · response* · w
                    total += data[row, c, p] * response.conjugate() * weights[row, p]
                    total_weight += weights[row, p] * power
                good = total_weight > 0.0
                out[row, k, p] = total / total_weight if good else 0j
                out_weights[row, k, p] = total_weight
                out_flags[row, k, p] = not good
