"""V01, V02, V05, V07, V08, V09 and the column digests of V12: one pass over every row of the main table.

Samples are hashed and looked at in a thread while the next block is read; the rows that V06 wants are handed on.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contimg_science.conversion.checking import MAX_TIME_ERROR_S, Check, Expected, require
from contimg_science.conversion.digests import ColumnDigests
from contimg_science.conversion.phase_centre import rows_geometry
from contimg_science.conversion.raw_check import RawRows
from contimg_science.conversion.table_layout import TILE_ROWS
from contimg_science.measurement_set import SECONDS_PER_DAY, open_table

BLOCK_ROWS = 4 * TILE_ROWS
MAX_UVW_ERROR_M = 1e-5
MAX_SIGMA_ERROR = 1e-6
LARGE: dict[str, type] = {"DATA": np.complex64, "FLAG": np.bool_}
# In the order of `check_samples`.
SAMPLE_FAULTS = (
    ("V07", "an unflagged sample is not finite"),
    ("V07", "a missing sample is not zero"),
    ("V07", "a missing sample is not flagged"),
    ("V08", "FLAG_ROW is not what FLAG says"),
)
MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)


class RowChecks:
    """Feed every block of rows in order, then ask for the verdicts and the digests."""

    def __init__(self, expected: Expected, raw: RawRows):
        self._raw = raw
        self.expected, self.group = expected, expected.group
        group = self.group
        self._pairs = np.minimum(group.ant_1, group.ant_2), np.maximum(group.ant_1, group.ant_2)
        self._turned = group.ant_1 > group.ant_2
        self._digests = ColumnDigests()
        shape = (BLOCK_ROWS, group.channels, len(group.corr_types))
        self._buffers = [{name: np.empty(shape, dtype) for name, dtype in LARGE.items()} for _ in range(2)]
        self._flagged = 0
        self._unflagged = np.zeros(group.channels, np.int64)
        self._worst_time_s = self._worst_uvw_m = 0.0
        lengths = np.linalg.norm(group.baseline_m, axis=1)
        self._lengths_m, self._longest_m = lengths, float(lengths.max())
        self._missing = np.zeros((group.times, group.channels), np.bool_)
        for subband, cells in group.missing.items():
            at = (group.subbands - 1 - subband) * group.channels_per_subband
            self._missing[list(cells), at : at + group.channels_per_subband] = True

    def run(self) -> tuple[list[Check], dict[str, str]]:
        group = self.group
        with open_table(self.expected.path) as main:
            require(main.nrows() == group.rows, "V01", f"{main.nrows()} rows, not {group.times} times x {group.baselines} baselines")
            keys = self._pairs[0] * (1 << 32) + self._pairs[1]
            require(np.unique(keys).size == group.baselines, "V01", "a pair of antennas occurs twice at one time")
            with ThreadPoolExecutor(1, "samples") as looking:
                pending: Future[None] | None = None
                for number, first in enumerate(range(0, group.rows, BLOCK_ROWS)):
                    end = min(first + BLOCK_ROWS, group.rows)
                    columns = self._read(main, number % 2, first, end)
                    if pending is not None:
                        pending.result()
                    pending = looking.submit(self._look, first, columns)
                    self._check(first, end, columns)
                if pending is not None:
                    pending.result()
        return self._verdicts(), self._digests.finished()

    def _read(self, main: Any, which: int, first: int, end: int) -> dict[str, NDArray[Any]]:
        """All columns of some rows. The large ones go into one of two buffers: memory that is new each time costs more than they."""
        columns: dict[str, NDArray[Any]] = {}
        for name in main.colnames():
            if name in LARGE:
                buffer = self._buffers[which][name][: end - first]
                main.getcolnp(name, buffer, first, end - first)
                columns[name] = buffer
            elif name != "FLAG_CATEGORY":
                columns[name] = main.getcol(name, first, end - first)
        return columns

    def _look(self, first: int, columns: dict[str, NDArray[Any]]) -> None:
        for name, values in columns.items():
            for window, part in enumerate(np.split(values, self.group.subbands, axis=1) if name in LARGE else [values]):
                self._digests.add(name, part, window)
        self._check_samples(first, columns)

    def _check(self, first: int, end: int, columns: dict[str, NDArray[Any]]) -> None:
        time, baseline = np.divmod(np.arange(first, end), self.group.baselines)
        for name, pairs in zip(("ANTENNA1", "ANTENNA2"), self._pairs, strict=True):
            require(np.array_equal(columns[name], pairs[baseline]), "V01", f"{name} differs from the members' pairs near row {first}")
        off_s = np.abs(columns["TIME"] - self.group.times_mjd[time] * SECONDS_PER_DAY).max()
        require(bool(off_s <= MAX_TIME_ERROR_S), "V02", f"TIME is {off_s:.6f} s off the headers near row {first}")
        require(bool((columns["INTERVAL"] == self.group.integration_s).all()), "V02", f"INTERVAL differs from the headers near row {first}")
        self._worst_time_s = max(self._worst_time_s, float(off_s))
        self._check_uvw(first, end, baseline, columns["UVW"])
        self._raw.take(first, columns["DATA"])
        self._check_weights(first, columns["WEIGHT"], columns["SIGMA"])

    def _check_uvw(self, first: int, end: int, baseline: NDArray[np.int64], uvw: NDArray[np.float64]) -> None:
        require(bool(np.isfinite(uvw).all()), "V05", f"UVW is not finite near row {first}")
        computed, _ = rows_geometry(self.group, self.expected.centre, first, end)
        off_m = np.abs(uvw - np.where(self._turned[baseline, None], computed, -computed)).max()
        require(bool(off_m <= MAX_UVW_ERROR_M), "V05", f"UVW is {off_m:.6f} m from its place near row {first}")
        lengths = np.linalg.norm(uvw, axis=1)
        require(
            bool((np.abs(lengths - self._lengths_m[baseline]) <= MAX_UVW_ERROR_M).all()), "V05", f"|UVW| is not the baseline near row {first}"
        )
        require(not uvw[self.group.ant_1[baseline] == self.group.ant_2[baseline]].any(), "V05", f"UVW of an autocorrelation near row {first}")
        require(bool(lengths.max() <= self._longest_m + MAX_UVW_ERROR_M), "V05", "a baseline is longer than the array")
        self._worst_uvw_m = max(self._worst_uvw_m, float(off_m))

    def _check_samples(self, first: int, columns: dict[str, NDArray[Any]]) -> None:
        # Imported here: loading the compiler takes 0.3 s, in this thread beside the first reading.
        from contimg_science.conversion.sample_checks import check_samples

        none = np.iinfo(np.int64).max
        at_fault = np.full(len(SAMPLE_FAULTS), none)
        flag, flag_row = columns["FLAG"], columns["FLAG_ROW"]
        before = int(self._unflagged.sum())
        check_samples(columns["DATA"], flag, flag_row, first, self.group.baselines, self._missing, self._unflagged, at_fault)
        for (code, message), row in zip(SAMPLE_FAULTS, at_fault.tolist(), strict=True):
            require(row == none, code, f"{message} in row {row}")
        self._flagged += flag.size - (int(self._unflagged.sum()) - before)

    def _check_weights(self, first: int, weight: NDArray[np.float32], sigma: NDArray[np.float32]) -> None:
        for name, values in (("WEIGHT", weight), ("SIGMA", sigma)):
            require(bool((np.isfinite(values) & (values >= 0)).all()), "V09", f"{name} is negative or not finite near row {first}")
        product = sigma.astype(np.float64) ** 2 * weight
        right = np.where(weight > 0, np.abs(product - 1) <= MAX_SIGMA_ERROR, sigma == 0)
        require(bool(right.all()), "V09", f"SIGMA is not WEIGHT^-1/2 near row {first}")

    def _verdicts(self) -> list[Check]:
        group = self.group
        self._check_calendar()
        counted = sum(self.expected.flagged_by_reason.values())
        require(self._flagged == counted, "V08", f"{self._flagged} samples are flagged, the reasons add up to {counted}")
        cells = int(self._missing.sum()) * group.baselines * len(group.corr_types)
        said = self.expected.flagged_by_reason["missing"]
        require(said == cells, "V07", f"{said} samples are counted as missing, the listed cells hold {cells}")
        width = group.channels_per_subband
        for placement in group.placements:
            left = int(self._unflagged[placement.first_channel : placement.first_channel + width].sum())
            remedy = "exclude this subband from the group: nothing in it is usable"
            require(left > 0, "V08", f"sb{placement.header.subband:02d} is present and has no unflagged sample", remedy)
        return [
            Check(code="V01", passed=True, detail=f"{group.times} times x {group.baselines} baselines"),
            Check(code="V02", passed=True, detail=f"times within {self._worst_time_s:.2g} s of the headers"),
            Check(code="V05", passed=True, detail=f"UVW within {self._worst_uvw_m:.2g} m"),
            Check(code="V07", passed=True, detail=f"{cells} missing samples, all zero and flagged"),
            Check(code="V08", passed=True, detail=f"{self._flagged} flagged samples, each with its reason"),
            Check(code="V09", passed=True, detail="weights and sigmas agree"),
        ]

    def _check_calendar(self) -> None:
        times = self.group.times_mjd
        require(bool((np.diff(times) > 0).all()), "V02", "TIME does not increase")
        start = MJD_ZERO + timedelta(days=float(times[0]), seconds=-self.group.integration_s / 2 + 0.5)
        year = self.expected.group_id[:4]
        require(f"{start.year:04d}" == year, "V02", f"the data are of {start.year}, the group id says {year}")
