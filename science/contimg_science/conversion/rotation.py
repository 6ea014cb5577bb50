"""Compiled kernels: from the samples of one subband, as they lie in the file, to calibrated-frame rows of the output.

V' = V · exp(−2πi ν Δw/c) moves a sample from its own meridian centre to the group's; rows whose pair is in ascending order
are then conjugated (the MS wants uvw = r(first) − r(second)). Phases are double precision, one complex exponential and one
step a row, carried along the channels. Releases the GIL; writes its own channels only, so members run side by side.
"""

# numba compiles these signatures, so they carry shapes in their names instead of annotations.
import numba
import numpy as np

from contimg_science.conversion.flag_reasons import AUTOCORRELATION, EXACT_ZERO, MISSING, NO_SAMPLES, NOT_FINITE, RAW_FLAG


@numba.njit(cache=True, nogil=True)
def place_member(
    visibilities,
    flags,
    samples,
    file_row,
    delta_w_over_c_s,
    turned,
    autocorrelation,
    first_frequency_hz,
    frequency_step_hz,
    channels,
    first_channel,
    descending,
    product_same,
    product_turned,
    data,
    flag,
    counts,
    summary,
):
    """Place one member's channels of a block of rows.

    `visibilities`, `flags`, `samples`: (bytes, chunk offsets, chunk rows, channels, products, first file row) each.
    `turned`: the pair keeps the file's sense (ant_1 > ant_2), so the sample is not conjugated.
    `data`, `flag`: (rows, channels of the band, products), written. `counts`: flagged samples by reason, added to.
    `summary`: (rows, products, 3): valid samples, least and greatest sample count; untouched where missing.
    """
    bytes_v, offset_v, rows_v, channels_v, products_v, first_v = visibilities
    bytes_f, offset_f, rows_f, channels_f, products_f, first_f = flags
    bytes_n, offset_n, rows_n, channels_n, products_n, first_n = samples
    products = data.shape[2]
    not_finite_total = 0
    phasor = np.empty(channels, np.complex128)
    for row in range(file_row.size):
        at = file_row[row]
        if at < 0:
            for c in range(first_channel, first_channel + channels):
                for p in range(products):
                    data[row, c, p] = 0
                    flag[row, c, p] = True
            counts[MISSING] += channels * products
            continue
        conjugate = not turned[row]
        auto = autocorrelation[row]
        # Conjugating the sample turns its phasor too: conj(V e^{iφ}) = conj(V) e^{−iφ}.
        turns = delta_w_over_c_s[row] if conjugate else -delta_w_over_c_s[row]
        phase = 2 * np.pi * turns * first_frequency_hz
        step_phase = 2 * np.pi * turns * frequency_step_hz
        now = complex(np.cos(phase), np.sin(phase))
        step = complex(np.cos(step_phase), np.sin(step_phase))
        for c in range(channels):
            phasor[c] = now
            now *= step
        sign = -1.0 if conjugate else 1.0
        row_v, in_v = (at - first_v) // rows_v, (at - first_v) % rows_v
        row_f, in_f = (at - first_f) // rows_f, (at - first_f) % rows_f
        row_n, in_n = (at - first_n) // rows_n, (at - first_n) % rows_n
        for p in range(products):
            out_p = product_turned[p] if not conjugate else product_same[p]
            valid = 0
            least, greatest = np.inf, -np.inf
            for start in range(0, channels, channels_v):
                stop = min(start + channels_v, channels)
                base = offset_v[row_v, start // channels_v, p // products_v] + in_v * channels_v * products_v * 8
                raw = bytes_v[base : base + channels_v * products_v * 8].view(np.float32)
                in_p = p % products_v
                for c in range(start, stop):
                    i = (c - start) * products_v + in_p
                    re, im = np.float64(raw[2 * i]), sign * np.float64(raw[2 * i + 1])
                    n_base = offset_n[row_n, c // channels_n, p // products_n]
                    n_base += ((in_n * channels_n + c % channels_n) * products_n + p % products_n) * 4
                    n = bytes_n[n_base : n_base + 4].view(np.float32)[0]
                    f_base = offset_f[row_f, c // channels_f, p // products_f]
                    f_base += (in_f * channels_f + c % channels_f) * products_f + p % products_f
                    raw_flag = bytes_f[f_base] != 0
                    turn = phasor[c]
                    finite = re - re == 0.0 and im - im == 0.0
                    reason = -1
                    if not finite:
                        reason = NOT_FINITE
                        not_finite_total += 1
                    elif not n > 0:
                        reason = NO_SAMPLES
                    elif re == 0.0 and im == 0.0:
                        reason = EXACT_ZERO
                    elif raw_flag:
                        reason = RAW_FLAG
                    else:
                        valid += 1
                    if auto:
                        reason = AUTOCORRELATION
                    if reason >= 0:
                        counts[reason] += 1
                    n = n if n > 0 else np.float32(0)
                    least, greatest = min(least, n), max(greatest, n)
                    out_c = first_channel + (channels - 1 - c if descending else c)
                    flag[row, out_c, out_p] = reason >= 0
                    if finite:
                        data[row, out_c, out_p] = complex(re * turn.real - im * turn.imag, re * turn.imag + im * turn.real)
                    else:
                        data[row, out_c, out_p] = 0
            summary[row, out_p, 0] = valid
            summary[row, out_p, 1] = least
            summary[row, out_p, 2] = greatest
    return not_finite_total


@numba.njit(cache=True, nogil=True)
def gather_samples(samples, file_row, turned, channels, first_channel, descending, product_same, product_turned, nominal, relative):
    """Sample counts over the nominal count into `relative` (rows, channels of the band, products); NaN where missing."""
    bytes_n, offset_n, rows_n, channels_n, products_n, first_n = samples
    for row in range(file_row.size):
        at = file_row[row]
        for c in range(channels):
            out_c = first_channel + (channels - 1 - c if descending else c)
            for p in range(relative.shape[2]):
                out_p = product_turned[p] if turned[row] else product_same[p]
                if at < 0:
                    relative[row, out_c, out_p] = np.nan
                    continue
                row_n, in_n = (at - first_n) // rows_n, (at - first_n) % rows_n
                base = offset_n[row_n, c // channels_n, p // products_n]
                base += ((in_n * channels_n + c % channels_n) * products_n + p % products_n) * 4
                n = bytes_n[base : base + 4].view(np.float32)[0]
                relative[row, out_c, out_p] = n / nominal if n > 0 else 0
