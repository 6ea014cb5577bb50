"""check_raw: reads every sample of raw subband files and says how much of it can be used. Writes nothing.

A chunk that cannot be read is counted and named, and the reading goes on: one bad block says nothing of the others.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from contimg_science.concat import Member
from contimg_science.protocol import Record, StepRequest, Timings, progress, run_step

DATASETS = ("Data/visdata", "Data/flags", "Data/nsamples")
# A dataset in one piece is read in parts of this many rows; a full file has 111,744.
ROWS_AT_ONCE = 8192
FAULTS_NAMED = 5


class Inputs(Record):
    members: list[Member]


class Parameters(Record):
    pass


class Outputs(Record):
    pass


class CheckRawRequest(StepRequest):
    inputs: Inputs
    parameters: Parameters
    outputs: Outputs


class CheckedFile(Record):
    path: Path
    subband: int
    chunks: int
    unreadable_chunks: int
    # The first few, each with what the library says.
    faults: list[str]
    samples: int
    # Of the samples that could be read; null when none could.
    finite_fraction: float | None
    flagged_fraction: float | None


class CheckRawResult(Record):
    files: list[CheckedFile]
    bytes_read: int
    timings_s: dict[str, float]


class _Tally:
    def __init__(self) -> None:
        self.chunks = self.unreadable = self.bytes = 0
        self.faults: list[str] = []
        self.samples = self.finite = self.flags = self.flagged = 0

    def read(self, dataset: h5py.Dataset, where: tuple[slice, ...]) -> None:
        self.chunks += 1
        try:
            values = np.asarray(dataset[where])
        except OSError as error:
            self.unreadable += 1
            if len(self.faults) < FAULTS_NAMED:
                self.faults.append(f"{dataset.name}{[(part.start, part.stop) for part in where]}: {error}")
            return
        self.bytes += values.nbytes
        if dataset.name == f"/{DATASETS[0]}":
            finite = np.isfinite(values["r"]) & np.isfinite(values["i"]) if values.dtype.names else np.isfinite(values)
            self.samples += values.size
            self.finite += int(np.count_nonzero(finite))
        elif dataset.name == f"/{DATASETS[1]}":
            self.flags += values.size
            self.flagged += int(np.count_nonzero(values))


def check_raw(request: CheckRawRequest) -> CheckRawResult:
    timings = Timings()
    files: list[CheckedFile] = []
    bytes_read = 0
    members = request.inputs.members
    with timings.phase("load"):
        for done, member in enumerate(members):
            progress(done / len(members), f"reads {member.path.name}")
            tally = _tally_of(member.path)
            bytes_read += tally.bytes
            files.append(
                CheckedFile(
                    path=member.path,
                    subband=member.subband,
                    chunks=tally.chunks,
                    unreadable_chunks=tally.unreadable,
                    faults=tally.faults,
                    samples=tally.samples,
                    finite_fraction=tally.finite / tally.samples if tally.samples else None,
                    flagged_fraction=tally.flagged / tally.flags if tally.flags else None,
                )
            )
    return CheckRawResult(files=files, bytes_read=bytes_read, timings_s=timings.seconds)


def _tally_of(path: Path) -> _Tally:
    tally = _Tally()
    try:
        with h5py.File(path, "r", locking=False) as file:
            for name in DATASETS:
                dataset = file[name]
                assert isinstance(dataset, h5py.Dataset)
                for where in _parts(dataset):
                    tally.read(dataset, where)
    except (OSError, KeyError) as error:
        tally.unreadable += 1
        tally.faults.append(str(error))
    return tally


def _parts(dataset: h5py.Dataset) -> list[tuple[slice, ...]]:
    if dataset.chunks is not None:
        return list(dataset.iter_chunks())
    rows = dataset.shape[0]
    return [(slice(first, min(first + ROWS_AT_ONCE, rows)),) for first in range(0, rows, ROWS_AT_ONCE)]


if __name__ == "__main__":
    run_step(CheckRawRequest, check_raw)
