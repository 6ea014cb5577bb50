"""What the Measurement Set of a group looks like, and the small reads that the steps after conversion share.

One field, one ascending spectral window, rows time-major with the same baselines at each time. Opens with python-casacore:
never import this module in a process that uses casatools. It never writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from casacore.tables import table
from numpy.typing import NDArray

from contimg_science.protocol import StepFailure

SECONDS_PER_DAY = 86400.0
# CASA knows this observatory, at exactly the position that the headers give; it does not know DSA_110.
TELESCOPE_NAME = "OVRO_MMA"
SPECTRAL_WINDOW_NAME = "DSA110"
FIELD_NAME = "meridian"
CONTIMG_KEYWORD = "CONTIMG"
CONTIMG_SCHEMA = 1
# In the CONTIMG keyword of a set for imaging: how many channels of the correlator one of its channels is the mean of.
AVERAGED_KEY = "channels_averaged"
# FITS/AIPS polarization code → casacore Stokes enumeration.
CORR_TYPE_OF_POLARIZATION = {-5: 9, -7: 10, -8: 11, -6: 12}

SUBTABLES = (
    "ANTENNA",
    "DATA_DESCRIPTION",
    "FEED",
    "FIELD",
    "FLAG_CMD",
    "HISTORY",
    "OBSERVATION",
    "POINTING",
    "POLARIZATION",
    "PROCESSOR",
    "SOURCE",
    "SPECTRAL_WINDOW",
    "STATE",
)


def sigma_of(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """WEIGHT^−½, 0 where the weight is 0."""
    return np.where(weight > 0, 1 / np.sqrt(np.where(weight > 0, weight, 1)), 0).astype(np.float32)


def antenna_name(index: int) -> str:
    """Station 103 has index 102 and is called DSA-103."""
    return f"DSA-{index + 1:03d}"


def open_table(path: Path | str, *, writable: bool = False, subtable: str | None = None) -> Any:
    """A casacore table; use it in `with`, so that it is closed and flushed."""
    where = str(path) if subtable is None else f"{path}/{subtable}"
    return table(where, readonly=not writable, ack=False, lockoptions="auto" if writable else "autonoread")


def require_set(path: Path, remedy: str) -> None:
    """Stop with this remedy where no Measurement Set is."""
    if not (path / "table.dat").is_file():
        raise StepFailure("BadInput", "NoMeasurementSet", f"{path} is not a Measurement Set", remedy, "none")


@dataclass(frozen=True)
class Shape:
    rows: int
    times: int
    baselines: int
    channels: int
    correlations: int


@dataclass(frozen=True)
class Description:
    """Everything small that describes one Measurement Set."""

    shape: Shape
    frequencies_hz: NDArray[np.float64]
    channel_width_hz: float
    corr_types: NDArray[np.int32]
    centre_rad: tuple[float, float]
    field_name: str
    antenna_names: list[str]
    antenna_positions_m: NDArray[np.float64]
    # False where a station of the table is absent from the data.
    antenna_present: NDArray[np.bool_]
    times_mjd: NDArray[np.float64]
    interval_s: float
    time_range_mjd: tuple[float, float]
    # Baselines of one integration, in row order.
    antenna1: NDArray[np.int32]
    antenna2: NDArray[np.int32]
    # ICRS place that the beam looked at in each integration.
    pointing_rad: NDArray[np.float64]

    @property
    def mid_mjd(self) -> float:
        return float((self.times_mjd[0] + self.times_mjd[-1]) / 2)

    @property
    def autocorrelation(self) -> NDArray[np.bool_]:
        return self.antenna1 == self.antenna2


def describe(path: Path | str) -> Description:
    with open_table(path) as main:
        times_s = main.getcol("TIME")
        starts = np.flatnonzero(np.diff(times_s, prepend=-np.inf) > 0)
        baselines = len(times_s) // len(starts)
        antenna1, antenna2 = main.getcol("ANTENNA1", 0, baselines), main.getcol("ANTENNA2", 0, baselines)
        channels, correlations = main.getcell("DATA", 0).shape
        interval_s = float(main.getcell("INTERVAL", 0))
    with open_table(path, subtable="SPECTRAL_WINDOW") as window:
        frequencies, width = window.getcell("CHAN_FREQ", 0), float(window.getcell("CHAN_WIDTH", 0)[0])
    with open_table(path, subtable="POLARIZATION") as polarization:
        corr_types = polarization.getcell("CORR_TYPE", 0)
    with open_table(path, subtable="FIELD") as field:
        centre, field_name = field.getcell("PHASE_DIR", 0)[0], field.getcell("NAME", 0)
    with open_table(path, subtable="ANTENNA") as antenna:
        names, positions, absent = antenna.getcol("NAME"), antenna.getcol("POSITION"), antenna.getcol("FLAG_ROW")
    with open_table(path, subtable="OBSERVATION") as observation:
        start_s, end_s = observation.getcell("TIME_RANGE", 0)
    with open_table(path, subtable="POINTING") as pointing:
        _, first = np.unique(pointing.getcol("TIME"), return_index=True)
        directions = pointing.getcol("DIRECTION")[first, 0, :]
    return Description(
        shape=Shape(len(times_s), len(starts), baselines, channels, correlations),
        frequencies_hz=frequencies,
        channel_width_hz=width,
        corr_types=corr_types,
        centre_rad=(float(centre[0]), float(centre[1])),
        field_name=field_name,
        antenna_names=list(names),
        antenna_positions_m=positions,
        antenna_present=~absent,
        times_mjd=times_s[starts] / SECONDS_PER_DAY,
        interval_s=interval_s,
        time_range_mjd=(float(start_s) / SECONDS_PER_DAY, float(end_s) / SECONDS_PER_DAY),
        antenna1=antenna1,
        antenna2=antenna2,
        pointing_rad=directions,
    )
