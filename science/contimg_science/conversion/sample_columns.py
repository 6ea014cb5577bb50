"""DATA and FLAG of the main table, written one subband's tiles at a time, from any thread.

A tile holds one subband's channels of TILE_ROWS rows, so members write side by side; through casacore they would wait for one
writer that holds the interpreter. casacore makes the files and says where tiles lie; `validate` reads every sample back
through casacore and compares its digest with that of what was written here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from pathlib import Path
from threading import Lock
from time import perf_counter
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contimg_science.conversion.digests import ColumnDigests
from contimg_science.conversion.table_layout import TILE_ROWS


class SampleColumns:
    def __init__(self, path: Path, main: Any, digests: ColumnDigests):
        self._digests = digests
        self._data, self._flag = (_TileFile(path, main, name, bits) for name, bits in (("DATA", 64), ("FLAG", 1)))
        with _discarded([self._data.path, self._flag.path]):
            main.flush()
        self._lock = Lock()
        # Of all threads together.
        self.seconds = 0.0

    def __enter__(self) -> SampleColumns:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._data.close()
        self._flag.close()

    def write(self, first: int, rows: int, window: int, data: NDArray[np.complex64], flag: NDArray[np.bool_]) -> None:
        """Rows from `first`, where a tile starts, of the `window`-th subband from the bottom of the band.

        Arrays hold whole tiles; what the last of them has past `rows` is made zero.
        """
        started = perf_counter()
        tiled = ceil(rows / TILE_ROWS) * TILE_ROWS
        data, flag = data[:tiled], flag[:tiled]
        data[rows:], flag[rows:] = 0, False
        self._digests.add("DATA", data[:rows], window)
        self._digests.add("FLAG", flag[:rows], window)
        self._data.write(first, window, data)
        self._flag.write(first, window, np.packbits(flag, bitorder="little"))
        with self._lock:
            self.seconds += perf_counter() - started


class _TileFile:
    """The file of one column that casacore keeps in tiles of all products, one subband's channels and TILE_ROWS rows."""

    def __init__(self, path: Path, main: Any, column: str, bits: int):
        manager = main.getdminfo(column)
        (cube,) = (cube for name, cube in manager["SPEC"]["HYPERCUBES"].items() if name.startswith("*"))
        products, channels, rows = (int(size) for size in cube["TileShape"])
        self._across, self._tile_bytes = ceil(int(cube["CubeShape"][1]) / channels), int(cube["BucketSize"])
        assert (int(cube["CubeShape"][0]), rows) == (products, TILE_ROWS) and self._tile_bytes == ceil(products * channels * rows * bits / 8)
        self.path = path / f"table.f{manager['SEQNR']}_TSM0"
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)

    def close(self) -> None:
        os.close(self._descriptor)

    def write(self, first: int, window: int, tiles: NDArray[Any]) -> None:
        octets = tiles.reshape(-1).view(np.uint8).data
        for at in range(len(octets) // self._tile_bytes):
            position = ((first // TILE_ROWS + at) * self._across + window) * self._tile_bytes
            left = octets[at * self._tile_bytes : (at + 1) * self._tile_bytes]
            while left:
                written = os.pwrite(self._descriptor, left, position)
                left, position = left[written:], position + written


@contextmanager
def _discarded(files: list[Path]) -> Iterator[None]:
    """What this process writes to `files` through descriptors that are open goes nowhere meanwhile.

    casacore fills its new tiles with zeros once, when it first flushes: a second writing of the whole set. Where a descriptor
    is not found it does so, and the samples are written over the zeros.
    """
    wanted = {os.path.realpath(file) for file in files}
    found = [int(link.name) for link in Path("/proc/self/fd").iterdir() if _target(link) in wanted]
    saved = {number: os.dup(number) for number in found}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in found:
            os.dup2(nowhere, number, inheritable=False)
        yield
    finally:
        for number, original in saved.items():
            os.dup2(original, number, inheritable=False)
            os.close(original)
        os.close(nowhere)


def _target(link: Path) -> str | None:
    try:
        return str(link.readlink())
    except OSError:
        # The listing's own descriptor, closed again.
        return None
