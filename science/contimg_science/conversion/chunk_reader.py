"""Reads the visibilities of one subband file, block of rows by block of rows, and takes the sha256 of the whole file.

Chunks are read where they lie (no HDF5 filter is set), each once; a file with filters or another number type is read through
the HDF5 library. Chunks lie in the order in which the writer's cache let them go, so the digest reads the file a second
time, front to back, from memory that the first reading has filled. Opened read-only, never locked. A file that changes
meanwhile is NotSettled; one that cannot be read is DataUnreadable.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from contimg_science.protocol import StepFailure

DATASETS = ("Data/visdata", "Data/flags", "Data/nsamples")
ITEM_BYTES = (8, 1, 4)
HASH_BYTES = 4 << 20


class SubbandUnusable(Exception):
    """The samples of one subband cannot be used: it is then treated as missing, and said so."""

    def __init__(self, subband: int, code: str, message: str):
        super().__init__(message)
        self.subband, self.code, self.message = subband, code, message


@dataclass(frozen=True)
class Samples:
    """Where the samples of some rows lie in `values` (two a visibility): chunk (row, channel, product) starts at sample `offset`."""

    values: NDArray[Any]
    # (chunks of rows, of channels, of products)
    offset: NDArray[np.int64]
    # rows, channels, products of a chunk, and the file's row that chunk row 0 starts with
    chunk: tuple[int, int, int]
    first_row: int


class MemberReader:
    def __init__(self, path: Path, subband: int, row_ranges: list[tuple[int, int]]):
        """`row_ranges`: the file's rows [first, end) that each coming `read` wants; empty ranges are (0, 0)."""
        self.path, self.subband, self._ranges = path, subband, row_ranges
        try:
            self._file = h5py.File(path, "r", locking=False)
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SubbandUnusable(subband, "DataUnreadable", f"{path}: {error}") from error
        self._status = os.fstat(self._descriptor)
        self._next = 0
        # Counted apart, since the two readings may run side by side.
        self.sample_bytes_read, self.digest_bytes_read = 0, 0
        self._tables = self._chunk_tables()
        self._buffers = [np.empty(0, np.uint8) for _ in DATASETS]

    def _chunk_tables(self) -> list[tuple[NDArray[np.int64], tuple[int, int, int]]] | None:
        """Offset of each chunk of the three datasets, or None where the library must do the reading."""
        # h5py calls a compound of r and i complex.
        wanted = (np.dtype("<c8"), None, np.dtype("<f4"))
        tables = []
        for name, item_bytes, dtype in zip(DATASETS, ITEM_BYTES, wanted, strict=True):
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

    def read(self) -> tuple[Samples, Samples, Samples]:
        """Visibilities, flags and sample counts of the next row range; valid until the next call."""
        first, end = self._ranges[self._next]
        self._next += 1
        try:
            if self._tables is None:
                return self._from_library(first, end)
            visibilities, flags, samples = (self._from_chunks(index, first, end) for index in range(len(DATASETS)))
            return visibilities, flags, samples
        except OSError as error:
            raise SubbandUnusable(self.subband, "DataUnreadable", f"{self.path}: {error}") from error

    def _from_chunks(self, index: int, first: int, end: int) -> Samples:
        assert self._tables is not None
        offset, dims = self._tables[index]
        chunk_row, last = first // dims[0], -(-end // dims[0])
        wanted = offset[chunk_row:last]
        chunk_bytes = int(np.prod(dims)) * ITEM_BYTES[index]
        if self._buffers[index].size < wanted.size * chunk_bytes:
            self._buffers[index] = np.empty(wanted.size * chunk_bytes, np.uint8)
        buffer = self._buffers[index]
        order = np.argsort(wanted, axis=None)
        places = wanted.ravel()[order]
        # Neighbours on disk are one read.
        starts = np.flatnonzero(np.diff(places, prepend=-1) != chunk_bytes)
        for start, stop in pairwise([*starts.tolist(), places.size]):
            self._fill(buffer[start * chunk_bytes : stop * chunk_bytes], int(places[start]))
        self.sample_bytes_read += places.size * chunk_bytes
        here = np.empty(wanted.size, np.int64)
        here[order] = np.arange(wanted.size) * int(np.prod(dims))
        values = buffer if ITEM_BYTES[index] == 1 else buffer.view(np.float32)
        return Samples(values, here.reshape(wanted.shape), dims, chunk_row * dims[0])

    def _fill(self, target: NDArray[np.uint8], position: int) -> None:
        view = target.data
        while len(view):
            count = os.preadv(self._descriptor, [view], position)
            if count == 0:
                raise SubbandUnusable(self.subband, "DataUnreadable", f"{self.path} ends at byte {position}")
            position += count
            view = view[count:]

    def _from_library(self, first: int, end: int) -> tuple[Samples, Samples, Samples]:
        found = []
        for name, dtype in zip(DATASETS, (np.complex64, np.uint8, np.float32), strict=True):
            dataset = self._file[name]
            assert isinstance(dataset, h5py.Dataset)
            slab = dataset[first:end]
            self.sample_bytes_read += slab.nbytes
            if slab.dtype.names is not None:
                slab = slab["r"].astype(np.float32) + 1j * slab["i"].astype(np.float32)
            slab = np.ascontiguousarray(slab, dtype)
            dims = (max(1, end - first), slab.shape[-2], slab.shape[-1])
            values = slab.reshape(-1)
            found.append(Samples(values if dtype is np.uint8 else values.view(np.float32), np.zeros((1, 1, 1), np.int64), dims, first))
        return found[0], found[1], found[2]

    def digest(self) -> str:
        """sha256 of the whole file."""
        sha256, position, size = hashlib.sha256(), 0, self._status.st_size
        buffer = np.empty(min(HASH_BYTES, size), np.uint8)
        try:
            while position < size:
                piece = buffer[: size - position]
                self._fill(piece, position)
                sha256.update(piece.data)
                position += piece.size
            self.digest_bytes_read = size
        except OSError as error:
            raise SubbandUnusable(self.subband, "DataUnreadable", f"{self.path}: {error}") from error
        return sha256.hexdigest()

    def check_unchanged(self) -> None:
        """The file must still be the one that was opened."""
        try:
            now, there = os.fstat(self._descriptor), self.path.stat()
        except OSError as error:
            raise SubbandUnusable(self.subband, "DataUnreadable", f"{self.path}: {error}") from error

        def identity(status: os.stat_result) -> tuple[int, int, int]:
            return status.st_ino, status.st_size, status.st_mtime_ns

        if identity(now) != identity(self._status) or identity(there) != identity(self._status):
            raise StepFailure("NotSettled", "InputChanged", f"{self.path} changed while it was read", "nothing: the attempt is redone")

    def close(self) -> None:
        self._file.close()
        os.close(self._descriptor)
