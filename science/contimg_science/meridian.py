"""Where the meridian of the telescope points on the sky, and back: the one place that does Earth and sky geometry.

Radians and metres throughout; times are MJD, UTC, float64 days (a Julian date minus 2400000.5 is exact in float64).
Apparent right ascension is referred to the equinox, so hour angle = LST − RA. Earth orientation comes from the IERS
table packaged with astropy-iers-data: nothing is downloaded, and a date outside the table is refused, never defaulted.
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import erfa
import numpy as np
from numpy.typing import ArrayLike, NDArray

from contimg_science.protocol import StepFailure

JD_OF_MJD_ZERO = 2400000.5
SPEED_OF_LIGHT_M_S = 299792458.0
# IERS conventions: rotation of the Earth in inertial space.
EARTH_ROTATION_RAD_S = 7.292115e-5
WGS84 = 1

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Site:
    lat_rad: float
    lon_rad: float
    height_m: float

    def itrf_m(self) -> Array:
        """Geocentric position on the WGS84 ellipsoid."""
        return np.asarray(erfa.gd2gc(WGS84, self.lon_rad, self.lat_rad, self.height_m))


def site_from_itrf(itrf_m: ArrayLike) -> Site:
    lon_rad, lat_rad, height_m = (float(part) for part in erfa.gc2gd(WGS84, np.asarray(itrf_m, np.float64)))
    return Site(lat_rad, lon_rad, height_m)


def site_from_header(lat_deg: float, lon_deg: float, height_m: float) -> Site:
    return Site(float(np.radians(lat_deg)), float(np.radians(lon_deg)), float(height_m))


@dataclass(frozen=True)
class EarthOrientation:
    """Daily values at 0h UTC."""

    mjd: Array
    ut1_minus_utc_s: Array
    pole_x_rad: Array
    pole_y_rad: Array

    def at(self, mjd_utc: ArrayLike) -> tuple[Array, Array, Array]:
        """UT1−UTC (s) and the pole (rad), linear between days; a leap second between two days is not smeared."""
        mjd = np.asarray(mjd_utc, np.float64)
        if mjd.size and not (mjd.min() >= self.mjd[0] and mjd.max() < self.mjd[-1]):
            raise StepFailure(
                "BadInput",
                "EarthOrientationMissing",
                f"MJD {mjd.min():.3f}…{mjd.max():.3f} is outside the packaged IERS table ({self.mjd[0]:.0f}…{self.mjd[-1]:.0f})",
                "update astropy-iers-data, or correct the time labels of the files",
                "none",
            )
        day = np.floor(mjd - self.mjd[0]).astype(np.int64)
        fraction = mjd - self.mjd[day]

        def between(values: Array, whole_seconds_are_leaps: bool) -> Array:
            step = values[day + 1] - values[day]
            return values[day] + fraction * (step - np.round(step) if whole_seconds_are_leaps else step)

        return between(self.ut1_minus_utc_s, True), between(self.pole_x_rad, False), between(self.pole_y_rad, False)


def _fixed_columns(lines: bytes, *columns: tuple[int, int]) -> list[Array]:
    """Columns (first and last character, from 1) of lines of one length; blanks are NaN."""
    width = lines.index(b"\n") + 1
    rows = np.frombuffer(lines, np.uint8)[: len(lines) // width * width].reshape(-1, width)
    found = []
    for first, last in columns:
        text = np.char.strip(np.ascontiguousarray(rows[:, first - 1 : last]).view(f"S{last - first + 1}").ravel())
        found.append(np.where(text == b"", b"nan", text).astype(np.float64))
    return found


@cache
def earth_orientation() -> EarthOrientation:
    """As astropy combines them: the C04 series on the days that Bulletin B covers, else Bulletin A with its predictions."""
    folder = Path(str(importlib.metadata.distribution("astropy-iers-data").locate_file("astropy_iers_data/data")))
    # Columns as in ReadMe.finals2000A and in the format line at the top of the C04 file, both beside the tables.
    mjd, final_ut1, *rapid = _fixed_columns((folder / "finals2000A.all").read_bytes(), (8, 15), (155, 165), (59, 68), (19, 27), (38, 46))
    c04 = b"".join(line for line in (folder / "eopc04.1962-now").read_bytes().splitlines(keepends=True) if not line.startswith(b"#"))
    c04_mjd, *c04_values = _fixed_columns(c04, (17, 26), (51, 62), (27, 38), (39, 50))
    final_days, rows, c04_rows = np.intersect1d(mjd[np.isfinite(final_ut1)], c04_mjd, return_indices=True)
    for value, better in zip(rapid, c04_values, strict=True):
        value[np.flatnonzero(np.isfinite(final_ut1))[rows]] = better[c04_rows]
    known = np.flatnonzero(np.isfinite(sum(rapid)))
    span = slice(known[0], known[-1] + 1)
    if not np.all(np.diff(mjd[span]) == 1) or known.size != span.stop - span.start or final_days.size == 0:
        raise StepFailure(
            "ToolFailed", "EarthOrientationMissing", f"{folder} has gaps", "install astropy-iers-data again: its tables are damaged", "none"
        )
    ut1, pole_x_arcsec, pole_y_arcsec = (value[span] for value in rapid)
    arcsec = np.pi / 180 / 3600
    return EarthOrientation(mjd[span], ut1, pole_x_arcsec * arcsec, pole_y_arcsec * arcsec)


def earth_orientation_version() -> str:
    return f"astropy-iers-data {importlib.metadata.version('astropy-iers-data')} finals2000A.all, eopc04"


def _two_part_jd(mjd_utc: Array) -> tuple[Array, Array]:
    """Midnight and the fraction of the day: added to a whole MJD, UT1 would be rounded to 0.63 µs, 9 µas of Earth rotation."""
    midnight = np.floor(mjd_utc)
    return midnight + JD_OF_MJD_ZERO, mjd_utc - midnight


def _astrometry(site: Site, mjd_utc: ArrayLike) -> tuple[np.ndarray, Array]:
    """ERFA's star-independent parameters and the equation of the origins; refraction is off (pressure 0)."""
    mjd = np.asarray(mjd_utc, np.float64)
    dut1, pole_x, pole_y = earth_orientation().at(mjd)
    astrom, origins = erfa.apco13(*_two_part_jd(mjd), dut1, site.lon_rad, site.lat_rad, site.height_m, pole_x, pole_y, 0.0, 0.0, 0.0, 1.0)
    return astrom, origins


