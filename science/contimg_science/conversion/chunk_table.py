"""Where the samples of one subband file lie: the place of every chunk, asked of the HDF5 library and then read without it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from contimg_science.conversion.read_plan import NEVER, Uses
from contimg_science.conversion.source_file import LibraryView

DATASETS = ("Data/visdata", "Data/flags", "Data/nsamples")
ITEM_BYTES = (8, 1, 4)
# h5py calls a compound of r and i complex; a flag is any one-byte type.
NUMBER_TYPES = (np.dtype("<c8"), None, np.dtype("<f4"))
# A contiguous dataset is treated as chunks of at most this many rows.
MOST_CONTIGUOUS_ROWS = 128


@dataclass(frozen=True)
class ChunkTable:
    """The chunks of one dataset, by (chunk of rows, of channels, of products)."""

    offset: NDArray[np.int64]
    # Rows, channels, products of a chunk.
    dims: tuple[int, int, int]
    item_bytes: int

    @property
    def chunk_bytes(self) -> int:
        return self.dims[0] * self.dims[1] * self.dims[2] * self.item_bytes

    def uses(self, row_ranges: list[tuple[int, int]]) -> Uses:
        """Which of the coming reads of rows [first, end) wants each chunk; in the order of `offset.ravel()`."""
        first = np.full(self.offset.shape, NEVER, np.int64)
        last = np.full(self.offset.shape, -1, np.int64)
        for step in reversed(range(len(row_ranges))):
            first[self.rows_of(*row_ranges[step])] = step
        for step, rows in enumerate(row_ranges):
            last[self.rows_of(*rows)] = step
        return Uses(self.offset.ravel(), np.full(self.offset.size, self.chunk_bytes, np.int64), first.ravel(), last.ravel())

    def rows_of(self, first: int, end: int) -> slice:
        """Chunks of rows that hold the rows [first, end)."""
        return slice(first // self.dims[0], -(-end // self.dims[0])) if end > first else slice(0, 0)


class KnownTables:
    """The chunk tables of files opened before: a writer lays out all files of a group alike.

    To count the chunks the library reads the whole index; to say where each lies it makes a call a chunk, forty times the time.
    The same index read from the same places says the same. `validate` reads rows by the library all the same.
    """

    def __init__(self) -> None:
        self._tables: dict[tuple[object, ...], ChunkTable | None] = {}

    def chunked(self, dataset: h5py.Dataset, item_bytes: int, view: LibraryView) -> ChunkTable | None:
        view.seen_since()
        count = dataset.id.get_num_chunks()
        key = (view.seen_since(), count, item_bytes, dataset.shape, dataset.chunks)
        if key[0] is None:
            return _chunked(dataset, item_bytes)
        if key not in self._tables:
            self._tables[key] = _chunked(dataset, item_bytes)
        return self._tables[key]


def chunk_tables(file: h5py.File, view: LibraryView, file_bytes: int, known: KnownTables) -> list[ChunkTable] | str:
    """One table a dataset, or why only the library can read them. `view`: what `file` is read through."""
    tables = []
    for index in range(len(DATASETS)):
        table = chunk_table(file, index, file_bytes, lambda dataset, item_bytes: known.chunked(dataset, item_bytes, view))
        if isinstance(table, str):
            return table
        tables.append(table)
    return tables


def chunk_table(
    file: h5py.File, index: int, file_bytes: int, chunked: Callable[[h5py.Dataset, int], ChunkTable | None] | None = None
) -> ChunkTable | str:
    """Of dataset DATASETS[index]; or why only the library can read it."""
    name, item_bytes, dtype = DATASETS[index], ITEM_BYTES[index], NUMBER_TYPES[index]
    dataset = file[name]
    assert isinstance(dataset, h5py.Dataset)
    if dataset.id.get_create_plist().get_nfilters() > 0:
        return f"{name} is compressed"
    if (dtype is not None and dataset.dtype != dtype) or dataset.dtype.itemsize != item_bytes:
        return f"{name} has another number type than the correlator writes"
    table = _contiguous(dataset, item_bytes) if dataset.chunks is None else (chunked or _chunked)(dataset, item_bytes)
    if table is None:
        return f"{name} was not written everywhere"
    if int(table.offset.max()) + table.chunk_bytes > file_bytes:
        return f"a chunk of {name} lies past the end of the file"
    return table


def _chunked(dataset: h5py.Dataset, item_bytes: int) -> ChunkTable | None:
    chunk, shape, rank = dataset.chunks, dataset.shape, len(dataset.shape)
    assert chunk is not None
    dims = (chunk[0], chunk[-2], chunk[-1])
    offset = np.full([-(-shape[axis] // chunk[axis]) for axis in (0, -2, -1)], -1, np.int64)

    found: list[h5py.h5d.StoreInfo] = []
    dataset.id.chunk_iter(found.append)
    if found:
        at = np.array([info.chunk_offset for info in found])[:, [0, rank - 2, rank - 1]] // dims
        offset[tuple(at.T)] = [info.byte_offset for info in found]
    return None if (offset < 0).any() else ChunkTable(offset, dims, item_bytes)


def _contiguous(dataset: h5py.Dataset, item_bytes: int) -> ChunkTable | None:
    start, shape = dataset.id.get_offset(), dataset.shape
    if start is None or shape[0] == 0:
        return None
    # All of one length: the last must not reach past the dataset.
    rows = next(rows for rows in range(MOST_CONTIGUOUS_ROWS, 0, -1) if shape[0] % rows == 0)
    dims = (rows, shape[-2], shape[-1])
    step = dims[0] * dims[1] * dims[2] * item_bytes
    return ChunkTable((start + step * np.arange(shape[0] // dims[0])).reshape(-1, 1, 1), dims, item_bytes)
