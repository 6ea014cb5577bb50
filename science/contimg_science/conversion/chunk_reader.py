"""Reads the visibilities of one subband file, block of rows by block of rows, and takes the sha256 of the whole file beside.

In the layout that the correlator's writer leaves, each byte is read once: chunks are kept from the first of hash and rotation
that wants them to the other, within `keep_bytes`. A file that would need more (each dataset in one piece), has filters or
another number type is read twice, and `read_twice` says why. A file that changes meanwhile is NotSettled; one that cannot be
read is DataUnreadable.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from contimg_science.conversion.chunk_table import DATASETS, ChunkTable
from contimg_science.conversion.open_member import OpenMember
from contimg_science.conversion.read_plan import ReadPlan, Uses, assign_slots, plan_reading
from contimg_science.conversion.source_file import BLOCK_BYTES, SourceFile
from contimg_science.protocol import StepFailure

# Slots and pools start at whole numbers of this many bytes, so that every number type can be seen in place.
ALIGNMENT = 64


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
    def __init__(self, member: OpenMember, row_ranges: list[tuple[int, int]], keep_bytes: int):
        """`row_ranges`: the file's rows [first, end) that each coming `read` wants; empty ranges are (0, 0)."""
        self.subband, self._source, self._ranges = member.header.subband, member.source, row_ranges
        self._next = 0
        self._library: h5py.File | None = None
        self._tables: list[ChunkTable] = []
        self._kept: _KeptChunks | None = None
        self._buffers = [np.empty(0, np.uint8) for _ in DATASETS]
        self.read_twice: str | None = None
        if isinstance(member.layout, str):
            self.read_twice = member.layout
            try:
                self._library = h5py.File(self._source.library_view(keep=False), "r")
            except OSError as error:
                raise self._unreadable(str(error)) from error
            return
        self._tables = member.layout
        kept = _KeptChunks(self._source, self._tables, row_ranges, keep_bytes)
        if kept.fits:
            self._kept = kept
        else:
            self.read_twice = f"its layout asks to keep {kept.plan.peak_bytes / 1e6:.0f} MB of it, {keep_bytes / 1e6:.0f} MB are allowed"

    def _unreadable(self, message: str) -> SubbandUnusable:
        return SubbandUnusable(self.subband, "DataUnreadable", f"{self._source.path}: {message}")

    def read(self) -> tuple[Samples, Samples, Samples]:
        """Visibilities, flags and sample counts of the next row range; valid until the next call."""
        step = self._next
        self._next += 1
        first, end = self._ranges[step]
        try:
            if self._kept is not None:
                visibilities, flags, samples = self._kept.read(step, first, end)
            else:
                self._source.hash_to(self._source.size * self._next // len(self._ranges))
                visibilities, flags, samples = (self._again(index, first, end) for index in range(len(DATASETS)))
            return visibilities, flags, samples
        except OSError as error:
            raise self._unreadable(str(error)) from error

    def _again(self, index: int, first: int, end: int) -> Samples:
        if self._library is not None:
            return self._from_library(self._library, index, first, end)
        return self._from_chunks(self._tables[index], index, first, end)

    def _from_chunks(self, table: ChunkTable, index: int, first: int, end: int) -> Samples:
        rows = table.rows_of(first, end)
        wanted, size = table.offset[rows], table.chunk_bytes
        if self._buffers[index].size < wanted.size * size:
            self._buffers[index] = np.empty(wanted.size * size, np.uint8)
        buffer = self._buffers[index]
        order = np.argsort(wanted, axis=None)
        places = wanted.ravel()[order]
        for start, stop in _runs(places, size):
            self._source.read_again(buffer[start * size : stop * size].data, int(places[start]))
        here = np.empty(wanted.size, np.int64)
        here[order] = np.arange(wanted.size) * (size // table.item_bytes)
        return Samples(_numbers(buffer, table), here.reshape(wanted.shape), table.dims, rows.start * table.dims[0])

    def _from_library(self, library: h5py.File, index: int, first: int, end: int) -> Samples:
        dataset, dtype = library[DATASETS[index]], (np.complex64, np.uint8, np.float32)[index]
        assert isinstance(dataset, h5py.Dataset)
        slab = dataset[first:end]
        if slab.dtype.names is not None:
            slab = slab["r"].astype(np.float32) + 1j * slab["i"].astype(np.float32)
        slab = np.ascontiguousarray(slab, dtype)
        dims = (max(1, end - first), slab.shape[-2], slab.shape[-1])
        values = slab.reshape(-1)
        return Samples(values if dtype is np.uint8 else values.view(np.float32), np.zeros((1, 1, 1), np.int64), dims, first)

    def digest(self) -> str:
        """sha256 of the whole file, after the last read."""
        try:
            return self._source.digest()
        except OSError as error:
            raise self._unreadable(str(error)) from error

    def check_unchanged(self) -> None:
        """The file must still be the one that was opened."""
        try:
            same = self._source.is_unchanged()
        except OSError as error:
            raise self._unreadable(str(error)) from error
        if not same:
            raise StepFailure("NotSettled", "InputChanged", f"{self._source.path} changed while it was read", "nothing: the attempt is redone")

    def close(self) -> None:
        if self._library is not None:
            self._library.close()


class _KeptChunks:
    """Chunks in memory from their one reading to their last use, in pools whose size is known before the first byte is read."""

    def __init__(self, source: SourceFile, tables: list[ChunkTable], row_ranges: list[tuple[int, int]], keep_bytes: int):
        self._source, self._tables = source, tables
        uses = [table.uses(row_ranges) for table in tables]
        dataset = np.repeat(np.arange(len(tables)), [use.offset.size for use in uses])
        offset = np.concatenate([use.offset for use in uses])
        order = np.argsort(offset)
        whole = [np.concatenate(part)[order] for part in zip(*((use.offset, use.bytes, use.first, use.last) for use in uses), strict=True)]
        self._uses, steps = Uses(*whole), len(row_ranges)
        self.plan: ReadPlan = plan_reading(self._uses, steps, source.size)
        self.fits = self.plan.peak_bytes <= keep_bytes
        if not self.fits:
            return
        self._place = np.full(order.size, -1, np.int64)
        made, spans = 0, []
        for index, table in enumerate(tables):
            chosen = dataset[order] == index
            slot, count = assign_slots(self.plan, chosen, steps)
            stride = -(-table.chunk_bytes // ALIGNMENT) * ALIGNMENT
            self._place[slot >= 0] = made + slot[slot >= 0] * stride
            spans.append((made, made + count * stride))
            made += count * stride
        self._pool = np.empty(made, np.uint8)
        # By dataset: where each chunk lies in its own part of the pool, in samples.
        in_file_order = np.empty(order.size, np.int64)
        in_file_order[order] = self._place
        self._views, at = [], 0
        for table, (low, high) in zip(tables, spans, strict=True):
            here = (in_file_order[at : at + table.offset.size] - low) // table.item_bytes
            self._views.append((_numbers(self._pool[low:high], table), here.reshape(table.offset.shape)))
            at += table.offset.size

    def read(self, step: int, first: int, end: int) -> list[Samples]:
        self._read_ahead(step)
        self._source.hash_to(int(self.plan.hashed_to[step]), self._store)
        found = []
        for table, (values, here) in zip(self._tables, self._views, strict=True):
            rows = table.rows_of(first, end)
            found.append(Samples(values, here[rows], table.dims, rows.start * table.dims[0]))
        return found

    def _read_ahead(self, step: int) -> None:
        """Chunks that this step wants and the hash has not come to: they wait for it."""
        ahead = np.flatnonzero((self.plan.birth == step) & (self.plan.hashed_at > step))
        offset, size = self._uses.offset[ahead], self._uses.bytes[ahead]
        breaks = np.flatnonzero(np.diff(offset) != size[:-1]) + 1
        for run in np.split(ahead, breaks):
            for few in np.array_split(run, max(1, int(self._uses.bytes[run].sum()) // BLOCK_BYTES)):
                if few.size == 0:
                    continue
                start = int(self._uses.offset[few[0]])
                piece = np.empty(int(self._uses.bytes[few].sum()), np.uint8)
                self._source.fill(piece.data, start)
                self._copy(piece, start, few)
                self._source.keep(start, piece.data)

    def _store(self, piece: NDArray[np.uint8], start: int) -> None:
        """Keep of a passing piece what the rotation still wants and has not had."""
        low = max(0, int(np.searchsorted(self._uses.offset, start, side="right")) - 1)
        high = int(np.searchsorted(self._uses.offset, start + piece.size))
        passing = np.arange(low, high)
        self._copy(piece, start, passing[self.plan.birth[passing] == self.plan.hashed_at[passing]])

    def _copy(self, piece: NDArray[np.uint8], start: int, chunks: NDArray[np.int64]) -> None:
        # Imported here: loading the compiler takes 0.3 s, which a refused group need not wait for.
        from contimg_science.conversion.chunk_copy import copy_chunks

        copy_chunks(piece, start, self._uses.offset[chunks], self._uses.bytes[chunks], self._place[chunks], self._pool)


def _runs(places: NDArray[np.int64], size: int) -> Any:
    """[start, stop) of neighbours on disk: each is one read."""
    starts = np.flatnonzero(np.diff(places, prepend=-1 - size) != size)
    return pairwise([*starts.tolist(), places.size])


def _numbers(buffer: NDArray[np.uint8], table: ChunkTable) -> NDArray[Any]:
    return buffer if table.item_bytes == 1 else buffer.view(np.float32)