def lst_rad(site: Site, mjd_utc: ArrayLike) -> Array:
    """Local apparent sidereal time at the longitude of the site, 0…2π."""
    mjd = np.asarray(mjd_utc, np.float64)
    dut1, _, _ = earth_orientation().at(mjd)
    utc = _two_part_jd(mjd)
    ut1 = erfa.utcut1(*utc, dut1)
    tt = erfa.taitt(*erfa.utctai(*utc))
    # The TIO locator (12 µas today), which ERFA's hour angles hold too.
    return np.asarray(erfa.anp(erfa.gst06a(*ut1, *tt) + site.lon_rad + erfa.sp00(*tt)))


def icrs_place(site: Site, mjd_utc: ArrayLike, ra_apparent_rad: ArrayLike, dec_apparent_rad: ArrayLike) -> tuple[Array, Array]:
    """ICRS place of an apparent (topocentric, unrefracted) one; arguments broadcast."""
    astrom, origins = _astrometry(site, mjd_utc)
    cirs_ra, cirs_dec = erfa.atoiq("R", np.asarray(ra_apparent_rad) + origins, dec_apparent_rad, astrom)
    ra, dec = erfa.aticq(cirs_ra, cirs_dec, astrom)
    return ra, dec


def apparent_place(site: Site, mjd_utc: ArrayLike, ra_icrs_rad: ArrayLike, dec_icrs_rad: ArrayLike) -> tuple[Array, Array]:
    """Apparent (RA, Dec) of fixed ICRS places: precession, nutation, aberration. Arguments broadcast: times (T, 1), sources (S,)."""
    astrom, origins = _astrometry(site, mjd_utc)
    cirs_ra, cirs_dec = erfa.atciq(ra_icrs_rad, dec_icrs_rad, 0.0, 0.0, 0.0, 0.0, astrom)
    _, _, _, dec, ra = erfa.atioq(cirs_ra, cirs_dec, astrom)
    return np.asarray(erfa.anp(ra - origins)), dec


