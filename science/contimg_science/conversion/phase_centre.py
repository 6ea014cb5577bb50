"""The one centre of a group, and where each baseline stands to it in each integration.

The correlator stopped the fringes of every integration at (hour angle 0, apparent Dec) of its own middle. All are moved to
the ICRS place of that point at mid-time: a change Δw of path, never a second fringe stop.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.conversion.group import Group
from contimg_science.meridian import (
    apparent_place,
    baseline_uvw,
    frame_angle_rad,
    hour_angle_rad,
    meridian_centre,
    turned_uvw,
)


@dataclass(frozen=True)
class PhaseCentre:
    ra_rad: float
    dec_rad: float
    # The same place as seen in each integration: hour angle, apparent Dec, frame angle.
    ha_rad: NDArray[np.float64]
    dec_apparent_rad: NDArray[np.float64]
    frame_rad: NDArray[np.float64]
    # ICRS place of (hour angle 0, apparent Dec) in each integration, where the beam looked: (times, 2).
    pointing_rad: NDArray[np.float64]


def phase_centre(group: Group) -> PhaseCentre:
    ra, dec = meridian_centre(group.site, group.mid_mjd, group.dec_apparent_rad)
    ra_apparent, dec_apparent = apparent_place(group.site, group.times_mjd, ra, dec)
    return PhaseCentre(
        ra_rad=float(ra),
        dec_rad=float(dec),
        ha_rad=hour_angle_rad(group.site, group.times_mjd, ra_apparent),
        dec_apparent_rad=dec_apparent,
        frame_rad=frame_angle_rad(group.site, group.times_mjd, ra_apparent, dec_apparent),
        pointing_rad=np.stack(meridian_centre(group.site, group.times_mjd, group.dec_apparent_rad), axis=-1),
    )


def rows_geometry(group: Group, centre: PhaseCentre, first: int, end: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(u, v, w) of r(ant_2) − r(ant_1) and Δw, in metres, of the group's rows [first, end)."""
    time, baseline = np.divmod(np.arange(first, end), group.baselines)
    length = group.baseline_m[baseline]
    apparent = baseline_uvw(length, group.site.lon_rad, centre.ha_rad[time], centre.dec_apparent_rad[time])
    stopped_w = baseline_uvw(length, group.site.lon_rad, 0.0, group.dec_apparent_rad)[:, 2]
    return turned_uvw(apparent, centre.frame_rad[time]), apparent[:, 2] - stopped_w
