"""Which groups are filed as calibrator groups."""

from pathlib import Path

import numpy as np
import pytest
from converted import convert, key_of, simulate_group, validate_set

from contimg_science.beam import airy_power
from contimg_science.calibrators import CALIBRATORS, Calibrator, catalogue_sha256
from contimg_science.channels import BAND_CENTRE_HZ
from contimg_science.classify import RULE, classify
from contimg_science.measurement_set import open_table
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


def test_the_transit_may_be_anywhere_inside_the_time_range_and_nowhere_else():
    source = CALIBRATORS["3C147"]
    transit = transit_mjd(source.ra_deg, source.dec_deg)
    for offset_s, kind in ((-156, "science"), (-153, "calibrator"), (153, "calibrator"), (156, "science")):
        found = classify(SITE, around(transit + offset_s / 86400), np.radians(source.dec_deg))
        assert found.kind == kind, offset_s


def test_a_strip_at_the_half_power_of_the_beam_divides_calibrator_from_science():
    source = CALIBRATORS["3C286"]
    transit = transit_mjd(source.ra_deg, source.dec_deg)
    _, dec_rad = apparent_place(SITE, transit, np.radians(source.ra_deg), np.radians(source.dec_deg))
    # Half of 1.03 wavelengths over diameter.
    half_power_rad = 0.5145 * 299792458.0 / BAND_CENTRE_HZ / 4.65
    assert airy_power(half_power_rad, BAND_CENTRE_HZ) == pytest.approx(0.5, abs=2e-3)
    assert classify(SITE, around(transit), float(dec_rad) + 0.99 * half_power_rad).kind == "calibrator"
    assert classify(SITE, around(transit), float(dec_rad) - 1.01 * half_power_rad).kind == "science"


def test_right_ascension_is_circular_about_0_h():
    source = made_up("near-zero", 0.01, 50.0, 20.0)
    transit = transit_mjd(source.ra_deg, source.dec_deg)
    start_lst, end_lst = lst_rad(SITE, np.array(around(transit)))
    assert start_lst > end_lst
    assert classify(SITE, around(transit), np.radians(50.0), [source]).calibrator == "near-zero"


def test_the_brightest_through_the_beam_wins_not_the_farthest():
    far, near = made_up("far", 80.0, 51.2, 12.0), made_up("near", 80.0, 50.0, 10.0)
    assert classify(SITE, around(transit_mjd(80.0, 50.0)), np.radians(50.0), [far, near]).calibrator == "near"


def test_of_several_the_largest_flux_through_the_beam_wins_whatever_their_order():
    faint, bright = made_up("faint", 80.0, 50.0, 10.0), made_up("bright", 80.1, 50.6, 30.0)
    for catalogue in ([faint, bright], [bright, faint]):
        found = classify(SITE, around(transit_mjd(80.0, 50.0)), np.radians(50.0), catalogue)
        assert (found.calibrator, found.flux_jy) == ("bright", pytest.approx(30.0))
        assert 0.7 < found.response < 0.95


def test_all_that_can_serve_are_named_flux_calibrators_first_then_the_brightest_through_the_beam():
    brighter, bright, far = made_up("brighter", 80.0, 50.1, 80.0), made_up("bright", 80.05, 50.0, 12.0), made_up("far", 80.0, 51.2, 15.0)
    primary = made_up("3C147", 80.1, 50.0, 20.0)
    found = classify(
        SITE, around(transit_mjd(80.0, 50.0)), np.radians(50.0), [far, bright, brighter, primary, made_up("away", 90.0, 50.0, 99.0)]
    )
    assert [(one.name, one.kind) for one in found.candidates] == [
        ("3C147", "primary"),
        ("brighter", "bright_fallback"),
        ("bright", "bright_fallback"),
        ("far", "bright_fallback"),
    ]
    assert (found.calibrator, found.flux_jy, found.response) == ("3C147", found.candidates[0].flux_jy, found.candidates[0].response)