def meridian_centre(site: Site, mjd_utc: ArrayLike, dec_apparent_rad: ArrayLike) -> tuple[Array, Array]:
    """ICRS place of (hour angle 0, apparent Dec) at a time."""
    return icrs_place(site, mjd_utc, lst_rad(site, mjd_utc), dec_apparent_rad)


def hour_angle_rad(site: Site, mjd_utc: ArrayLike, ra_apparent_rad: ArrayLike) -> Array:
    """LST − RA, −π…π."""
    return np.asarray(erfa.anpm(lst_rad(site, mjd_utc) - np.asarray(ra_apparent_rad)))


def frame_angle_rad(site: Site, mjd_utc: ArrayLike, ra_apparent_rad: ArrayLike, dec_apparent_rad: ArrayLike) -> Array:
    """Angle ψ by which apparent (u, v) turn into ICRS (u, v), from two places half a degree south and north."""
    half = np.radians(0.5)
    dec = np.asarray(dec_apparent_rad)
    south = icrs_place(site, mjd_utc, ra_apparent_rad, dec - half)
    north = icrs_place(site, mjd_utc, ra_apparent_rad, dec + half)
    return -np.asarray(erfa.pas(*south, *north))


def direction_cosines(
    site: Site, mjd_utc: ArrayLike, centre_rad: tuple[float, float], ra_icrs_rad: ArrayLike, dec_icrs_rad: ArrayLike
) -> tuple[Array, Array, Array]:
    """(l, m, n) of ICRS places about an ICRS centre as visibilities have them: apparent offsets, turned to ICRS north.

    l₀, m₀ from Δα, δ of the apparent sphere; l = l₀ cos ψ − m₀ sin ψ, m = l₀ sin ψ + m₀ cos ψ with the frame angle ψ. Times (T, 1),
    places (S,). n is negative behind the observer.
    """
    ra, dec = apparent_place(site, mjd_utc, ra_icrs_rad, dec_icrs_rad)
    ra_c, dec_c = apparent_place(site, mjd_utc, *centre_rad)
    angle = frame_angle_rad(site, mjd_utc, ra_c, dec_c)
    east = np.cos(dec) * np.sin(ra - ra_c)
    north = np.sin(dec) * np.cos(dec_c) - np.cos(dec) * np.sin(dec_c) * np.cos(ra - ra_c)
    ahead = np.sin(dec) * np.sin(dec_c) + np.cos(dec) * np.cos(dec_c) * np.cos(ra - ra_c)
    return east * np.cos(angle) - north * np.sin(angle), east * np.sin(angle) + north * np.cos(angle), ahead


def baseline_uvw(baseline_m: ArrayLike, lon_rad: float, ha_rad: ArrayLike, dec_rad: ArrayLike) -> Array:
    """(…, 3) of u, v, w (m) in the apparent frame, of ITRF baselines (…, 3) = r(second) − r(first).

    With X in the meridian plane, Y east, Z north: u = X sin H + Y cos H; v = −X sin δ cos H + Y sin δ sin H + Z cos δ;
    w = X cos δ cos H − Y cos δ sin H + Z sin δ (Thompson, Moran & Swenson 2017, eq. 4.1). `ha` and `dec` broadcast
    against the leading axes of the baselines.
    """
    baseline = np.asarray(baseline_m, np.float64)
    x = baseline[..., 0] * np.cos(lon_rad) + baseline[..., 1] * np.sin(lon_rad)
    y = -baseline[..., 0] * np.sin(lon_rad) + baseline[..., 1] * np.cos(lon_rad)
    z = baseline[..., 2]
    sin_h, cos_h, sin_d, cos_d = np.sin(ha_rad), np.cos(ha_rad), np.sin(dec_rad), np.cos(dec_rad)
    u = x * sin_h + y * cos_h
    v = -x * sin_d * cos_h + y * sin_d * sin_h + z * cos_d
    w = x * cos_d * cos_h - y * cos_d * sin_h + z * sin_d
    return np.stack(np.broadcast_arrays(u, v, w), axis=-1)


def turned_uvw(uvw_m: Array, frame_angle: ArrayLike) -> Array:
    """u, v turned by ψ into the ICRS frame; w stays."""
    cos, sin = np.cos(frame_angle), np.sin(frame_angle)
    u, v = uvw_m[..., 0], uvw_m[..., 1]
    return np.stack(np.broadcast_arrays(u * cos - v * sin, u * sin + v * cos, uvw_m[..., 2]), axis=-1)
