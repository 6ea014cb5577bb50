"""Geometry against values worked out beforehand with other software, and against astropy as an independent path."""

import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation, HADec, SkyCoord
from astropy.time import Time
from astropy.utils import iers

from contimg_science import meridian
from contimg_science.protocol import StepFailure

SITE = meridian.site_from_header(37.2334051, -118.283, 1188.0519)
T_FIRST_MJD = 2460951.992331495 - meridian.JD_OF_MJD_ZERO
TIMES_MJD = T_FIRST_MJD + np.arange(24) * 320256 * 2.0**-31
MID_MJD = (TIMES_MJD[0] + TIMES_MJD[-1]) / 2
DEC_RAD = 0.9524855391037991
# The check values were made with UT1 rounded to a microsecond: 0.5 µs of rotation is 2e-9°, and their last digit 1e-9°.
CHECK_VALUE_DEG = 2.6e-9
BASELINE_108_116_M = np.array([-1984.497286, -342.036280, -1647.197831])


@pytest.fixture(scope="module")
def centre():
    return meridian.meridian_centre(SITE, MID_MJD, DEC_RAD)


def test_earth_orientation_is_the_bulletin_value_of_that_day():
    ut1_minus_utc_s, _, _ = meridian.earth_orientation().at(MID_MJD)
    assert ut1_minus_utc_s == pytest.approx(0.093624, abs=1e-6)


def test_sidereal_time_at_mid_group():
    assert meridian.lst_rad(SITE, MID_MJD) == pytest.approx(1.256890447, abs=1e-9)


def test_centre_is_the_icrs_place_of_the_meridian(centre):
    assert np.degrees(centre) == pytest.approx([71.488232930, 54.528339017], abs=CHECK_VALUE_DEG)


def test_apparent_declination_is_not_icrs(centre):
    assert abs(np.degrees(DEC_RAD - centre[1])) * 60 > 2


@pytest.mark.parametrize(
    ("k", "ha_deg", "dec_deg", "frame_deg", "uvw_m", "delta_w_m"),
    [
        (0, -0.619090839, 54.573399666, 0.235102447, (-1590.814960, -1958.995849, -632.551984), -9.972366),
        (23, +0.619090870, 54.573403216, 0.235104845, (-1563.871567, -1986.805002, -612.691274), +9.888345),
    ],
)
def test_first_and_last_integration_match_the_check_values(centre, k, ha_deg, dec_deg, frame_deg, uvw_m, delta_w_m):
    ra, dec = meridian.apparent_place(SITE, TIMES_MJD[k], *centre)
    ha = meridian.hour_angle_rad(SITE, TIMES_MJD[k], ra)
    frame = meridian.frame_angle_rad(SITE, TIMES_MJD[k], ra, dec)
    assert np.degrees([ha, dec, frame]) == pytest.approx([ha_deg, dec_deg, frame_deg], abs=CHECK_VALUE_DEG)
    uvw = meridian.turned_uvw(meridian.baseline_uvw(BASELINE_108_116_M, SITE.lon_rad, ha, dec), frame)
    # The check values are rounded to a micrometre.
    assert uvw == pytest.approx(uvw_m, abs=1.1e-6)
    assert uvw[2] - meridian.baseline_uvw(BASELINE_108_116_M, SITE.lon_rad, 0.0, DEC_RAD)[2] == pytest.approx(delta_w_m, abs=1.1e-6)


def test_w_of_the_writers_own_example():
    w = meridian.baseline_uvw(np.array([44.816157, 65.083533, 103.357084]), np.radians(-118.283), 0.0, 0.7)[2]
    # Positions, declination and longitude of the example are printed rounded: some µm.
    assert w == pytest.approx(6.507004, abs=5e-6)


def test_length_of_a_baseline_survives_every_rotation():
    uvw = meridian.turned_uvw(meridian.baseline_uvw(BASELINE_108_116_M, SITE.lon_rad, 0.3, DEC_RAD), 0.2)
    assert np.linalg.norm(uvw) == pytest.approx(np.linalg.norm(BASELINE_108_116_M), abs=1e-9)


def test_apparent_and_icrs_places_invert_each_other():
    ra, dec = np.radians([0.01, 71.5, 359.99]), np.radians([16.3, 54.5, 65.7])
    there = meridian.apparent_place(SITE, TIMES_MJD[:, None], ra, dec)
    back_ra, back_dec = meridian.icrs_place(SITE, TIMES_MJD[:, None], *there)
    assert back_ra.shape == (24, 3)
    # Aberration is inverted by iteration in ERFA: good to about a microarcsecond.
    assert np.abs(np.angle(np.exp(1j * (back_ra - ra)))).max() < 1e-11
    assert np.abs(back_dec - dec).max() < 1e-11


def test_apparent_place_agrees_with_astropy():
    iers.conf.auto_download = False
    location = EarthLocation.from_geocentric(*SITE.itrf_m() * u.m)
    time = Time(MID_MJD, format="mjd", scale="utc")
    seen = SkyCoord(71.0 * u.deg, 55.0 * u.deg, frame="icrs").transform_to(HADec(obstime=time, location=location))
    ra, dec = meridian.apparent_place(SITE, MID_MJD, np.radians(71.0), np.radians(55.0))
    # 1e-8 rad is 2 mas.
    assert dec == pytest.approx(seen.dec.rad, abs=1e-8)
    assert meridian.hour_angle_rad(SITE, MID_MJD, ra) == pytest.approx(seen.ha.rad, abs=1e-8)


def test_earth_orientation_is_what_astropy_uses_without_the_internet():
    iers.conf.auto_download = False
    # Predictions count as they are, however old: else this test ends a month after the tables do.
    iers.conf.auto_max_age = None
    days_mjd = np.array([57023.3, MID_MJD, 61320.5, 61600.25])
    table, times = iers.earth_orientation_table.get(), Time(days_mjd, format="mjd")
    ut1_minus_utc_s, pole_x_rad, pole_y_rad = meridian.earth_orientation().at(days_mjd)
    assert ut1_minus_utc_s == pytest.approx(table.ut1_utc(times).to_value("s"), abs=1e-12)
    for ours_rad, pole in zip((pole_x_rad, pole_y_rad), table.pm_xy(times), strict=True):
        assert ours_rad == pytest.approx(pole.to_value("rad"), abs=1e-15)


def test_a_date_outside_the_table_is_refused_not_defaulted():
    with pytest.raises(StepFailure) as refused:
        meridian.lst_rad(SITE, 70000.0)
    assert refused.value.code == "EarthOrientationMissing"
