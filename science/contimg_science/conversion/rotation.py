"""Compiled kernels: from the samples of one subband, as they lie in the file, to rotated rows of the output.

V' = V · exp(−2πi ν Δw/c) moves a sample from its own meridian centre to the group's; rows whose pair is in ascending order
are then conjugated (the MS wants uvw = r(first) − r(second)). Phases are double precision, one complex exponential and one
step a row, carried along the channels. Releases the GIL; writes its own channels only, so members run side by side.

`visibilities`, `flags` and `samples` are each (values, offsets of chunks in values, rows, channels and products of a chunk,
file row that the first chunk starts with); a visibility is two values.
"""

# numba compiles these, so their arguments carry no annotations.
import numba
import numpy as np

from contimg_science.conversion.flag_reasons import AUTOCORRELATION, EXACT_ZERO, MISSING, NO_SAMPLES, NOT_FINITE, RAW_FLAG

compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@compiled
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
    descending,
    product_same,
    product_turned,
    data,
    flag,
    counts,
    summary,
):
    """Place one member's samples of a block of rows; answers how many of them are not finite.

    `turned`: the pair is in descending order and keeps its sense by turning, so the sample is not conjugated.
    `data`, `flag`: (rows or more, the member's channels, products), written. `counts`: flagged samples by reason, added to.
    `summary`: (rows, products, 3): valid samples, least and greatest sample count; untouched where missing.
    """
    values, offset, chunk_rows, chunk_channels, chunk_products, first_row = visibilities
    channels, products = data.shape[1], data.shape[2]
    not_finite = 0
    cosine, sine = np.empty(channels), np.empty(channels)
    real, imaginary = np.empty(channels, np.float32), np.empty(channels, np.float32)
    unflagged, (even_least, even_greatest) = _unflagged_chunks(flags), _even_chunks(samples)
    for row in range(file_row.size):
        at = file_row[row]
        if at < 0:
            data[row] = 0
            flag[row] = True
            counts[MISSING] += channels * products
            continue
        conjugate = not turned[row]
        # Conjugating the sample turns its phasor too: conj(V e^{iφ}) = conj(V) e^{−iφ}.
        turns = delta_w_over_c_s[row] if conjugate else -delta_w_over_c_s[row]
        _phasors(turns, first_frequency_hz, frequency_step_hz, cosine, sine)
        sign = -1.0 if conjugate else 1.0
        chunk_row, in_row = (at - first_row) // chunk_rows, (at - first_row) % chunk_rows
        for p in range(products):
            out_p = product_same[p] if conjugate else product_turned[p]
            lane = in_row * chunk_channels * chunk_products + p % chunk_products
            for chunk in range(offset.shape[1]):
                start = chunk * chunk_channels
                begin = 2 * (offset[chunk_row, chunk, p // chunk_products] + lane)
                _gather(values, begin, 2 * chunk_products, real[start : start + chunk_channels], imaginary[start : start + chunk_channels])
            odd = _rotate(real, imaginary, sign, cosine, sine, data[row, :, out_p], descending)
            counted = ((at - samples[5]) // samples[2], p // samples[4])
            flagged, least, greatest = 0, even_least[counted], even_greatest[counted]
            if np.isnan(least) or not unflagged[(at - flags[5]) // flags[2], p // flags[4]]:
                flagged, least, greatest = _flags_and_counts(flags, samples, at, p, channels)
            if odd == 0 and flagged == 0 and least > 0:
                valid = channels
                flag[row, :, out_p] = autocorrelation[row]
                if autocorrelation[row]:
                    counts[AUTOCORRELATION] += channels
            else:
                valid, bad = _judge(
                    visibilities,
                    flags,
                    samples,
                    at,
                    p,
                    autocorrelation[row],
                    data[row, :, out_p],
                    flag[row, :, out_p],
                    descending,
                    counts,
                )
                not_finite += bad
            summary[row, out_p, 0] = valid
            summary[row, out_p, 1] = max(least, np.float32(0))
            summary[row, out_p, 2] = max(greatest, np.float32(0))
    return not_finite


@compiled
def _gather(values, begin, stride, real, imaginary):
    """Copy samples that lie `stride` numbers apart, from number `begin` on."""
    # Unsigned: an index that might be negative makes this three times as slow.
    at, step = np.uint64(begin), np.uint64(stride)
    for c in range(real.size):
        real[c], imaginary[c] = values[at], values[at + np.uint64(1)]
        at += step


@compiled
def _rotate(real, imaginary, sign, cosine, sine, out, descending):
    """One row and product, turned, into `out`; answers how many samples are zero or not finite."""
    odd = 0
    for c in range(real.size):
        re, im = real[c], imaginary[c]
        odd += ((re == 0) & (im == 0)) | (re - re != 0) | (im - im != 0)
    if descending:
        out = out[::-1]
    for c in range(real.size):
        re, im = np.float64(real[c]), sign * np.float64(imaginary[c])
        out[c] = complex(re * cosine[c] - im * sine[c], re * sine[c] + im * cosine[c])
    return odd


@compiled
def _unflagged_chunks(flags):
    """By (chunk of rows, of products): 1 where no sample has a raw flag, else 0. A chunk is judged once for all its rows."""
    values, offset, rows, channels, products, _ = flags
    found = np.ones((offset.shape[0], offset.shape[2]), np.uint8)
    for row in range(offset.shape[0]):
        for chunk in range(offset.shape[1]):
            for p in range(offset.shape[2]):
                part = values[offset[row, chunk, p] : offset[row, chunk, p] + rows * channels * products]
                flagged = np.uint8(0)
                for k in range(part.size):
                    flagged |= part[k]
                if flagged != 0:
                    found[row, p] = 0
    return found


@compiled
def _even_chunks(samples):
    """By (chunk of rows, of products): the least and the greatest sample count of any row; NaN where rows differ."""
    values, offset, rows, channels, products, _ = samples
    least = np.full((offset.shape[0], offset.shape[2]), np.inf, np.float32)
    greatest = np.full((offset.shape[0], offset.shape[2]), -np.inf, np.float32)
    for row in range(offset.shape[0]):
        for chunk in range(offset.shape[1]):
            for p in range(offset.shape[2]):
                part = values[offset[row, chunk, p] : offset[row, chunk, p] + rows * channels * products]
                other = 0
                for k in range(part.size):
                    other += part[k] != part[0]
                if other > 0 or np.isnan(least[row, p]):
                    least[row, p] = greatest[row, p] = np.nan
                else:
                    least[row, p], greatest[row, p] = min(least[row, p], part[0]), max(greatest[row, p], part[0])
    return least, greatest


@compiled
def _phasors(turns_s, first_frequency_hz, frequency_step_hz, cosine, sine):
    phase = 2 * np.pi * turns_s * first_frequency_hz
    step = 2 * np.pi * turns_s * frequency_step_hz
    re, im = np.cos(phase), np.sin(phase)
    step_re, step_im = np.cos(step), np.sin(step)
    for c in range(cosine.size):
        cosine[c], sine[c] = re, im
        re, im = re * step_re - im * step_im, re * step_im + im * step_re


@compiled
def _place_in_chunk(source, at, channel, product):
    _, offset, chunk_rows, chunk_channels, chunk_products, first_row = source
    row = at - first_row
    start = offset[row // chunk_rows, channel // chunk_channels, product // chunk_products]
    return start + ((row % chunk_rows) * chunk_channels + channel % chunk_channels) * chunk_products + product % chunk_products


@compiled
def _flags_and_counts(flags, samples, at, product, channels):
    """How many raw flags a row has, and its least and greatest sample count (a NaN counts as none)."""
    # One division a row: _place_in_chunk a channel would cost more than all the rest.
    values, offset, chunk_rows, chunk_channels, chunk_products, first_row = flags
    chunk_row, lane = (at - first_row) // chunk_rows, (at - first_row) % chunk_rows * chunk_channels * chunk_products + product % chunk_products
    flagged = 0
    for chunk in range(offset.shape[1]):
        base = offset[chunk_row, chunk, product // chunk_products] + lane
        for c in range(min(chunk_channels, channels - chunk * chunk_channels)):
            flagged += values[base + c * chunk_products] != 0
    least, greatest = np.float32(np.inf), np.float32(-np.inf)
    counted, offset, chunk_rows, chunk_channels, chunk_products, first_row = samples
    chunk_row, lane = (at - first_row) // chunk_rows, (at - first_row) % chunk_rows * chunk_channels * chunk_products + product % chunk_products
    for chunk in range(offset.shape[1]):
        base = offset[chunk_row, chunk, product // chunk_products] + lane
        for c in range(min(chunk_channels, channels - chunk * chunk_channels)):
            n = counted[base + c * chunk_products]
            n = n if n > 0 else np.float32(0)
            least, greatest = min(least, n), max(greatest, n)
    return flagged, least, greatest


@compiled
def _judge(visibilities, flags, samples, at, product, autocorrelation, data, flag, descending, counts):
    """Sample by sample, for the few rows in which something is wrong: valid samples and those that are not finite."""
    channels, valid, not_finite = data.size, 0, 0
    for c in range(channels):
        i = 2 * _place_in_chunk(visibilities, at, c, product)
        re, im = visibilities[0][i], visibilities[0][i + 1]
        out_c = channels - 1 - c if descending else c
        reason = -1
        if not (np.isfinite(re) and np.isfinite(im)):
            reason = NOT_FINITE
            not_finite += 1
            data[out_c] = 0
        elif not samples[0][_place_in_chunk(samples, at, c, product)] > 0:
            reason = NO_SAMPLES
        elif re == 0 and im == 0:
            reason = EXACT_ZERO
        elif flags[0][_place_in_chunk(flags, at, c, product)] != 0:
            reason = RAW_FLAG
        else:
            valid += 1
        if autocorrelation:
            reason = AUTOCORRELATION
        flag[out_c] = reason >= 0
        if reason >= 0:
            counts[reason] += 1
    return valid, not_finite


@compiled
def gather_samples(samples, file_row, turned, channels, first_channel, descending, product_same, product_turned, nominal, relative):
    """Sample counts over the nominal count into `relative` (rows, channels of the band, products); NaN where missing."""
    for row in range(file_row.size):
        for c in range(channels):
            out_c = first_channel + (channels - 1 - c if descending else c)
            for p in range(relative.shape[2]):
                out_p = product_turned[p] if turned[row] else product_same[p]
                if file_row[row] < 0:
                    relative[row, out_c, out_p] = np.nan
                else:
                    n = samples[0][_place_in_chunk(samples, file_row[row], c, p)]
                    relative[row, out_c, out_p] = n / nominal if n > 0 else 0
