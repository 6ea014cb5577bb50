"""Every subtable of the Measurement Set, filled so that CASA, WSClean and people find one field, one window, one truth.

Each has the rows that the tools ask for: an empty STATE, FEED or OBSERVATION makes later selections fail. Strings and times
come from the group and the request, nothing from the clock or the machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from casacore.tables import makearrcoldesc, maketabdesc, required_ms_desc

from contimg_science.conversion.group import Group
from contimg_science.conversion.phase_centre import PhaseCentre
from contimg_science.conversion.table_layout import create_table
from contimg_science.measurement_set import (
    FIELD_NAME,
    SECONDS_PER_DAY,
    SPECTRAL_WINDOW_NAME,
    SUBTABLES,
    TELESCOPE_NAME,
    antenna_name,
)

# "For ever", as the MS definition writes it.
FOR_EVER_S = np.finfo(np.float64).max
TOPOCENTRIC = 5
CORR_PRODUCT = {9: (0, 0), 10: (0, 1), 11: (1, 0), 12: (1, 1)}
TARGET_MODE = "OBSERVE_TARGET#ON_SOURCE"
CALIBRATOR_MODE = "OBSERVE_TARGET#ON_SOURCE,CALIBRATE_BANDPASS#ON_SOURCE"


@dataclass(frozen=True)
class Provenance:
    """What a conversion was asked to do, as facts for HISTORY; one JSON line each."""

    requested_mjd: float
    messages: list[str]


def write_subtables(path: Path, main: Any, group: Group, centre: PhaseCentre, calibrator: str | None, provenance: Provenance) -> None:
    site_m, mid_s = group.site.itrf_m(), group.mid_mjd * SECONDS_PER_DAY
    field_name = calibrator or FIELD_NAME
    filled = {
        "ANTENNA": _antenna(group, site_m),
        "SPECTRAL_WINDOW": _spectral_window(group),
        "POLARIZATION": _polarization(group),
        "DATA_DESCRIPTION": {"FLAG_ROW": [False], "POLARIZATION_ID": [0], "SPECTRAL_WINDOW_ID": [0]},
        "FIELD": _field(centre, mid_s, field_name),
        "SOURCE": _source(centre, mid_s, field_name),
        "FEED": _feed(group, mid_s),
        "STATE": {
            "CAL": [0.0],
            "FLAG_ROW": [False],
            "LOAD": [0.0],
            "OBS_MODE": [CALIBRATOR_MODE if calibrator else TARGET_MODE],
            "REF": [False],
            "SIG": [True],
            "SUB_SCAN": [0],
        },
        "OBSERVATION": _observation(group, site_m),
        "PROCESSOR": {"FLAG_ROW": [False], "MODE_ID": [-1], "TYPE": ["CORRELATOR"], "TYPE_ID": [-1], "SUB_TYPE": ["DSA-110"]},
        "POINTING": _pointing(group, centre),
        "HISTORY": _history(provenance),
        "FLAG_CMD": {},
    }
    for name in SUBTABLES:
        _write(path, main, name, filled[name])


def _write(path: Path, main: Any, name: str, columns: dict[str, Any]) -> None:
    description = required_ms_desc(name)
    if name == "OBSERVATION":
        description.update(maketabdesc(makearrcoldesc("TELESCOPE_LOCATION", 0.0, ndim=1, shape=[3], comment="Position of the array")))
        description["TELESCOPE_LOCATION"]["keywords"] = {"QuantumUnits": ["m", "m", "m"], "MEASINFO": {"type": "position", "Ref": "ITRF"}}
    for column in description.values():
        measure = column.get("keywords", {}).get("MEASINFO", {}) if isinstance(column, dict) else {}
        if measure.get("type") == "direction" and measure.get("Ref") == "J2000":
            measure["Ref"] = "ICRS"
    for column, values in columns.items():
        if isinstance(values, np.ndarray) and values.ndim > 1:
            # Arrays of one shape lie in the row: casacore leaves bytes undefined where it stores them apart.
            description[column].update(ndim=values.ndim - 1, shape=list(values.shape[1:]), option=5)
    rows = max((len(values) for values in columns.values()), default=0)
    with create_table(path / name, description, rows, {}) as table:
        for column, values in columns.items():
            if isinstance(values, np.ndarray) or not isinstance(values[0], list):
                table.putcol(column, values)
            else:
                for row, value in enumerate(values):
                    table.putcell(column, row, value)
        main.putkeyword(name, table)


def _antenna(group: Group, site_m: np.ndarray) -> dict[str, Any]:
    count = group.antenna_offsets_m.shape[0]
    in_data = np.isin(np.arange(count), np.union1d(group.ant_1, group.ant_2))
    names = [antenna_name(index) for index in range(count)]
    return {
        "NAME": names,
        "STATION": names,
        "TYPE": ["GROUND-BASED"] * count,
        "MOUNT": ["ALT-AZ"] * count,
        "POSITION": site_m + np.nan_to_num(group.antenna_offsets_m),
        "OFFSET": np.zeros((count, 3)),
        "DISH_DIAMETER": np.nan_to_num(group.diameters_m, nan=4.65),
        "FLAG_ROW": ~in_data,
    }


def _spectral_window(group: Group) -> dict[str, Any]:
    widths = np.full((1, group.channels), group.channel_width_hz)
    frequencies = group.frequencies_hz
    return {
        "MEAS_FREQ_REF": [TOPOCENTRIC],
        "CHAN_FREQ": frequencies[None, :],
        "REF_FREQUENCY": [float((frequencies[0] + frequencies[-1]) / 2)],
        "CHAN_WIDTH": widths,
        "EFFECTIVE_BW": widths,
        "RESOLUTION": widths,
        "FLAG_ROW": [False],
        "FREQ_GROUP": [0],
        "FREQ_GROUP_NAME": [""],
        "IF_CONV_CHAIN": [0],
        "NAME": [SPECTRAL_WINDOW_NAME],
        "NET_SIDEBAND": [0],
        "NUM_CHAN": [group.channels],
        "TOTAL_BANDWIDTH": [float(widths.sum())],
    }


def _polarization(group: Group) -> dict[str, Any]:
    products = np.array([CORR_PRODUCT[corr] for corr in group.corr_types], np.int32)
    return {
        "CORR_TYPE": np.array([group.corr_types], np.int32),
        "CORR_PRODUCT": products[None],
        "FLAG_ROW": [False],
        "NUM_CORR": [len(group.corr_types)],
    }


def _field(centre: PhaseCentre, mid_s: float, name: str) -> dict[str, Any]:
    direction = np.array([[[centre.ra_rad, centre.dec_rad]]])
    return {
        "DELAY_DIR": direction,
        "PHASE_DIR": direction,
        "REFERENCE_DIR": direction,
        "CODE": [""],
        "FLAG_ROW": [False],
        "NAME": [name],
        "NUM_POLY": [0],
        "SOURCE_ID": [0],
        "TIME": [mid_s],
    }


def _source(centre: PhaseCentre, mid_s: float, name: str) -> dict[str, Any]:
    return {
        "DIRECTION": np.array([[centre.ra_rad, centre.dec_rad]]),
        "PROPER_MOTION": np.zeros((1, 2)),
        "CALIBRATION_GROUP": [0],
        "CODE": [""],
        "INTERVAL": [FOR_EVER_S],
        "NAME": [name],
        "NUM_LINES": [0],
        "SOURCE_ID": [0],
        "SPECTRAL_WINDOW_ID": [-1],
        "TIME": [mid_s],
    }


def _feed(group: Group, mid_s: float) -> dict[str, Any]:
    count = group.antenna_offsets_m.shape[0]
    return {
        "POSITION": np.zeros((count, 3)),
        "BEAM_OFFSET": np.zeros((count, 2, 2)),
        "POLARIZATION_TYPE": [["X", "Y"]] * count,
        "POL_RESPONSE": np.broadcast_to(np.eye(2, dtype=np.complex64), (count, 2, 2)).copy(),
        "RECEPTOR_ANGLE": np.zeros((count, 2)),
        "ANTENNA_ID": np.arange(count, dtype=np.int32),
        "BEAM_ID": [-1] * count,
        "FEED_ID": [0] * count,
        "INTERVAL": [FOR_EVER_S] * count,
        "NUM_RECEPTORS": [2] * count,
        "SPECTRAL_WINDOW_ID": [-1] * count,
        "TIME": [mid_s] * count,
    }


def time_range_s(group: Group) -> tuple[float, float]:
    """From the start of the first integration to the end of the last."""
    half = group.integration_s / 2
    return group.times_mjd[0] * SECONDS_PER_DAY - half, group.times_mjd[-1] * SECONDS_PER_DAY + half


def _observation(group: Group, site_m: np.ndarray) -> dict[str, Any]:
    start_s, end_s = time_range_s(group)
    return {
        "TELESCOPE_NAME": [TELESCOPE_NAME],
        "TELESCOPE_LOCATION": site_m[None, :],
        "TIME_RANGE": np.array([[start_s, end_s]]),
        "OBSERVER": ["DSA-110"],
        "PROJECT": ["contimg"],
        "FLAG_ROW": [False],
        "RELEASE_DATE": [0.0],
        "SCHEDULE_TYPE": [""],
        "LOG": [[""]],
        "SCHEDULE": [[""]],
    }


def _pointing(group: Group, centre: PhaseCentre) -> dict[str, Any]:
    antennas = np.union1d(group.ant_1, group.ant_2).astype(np.int32)
    rows = antennas.size * group.times
    direction = np.repeat(centre.pointing_rad, antennas.size, axis=0)[:, None, :]
    times_s = np.repeat(group.times_mjd * SECONDS_PER_DAY, antennas.size)
    return {
        "ANTENNA_ID": np.tile(antennas, group.times),
        "TIME": times_s,
        "TIME_ORIGIN": times_s,
        "INTERVAL": np.full(rows, group.integration_s),
        "DIRECTION": direction,
        "TARGET": direction,
        "NAME": [FIELD_NAME] * rows,
        "NUM_POLY": np.zeros(rows, np.int32),
        "TRACKING": np.zeros(rows, np.bool_),
    }


def _history(provenance: Provenance) -> dict[str, Any]:
    count = len(provenance.messages)
    return {
        "APPLICATION": ["contimg"] * count,
        "APP_PARAMS": [[""]] * count,
        "CLI_COMMAND": [[""]] * count,
        "MESSAGE": provenance.messages,
        "OBJECT_ID": [0] * count,
        "OBSERVATION_ID": [0] * count,
        "ORIGIN": ["concat"] * count,
        "PRIORITY": ["INFO"] * count,
        "TIME": [provenance.requested_mjd * SECONDS_PER_DAY] * count,
    }
