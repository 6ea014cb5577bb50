"""V06: rows drawn by lot from the raw files, found again in DATA with the rotation undone.

The one second look at the input, by another path: single rows are read where the HDF5 library says they lie, the first of
each lot by the library itself, and numpy turns the phases channel by channel with its own exponential.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from contimg_science.conversion.checking import Check, Expected, require
from contimg_science.conversion.chunk_table import DATASETS, ChunkTable, chunk_table
from contimg_science.conversion.group import Placement
from contimg_science.conversion.phase_centre import rows_geometry
from contimg_science.conversion.row_blocks import TURNED_CORR_TYPE
from contimg_science.meridian import SPEED_OF_LIGHT_M_S

MAX_RELATIVE_ERROR = 1e-6


class RawRows:
    """`rows_a_cell` rows of each (subband, integration), the same in each subband; the lot depends on the group id only."""

    def __init__(self, expected: Expected, rows_a_cell: int):
        group = self.group = expected.group
        seed = int.from_bytes(hashlib.sha256(expected.group_id.encode()).digest()[:8], "little")
        random = np.random.default_rng(seed)
        lots = [np.sort(random.permutation(group.baselines)[:rows_a_cell]) for _ in range(group.times)]
        self._rows = np.concatenate([time * group.baselines + lot for time, lot in enumerate(lots)])
        self._lot = lots[0].size
        self._data = np.zeros((self._rows.size, group.channels, len(group.corr_types)), np.complex64)
        self._delta_w_m = np.empty(self._rows.size)
        for time in range(group.times):
            first = time * group.baselines
            _, delta_w = rows_geometry(group, expected.centre, first, first + group.baselines)
            here = slice(time * self._lot, (time + 1) * self._lot)
            self._delta_w_m[here] = delta_w[self._rows[here] - first]

    def take(self, first: int, data: NDArray[np.complex64]) -> None:
        """Rows of DATA from `first` on, as they are written: those of the lot are copied."""
        low, high = np.searchsorted(self._rows, [first, first + len(data)])
        self._data[low:high] = data[self._rows[low:high] - first]

    def check(self) -> Check:
        """After all rows were taken."""
        worst = max((self._worst_error(placement) for placement in self.group.placements), default=0.0)
        require(worst <= MAX_RELATIVE_ERROR, "V06", f"DATA differs from the raw samples by {worst:.3g} of the amplitude")
        return Check(code="V06", passed=True, detail=f"{self._lot} rows a subband and time within {worst:.2g} of their amplitude")

    def _worst_error(self, placement: Placement) -> float:
        group, header = self.group, placement.header
        rows = placement.file_row[self._rows]
        given = rows >= 0
        raw = _raw_samples(header.path, rows[given], (header.frequencies_hz.size, len(header.corr_types)), self._lot)
        ascending = np.argsort(header.frequencies_hz)
        width = group.channels_per_subband
        written = self._data[given, placement.first_channel : placement.first_channel + width].astype(np.complex128)
        turned = (group.ant_1 > group.ant_2)[self._rows[given] % group.baselines]
        same_products = [group.corr_types.index(corr) for corr in header.corr_types]
        turned_products = [group.corr_types.index(TURNED_CORR_TYPE[corr]) for corr in header.corr_types]
        back = np.where(turned[:, None, None], written[:, :, turned_products], np.conj(written[:, :, same_products]))
        phase = 2j * np.pi / SPEED_OF_LIGHT_M_S * self._delta_w_m[given, None] * header.frequencies_hz[ascending]
        back = back * np.exp(phase)[:, :, None]
        truth = raw[:, ascending].astype(np.complex128)
        truth = np.where(np.isfinite(truth), truth, 0)
        amplitude = np.abs(truth).max(axis=(1, 2))
        error = np.abs(back - truth).max(axis=(1, 2))
        return float((error / np.where(amplitude > 0, amplitude, 1)).max(initial=0))


def _raw_samples(path: Path, rows: NDArray[np.int64], shape: tuple[int, int], lot: int) -> NDArray[np.complex64]:
    """Visibilities of the given rows of a file."""
    found = np.empty((rows.size, *shape), np.complex64)
    with h5py.File(path, "r", locking=False) as file:
        samples = file[DATASETS[0]]
        assert isinstance(samples, h5py.Dataset)
        table = chunk_table(file, 0, path.stat().st_size)
        by_library = range(rows.size) if isinstance(table, str) else range(0, rows.size, lot)
        if not isinstance(table, str):
            _read_rows(path, table, rows, found)
        for at in by_library:
            row = samples[int(rows[at])]
            if row.dtype.names is not None:
                row = row["r"] + 1j * row["i"].astype(np.float64)
            found[at] = row.reshape(shape)
    return found


def _read_rows(path: Path, table: ChunkTable, rows: NDArray[np.int64], found: NDArray[np.complex64]) -> None:
    """Each row is a short read in each of its chunks of channels and products."""
    _, channels, products = found.shape
    chunk_rows, chunk_channels, chunk_products = table.dims
    strip = chunk_channels * chunk_products
    places = table.offset[rows // chunk_rows] + (rows % chunk_rows * strip * table.item_bytes)[:, None, None]
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        read = b"".join([os.pread(descriptor, strip * table.item_bytes, place) for place in places.ravel().tolist()])
    finally:
        os.close(descriptor)
    strips = np.frombuffer(read, np.complex64).reshape(*places.shape, chunk_channels, chunk_products)
    whole = strips.transpose(0, 1, 3, 2, 4).reshape(rows.size, places.shape[1] * chunk_channels, places.shape[2] * chunk_products)
    found[...] = whole[:, :channels, :products]
