"""Reads the visibilities of one subband file in the order of its rows, each byte once, taking its sha256 on the way.

The file is read from front to back through one window; chunks are used where they lie (no HDF5 filter is set). A file
with filters, another number type or a scattered layout is read through the HDF5 library, slab by slab, and hashed apart.
Opened read-only, never locked. A file that changes meanwhile is NotSettled; one that cannot be read is DataUnreadable.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from contimg_science.protocol import StepFailure

DATASETS = ("Data/visdata", "Data/flags", "Data/nsamples")
# Rows are appended as time passes, so a block lies together but for what the writer's chunk cache held back (1 MB a dataset).
MAX_WINDOW_SLACK_BYTES = 32 << 20
COPY_BYTES = 4 << 20


class SubbandUnusable(Exception):
    """The samples of one subband cannot be used: it is then treated as missing, and said so."""

    def __init__(self, subband: int, code: str, message: str):
        super().__init__(message)
        self.subband, self.code, self.message = subband, code, message


@dataclass(frozen=True)
class Samples:
    """Where the samples of some rows lie in `bytes_`: chunk (row, channel, product) starts at `offset`, itself C-ordered."""

    bytes_: NDArray[np.uint8]
    # (chunks of rows, of channels, of products)
    offset: NDArray[np.int64]
    # rows, channels, products of a chunk, and the file's row that chunk row 0 starts with
    chunk: tuple[int, int, int]
    first_row: int


class MemberReader:
    def __init__(self, path: Path, subband: int, row_ranges: list[tuple[int, int]]):
        """`row_ranges`: the file's rows [first, end) that each coming `read` wants; empty ranges are (0, 0)."""
        self.path, self.subband, self._ranges = path, subband, row_ranges
        self._file = h5py.File(path, "r", locking=False)
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._status = os.fstat(self._descriptor)
        self._hash = hashlib.sha256()
        self._position, self._window_start, self._next = 0, 0, 0
        self.bytes_read = 0
        self._tables = self._chunk_tables()
        self._plan_windows()

    def _chunk_tables(self) -> list[tuple[NDArray[np.int64], tuple[int, int, int]]] | None:
        """Offset of each chunk of the three datasets, or None where the library must do the reading."""
        wanted = ((8, np.dtype([("r", "<f4"), ("i", "<f4")])), (1, None), (4, np.dtype("<f4")))
        tables = []
        for name, (item_bytes, dtype) in zip(DATASETS, wanted, strict=True):
            dataset = self._file[name]
            assert isinstance(dataset, h5py.Dataset)
            chunk, shape = dataset.chunks, dataset.shape
            filtered = dataset.id.get_create_plist().get_nfilters() > 0
            if chunk is None or filtered or (dtype is not None and dataset.dtype != dtype) or dataset.dtype.itemsize != item_bytes:
                return None
            axes = [0, -2, -1]
            dims = tuple(chunk[a] for a in axes)
            grid = tuple(-(-shape[a] // chunk[a]) for a in axes)
            offset = np.full(grid, -1, np.int64)
            rank = len(chunk)

            def note(info, offset=offset, dims=dims, rank=rank) -> None:
                at = info.chunk_offset
                offset[at[0] // dims[0], at[rank - 2] // dims[1], at[rank - 1] // dims[2]] = info.byte_offset

            dataset.id.chunk_iter(note)
            if (offset < 0).any():
                return None
            if int(offset.max()) + int(np.prod(dims)) * item_bytes > self._status.st_size:
                raise SubbandUnusable(self.subband, "DataUnreadable", f"{self.path}: a chunk of {name} lies past the end of the file")
            tables.append((offset, dims))
        return tables

    def _plan_windows(self) -> None:
        if self._tables is None:
            return
        starts, ends = [], []
        for first, end in self._ranges:
            lows, highs = [], []
            for (offset, dims), item_bytes in zip(self._tables, (8, 1, 4), strict=True):
                if end > first:
                    touched = offset[first // dims[0] : -(-end // dims[0])]
                    lows.append(int(touched.min()))
                    highs.append(int(touched.max()) + int(np.prod(dims)) * item_bytes)
            starts.append(min(lows, default=self._status.st_size))
            ends.append(max(highs, default=0))
        self._keep_from = np.minimum.accumulate(np.array(starts)[::-1])[::-1]
        self._read_to = np.maximum.accumulate(np.array(ends))
        span = int(np.max(self._read_to - np.minimum(self._keep_from, self._read_to), initial=0))
        widest = max((end - start for start, end in zip(starts, ends, strict=True) if end > start), default=0)
        fair_share = self._status.st_size // max(1, sum(end > first for first, end in self._ranges))
        if max(span, widest) > 2 * fair_share + MAX_WINDOW_SLACK_BYTES:
            self._tables = None
            return
        self._window = np.empty(span, np.uint8)

    def read(self) -> tuple[Samples, Samples, Samples]:
        """Visibilities, flags and sample counts of the next row range; valid until the next call."""
        block = self._next
        self._next += 1
        try:
            return self._from_window(block) if self._tables is not None else self._from_library(*self._ranges[block])
        except OSError as error:
            raise SubbandUnusable(self.subband, "DataUnreadable", f"{self.path}: {error}") from error

    def _from_window(self, block: int) -> tuple[Samples, Samples, Samples]:
        assert self._tables is not None
        keep, end = int(min(self._keep_from[block], self._read_to[block])), int(self._read_to[block])
        held = self._position - keep
        if held > 0:
            start = keep - self._window_start
            self._window[:held] = self._window[start : start + held]
        else:
            self._pass_over(keep)
            held = 0
        self._window_start = keep
        self._fill(self._window[held : end - keep])
        first = self._ranges[block][0]
        found = []
        for offset, dims in self._tables:
            chunk_row, last = first // dims[0], -(-self._ranges[block][1] // dims[0])
            found.append(Samples(self._window, offset[chunk_row:last] - keep, dims, chunk_row * dims[0]))
        return found[0], found[1], found[2]

    def _pass_over(self, position: int) -> None:
        scratch = np.empty(min(COPY_BYTES, max(0, position - self._position)), np.uint8)
        while self._position < position:
            self._fill(scratch[: position - self._position])

    def _fill(self, target: NDArray[np.uint8]) -> None:
        view = target.data
        while len(view):
            count = os.preadv(self._descriptor, [view], self._position)
            if count == 0:
                raise SubbandUnusable(self.subband, "DataUnreadable", f"{self.path} ends at byte {self._position}")
            self._hash.update(view[:count])
            self._position += count
            self.bytes_read += count
            view = view[count:]

    def _from_library(self, first: int, end: int) -> tuple[Samples, Samples, Samples]:
        found = []
        for name, dtype in zip(DATASETS, (np.complex64, np.uint8, np.float32), strict=True):
            dataset = self._file[name]
            assert isinstance(dataset, h5py.Dataset)
            slab = dataset[first:end]
            self.bytes_read += slab.nbytes
            if slab.dtype.names is not None:
                slab = slab["r"].astype(np.float32) + 1j * slab["i"].astype(np.float32)
            slab = np.ascontiguousarray(slab, dtype)
            dims = (max(1, end - first), slab.shape[-2], slab.shape[-1])
            found.append(Samples(slab.reshape(-1).view(np.uint8), np.zeros((1, 1, 1), np.int64), dims, first))
        return found[0], found[1], found[2]

    def finish(self) -> str:
        """sha256 of the whole file, which must still be the one that was opened."""
        try:
            self._pass_over(self._status.st_size)
            now, there = os.fstat(self._descriptor), self.path.stat()
        except OSError as error:
            raise SubbandUnusable(self.subband, "DataUnreadable", f"{self.path}: {error}") from error

        def identity(status: os.stat_result) -> tuple[int, int, int]:
            return status.st_ino, status.st_size, status.st_mtime_ns

        if identity(now) != identity(self._status) or identity(there) != identity(self._status):
            raise StepFailure("NotSettled", "InputChanged", f"{self.path} changed while it was read", "nothing: the attempt is redone")
        return self._hash.hexdigest()

    def close(self) -> None:
        self._file.close()
        os.close(self._descriptor)
