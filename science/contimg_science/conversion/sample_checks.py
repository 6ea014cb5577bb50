"""Compiled: looks at every sample of a block of rows for V07 and V08. Releases the GIL, so hashing and reading go on beside it."""

# numba compiles this, so its arguments carry no annotations.
import numba
import numpy as np

# What may be wrong with a row, in the order in which it is said.
NOT_FINITE, NOT_ZERO, NOT_FLAGGED, ROW_FLAG = range(4)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def check_samples(data, flag, flag_row, first, baselines, missing, unflagged, at_fault):
    """`missing`: (times, channels). Adds to `unflagged` by channel; answers in `at_fault` the first row with each fault."""
    rows, channels, products = flag.shape
    for row in range(rows):
        gone = missing[(first + row) // baselines]
        whole = True
        for c in range(channels):
            for p in range(products):
                sample, flagged = data[row, c, p], flag[row, c, p]
                if not flagged:
                    whole = False
                    unflagged[c] += 1
                    # A number less itself is zero only when it is finite.
                    if (sample.real - sample.real) != 0 or (sample.imag - sample.imag) != 0:
                        at_fault[NOT_FINITE] = min(at_fault[NOT_FINITE], np.int64(first + row))
                if gone[c]:
                    if sample.real != 0 or sample.imag != 0:
                        at_fault[NOT_ZERO] = min(at_fault[NOT_ZERO], np.int64(first + row))
                    if not flagged:
                        at_fault[NOT_FLAGGED] = min(at_fault[NOT_FLAGGED], np.int64(first + row))
        if flag_row[row] != whole:
            at_fault[ROW_FLAG] = min(at_fault[ROW_FLAG], np.int64(first + row))
