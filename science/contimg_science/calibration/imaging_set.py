"""Makes the empty Measurement Set that calibrated visibilities go into: the layout of the group, for its cross-correlations.

Same subtables, same row order, one field, one window (narrower when channels are averaged). DATA is in Jy; WEIGHT_SPECTRUM
is present because calibrated weights differ by channel. Copies every column but those that calibration changes.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from casacore.tables import makearrcoldesc, maketabdesc, table

from contimg_science.measurement_set import AVERAGED_KEY, CONTIMG_KEYWORD, SUBTABLES, Description, open_table

# Option of a casacore column description whose cells may differ in shape.
VARIABLE_SHAPE = 0
# One tile holds all products of 48 channels (or all there are) and stays under 1 MB. An integration fills whole tiles, so that
# none is read again to be written.
TILE_CHANNELS, MAX_TILE_ROWS = 48, 1024
CALIBRATED_COLUMNS = {"DATA": (0j, "complex"), "FLAG": (False, "boolean"), "WEIGHT_SPECTRUM": (0.0, "float")}
UNCHANGED_COLUMNS = (
    "TIME", "TIME_CENTROID", "INTERVAL", "EXPOSURE", "ANTENNA1", "ANTENNA2", "UVW", "FIELD_ID", "DATA_DESC_ID",
    "OBSERVATION_ID", "STATE_ID", "PROCESSOR_ID", "ARRAY_ID", "FEED1", "FEED2", "SCAN_NUMBER",
)  # fmt: skip


def create_imaging_set(source: Path, target: Path, group: Description, average: int, group_id: str, sets: list[str]) -> None:
    mark = {"schema": 1, "group_id": group_id, "calibration_sets": sets, AVERAGED_KEY: average}
    create_averaged_set(source, target, group, average, group.shape.times, int((~group.autocorrelation).sum()), mark)


def create_averaged_set(source: Path, target: Path, group: Description, average: int, times: int, baselines: int, mark: dict[str, Any]) -> None:
    channels, products = group.shape.channels // average, group.shape.correlations
    rows = times * baselines
    with open_table(source) as main:
        description: dict[str, Any] = {
            name: main.getcoldesc(name) for name in (*UNCHANGED_COLUMNS, "FLAG_ROW", "WEIGHT", "SIGMA", "FLAG_CATEGORY")
        }
        description["FLAG_CATEGORY"]["keywords"] = {}  # an empty list loses its type on the way; written again below
        keywords = {name: value for name, value in main.getkeywords().items() if not str(value).startswith("Table: ")}
        managers = _managers(main.getdminfo(), set(description), channels, products, baselines)
    for name, (example, kind) in CALIBRATED_COLUMNS.items():
        description |= maketabdesc(makearrcoldesc(name, example, ndim=2, shape=[channels, products], valuetype=kind, options=5))
    create: Any = table  # its stub takes tabledesc for a bool
    with create(str(target), tabledesc=description, nrow=rows, dminfo=managers, ack=False) as main:
        main.putkeyword("MS_VERSION", keywords["MS_VERSION"])
        main.putkeyword(CONTIMG_KEYWORD, mark)
        main.putcolkeyword("DATA", "UNIT", "Jy")
        main.putcolkeyword("FLAG_CATEGORY", "CATEGORY", np.array([], dtype=str))
        for name in SUBTABLES:
            if name == "SPECTRAL_WINDOW" and average > 1:
                _write_window(source, target, group, average)
                main.putkeyword(name, f"Table: {target / name}")
            elif (source / name).is_dir():
                with open_table(source, subtable=name) as subtable:
                    subtable.copy(str(target / name), deep=True).close()
                main.putkeyword(name, f"Table: {target / name}")


def is_earlier_attempt(target: Path, group_id: str) -> bool:
    """Whether a path holds what this module made for the same group."""
    if not (target / "table.dat").is_file():
        return False
    with open_table(target) as main:
        mark = main.getkeyword(CONTIMG_KEYWORD) if CONTIMG_KEYWORD in main.keywordnames() else {}
    return mark.get("group_id") == group_id and "calibration_sets" in mark


def _managers(dminfo: dict[str, Any], columns: set[str], channels: int, products: int, baselines: int) -> dict[str, Any]:
    kept = [{**manager, "COLUMNS": [c for c in manager["COLUMNS"] if c in columns]} for manager in dminfo.values()]
    managers = [manager for manager in kept if manager["COLUMNS"]]
    tile = [products, min(TILE_CHANNELS, channels), math.ceil(baselines / math.ceil(baselines / MAX_TILE_ROWS))]
    for name in CALIBRATED_COLUMNS:
        managers.append({"TYPE": "TiledColumnStMan", "NAME": f"{name.title()}Tiled", "COLUMNS": [name], "SPEC": {"DEFAULTTILESHAPE": tile}})
    return {f"*{index + 1}": {**manager, "SEQNR": index} for index, manager in enumerate(managers)}


def _write_window(source: Path, target: Path, group: Description, average: int) -> None:
    """The window of the averaged channels. Made anew: that of the group may allow no other number of channels than its own."""
    frequencies = group.frequencies_hz.reshape(-1, average).mean(axis=1)
    width = np.full(frequencies.size, group.channel_width_hz * average)
    averaged = {"NUM_CHAN": frequencies.size, "CHAN_FREQ": frequencies, **dict.fromkeys(("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"), width)}
    create: Any = table  # its stub takes tabledesc for a bool
    with open_table(source, subtable="SPECTRAL_WINDOW") as wide:
        description = {name: dict(wide.getcoldesc(name)) for name in wide.colnames()}
        for name in ("CHAN_FREQ", "CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"):
            description[name].pop("shape", None)
            description[name] |= {"option": VARIABLE_SHAPE, "ndim": 1}
        with create(str(target / "SPECTRAL_WINDOW"), tabledesc=description, nrow=1, ack=False) as window:
            for name in wide.colnames():
                if name in averaged or wide.iscelldefined(name, 0):
                    window.putcell(name, 0, averaged[name] if name in averaged else wide.getcell(name, 0))
