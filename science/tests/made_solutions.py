"""Calibration tables with chosen gains, in the layout CASA writes: a B table of one interval and a G table of ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from casacore import tables as ct
from made_group import MINI_STATIONS


def write_tables(
    directory: Path,
    id: str,
    mid_mjd: float,
    gains: np.ndarray,
    ms: Path,
    flags: np.ndarray | None = None,
    without: tuple[int, ...] = (),
    dec_deg: float | None = None,
    stations: tuple[int, ...] = MINI_STATIONS,
) -> dict[str, Any]:
    """One set as `calibrate` takes it; `gains` and `flags` (antenna of `stations`, product, channel), `without` positions there."""
    channels = gains.shape[2]
    bandpass, unsolved = np.ones((117, channels, 2), np.complex64), np.ones((117, channels, 2), bool)
    for position, station in enumerate(stations):
        bandpass[station - 1] = gains[position].T
        unsolved[station - 1] = position in without or (False if flags is None else flags[position].T)
    gain_flags = np.ones((117, 1, 2), bool)
    gain_flags[np.array(stations) - 1] = False
    parts = (("BP", "B Jones", bandpass, unsolved), ("GP", "G Jones", np.ones((117, 1, 2), np.complex64), gain_flags))
    solved = []
    for order, (kind, name, values, flag) in enumerate(parts, start=1):
        path = directory / f"{id}.{kind.lower()}.cal"
        _write(path, name, values, flag, mid_mjd, ms, dec_deg)
        solved.append({"type": kind, "order": order, "path": path})
    return {"id": id, "mid_mjd": mid_mjd, "tables": solved}


def _write(path: Path, kind: str, gains: np.ndarray, flags: np.ndarray, mid_mjd: float, ms: Path, dec_deg: float | None) -> None:
    rows, channels = gains.shape[:2]
    columns: dict[str, tuple[np.ndarray, str]] = {
        "CPARAM": (gains, "complex"), "PARAMERR": (np.full(gains.shape, 1e-4, np.float32), "float"), "FLAG": (flags, "boolean"),
        "SNR": (np.full(gains.shape, 100, np.float32), "float"), "WEIGHT": (np.ones(gains.shape, np.float32), "float"),
    }  # fmt: skip
    scalars = {
        "TIME": np.full(rows, mid_mjd * 86400), "FIELD_ID": np.zeros(rows, np.int32), "SPECTRAL_WINDOW_ID": np.zeros(rows, np.int32),
        "ANTENNA1": np.arange(rows, dtype=np.int32), "ANTENNA2": np.full(rows, 35, np.int32), "INTERVAL": np.zeros(rows),
        "SCAN_NUMBER": np.ones(rows, np.int32), "OBSERVATION_ID": np.zeros(rows, np.int32),
    }  # fmt: skip
    descriptions = [ct.makearrcoldesc(name, values.reshape(-1)[0].item(), ndim=2, valuetype=t) for name, (values, t) in columns.items()]
    descriptions += [
        ct.makescacoldesc(name, values[0].item(), valuetype="double" if values.dtype == float else "int") for name, values in scalars.items()
    ]
    with ct.table(str(path), ct.maketabdesc(descriptions), nrow=rows, ack=False) as main:
        for name, values in {**{name: value for name, (value, _) in columns.items()}, **scalars}.items():
            main.putcol(name, values)
        for name in ("TIME", "INTERVAL"):
            main.putcolkeywords(name, {"QuantumUnits": ["s"]})
        main.putcolkeyword("TIME", "MEASINFO", {"type": "epoch", "Ref": "UTC"})
        keywords = {"ParType": "Complex", "MSName": ms.name, "VisCal": kind, "PolBasis": "unknown", "CASA_Version": "6.7"}
        for name, value in keywords.items():
            main.putkeyword(name, value)
        main.putinfo({"type": "Calibration", "subType": kind, "readme": ""})
        for name in ("ANTENNA", "FIELD", "SPECTRAL_WINDOW", "OBSERVATION", "HISTORY"):
            if name == "SPECTRAL_WINDOW" and channels == 1:
                _one_channel_window(ms, path / name)
            else:
                with ct.table(f"{ms}/{name}", ack=False) as subtable:
                    subtable.copy(str(path / name), deep=True).close()
            main.putkeyword(name, f"Table: {path / name}")
    if dec_deg is not None:
        with ct.table(f"{path}/FIELD", readonly=False, ack=False) as field:
            direction = field.getcell("PHASE_DIR", 0)
            direction[0, 1] = np.radians(dec_deg)
            field.putcell("PHASE_DIR", 0, direction)


def _one_channel_window(ms: Path, target: Path) -> None:
    """A window of one channel as wide as the band; the set's own may allow no other number of channels than it has."""
    with (
        ct.table(f"{ms}/SPECTRAL_WINDOW", ack=False) as wide,
        ct.table(str(target), ct.required_ms_desc("SPECTRAL_WINDOW"), nrow=1, ack=False) as narrow,
    ):
        for name in set(narrow.colnames()) & set(wide.colnames()):
            if wide.iscelldefined(name, 0):
                value = wide.getcell(name, 0)
                narrow.putcell(name, 0, value.mean(keepdims=True) if isinstance(value, np.ndarray) and value.dtype == float else value)
        narrow.putcell("NUM_CHAN", 0, 1)
