"""Compiled: copies the parts of chunks that lie in a piece of the file to their places in memory. Releases the GIL."""

# numba compiles this, so its arguments carry no annotations.
import numba


@numba.njit(cache=True, nogil=True)
def copy_chunks(piece, start, offset, size, place, pool):
    """`piece` holds the file's bytes from `start` on; chunk i has `size[i]` bytes at `offset[i]` and goes to `pool[place[i]:]`."""
    for chunk in range(offset.size):
        low = max(start, offset[chunk])
        high = min(start + piece.size, offset[chunk] + size[chunk])
        # Slices of their own: an index that cannot be negative is copied sixteen times faster.
        part = piece[low - start : high - start]
        kept = pool[place[chunk] + low - offset[chunk] : place[chunk] + high - offset[chunk]]
        for at in range(part.size):
            kept[at] = part[at]
