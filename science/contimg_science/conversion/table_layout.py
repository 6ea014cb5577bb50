"""The main table on disk: which columns there are and how each is stored.

Tiles hold one subband's channels of 1024 rows: one channel of all rows and all channels of a block of rows are both cheap to
read, and a member of the group fills tiles of its own.
Byte order is fixed, so that the same group gives the same bytes on any machine. Only these columns: scratch columns are
never made here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from casacore.tables import makearrcoldesc, maketabdesc, required_ms_desc, table

from contimg_science.conversion.group import Group

TILE_ROWS = 1024

SLOW_COLUMNS = (
    "TIME",
    "TIME_CENTROID",
    "INTERVAL",
    "EXPOSURE",
    "FLAG_ROW",
    "FIELD_ID",
    "DATA_DESC_ID",
    "OBSERVATION_ID",
    "STATE_ID",
    "PROCESSOR_ID",
    "ARRAY_ID",
    "FEED1",
    "FEED2",
    "SCAN_NUMBER",
)
QUICK_COLUMNS = ("ANTENNA1", "ANTENNA2", "WEIGHT", "SIGMA")


def _tile_shape(group: Group) -> list[int]:
    return [len(group.corr_types), group.channels_per_subband, TILE_ROWS]


def _tiled(column: str, shape: list[int]) -> dict[str, Any]:
    return {
        "TYPE": "TiledColumnStMan",
        "NAME": f"Tiled{column}",
        "COLUMNS": [column],
        "SPEC": {"DEFAULTTILESHAPE": np.array(shape, np.int32)},
    }


def weight_spectrum_column(group: Group) -> tuple[dict[str, Any], dict[str, Any]]:
    """Column description and storage of WEIGHT_SPECTRUM, which exists only when weights vary along the channels."""
    shape = [group.channels, len(group.corr_types)]
    description = makearrcoldesc("WEIGHT_SPECTRUM", 0.0, valuetype="float", shape=shape, options=5, comment="Weight by channel")
    return maketabdesc(description), _tiled("WEIGHT_SPECTRUM", _tile_shape(group))


def create_table(path: Path | str, description: dict[str, Any], rows: int, storage: dict[str, Any]) -> Any:
    make: Any = table  # python-casacore annotates the description as a bool
    return make(str(path), tabledesc=description, nrow=rows, dminfo=storage, ack=False, endian="little", lockoptions="auto")


def create_main_table(path: Path, group: Group) -> Any:
    """The main table with its rows and no values, open for writing."""
    channels, products = group.channels, len(group.corr_types)
    description = required_ms_desc()
    description.update(
        maketabdesc(makearrcoldesc("DATA", 0j, valuetype="complex", shape=[channels, products], options=5, comment="The data column"))
    )
    description["FLAG"].update(shape=[channels, products], ndim=2, option=5)
    for column in ("WEIGHT", "SIGMA"):
        description[column].update(shape=[products], ndim=1, option=5)
    # The frame that u, v, w are turned to.
    description["UVW"]["keywords"]["MEASINFO"]["Ref"] = "ICRS"
    managers = [
        _tiled("DATA", _tile_shape(group)),
        _tiled("FLAG", _tile_shape(group)),
        _tiled("UVW", [3, TILE_ROWS]),
        {"TYPE": "IncrementalStMan", "NAME": "Slow", "COLUMNS": list(SLOW_COLUMNS), "SPEC": {}},
        {"TYPE": "StandardStMan", "NAME": "Quick", "COLUMNS": [*QUICK_COLUMNS, "FLAG_CATEGORY"], "SPEC": {}},
    ]
    main = create_table(path, description, group.rows, {f"*{at + 1}": manager for at, manager in enumerate(managers)})
    # casacore refuses to open a Measurement Set read-only without this keyword.
    main.putcolkeyword("FLAG_CATEGORY", "CATEGORY", np.array([], dtype=str))
    main.putinfo({"type": "Measurement Set", "subType": "", "readme": "One group of the DSA-110, made by contimg\n"})
    return main
