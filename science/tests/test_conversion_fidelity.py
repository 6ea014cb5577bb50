"""A converted set against pyuvdata's own conversion of the same files: every way the files may differ, the same numbers."""

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from conversion_reference import write_reference_ms
from converted import convert, faulty_group, key_of, simulate_group, validate_set
from raw_changes import copied, spoil_samples, with_products
from reference_difference import Difference, difference

from contimg_science.channels import subband_frequencies_hz
from contimg_science.concat import ConcatResult
from contimg_science.measurement_set import describe, open_table
from contimg_science.meridian import JD_OF_MJD_ZERO, lst_rad
from contimg_science.simulation.array_layout import header_site

pytestmark = pytest.mark.slow

# Both sides end in single precision: half a unit each, twice in the reference, which rotates what it has rounded. The bar that
# is promised is 1e-6; Earth rotation that is 1 µs off would already show here, as 2e-7 m and 5e-6 of the amplitude.
DATA_ERROR = 3e-7
UVW_ERROR_M = 1e-8
# A double holds seconds since 1858 to 0.95 µs.
TIME_ERROR_S = 2e-6
# Single precision of the columns.
WEIGHT_ERROR = 2e-7
CENTRE_ERROR_MAS = 1e-3
POSITION_ERROR_M = 1e-6

Group = list[Path]
CASES: dict[str, Callable[[Path, Group], Group]] = {
    "declination 54.57 and the whole drift": lambda base, _: simulate_group(base, ntimes=24, dec_app_deg=54.5734),
    "declination 16.27": lambda base, _: simulate_group(base, ntimes=3, dec_app_deg=16.27),
    "declination 65.7": lambda base, _: simulate_group(base, ntimes=3, dec_app_deg=65.7),
    "channel width negative": lambda base, _: simulate_group(base, ntimes=3, width_sign=-1),
    "channel width positive": lambda _, small: small,
    "reversed pairs": lambda base, _: faulty_group(base, "reverse", "*", ntimes=3),
    "missing subbands": lambda base, small: [path for path in small if path.stem[-2:] not in ("00", "07", "15")],
    "four products": lambda base, small: copied(small, base, with_products(-5, -7, -8, -6)),
    "four products of reversed pairs in another order": lambda base, _: copied(
        faulty_group(base, "reverse", "*", ntimes=3), base / "four", with_products(-5, -6, -7, -8)
    ),
    "spoilt samples": lambda base, small: copied(small, base, spoil_samples),
}


def assert_the_same(found: Difference) -> None:
    assert found.unequal == ()
    assert found.uvw_m < UVW_ERROR_M and found.time_s < TIME_ERROR_S
    assert found.data < DATA_ERROR
    assert found.weight < WEIGHT_ERROR and found.sigma < WEIGHT_ERROR
    assert found.centre_mas < CENTRE_ERROR_MAS and found.antenna_m < POSITION_ERROR_M


def compared(files: Group, base: Path) -> tuple[ConcatResult, Difference]:
    result = convert(files, base / "group.ms")
    validate_set(files, result)
    centre = describe(result.ms).centre_rad
    return result, difference(result.ms, write_reference_ms(files, centre, key_of(files[0])[1], base / "reference.ms"))


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_set_is_the_references(case: str, small_group: Group, tmp_path: Path) -> None:
    result, found = compared(CASES[case](tmp_path, small_group), tmp_path)
    assert_the_same(found)
    for cells in result.missing:
        with open_table(result.ms) as main:
            channels = np.s_[:, (15 - cells.subband) * 6 : (16 - cells.subband) * 6]
            assert main.getcol("FLAG")[channels].all() and not main.getcol("DATA")[channels].any()
        assert np.array_equal(describe(result.ms).frequencies_hz[channels[1]], subband_frequencies_hz(cells.subband, 6)[::-1])


def starting_before(mjd: float) -> dict[str, object]:
    """A schedule of one group of three integrations with `mjd` inside the second."""
    start = np.datetime64("1858-11-17T00:00:00") + np.timedelta64(round((mjd * 86400 - 19.3) * 1000), "ms")
    return {"kind": "run", "start_utc": f"{start}Z", "count": 1}


def test_a_group_across_midnight_is_the_references(tmp_path: Path) -> None:
    result, found = compared(simulate_group(tmp_path, ntimes=3, schedule=starting_before(60951.0)), tmp_path)
    assert result.start_mjd < 60951.0 < result.end_mjd
    assert_the_same(found)


def test_a_group_across_0_h_is_the_references(tmp_path: Path) -> None:
    site = header_site()
    ahead_rad = 2 * np.pi - float(lst_rad(site, 60951.0))
    result, found = compared(
        simulate_group(tmp_path, ntimes=3, schedule=starting_before(60951.0 + ahead_rad / (2 * np.pi) * 0.9972695663)), tmp_path
    )
    first, last = lst_rad(site, np.array([result.start_mjd, result.end_mjd]))
    assert first > 6.28 and last < 0.01
    pointing_deg = np.degrees(describe(result.ms).pointing_rad[:, 0])
    assert np.ptp(pointing_deg) < 1 or (pointing_deg.min() < 1 and pointing_deg.max() > 359)
    assert_the_same(found)


def test_the_times_that_a_short_member_has_are_the_references_and_the_others_are_flagged(tmp_path: Path) -> None:
    files = faulty_group(tmp_path, "short", [4], 2, ntimes=3)
    result = convert(files, tmp_path / "group.ms")
    validate_set(files, result)
    assert [(cells.subband, cells.integrations) for cells in result.missing] == [(4, [2])]
    # The reference cannot fill up: each length for itself. The group's grid is that of the longest.
    whole = [path for path in files if not path.stem.endswith("sb04")]
    centre = describe(result.ms).centre_rad
    assert_the_same(difference(result.ms, write_reference_ms(whole, centre, key_of(whole[0])[1], tmp_path / "whole.ms")))
    with h5py.File(files[4]) as file:
        rows = len(file["Data/visdata"])
        last_mjd = float(file["Header/time_array"][-1]) - JD_OF_MJD_ZERO
    with open_table(result.ms) as main:
        channels = np.s_[:, (15 - 4) * 6 : (16 - 4) * 6]
        assert main.getcol("TIME")[rows - 1] == pytest.approx(last_mjd * 86400, abs=TIME_ERROR_S)
        assert main.getcol("FLAG")[rows:][channels].all() and not main.getcol("DATA")[rows:][channels].any()
        begun = tmp_path / "begun.ms"
        main.query(f"ROWID() < {rows}").copy(str(begun), deep=True).close()
    short = difference(begun, write_reference_ms([files[4]], centre, key_of(files[4])[1], tmp_path / "short.ms"))
    # WEIGHT is one number for all channels: that of the fifteen whole members.
    assert short.data < DATA_ERROR and short.uvw_m < UVW_ERROR_M and short.unequal == ()
