"""The visibilities of one group as an array (time, baseline, channel, product), and their flags with reasons.

Reads rows in the order in which the conversion writes them (time-major, the same baselines each time) and refuses any
other order. `write_flags` replaces FLAG and FLAG_ROW and nothing else. Detectors hand their compiled kernels to `in_shares`,
which gives each thread its part; no answer may depend on how many there are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from casacore.tables import table
from numpy.typing import NDArray

from contimg_science.protocol import StepFailure


@dataclass
class Cube:
    data: NDArray[np.complex64]  # (time, baseline, channel, product)
    reasons: NDArray[np.uint8]  # same shape, values of Reason
    antenna1: NDArray[np.int32]
    antenna2: NDArray[np.int32]
    antenna_names: list[str]
    products: list[str]
    freq_hz: NDArray[np.float64]
    threads: int

    @property
    def is_cross(self) -> NDArray[np.bool_]:
        return self.antenna1 != self.antenna2

    @property
    def baselines(self) -> NDArray[np.int64]:
        return np.arange(self.antenna1.size)

    @property
    def crosses(self) -> NDArray[np.int64]:
        return np.flatnonzero(self.is_cross)

    @property
    def times(self) -> NDArray[np.int64]:
        return np.arange(self.data.shape[0])

    @property
    def samples(self) -> NDArray[np.complex64]:
        """The data as kernels take them, (time, baseline, channel and product): the product changes fastest."""
        return self.data.reshape(*self.data.shape[:2], -1)

    @property
    def marks(self) -> NDArray[np.uint8]:
        """The reasons in the shape of `samples`: what is written here is written there."""
        return self.reasons.reshape(*self.reasons.shape[:2], -1)

    def in_shares(self, kernel: Callable[[NDArray[np.int64]], None], indices: NDArray[np.int64]) -> None:
        """Calls the kernel once a thread, each with a run of the indices (baselines, or times)."""
        with ThreadPoolExecutor(max_workers=self.threads) as pool:
            for _ in pool.map(kernel, np.array_split(indices, self.threads)):
                pass


STOKES_NAMES = {9: "XX", 10: "XY", 11: "YX", 12: "YY"}


def read_cube(ms: Path, threads: int) -> tuple[Cube, NDArray[np.bool_]]:
    """The visibilities without any reason yet, and the FLAG column as it stands."""
    with table(str(ms), ack=False) as main:
        antenna1, antenna2, time_s = main.getcol("ANTENNA1"), main.getcol("ANTENNA2"), main.getcol("TIME")
        # Into arrays of our own: casacore would fill one of its and copy it.
        data = np.empty((main.nrows(), *main.getcell("DATA", 0).shape), np.complex64)
        flags = np.empty(data.shape, np.bool_)
        main.getcolnp("DATA", data)
        main.getcolnp("FLAG", flags)
    times, first_rows = np.unique(time_s, return_index=True)
    baselines = len(time_s) // max(len(times), 1)
    rectangular = times.size * baselines == time_s.size and np.array_equal(first_rows, np.arange(times.size) * baselines)
    if not rectangular or np.any(antenna1.reshape(times.size, baselines) != antenna1[:baselines]):
        raise StepFailure(
            "BadInput", "NotRectangular", f"{ms}: rows are not times × the same baselines", "flag only Measurement Sets made by concat", "none"
        )
    with table(f"{ms}::ANTENNA", ack=False) as antennas, table(f"{ms}::SPECTRAL_WINDOW", ack=False) as windows:
        names, freq_hz = list(antennas.getcol("NAME")), windows.getcell("CHAN_FREQ", 0)
    with table(f"{ms}::POLARIZATION", ack=False) as polarization:
        products = [STOKES_NAMES[int(code)] for code in polarization.getcell("CORR_TYPE", 0)]
    shape = (times.size, baselines, *data.shape[1:])
    cube = Cube(
        data=data.reshape(shape),
        reasons=np.zeros(shape, np.uint8),
        antenna1=antenna1[:baselines],
        antenna2=antenna2[:baselines],
        antenna_names=names,
        products=products,
        freq_hz=freq_hz,
        threads=threads,
    )
    return cube, flags.reshape(shape)


def write_flags(ms: Path, flags: NDArray[np.bool_]) -> None:
    rows = flags.reshape(flags.shape[0] * flags.shape[1], *flags.shape[2:])
    with table(str(ms), readonly=False, ack=False) as main:
        if main.nrows() != rows.shape[0]:
            raise StepFailure(
                "BadInput", "OtherRows", f"{ms} has {main.nrows()} rows, not {rows.shape[0]}", "name two copies of one group", "none"
            )
        main.putcol("FLAG", rows)
        # Along one contiguous axis: over two, numpy takes twenty times as long.
        main.putcol("FLAG_ROW", rows.reshape(len(rows), -1).all(axis=1))


def flag_digest(flags: NDArray[np.bool_]) -> str:
    """SHA-256 of the FLAG column, row by row, eight samples a byte."""
    return hashlib.sha256(np.packbits(flags.reshape(-1)).tobytes()).hexdigest()
