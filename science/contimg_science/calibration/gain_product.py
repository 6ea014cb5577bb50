"""The total gain of each antenna, receptor and channel from calibration sets: product over tables, mean over two sets by time.

Channels take the nearest channel of the table and never one across a flagged channel (CASA's `linearflag`); between two
sets amplitude and phase change linearly in time, the phase by the shorter way; outside their times the nearer set counts
alone. Where only one set has a solution that one is used; where none has, the entry is flagged. Nothing is ever 1 by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.calibration_table import Solutions, read_solutions
from contimg_science.measurement_set import Description
from contimg_science.protocol import StepFailure

Gains = NDArray[np.complex128]
# A solution from another declination strip gave fluxes of 6 % of the true ones.
MAX_DEC_OFFSET_DEG = 5.0


@dataclass(frozen=True)
class SetGains:
    """One calibration set on the antennas and channels of a group: (antenna, channel, receptor)."""

    id: str
    mid_mjd: float
    gains: Gains
    flags: NDArray[np.bool_]


def gains_of_set(id: str, mid_mjd: float, tables: list[Path], group: Description) -> SetGains:
    shape = (len(group.antenna_names), group.shape.channels, group.shape.correlations)
    gains, flags = np.ones(shape, np.complex128), np.zeros(shape, bool)
    for path in tables:
        solutions = read_solutions(path)
        _refuse_mismatch(path, solutions, group)
        channel, outside = _nearest_channels(solutions.freq_hz, group.frequencies_hz, group.channel_width_hz)
        gains *= solutions.gains[0][:, channel]
        flags |= solutions.flags[0][:, channel] | outside[None, :, None]
    return SetGains(id, mid_mjd, np.where(flags, 1.0, gains), flags)


def _refuse_mismatch(path: Path, solutions: Solutions, group: Description) -> None:
    if solutions.antenna_names != group.antenna_names:
        raise StepFailure(
            "BadInput",
            "AntennaMismatch",
            f"{path} has {len(solutions.antenna_names)} antennas, the group {len(group.antenna_names)} or other names",
            "choose a calibration set solved on the same array",
            "none",
        )
    if solutions.gains.shape[0] != 1 or solutions.gains.shape[-1] != group.shape.correlations:
        raise StepFailure(
            "BadInput",
            "TableShape",
            f"{path}: {solutions.gains.shape[0]} intervals × {solutions.gains.shape[-1]} receptors, wanted 1 × {group.shape.correlations}",
            "name the tables that hold one solution for the whole transit",
            "none",
        )
    offset_deg = abs(solutions.field_dec_deg - float(np.degrees(group.centre_rad[1])))
    if offset_deg > MAX_DEC_OFFSET_DEG:
        raise StepFailure(
            "BadInput",
            "OtherDeclination",
            f"{path} was solved {offset_deg:.1f}° of declination away from this group",
            f"choose a set from within {MAX_DEC_OFFSET_DEG:.0f}° of declination",
            "none",
        )


def _nearest_channels(
    table_hz: NDArray[np.float64], group_hz: NDArray[np.float64], width_hz: float
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Index of the nearest table channel, and which channels of the group have none within one channel width."""
    if table_hz.size == 1:
        return np.zeros(group_hz.size, np.intp), np.zeros(group_hz.size, bool)
    distance = np.abs(group_hz[:, None] - table_hz[None, :])
    return distance.argmin(axis=1), distance.min(axis=1) > width_hz


def weights_at(sets: list[SetGains], mjd: float) -> list[float]:
    if len(sets) == 1:
        return [1.0]
    first, second = sets
    span = second.mid_mjd - first.mid_mjd
    part = float(np.clip((mjd - first.mid_mjd) / span, 0.0, 1.0)) if span > 0 else 0.5
    return [1.0 - part, part]


def gains_at(sets: list[SetGains], mjd: float) -> tuple[Gains, NDArray[np.bool_]]:
    if len(sets) == 1:
        return sets[0].gains, sets[0].flags
    first, second = sets
    _, part = weights_at(sets, mjd)
    amplitude = (1 - part) * np.abs(first.gains) + part * np.abs(second.gains)
    turn = np.angle(second.gains * np.conj(first.gains))
    between = amplitude * np.exp(1j * (np.angle(first.gains) + part * turn))
    gains = np.where(first.flags, second.gains, np.where(second.flags, first.gains, between))
    return gains, first.flags & second.flags