def test_a_science_group_names_no_candidate():
    assert classify(SITE, around(transit_mjd(140.0, 50.0)), np.radians(50.0)).candidates == []


def test_five_janskys_count_after_the_beam_except_for_the_built_in():
    # 0.9° off, the beam leaves about 0.73.
    transit, dec_rad = transit_mjd(80.0, 50.0), np.radians(50.0)
    assert classify(SITE, around(transit), dec_rad, [made_up("seven", 80.0, 50.9, 7.5)]).kind == "calibrator"
    assert classify(SITE, around(transit), dec_rad, [made_up("six", 80.0, 50.9, 6.0)]).kind == "science"
    assert classify(SITE, around(transit), dec_rad, [made_up("3C147", 80.0, 50.9, 2.0)]).kind == "calibrator"


def test_a_weak_or_unknown_flux_is_no_candidate():
    weak, unknown = made_up("weak", 80.0, 50.0, 4.0), Calibrator("unknown", 80.0, 50.0, (float("nan"),))
    assert classify(SITE, around(transit_mjd(80.0, 50.0)), np.radians(50.0), [weak, unknown]).kind == "science"


def test_a_source_without_flux_is_passed_over_and_the_others_are_still_found():
    unknown, known = Calibrator("unknown", 80.0, 50.0, (float("nan"),)), made_up("known", 80.1, 50.1, 6.0)
    for catalogue in ([unknown, known], [known, unknown]):
        assert classify(SITE, around(transit_mjd(80.0, 50.0)), np.radians(50.0), catalogue).calibrator == "known"


def test_the_answer_names_its_rule_and_the_digest_of_the_catalogue():
    near, other = made_up("near", 80.0, 50.0, 10.0), made_up("other", 200.0, 50.0, 10.0)
    found = classify(SITE, around(transit_mjd(80.0, 50.0)), np.radians(50.0), [near, other])
    assert (found.rule, found.catalogue_sha256) == (RULE, catalogue_sha256([other, near]))
    science = classify(SITE, around(transit_mjd(140.0, 50.0)), np.radians(50.0), [near, other])
    assert (science.kind, science.catalogue_sha256) == ("science", found.catalogue_sha256)
    assert catalogue_sha256([near, made_up("other", 200.0, 50.0, 10.5)]) != found.catalogue_sha256


@pytest.mark.slow
def test_a_calibrator_group_names_its_one_field_and_source_and_says_what_it_is_for(tmp_path: Path):
    source = CALIBRATORS["3C147"]
    schedule = {"kind": "night", "not_before_utc": "2025-10-02T00:00:00Z", "calibrator": "3C147", "science_groups": 1, "skipped_groups": 0}
    files = simulate_group(tmp_path, ntimes=2, schedule={**schedule, "days": 1}, dec_app_deg=source.dec_deg)
    times = sorted({key_of(path)[0] for path in files})
    members = [path for path in files if key_of(path)[0] == times[0]]
    result = convert(members, tmp_path / "group.ms")
    for name in ("FIELD", "SOURCE"):
        with open_table(result.ms, subtable=name) as table:
            assert table.getcol("NAME") == ["3C147"]
    with open_table(result.ms, subtable="STATE") as table:
        assert table.getcol("OBS_MODE") == ["OBSERVE_TARGET#ON_SOURCE,CALIBRATE_BANDPASS#ON_SOURCE"]
    classified = validate_set(members, result).classification
    assert (classified.kind, classified.calibrator, classified.rule) == ("calibrator", "3C147", RULE)
    assert classified.catalogue_sha256 == catalogue_sha256(CALIBRATORS.values())


@pytest.mark.slow
def test_letters_in_paths_make_no_calibrator(small_group: list[Path], tmp_path: Path):
    (tmp_path / "calibrators").mkdir()
    result = convert(small_group, tmp_path / "calibrators" / "3C147-cal.ms")
    assert validate_set(small_group, result).classification.kind == "science"
    with open_table(result.ms, subtable="FIELD") as field:
        assert field.getcol("NAME") == ["meridian"]
