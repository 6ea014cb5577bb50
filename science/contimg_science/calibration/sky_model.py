"""What point sources of known flux give on each baseline while the sky drifts through the fixed beam.

Places are apparent ones at each integration, fluxes follow the spectrum of the source and the Airy beam at each time and
frequency. Smearing within a channel as it was recorded, and within an integration, is left out: below 1 % for all but the longest
baselines at the edge of the beam.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import erfa
import numpy as np
from numpy.typing import NDArray

from contimg_science.beam import airy_power
from contimg_science.calibrators import Calibrator
from contimg_science.measurement_set import Description, open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S, Site, apparent_place, baseline_uvw, frame_angle_rad, hour_angle_rad, turned_uvw

WGS84 = 1
# The phase of a source is stepped from every this many channels on; the steps are computed once a baseline.
CHANNELS_A_STRIDE = 32


@dataclass(frozen=True)
class SourceTrack:
    """Where a source is during the group, an entry an integration."""

    uvw_m: NDArray[np.float64]  # (time, cross baseline, 3), sign of the Measurement Set
    model_jy: NDArray[np.float64]  # (time, channel)
    response: NDArray[np.float64]  # (time,), at mid-band


def site_of(ms: Path) -> Site:
    with open_table(ms, subtable="OBSERVATION") as observation:
        location = observation.getcell("TELESCOPE_LOCATION", 0)
    lon, lat, height = erfa.gc2gd(WGS84, location)
    return Site(float(lat), float(lon), float(height))


def track(description: Description, site: Site, source: Calibrator) -> SourceTrack:
    mjd = description.times_mjd
    ra, dec = np.radians(source.ra_deg), np.radians(source.dec_deg)
    ra_apparent, dec_apparent = apparent_place(site, mjd, ra, dec)
    hour_angle = hour_angle_rad(site, mjd, ra_apparent)
    turn = frame_angle_rad(site, mjd, ra_apparent, dec_apparent)
    cross = ~description.autocorrelation
    position = description.antenna_positions_m
    baseline = position[description.antenna2[cross]] - position[description.antenna1[cross]]
    apparent = baseline_uvw(baseline[None], site.lon_rad, hour_angle[:, None], dec_apparent[:, None])
    uvw = -turned_uvw(apparent, turn[:, None])
    separation = erfa.seps(description.pointing_rad[:, 0], description.pointing_rad[:, 1], ra, dec)
    model = source.flux_jy(description.frequencies_hz) * airy_power(separation[:, None], description.frequencies_hz)
    return SourceTrack(uvw, model, airy_power(separation, float(description.frequencies_hz.mean())))


def source_visibilities(
    w_m: NDArray[np.float64], flux_jy: NDArray[np.float64], frequencies_hz: NDArray[np.float64], averaged_hz: float = 0.0
) -> NDArray[np.complex64]:
    """(baseline, channel) of one source whose w, of the Measurement Set, differs by `w_m` from that of the phase centre.

    Channels must be equally spaced. Data that were averaged over `averaged_hz` after they were phased lose sinc(τ Δν).
    """
    delay_s = w_m / SPEED_OF_LIGHT_M_S
    strides = np.exp(2j * np.pi * delay_s[:, None] * frequencies_hz[::CHANNELS_A_STRIDE]) * np.sinc(delay_s * averaged_hz)[:, None]
    steps = np.exp(2j * np.pi * delay_s[:, None] * (frequencies_hz[:CHANNELS_A_STRIDE] - frequencies_hz[0])).astype(np.complex64)
    phase = (strides.astype(np.complex64)[:, :, None] * steps[:, None, :]).reshape(delay_s.size, -1)[:, : frequencies_hz.size]
    return phase * flux_jy.astype(np.float32)
