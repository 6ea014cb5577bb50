"""Reads CASA calibration tables: complex gains by antenna, receptor and channel, with their flags, SNR and times.

Holds a table as CASA wrote it, one slab an interval. Antennas are those of the table's own ANTENNA subtable; an entry
that CASA did not write is flagged. Python-casacore axes: (row, channel, receptor).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.measurement_set import SECONDS_PER_DAY, open_table
from contimg_science.protocol import StepFailure


@dataclass(frozen=True)
class Solutions:
    gains: NDArray[np.complex128]  # (interval, antenna, channel, receptor); 1 where flagged
    flags: NDArray[np.bool_]
    snr: NDArray[np.float64]
    mjd: NDArray[np.float64]  # (interval,)
    freq_hz: NDArray[np.float64]  # (channel,)
    antenna_names: list[str]
    field_dec_deg: float


def read_solutions(path: Path) -> Solutions:
    if not (path / "table.dat").is_file():
        raise StepFailure(
            "BadInput", "NoCalibrationTable", f"{path} is not a calibration table", "solve the set again or choose another one", "none"
        )
    with open_table(path) as main:
        if "CPARAM" not in main.colnames():
            raise StepFailure("BadInput", "NotComplexGains", f"{path} holds no complex gains", "name tables of type B or G", "none")
        antenna, time_s = main.getcol("ANTENNA1"), main.getcol("TIME")
        if np.unique(main.getcol("SPECTRAL_WINDOW_ID")).size > 1:
            raise StepFailure(
                "BadInput",
                "SeveralWindows",
                f"{path} has solutions for several spectral windows, a group has one",
                "solve on a Measurement Set of one window; which channels belong together is never guessed",
                "none",
            )
        gains, flags, snr = main.getcol("CPARAM"), main.getcol("FLAG"), main.getcol("SNR")
    with open_table(path, subtable="ANTENNA") as antennas:
        names = list(antennas.getcol("NAME"))
    with open_table(path, subtable="SPECTRAL_WINDOW") as windows:
        freq_hz = windows.getcell("CHAN_FREQ", 0)
    with open_table(path, subtable="FIELD") as fields:
        dec = float(np.degrees(np.ravel(fields.getcell("PHASE_DIR", 0))[1]))
    # CASA writes an interval's rows together; each antenna's time is that of the interval's centre of its own data.
    interval = np.cumsum(np.concatenate([[0], (np.diff(antenna) <= 0).astype(int)])) if antenna.size else antenna
    intervals = int(interval[-1]) + 1 if antenna.size else 0
    shape = (intervals, len(names), *gains.shape[1:])
    solutions = Solutions(
        gains=np.ones(shape, np.complex128),
        flags=np.ones(shape, bool),
        snr=np.zeros(shape),
        mjd=np.array([time_s[interval == k].mean() for k in range(intervals)]) / SECONDS_PER_DAY,
        freq_hz=np.asarray(freq_hz),
        antenna_names=names,
        field_dec_deg=dec,
    )
    usable = ~flags & np.isfinite(gains) & (gains != 0)
    solutions.gains[interval, antenna] = np.where(usable, gains, 1.0)
    solutions.flags[interval, antenna] = ~usable
    solutions.snr[interval, antenna] = snr
    return solutions
