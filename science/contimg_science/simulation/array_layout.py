"""Which stations, pairs and channels a simulated file has: sizes `mini` and `full`.

Pairs are in the correlator's order: for each station i the stations j up to i, written (order[j], order[i]). Station 115
stands before 101 in that order, so some pairs have ant_1 > ant_2 in every file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contimg_science.meridian import Site, site_from_header
from contimg_science.stations import load_stations

# The header's own site: CASA's observatory OVRO_MMA.
SITE_LAT_DEG, SITE_LON_DEG, SITE_HEIGHT_M = 37.2334051, -118.2830000, 1188.0519

MINI_STATIONS = (1, 5, 9, 14, 19, 26, 33, 40, 46, 51, 69, 76, 83, 90, 96, 101, 103, 104, 106, 108, 110, 112, 115, 116)
INACTIVE_STATIONS = frozenset({10, 21, 22, 23, *range(52, 68), 117})
MINI_CHANNELS, FULL_CHANNELS = 6, 48


def header_site() -> Site:
    return site_from_header(SITE_LAT_DEG, SITE_LON_DEG, SITE_HEIGHT_M)


@dataclass(frozen=True)
class ArrayLayout:
    """`order` lists stations as the correlator does; `first`/`second` index into it, one entry a baseline."""

    nfreqs: int
    order: tuple[int, ...]
    first: NDArray[np.int64]
    second: NDArray[np.int64]

    @property
    def baselines(self) -> int:
        return len(self.first)

    @property
    def ant_1(self) -> NDArray[np.int64]:
        """0-based station index of the first antenna, as in the header."""
        return np.array(self.order, np.int64)[self.first] - 1

    @property
    def ant_2(self) -> NDArray[np.int64]:
        return np.array(self.order, np.int64)[self.second] - 1

    def reversed_pairs(self) -> ArrayLayout:
        return ArrayLayout(self.nfreqs, self.order, self.second, self.first)


def make_layout(size: Literal["mini", "full"], order: Literal["correlator", "sorted"]) -> ArrayLayout:
    active = MINI_STATIONS if size == "mini" else tuple(s for s in range(1, 118) if s not in INACTIVE_STATIONS)
    stations = sorted(active)
    if order == "correlator":
        stations.remove(115)
        stations.insert(stations.index(101), 115)
    pairs = [(j, i) for i in range(len(stations)) for j in range(i + 1)]
    first, second = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    return ArrayLayout(MINI_CHANNELS if size == "mini" else FULL_CHANNELS, tuple(stations), first, second)


def station_offsets_m() -> NDArray[np.float64]:
    """(117, 3): ITRF positions minus the header's site, axes of ITRF."""
    return np.array([station.itrf_m for station in load_stations()]) - header_site().itrf_m()


def baselines_m(layout: ArrayLayout) -> NDArray[np.float64]:
    """(baselines, 3): r(ant_2) − r(ant_1), axes of ITRF."""
    offsets = station_offsets_m()
    return offsets[layout.ant_2] - offsets[layout.ant_1]
