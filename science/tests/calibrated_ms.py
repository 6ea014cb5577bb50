"""Builds a small calibrated Measurement Set of known point sources for the tests of imaging and photometry.

Same layout as the pipeline's own (one field, one window, XX and YY, POINTING a row an integration), with the sky drifting
through a fixed beam, and places through the full apparent transform. Perfect gains, Jy, noise as asked.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from casacore.tables import default_ms, makearrcoldesc, maketabdesc, table

from contimg_science import meridian
from contimg_science.beam import airy_power, separation_from_pointing_rad
from contimg_science.stations import load_stations

MINI = (1, 5, 9, 14, 19, 26, 33, 40, 46, 51, 69, 76, 83, 90, 96, 101, 103, 104, 106, 108, 110, 112, 115, 116)
SITE = meridian.site_from_header(37.2334051, -118.283, 1188.0519)
INTEGRATION_S = 12.884902954
START_MJD = 60951.4923
DEC_APPARENT_RAD = np.radians(54.5734)


@dataclass(frozen=True)
class PointSource:
    """East and north offsets from the phase centre, the flux at 1.4 GHz, and how it goes with frequency."""

    name: str
    east_deg: float
    north_deg: float
    flux_jy: float
    spectral_index: float = 0.0


def times_mjd(count: int) -> np.ndarray:
    return START_MJD + np.arange(count) * INTEGRATION_S / 86400


def centre_rad(count: int) -> tuple[float, float]:
    times = times_mjd(count)
    ra, dec = meridian.meridian_centre(SITE, (times[0] + times[-1]) / 2, DEC_APPARENT_RAD)
    return float(ra), float(dec)


def place_rad(source: PointSource, count: int) -> tuple[float, float]:
    """ICRS place of a source: offsets are direction cosines of the ICRS field centre."""
    ra0, dec0 = centre_rad(count)
    east, north = np.radians(source.east_deg), np.radians(source.north_deg)
    up = np.sqrt(1 - east**2 - north**2)
    dec = np.arcsin(north * np.cos(dec0) + up * np.sin(dec0))
    return float(ra0 + np.arctan2(east, up * np.cos(dec0) - north * np.sin(dec0))), float(dec)


def _fringes(delay_s: np.ndarray, freq_hz: np.ndarray) -> np.ndarray:
    """exp(2πi ν τ), (baselines, channels): evenly spaced channels need a few exponentials, then products."""
    few = math.gcd(freq_hz.size, 32)
    coarse = np.exp(2j * np.pi * np.outer(delay_s, freq_hz[::few]))
    fine = np.exp(2j * np.pi * np.outer(delay_s, freq_hz[:few] - freq_hz[0]))
    return (coarse[:, :, None] * fine[:, None, :]).reshape(delay_s.size, -1)


def write_known_sources(path: Path, sources: list[PointSource], count: int) -> Path:
    """The catalogue of these sources as the image step takes it."""
    lines = ["source_id,name,ra_deg,dec_deg,flux_jy,spectral_index"]
    for number, source in enumerate(sources, 1):
        ra_deg, dec_deg = (float(np.degrees(part)) for part in place_rad(source, count))
        lines.append(f'{number},"{source.name}",{ra_deg!r},{dec_deg!r},{source.flux_jy!r},{source.spectral_index!r}')
    path.write_text("\n".join(lines) + "\n")
    return path


def write_calibrated_ms(
    path: Path,
    sources: list[PointSource],
    noise_jy: float,
    times: int = 12,
    channels: int = 12,
    seed: int = 1,
    antennas: tuple[int, ...] = MINI,
) -> Path:
    """`noise_jy` is that of the real part of one visibility of one product."""
    rng = np.random.default_rng(seed)
    stations = load_stations()
    positions = np.array([station.itrf_m for station in stations])
    used = np.array(antennas) - 1
    first, second = (used[index] for index in np.triu_indices(used.size, 1))
    freq_hz = 1311.25e6 + 187.5e6 / channels * (np.arange(channels) + 0.5)
    mjd = times_mjd(times)
    ra0, dec0 = centre_rad(times)
    main = default_ms(
        str(path),
        maketabdesc(
            [
                makearrcoldesc("DATA", 0j, shape=[channels, 2], valuetype="complex"),
                makearrcoldesc("WEIGHT_SPECTRUM", 0.0, shape=[channels, 2], valuetype="float"),
            ]
        ),
    )
    main.addrows(times * first.size)
    for index, time in enumerate(mjd):
        ra_c, dec_c = meridian.apparent_place(SITE, time, ra0, dec0)
        centre_ha = float(meridian.hour_angle_rad(SITE, time, ra_c))
        angle = meridian.frame_angle_rad(SITE, time, ra_c, dec_c)
        # MS convention of the pipeline: UVW = r(antenna 1) − r(antenna 2), phase +2πi ν (w_source − w_centre) / c.
        baseline = positions[first] - positions[second]
        uvw = meridian.baseline_uvw(baseline, SITE.lon_rad, centre_ha, float(dec_c))
        sky = np.zeros((first.size, channels), complex)
        for source in sources:
            ra, dec = meridian.apparent_place(SITE, time, *place_rad(source, times))
            ha = float(meridian.hour_angle_rad(SITE, time, ra))
            w = meridian.baseline_uvw(baseline, SITE.lon_rad, ha, float(dec))[:, 2]
            beam = airy_power(separation_from_pointing_rad(ha, dec, DEC_APPARENT_RAD), freq_hz)
            sky += (
                source.flux_jy
                * (freq_hz / 1.4e9) ** source.spectral_index
                * beam
                * _fringes((w - uvw[:, 2]) / meridian.SPEED_OF_LIGHT_M_S, freq_hz)
            )
        noise = noise_jy * (rng.standard_normal((2, first.size, channels, 2)))
        rows = {
            "DATA": (sky[:, :, None] + noise[0] + 1j * noise[1]).astype(np.complex64),
            "UVW": meridian.turned_uvw(uvw, angle),
            "ANTENNA1": first.astype(np.int32),
            "ANTENNA2": second.astype(np.int32),
            "TIME": np.full(first.size, time * 86400),
            "TIME_CENTROID": np.full(first.size, time * 86400),
            "INTERVAL": np.full(first.size, INTEGRATION_S),
            "EXPOSURE": np.full(first.size, INTEGRATION_S),
            "FLAG": np.zeros((first.size, channels, 2), bool),
            "WEIGHT": np.ones((first.size, 2), np.float32),
            "SIGMA": np.ones((first.size, 2), np.float32),
            "WEIGHT_SPECTRUM": np.ones((first.size, channels, 2), np.float32),
        }
        for name, values in rows.items():
            main.putcol(name, values, index * first.size, first.size)
    main.close()
    _write_subtables(path, positions, [f"DSA-{station.station:03d}" for station in stations], freq_hz, 187.5e6 / channels, mjd, (ra0, dec0))
    return path


def _fill(path: Path, rows: list[dict[str, object]]) -> None:
    with table(str(path), readonly=False, ack=False) as opened:
        opened.addrows(len(rows))
        for index, row in enumerate(rows):
            for name, value in row.items():
                opened.putcell(name, index, value)


def _write_subtables(
    path: Path, positions: np.ndarray, names: list[str], freq_hz: np.ndarray, width_hz: float, mjd: np.ndarray, centre: tuple[float, float]
) -> None:
    widths, direction, mid_s = np.full(freq_hz.size, width_hz), np.array([centre]), (mjd[0] + mjd[-1]) / 2 * 86400
    antennas = zip(names, positions, strict=True)
    _fill(
        path / "ANTENNA",
        [
            {"NAME": name, "STATION": name, "POSITION": place, "TYPE": "GROUND-BASED", "MOUNT": "ALT-AZ", "DISH_DIAMETER": 4.65}
            for name, place in antennas
        ],
    )
    window = {
        "NUM_CHAN": freq_hz.size,
        "CHAN_FREQ": freq_hz,
        "CHAN_WIDTH": widths,
        "EFFECTIVE_BW": widths,
        "RESOLUTION": widths,
        "REF_FREQUENCY": freq_hz.mean(),
    }
    _fill(path / "SPECTRAL_WINDOW", [{**window, "TOTAL_BANDWIDTH": 187.5e6, "MEAS_FREQ_REF": 5, "NAME": "DSA110"}])
    _fill(
        path / "POLARIZATION", [{"NUM_CORR": 2, "CORR_TYPE": np.array([9, 12], np.int32), "CORR_PRODUCT": np.array([[0, 0], [1, 1]], np.int32)}]
    )
    _fill(path / "DATA_DESCRIPTION", [{"SPECTRAL_WINDOW_ID": 0, "POLARIZATION_ID": 0}])
    _fill(
        path / "FIELD",
        [{"NAME": "meridian", "PHASE_DIR": direction, "DELAY_DIR": direction, "REFERENCE_DIR": direction, "TIME": mid_s, "NUM_POLY": 0}],
    )
    with table(str(path / "FIELD"), readonly=False, ack=False) as field:
        for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
            field.putcolkeyword(column, "MEASINFO", {"type": "direction", "Ref": "ICRS"})
    span_s = np.array([mjd[0] * 86400 - INTEGRATION_S / 2, mjd[-1] * 86400 + INTEGRATION_S / 2])
    _fill(path / "OBSERVATION", [{"TELESCOPE_NAME": "OVRO_MMA", "TIME_RANGE": span_s, "OBSERVER": "DSA-110", "PROJECT": "contimg"}])
    pointings = [np.array([[float(part) for part in meridian.meridian_centre(SITE, time, DEC_APPARENT_RAD)]]) for time in mjd]
    _fill(
        path / "POINTING",
        [
            {"ANTENNA_ID": 0, "TIME": time * 86400, "INTERVAL": INTEGRATION_S, "DIRECTION": where, "TARGET": where}
            for time, where in zip(mjd, pointings, strict=True)
        ],
    )
