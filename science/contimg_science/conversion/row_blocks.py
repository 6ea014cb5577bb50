"""The one pass over a group: whole blocks of output rows, in order, from all members at once.

Threads read, hash, rotate and write the samples of one member's channels at a time; what all members together say of the rows
is given to the caller. Memory is a few subbands of one block and one window a member, whatever the number of integrations. The
same group gives the same bytes for any number of threads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock, local
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contimg_science.conversion.chunk_reader import MemberReader, Samples, SubbandUnusable
from contimg_science.conversion.flag_reasons import REASONS
from contimg_science.conversion.group import Group, Placement
from contimg_science.conversion.open_member import OpenMember
from contimg_science.conversion.phase_centre import PhaseCentre, rows_geometry
from contimg_science.conversion.sample_columns import SampleColumns
from contimg_science.conversion.table_layout import TILE_ROWS
from contimg_science.meridian import SPEED_OF_LIGHT_M_S

# Of chunks between hash and rotation, all members together: a third of what the step may have.
KEEP_BYTES = 512 << 20
# Threads wait for the caller, and it for them, no longer than this; Python's own 5 ms are most of a piece of work.
SWITCH_INTERVAL_S = 1e-4
# Counts that differ by less than this over a row's channels are one weight.
UNIFORM_WEIGHT = 1e-3
# Product XY of the pair (1,2) is YX of (2,1); casacore numbers XX, XY, YX, YY as 9…12.
TURNED_CORR_TYPE = {9: 9, 10: 11, 11: 10, 12: 12}


@dataclass
class Block:
    """What there is to say of rows [first, end) of the output beside their samples, which are written."""

    first: int
    end: int
    flag_row: NDArray[np.bool_]
    uvw_m: NDArray[np.float64]
    weight: NDArray[np.float32]
    # Only where weights vary along the channels of some row.
    weight_spectrum: NDArray[np.float32] | None


@dataclass
class _Job:
    """One block in the making."""

    first: int
    end: int
    uvw_m: NDArray[np.float64]
    delta_w_m: NDArray[np.float64]
    # By placement: (rows, products, 3) as place_member leaves it, divided by the nominal count.
    summary: NDArray[np.float32]
    relative: NDArray[np.float32] | None = None
    futures: list[Future[None]] = field(default_factory=list)


class BlockPass:
    def __init__(
        self, group: Group, centre: PhaseCentre, members: dict[int, OpenMember], columns: SampleColumns, threads: int, max_bad_fraction: float
    ):
        """`members`: those of the group, by subband."""
        self.group, self.centre, self._members, self._columns, self.max_bad_fraction = group, centre, members, columns, max_bad_fraction
        # A block holds a whole integration at least, so that the first one shows each member's nominal count.
        self.block_rows = -(-group.baselines // TILE_ROWS) * TILE_ROWS
        self._edges = [(first, min(first + self.block_rows, group.rows)) for first in range(0, group.rows, self.block_rows)]
        self._turned = group.ant_1 > group.ant_2
        self._auto = group.ant_1 == group.ant_2
        self._nominal: dict[int, float] = {}
        self.counts = np.zeros((len(group.placements), len(REASONS)), np.int64)
        self._not_finite = np.zeros(len(group.placements), np.int64)
        self._buffers = local()
        self._allocate = Lock()
        self._readers: list[MemberReader] = []
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="rotate")
        self._switch_interval_s = sys.getswitchinterval()

    def _row_ranges(self, placement: Placement) -> list[tuple[int, int]]:
        ranges = []
        for first, end in self._edges:
            rows = placement.file_row[first:end]
            rows = rows[rows >= 0]
            ranges.append((int(rows.min()), int(rows.max()) + 1) if rows.size else (0, 0))
        return ranges

    def __enter__(self) -> BlockPass:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        try:
            for placement in self.group.placements:
                member, keep_bytes = self._members[placement.header.subband], KEEP_BYTES // len(self.group.placements)
                self._readers.append(MemberReader(member, self._row_ranges(placement), keep_bytes))
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        sys.setswitchinterval(self._switch_interval_s)
        for reader in self._readers:
            reader.close()

    @property
    def read_twice(self) -> dict[int, str]:
        """Subbands that were read once for the hash and once for the samples, and why."""
        return {reader.subband: reader.read_twice for reader in self._readers if reader.read_twice is not None}

    def blocks(self) -> Iterator[Block]:
        """Each block once, in order. Raises SubbandUnusable when a member turns out to hold nothing worth keeping."""
        if not self._edges:
            return
        coming = self._start(0)
        for index in range(len(self._edges)):
            job = coming
            for future in job.futures:
                future.result()
            if index + 1 < len(self._edges):
                coming = self._start(index + 1)
            yield self._finished(job)

    def digests(self) -> list[str]:
        """sha256 of each member's whole file, after the last block; a member that changed meanwhile is NotSettled."""
        found = [reader.digest() for reader in self._readers]
        for reader in self._readers:
            reader.check_unchanged()
        return found

    def _start(self, index: int) -> _Job:
        group, (first, end) = self.group, self._edges[index]
        uvw, delta_w = rows_geometry(group, self.centre, first, end)
        summary = np.full((len(group.placements), end - first, len(group.corr_types), 3), np.nan, np.float32)
        job = _Job(first, end, uvw, delta_w, summary)
        present = {placement.header.subband for placement in group.placements}
        job.futures = [self._pool.submit(self._place, job, number) for number in range(len(group.placements))]
        job.futures += [self._pool.submit(self._blank, job, subband) for subband in range(group.subbands) if subband not in present]
        return job

    def _tiles(self) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """Room for one subband of a block, this thread's own: small enough to stay in the cache from rotation to writing."""
        if not hasattr(self._buffers, "data"):
            shape = (self.block_rows, self.group.channels_per_subband, len(self.group.corr_types))
            self._buffers.data, self._buffers.flag = np.empty(shape, np.complex64), np.empty(shape, np.bool_)
        return self._buffers.data, self._buffers.flag

    def _blank(self, job: _Job, subband: int) -> None:
        data, flag = self._tiles()
        data[:], flag[:] = 0, True
        self._columns.write(job.first, job.end - job.first, self.group.subbands - 1 - subband, data, flag)

    def _products(self, placement: Placement) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Place of each product of the file in the output: of a pair in its own sense, and of a turned one."""
        order, types = self.group.corr_types, placement.header.corr_types
        return np.array([order.index(t) for t in types]), np.array([order.index(TURNED_CORR_TYPE[t]) for t in types])

    def _place(self, job: _Job, number: int) -> None:
        # Imported here: loading the compiler takes 0.3 s, and `validate` only wants the types of this step.
        from contimg_science.conversion.rotation import gather_samples, place_member

        group, placement, reader = self.group, self.group.placements[number], self._readers[number]
        header, (data, flag) = placement.header, self._tiles()
        visibilities, flags, samples = (_kernel_view(found) for found in reader.read())
        rows = placement.file_row[job.first : job.end]
        baseline = np.arange(job.first, job.end) % group.baselines
        turned = self._turned[baseline]
        same_place, turned_place = self._products(placement)
        step = (header.frequencies_hz[-1] - header.frequencies_hz[0]) / max(1, header.frequencies_hz.size - 1)
        self._not_finite[number] += place_member(
            visibilities,
            flags,
            samples,
            rows,
            job.delta_w_m / SPEED_OF_LIGHT_M_S,
            turned,
            self._auto[baseline],
            header.frequencies_hz[0],
            step,
            placement.descending,
            same_place,
            turned_place,
            data,
            flag,
            self.counts[number],
            job.summary[number],
        )
        self._refuse_bad(number)
        self._columns.write(job.first, job.end - job.first, placement.first_channel // group.channels_per_subband, data, flag)
        nominal = self._nominal_count(job, number, rows)
        job.summary[number, :, :, 1:] /= np.float32(nominal)
        spread = job.summary[number, rows >= 0, :, 2] - job.summary[number, rows >= 0, :, 1]
        if spread.size and spread.max() > 0:
            relative = self._relative(job)
            places = (placement.first_channel, placement.descending, same_place, turned_place)
            gather_samples(samples, rows, turned, group.channels_per_subband, *places, np.float32(nominal), relative)

    def _refuse_bad(self, number: int) -> None:
        header = self.group.placements[number].header
        total = header.file_row.size * header.frequencies_hz.size * len(header.corr_types)
        fraction = self._not_finite[number] / total
        if fraction > self.max_bad_fraction:
            message = f"{header.path}: more than {self.max_bad_fraction:.0%} of its samples are not finite"
            raise SubbandUnusable(header.subband, "NonFiniteData", message)

    def _nominal_count(self, job: _Job, number: int, rows: NDArray[np.int64]) -> float:
        """The largest sample count of the member's first integration: the scale of nsamples is the writer's own."""
        if number not in self._nominal and (rows >= 0).any():
            first = int(np.flatnonzero(rows >= 0)[0])
            end = (job.first + first) // self.group.baselines * self.group.baselines + self.group.baselines - job.first
            greatest = float(np.nanmax(job.summary[number, first:end, :, 2]))
            self._nominal[number] = greatest if greatest > 0 else 1.0
        return self._nominal.get(number, 1.0)

    def _relative(self, job: _Job) -> NDArray[np.float32]:
        with self._allocate:
            if job.relative is None:
                shape = (job.end - job.first, self.group.channels, len(self.group.corr_types))
                job.relative = np.full(shape, np.nan, np.float32)
            return job.relative

    def _finished(self, job: _Job) -> Block:
        group = self.group
        full = np.float32(2 * group.channel_width_hz * group.integration_s)
        valid = np.nansum(job.summary[..., 0], axis=0)
        least, greatest = np.fmin.reduce(job.summary[..., 1]), np.fmax.reduce(job.summary[..., 2])
        spectrum = None
        if np.array_equal(least, greatest, equal_nan=True):
            relative = least
        else:
            per_channel = self._every_channel(job)
            relative = np.nanmedian(per_channel, axis=1)
            if np.nanmax(greatest - least) > UNIFORM_WEIGHT:
                spectrum = np.nan_to_num(per_channel, copy=False) * full
        weight = np.where(valid > 0, np.nan_to_num(relative) * full, 0).astype(np.float32)
        baseline = np.arange(job.first, job.end) % group.baselines
        uvw = np.where(self._turned[baseline][:, None], job.uvw_m, -job.uvw_m) + 0.0
        flag_row = self._auto[baseline] | (valid == 0).all(axis=1)
        return Block(job.first, job.end, flag_row, uvw, weight, spectrum)

    def _every_channel(self, job: _Job) -> NDArray[np.float32]:
        """Relative sample counts of all channels, those of evenly sampled members filled in."""
        relative = self._relative(job)
        width = self.group.channels_per_subband
        for number, placement in enumerate(self.group.placements):
            channels = relative[:, placement.first_channel : placement.first_channel + width]
            np.copyto(channels, job.summary[number, :, None, :, 1], where=np.isnan(channels))
        return relative


def _kernel_view(found: Samples) -> tuple[NDArray[Any], NDArray[np.int64], int, int, int, int]:
    return (found.values, found.offset, *found.chunk, found.first_row)
