"""The visibilities of one group as an array (time, baseline, channel, product), and their flags with reasons.

Reads rows in the order in which the conversion writes them (time-major, the same baselines each time) and refuses any
other order. `write_flags` replaces FLAG and FLAG_ROW and nothing else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from casacore.tables import table
from numpy.typing import NDArray

from contimg_science.flagging.reasons import Reason
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

    @property
    def is_cross(self) -> NDArray[np.bool_]:
        return self.antenna1 != self.antenna2

    def mark(self, where: NDArray[np.bool_], reason: Reason) -> int:
        """Flag the good samples of a mask that broadcasts against the cube; answers how many were new."""
        new = (self.reasons == Reason.GOOD) & where
        self.reasons[new] = reason
        return int(np.count_nonzero(new))


STOKES_NAMES = {9: "XX", 10: "XY", 11: "YX", 12: "YY"}


def read_cube(ms: Path) -> tuple[Cube, NDArray[np.bool_]]:
    """The visibilities without any reason yet, and the FLAG column as it stands."""
    with table(str(ms), ack=False) as main:
        antenna1, antenna2, time_s = main.getcol("ANTENNA1"), main.getcol("ANTENNA2"), main.getcol("TIME")
        data, flags = main.getcol("DATA"), main.getcol("FLAG")
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
    )
    return cube, flags.reshape(shape)


def write_flags(ms: Path, flags: NDArray[np.bool_]) -> None:
    rows = flags.reshape(-1, *flags.shape[2:])
    with table(str(ms), readonly=False, ack=False) as main:
        if main.nrows() != rows.shape[0]:
            raise StepFailure(
                "BadInput", "OtherRows", f"{ms} has {main.nrows()} rows, not {rows.shape[0]}", "name two copies of one group", "none"
            )
        main.putcol("FLAG", rows)
        main.putcol("FLAG_ROW", rows.all(axis=(1, 2)))


def flag_digest(flags: NDArray[np.bool_]) -> str:
    """SHA-256 of the FLAG column, row by row, eight samples a byte."""
    return hashlib.sha256(np.packbits(flags.reshape(-1)).tobytes()).hexdigest()
