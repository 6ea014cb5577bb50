"""Writes the main table block by block, all but DATA and FLAG, taking the digest of each column as the bytes go by."""

from __future__ import annotations

from typing import Any

import numpy as np

from contimg_science.conversion.digests import ColumnDigests
from contimg_science.conversion.group import Group
from contimg_science.conversion.row_blocks import Block
from contimg_science.conversion.table_layout import weight_spectrum_column
from contimg_science.measurement_set import SECONDS_PER_DAY, sigma_of

CONSTANT_COLUMNS = {
    "FIELD_ID": 0,
    "DATA_DESC_ID": 0,
    "OBSERVATION_ID": 0,
    "STATE_ID": 0,
    "PROCESSOR_ID": 0,
    "ARRAY_ID": 0,
    "FEED1": 0,
    "FEED2": 0,
    "SCAN_NUMBER": 1,
}


class MainTableWriter:
    def __init__(self, main: Any, group: Group, digests: ColumnDigests):
        self._main, self._group, self._digests = main, group, digests
        self._weights: list[np.ndarray] = []
        self._has_spectrum = False

    def write(self, block: Block) -> None:
        group, rows = self._group, block.end - block.first
        time, baseline = np.divmod(np.arange(block.first, block.end), group.baselines)
        times_s = group.times_mjd[time] * SECONDS_PER_DAY
        ant_1, ant_2 = group.ant_1[baseline], group.ant_2[baseline]
        columns: dict[str, Any] = {
            "FLAG_ROW": block.flag_row,
            "UVW": block.uvw_m,
            "TIME": times_s,
            "TIME_CENTROID": times_s,
            "INTERVAL": np.full(rows, group.integration_s),
            "EXPOSURE": np.full(rows, group.integration_s),
            "ANTENNA1": np.minimum(ant_1, ant_2).astype(np.int32),
            "ANTENNA2": np.maximum(ant_1, ant_2).astype(np.int32),
            "WEIGHT": block.weight,
            "SIGMA": sigma_of(block.weight),
        }
        columns |= {name: np.full(rows, value, np.int32) for name, value in CONSTANT_COLUMNS.items()}
        if block.weight_spectrum is not None and not self._has_spectrum:
            self._add_weight_spectrum(block.first)
        if self._has_spectrum:
            columns["WEIGHT_SPECTRUM"] = self._spectrum(block)
        else:
            self._weights.append(block.weight)
        for name, values in columns.items():
            self._digests.add(name, values)
            self._main.putcol(name, values, block.first, rows)

    def _spectrum(self, block: Block) -> np.ndarray:
        if block.weight_spectrum is not None:
            return block.weight_spectrum
        return np.repeat(block.weight[:, None, :], self._group.channels, axis=1)

    def _add_weight_spectrum(self, rows_before: int) -> None:
        """Rows that are already written get their WEIGHT in every channel."""
        description, storage = weight_spectrum_column(self._group)
        self._main.addcols(description, storage)
        self._has_spectrum = True
        first = 0
        for weight in self._weights:
            values = np.repeat(weight[:, None, :], self._group.channels, axis=1)
            self._main.putcol("WEIGHT_SPECTRUM", values, first, len(values))
            self._digests.add("WEIGHT_SPECTRUM", values)
            first += len(values)
        assert first == rows_before
        self._weights = []
