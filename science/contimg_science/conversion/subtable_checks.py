"""V03, V04, V10, V11: what the subtables say, against the raw headers and, for the centre, against another path."""

from __future__ import annotations

from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import EarthLocation, HADec, SkyCoord
from astropy.time import Time
from astropy.utils import iers

from contimg_science.channels import subband_frequencies_hz
from contimg_science.conversion.checking import MAX_TIME_ERROR_S, Check, Expected, require
from contimg_science.conversion.subtables import time_range_s
from contimg_science.measurement_set import SECONDS_PER_DAY, TELESCOPE_NAME, open_table
from contimg_science.meridian import earth_orientation

MAX_FREQUENCY_ERROR_HZ = 1.0
MAX_CENTRE_ERROR_MAS = 10.0
MAX_POSITION_ERROR_M = 1e-6


def check_window(expected: Expected) -> Check:
    group = expected.group
    with open_table(expected.path, subtable="SPECTRAL_WINDOW") as window:
        require(window.nrows() == 1, "V03", f"{window.nrows()} spectral windows, not one")
        frequencies, widths = window.getcell("CHAN_FREQ", 0), window.getcell("CHAN_WIDTH", 0)
    require(frequencies.size == group.channels, "V03", f"{frequencies.size} channels, not {group.channels}")
    require(bool((np.diff(frequencies) > 0).all()), "V03", "frequencies do not ascend")
    require(bool((widths > 0).all()), "V03", "a channel width is not positive")
    band = np.concatenate([subband_frequencies_hz(s, group.channels_per_subband)[::-1] for s in reversed(range(group.subbands))])
    # A file's own numbers may differ from the formula by a kilohertz and are kept.
    own = np.abs(group.frequencies_hz - band)
    off_hz = float(np.maximum(0, np.abs(frequencies - band) - own).max())
    require(off_hz <= MAX_FREQUENCY_ERROR_HZ, "V03", f"a channel is {off_hz:.3f} Hz from its place")
    return Check(code="V03", passed=True, detail=f"{frequencies.size} ascending channels, at most {off_hz:.3g} Hz off")


def check_centre(expected: Expected) -> Check:
    group = expected.group
    with open_table(expected.path, subtable="FIELD") as field:
        require(field.nrows() == 1, "V04", f"{field.nrows()} fields, not one")
        directions = {name: field.getcell(name, 0)[0] for name in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR")}
    phase = directions["PHASE_DIR"]
    require(all(np.array_equal(phase, other) for other in directions.values()), "V04", "PHASE_DIR, DELAY_DIR and REFERENCE_DIR differ")
    site = EarthLocation.from_geocentric(*group.site.itrf_m(), unit="m")
    seen = HADec(0 * u.rad, group.dec_apparent_rad * u.rad, obstime=Time(group.mid_mjd, format="mjd", scale="utc"), location=site)
    with iers.earth_orientation_table.set(_orientation_around(group.mid_mjd)):
        meridian: Any = SkyCoord(seen).icrs
    off_mas = float(meridian.separation(SkyCoord(*(phase * u.rad), frame="icrs")).mas)
    require(off_mas <= MAX_CENTRE_ERROR_MAS, "V04", f"centre is {off_mas:.1f} mas from the meridian at mid-time")
    return Check(code="V04", passed=True, detail=f"centre within {off_mas:.4f} mas of astropy's")


def _orientation_around(mjd: float) -> iers.IERS:
    """A few days of our own table, which tests hold against astropy's: astropy takes most of a second to parse the whole."""
    whole = earth_orientation()
    near = np.abs(whole.mjd - mjd) < 3
    pole_x, pole_y = whole.pole_x_rad[near] * u.rad, whole.pole_y_rad[near] * u.rad
    return iers.IERS({"MJD": whole.mjd[near] * u.d, "UT1_UTC": whole.ut1_minus_utc_s[near] * u.s, "PM_x": pole_x, "PM_y": pole_y})


def check_tables(expected: Expected) -> Check:
    group = expected.group
    antennas = group.antenna_offsets_m.shape[0]
    used = np.union1d(group.ant_1, group.ant_2)
    rows = {
        "ANTENNA": antennas,
        "FEED": antennas,
        "POINTING": used.size * group.times,
        **dict.fromkeys(("DATA_DESCRIPTION", "FIELD", "OBSERVATION", "POLARIZATION", "PROCESSOR", "SOURCE", "SPECTRAL_WINDOW", "STATE"), 1),
    }
    for name, count in rows.items():
        with open_table(expected.path, subtable=name) as table:
            require(table.nrows() == count, "V10", f"{name} has {table.nrows()} rows, not {count}")
    with open_table(expected.path) as main:
        for column in ("FIELD_ID", "DATA_DESC_ID", "OBSERVATION_ID", "STATE_ID", "PROCESSOR_ID", "ARRAY_ID", "FEED1", "FEED2"):
            require(not main.getcol(column).any(), "V10", f"{column} points past its table")
    with open_table(expected.path, subtable="ANTENNA") as table:
        positions, absent = table.getcol("POSITION"), table.getcol("FLAG_ROW")
    off_m = np.abs(positions - group.site.itrf_m() - np.nan_to_num(group.antenna_offsets_m)).max()
    require(bool(off_m <= MAX_POSITION_ERROR_M), "V10", f"an antenna is {off_m:.6f} m from the header's place")
    require(np.array_equal(np.flatnonzero(~absent), used), "V10", "ANTENNA.FLAG_ROW does not name the antennas absent from the data")
    return Check(code="V10", passed=True, detail=f"{antennas} antennas within {off_m:.2g} m of the headers")


def check_observation(expected: Expected) -> Check:
    group = expected.group
    start_s, end_s = time_range_s(group)
    with open_table(expected.path, subtable="OBSERVATION") as table:
        name, found = table.getcell("TELESCOPE_NAME", 0), table.getcell("TIME_RANGE", 0)
    require(name == TELESCOPE_NAME, "V11", f"TELESCOPE_NAME is {name}, not {TELESCOPE_NAME}")
    off_s = float(np.abs(found - [start_s, end_s]).max())
    require(off_s <= MAX_TIME_ERROR_S, "V11", f"TIME_RANGE is {off_s:.6f} s off")
    with open_table(expected.path, subtable="POINTING") as table:
        times, directions = table.getcol("TIME"), table.getcol("DIRECTION")[:, 0, :]
    each, at = np.unique(times, return_inverse=True)
    same = each.size == group.times and np.abs(each - group.times_mjd * SECONDS_PER_DAY).max() <= MAX_TIME_ERROR_S
    require(bool(same), "V11", "POINTING does not cover each TIME")
    # 1e-8 rad is 2 mas.
    off_rad = np.abs(np.angle(np.exp(1j * (directions - expected.centre.pointing_rad[at])))).max()
    require(bool(off_rad <= 1e-8), "V11", f"POINTING is {np.degrees(off_rad) * 3600:.3f} arcsec from the meridian")
    return Check(code="V11", passed=True, detail=f"TIME_RANGE within {off_s:.2g} s, {each.size} pointings")
