"""Which groups are filed as calibrator groups."""

import numpy as np
import pytest

from contimg_science.calibrators import CALIBRATORS, Calibrator
from contimg_science.classify import classify
from contimg_science.meridian import apparent_place, lst_rad, site_from_header

SITE = site_from_header(37.2334051, -118.283, 1188.0519)
DAY_MJD = 60950.0
GROUP_DAYS = 309.24 / 86400
SIDEREAL_DAY = 0.99726957


def transit_mjd(ra_deg: float, dec_deg: float) -> float:
    mjd = DAY_MJD
    for _ in range(3):
        ra, _ = apparent_place(SITE, mjd, np.radians(ra_deg), np.radians(dec_deg))
        mjd += float((ra - lst_rad(SITE, mjd)) % (2 * np.pi)) / (2 * np.pi) * SIDEREAL_DAY if mjd == DAY_MJD else 0
    return mjd


def around(mjd: float) -> tuple[float, float]:
    return mjd - GROUP_DAYS / 2, mjd + GROUP_DAYS / 2


def made_up(name: str, ra_deg: float, dec_deg: float, flux_jy: float) -> Calibrator:
    return Calibrator(name, ra_deg, dec_deg, (float(np.log10(flux_jy)),))


@pytest.mark.parametrize("name", sorted(CALIBRATORS))
def test_a_built_in_calibrator_that_crosses_inside_the_group_is_found(name: str):
    source = CALIBRATORS[name]
    found = classify(SITE, around(transit_mjd(source.ra_deg, source.dec_deg)), np.radians(source.dec_deg))
    assert (found.kind, found.calibrator) == ("calibrator", name)
    # The apparent declination is some minutes off the catalogue's.
    assert found.response > 0.98


def test_minutes_after_its_transit_the_group_is_science():
    source = CALIBRATORS["3C147"]
    late = transit_mjd(source.ra_deg, source.dec_deg) + 400 / 86400
    assert classify(SITE, around(late), np.radians(source.dec_deg)).kind == "science"


def test_on_another_strip_the_group_is_science():
    source = CALIBRATORS["3C147"]
    assert classify(SITE, around(transit_mjd(source.ra_deg, source.dec_deg)), np.radians(source.dec_deg + 1.5)).kind == "science"


def test_right_ascension_is_circular_about_0_h():
    source = made_up("near-zero", 0.01, 50.0, 20.0)
    transit = transit_mjd(source.ra_deg, source.dec_deg)
    start_lst, end_lst = lst_rad(SITE, np.array(around(transit)))
    assert start_lst > end_lst
    assert classify(SITE, around(transit), np.radians(50.0), [source]).calibrator == "near-zero"


def test_the_brightest_through_the_beam_wins_not_the_farthest():
    far, near = made_up("far", 80.0, 51.2, 12.0), made_up("near", 80.0, 50.0, 10.0)
    assert classify(SITE, around(transit_mjd(80.0, 50.0)), np.radians(50.0), [far, near]).calibrator == "near"


def test_a_weak_or_unknown_flux_is_no_candidate():
    weak, unknown = made_up("weak", 80.0, 50.0, 4.0), Calibrator("unknown", 80.0, 50.0, (float("nan"),))
    assert classify(SITE, around(transit_mjd(80.0, 50.0)), np.radians(50.0), [weak, unknown]).kind == "science"
