"""The 117 stations of the DSA-110: where each one stands.

`stations.json` is made from the observatory's table by `python -m contimg_science.stations TABLE.csv > stations.json`;
`load_stations` reads it. ITRF positions are those of WGS84 latitude, longitude and height. Which stations are active is
the header's business, not this file's.
"""

from __future__ import annotations

import csv
import io
import json
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Literal

import erfa
import numpy as np
from pydantic import TypeAdapter

from contimg_science.protocol import Record

Arm = Literal["east-west", "north-south", "outrigger"]
STATION_COUNT = 117
# The table leaves the last elevation blank; 1182.6 m is that of both arms (neither 0 nor the site's height).
HEIGHT_OF_DSA_117_M = 1182.6


class Station(Record):
    """One pad. `station` is the number painted on it (1…117); indices in UVH5 files are one less."""

    station: int
    arm: Arm
    lat_deg: float
    lon_deg: float
    height_m: float
    itrf_m: tuple[float, float, float]


@cache
def load_stations() -> tuple[Station, ...]:
    """All stations in ascending order."""
    text = files("contimg_science").joinpath("stations.json").read_bytes()
    return TypeAdapter(tuple[Station, ...]).validate_json(text)


def itrf_from_geodetic_m(lat_deg: float, lon_deg: float, height_m: float) -> tuple[float, float, float]:
    """Geocentric ITRF position of a WGS84 place."""
    wgs84 = 1
    x, y, z = erfa.gd2gc(wgs84, np.deg2rad(lon_deg), np.deg2rad(lat_deg), height_m)
    return float(x), float(y), float(z)


def arm_of(station: int) -> Arm:
    if station <= 51:
        return "east-west"
    return "north-south" if station <= 102 else "outrigger"


def stations_from_table(table: str) -> tuple[Station, ...]:
    """Read the observatory's CSV; a row counts when its second column is `DSA-NNN` with a latitude beside it."""
    stations: list[Station] = []
    for row in csv.reader(io.StringIO(table)):
        if len(row) < 5 or not row[1].startswith("DSA-") or not row[2]:
            continue
        station, lat_deg, lon_deg = int(row[1].removeprefix("DSA-")), float(row[2]), float(row[3])
        if not row[4] and station != STATION_COUNT:
            raise ValueError(f"DSA-{station:03d} has no elevation")
        height_m = float(row[4]) if row[4] else HEIGHT_OF_DSA_117_M
        # A tenth of a millimetre is 1/2000 of a wavelength and keeps the file readable.
        x, y, z = (round(part, 4) for part in itrf_from_geodetic_m(lat_deg, lon_deg, height_m))
        stations.append(Station(station=station, arm=arm_of(station), lat_deg=lat_deg, lon_deg=lon_deg, height_m=height_m, itrf_m=(x, y, z)))
    if [entry.station for entry in stations] != list(range(1, STATION_COUNT + 1)):
        raise ValueError(f"expected stations 1…{STATION_COUNT} in order, found {len(stations)}")
    return tuple(stations)


if __name__ == "__main__":
    rows = [json.dumps(entry.model_dump()) for entry in stations_from_table(Path(sys.argv[1]).read_text())]
    print("[\n" + ",\n".join(rows) + "\n]")
