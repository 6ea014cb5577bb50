"""The copy of a calibrator group that is solved on: cross-correlations only, phased to the calibrator, MODEL_DATA filled.

The rotation is exact: w towards the calibrator is computed from antenna positions and its apparent place at each
integration, because turning the phase centre on paper leaves differential aberration (0.34″ a degree) in the phases.
The model is the calibrator and the sources around it, each with its flux times the fixed beam's response at each time and
frequency. Smearing is left out: below 1 % for all but the longest baselines at the edge of the beam. The group is only read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import erfa
import numpy as np
from casacore.tables import makearrcoldesc, maketabdesc
from numpy.typing import NDArray

from contimg_science.beam import airy_power
from contimg_science.calibrators import Calibrator
from contimg_science.measurement_set import Description, open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S, Site, apparent_place, baseline_uvw, frame_angle_rad, hour_angle_rad, turned_uvw
from contimg_science.protocol import StepFailure

WGS84 = 1
# The longest baseline rotated to another place keeps its length; rounding alone stays far below this.
UVW_GROWTH_M = 1e-3


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


def field_model_jy(source: SourceTrack, centre: SourceTrack, time: int, frequencies_hz: NDArray[np.float64]) -> NDArray[np.complex64]:
    """(baseline, channel) visibilities of one source in data that are phased to another; channels must be equally spaced."""
    delay_s = (source.uvw_m[time, :, 2] - centre.uvw_m[time, :, 2]) / SPEED_OF_LIGHT_M_S
    strides = np.exp(2j * np.pi * delay_s[:, None] * frequencies_hz[::CHANNELS_A_STRIDE]).astype(np.complex64)
    steps = np.exp(2j * np.pi * delay_s[:, None] * (frequencies_hz[:CHANNELS_A_STRIDE] - frequencies_hz[0])).astype(np.complex64)
    phase = (strides[:, :, None] * steps[:, None, :]).reshape(delay_s.size, -1)[:, : frequencies_hz.size]
    return phase * source.model_jy[time].astype(np.float32)


def make_working_copy(
    ms: Path, copy: Path, description: Description, calibrator: Calibrator, at: SourceTrack, field_sources: list[SourceTrack]
) -> None:
    with open_table(ms) as main:
        crosses = main.query("ANTENNA1 != ANTENNA2")
        crosses.copy(str(copy), deep=True).close()
        crosses.close()
    baselines, channels = at.uvw_m.shape[1], description.shape.channels
    with open_table(copy, writable=True) as main:
        shape = [channels, description.shape.correlations]
        model_column = maketabdesc(makearrcoldesc("MODEL_DATA", 0j, ndim=2, shape=shape, valuetype="complex", options=5))
        main.addcols(model_column, {"TYPE": "TiledColumnStMan", "NAME": "ModelTiled", "SPEC": {"DEFAULTTILESHAPE": [*shape[::-1], 128]}})
        growth_m = 0.0
        for time in range(description.shape.times):
            start = time * baselines
            old_uvw = main.getcol("UVW", start, baselines)
            growth_m = max(growth_m, float(np.abs(np.linalg.norm(at.uvw_m[time], axis=1) - np.linalg.norm(old_uvw, axis=1)).max(initial=0.0)))
            # DATA = exp(+2πi ν (w_source − w_centre)/c) for a source, so this brings the calibrator to phase zero.
            delay_s = (at.uvw_m[time, :, 2] - old_uvw[:, 2]) / SPEED_OF_LIGHT_M_S
            rotation = np.exp(-2j * np.pi * delay_s[:, None] * description.frequencies_hz)
            main.putcol("DATA", (main.getcol("DATA", start, baselines) * rotation[..., None]).astype(np.complex64), start, baselines)
            main.putcol("UVW", at.uvw_m[time], start, baselines)
            sky = np.tile(at.model_jy[time].astype(np.complex64), (baselines, 1))
            for source in field_sources:
                sky += field_model_jy(source, at, time, description.frequencies_hz)
            main.putcol("MODEL_DATA", np.repeat(sky[:, :, None], description.shape.correlations, axis=2), start, baselines)
    if growth_m > UVW_GROWTH_M:
        raise StepFailure(
            "BadInput",
            "UvwDisagree",
            f"{ms}: |uvw| differs from the antenna positions by up to {growth_m:.4f} m",
            "convert the group again: UVW is not what concat wrote",
        )
    direction = np.radians([[calibrator.ra_deg, calibrator.dec_deg]])
    with open_table(copy, writable=True, subtable="FIELD") as field:
        for column in ("PHASE_DIR", "REFERENCE_DIR", "DELAY_DIR"):
            field.putcell(column, 0, direction)
        field.putcell("NAME", 0, calibrator.name)
