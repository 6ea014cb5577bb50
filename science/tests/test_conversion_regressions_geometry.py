"""Defects of earlier converters in places, times and baselines: each test fails on the one that it is named after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest
from astropy import units as u
from astropy.coordinates import EarthLocation, HADec, SkyCoord
from astropy.time import Time
from astropy.utils import iers
from converted import convert, key_of, simulate_group, validate_set
from raw_changes import copied

from contimg_science.concat import ConcatResult
from contimg_science.measurement_set import describe, open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S
from contimg_science.protocol import StepFailure

if TYPE_CHECKING:
    from conftest import LoneSource


def test_the_fringes_of_a_source_are_stopped_once_for_all_integrations(lone_source: LoneSource) -> None:
    """V = A exp(2πi ν/c (u l + v m + w (n − 1))): not so with fields put together unturned, w applied twice, or a mirrored sign."""
    described = describe(lone_source.result.ms)
    east, north = (angle.rad for angle in SkyCoord(*described.centre_rad, unit="rad").spherical_offsets_to(lone_source.place))
    # Direction cosines: the offsets are angles on the sphere about the centre.
    l, m = np.sin(east) * np.cos(north), np.sin(north)  # noqa: E741
    with open_table(lone_source.result.ms) as main:
        data, uvw, auto = main.getcol("DATA")[:, :, 0], main.getcol("UVW"), main.getcol("ANTENNA1") == main.getcol("ANTENNA2")
    path_m = uvw @ np.array([l, m, np.sqrt(1 - l * l - m * m) - 1])
    model = np.exp(2j * np.pi / SPEED_OF_LIGHT_M_S * path_m[:, None] * described.frequencies_hz)
    left_rad = np.abs(np.angle(data * np.conj(model)))[~auto]
    # 0.34" a degree of differential aberration is 0.08" here, 0.005 of a fringe of the longest baseline.
    assert left_rad.max() < 0.05
    # The test can see the difference: the frames of the first and the last integration lie 1.24° of RA apart.
    assert np.abs(np.angle(data))[~auto].max() > 3


def test_the_label_of_the_phase_centre_and_the_headers_uvw_change_nothing(
    small_group: list[Path], small_set: ConcatResult, tmp_path: Path
) -> None:
    def mislead(file: h5py.File, subband: int) -> None:
        file["Header/uvw_array"][...] = np.random.default_rng(subband).standard_normal((900, 3)) * 1e3
        del file["Header/object_name"]
        file["Header/object_name"] = np.bytes_("zenith")

    result = convert(copied(small_group, tmp_path / "misleading", mislead), tmp_path / "group.ms")
    assert result.column_digests == small_set.column_digests


def test_a_date_without_earth_orientation_is_refused_not_taken_as_apparent_icrs(small_group: list[Path], tmp_path: Path) -> None:
    def far_ahead(file: h5py.File, _subband: int) -> None:
        file["Header/time_array"][...] = file["Header/time_array"][()] + 20 * 365.25

    files = copied(small_group, tmp_path / "ahead", far_ahead)
    with pytest.raises(StepFailure) as refused:
        convert(files, tmp_path / "group.ms")
    assert (refused.value.type, refused.value.code) == ("BadInput", "EarthOrientationMissing")
    assert not list(tmp_path.glob("*.ms*")) and not list(tmp_path.glob(".*"))


def astropys_centre(file: Path, mjd: float) -> SkyCoord:
    """ICRS place of (hour angle 0, the header's declination), from the header's own site."""
    iers.conf.auto_download = False
    with h5py.File(file) as opened:
        longitude, latitude, height = (float(opened[f"Header/{name}"][()]) for name in ("longitude", "latitude", "altitude"))
    site = EarthLocation.from_geodetic(longitude, latitude, height)
    return SkyCoord(HADec(0 * u.rad, key_of(file)[1] * u.rad, obstime=Time(mjd, format="mjd"), location=site)).icrs


def test_the_centre_is_the_icrs_place_of_the_meridian_to_a_milliarcsecond(small_group: list[Path], small_set: ConcatResult) -> None:
    """Fast approximations were 1200″ off; an apparent declination taken for ICRS is off by minutes of arc."""
    centre = SkyCoord(*describe(small_set.ms).centre_rad, unit="rad")
    assert centre.separation(astropys_centre(small_group[0], small_set.mid_mjd)).mas < 1
    assert abs(np.degrees(key_of(small_group[0])[1]) - centre.dec.deg) * 60 > 2


def test_the_pointing_is_the_meridian_of_each_integration(small_group: list[Path], small_set: ConcatResult) -> None:
    described = describe(small_set.ms)
    for mjd, place in zip(described.times_mjd, described.pointing_rad, strict=True):
        assert SkyCoord(*place, unit="rad").separation(astropys_centre(small_group[0], mjd)).mas < 1


def test_converting_again_moves_no_centre(small_group: list[Path], small_set: ConcatResult, tmp_path: Path) -> None:
    again = convert(small_group, tmp_path / "again.ms")
    assert (again.ra_deg, again.dec_deg, again.content_digest) == (small_set.ra_deg, small_set.dec_deg, small_set.content_digest)


@pytest.mark.slow
def test_the_drift_of_the_sky_is_no_corruption_at_any_declination(tmp_path: Path) -> None:
    files = simulate_group(tmp_path, ntimes=24, dec_app_deg=65.7)
    result = convert(files, tmp_path / "group.ms")
    validate_set(files, result)
    first, last = (SkyCoord(*place, unit="rad") for place in describe(result.ms).pointing_rad[[0, -1]])
    # 1.24° of RA, which is 0.51° of sky here: a gate that forgot cos δ took the difference for corruption.
    assert first.separation(last).deg == pytest.approx(1.2382 * np.cos(np.radians(65.7)), abs=0.02)
    assert result.unusable == [] and result.missing == []


def test_the_site_is_the_headers_own(small_group: list[Path], small_set: ConcatResult, tmp_path: Path) -> None:
    """0.0013° of longitude is 4.7″ of RA: what some other constant in circulation would give."""

    def move(file: h5py.File, _subband: int) -> None:
        file["Header/longitude"][()] = -118.2817

    result = convert(copied(small_group, tmp_path / "moved", move), tmp_path / "group.ms")
    assert (result.ra_deg - small_set.ra_deg) * 3600 == pytest.approx(4.68, abs=0.01)


def test_positions_are_the_headers_own(small_group: list[Path], small_set: ConcatResult, tmp_path: Path) -> None:
    """Not those of any table: an antenna that the headers put 3 m up is 3 m up, and its baselines with it."""

    def raise_antenna(file: h5py.File, _subband: int) -> None:
        file["Header/antenna_positions"][102] += [0, 0, 3]

    result = convert(copied(small_group, tmp_path / "raised", raise_antenna), tmp_path / "group.ms")
    moved = describe(result.ms).antenna_positions_m - describe(small_set.ms).antenna_positions_m
    assert np.allclose(moved[102], [0, 0, 3]) and not moved[np.arange(117) != 102].any()
    with open_table(result.ms) as main, open_table(small_set.ms) as before:
        with_103 = (main.getcol("ANTENNA1") == 102) ^ (main.getcol("ANTENNA2") == 102)
        shift_m = np.linalg.norm(main.getcol("UVW") - before.getcol("UVW"), axis=1)
    assert shift_m[with_103] == pytest.approx(3, abs=1e-6) and not shift_m[~with_103].any()


def test_station_117_stands_where_the_header_puts_it(small_group: list[Path], small_set: ConcatResult) -> None:
    """Its height is blank in the station table: read as that of the site or as 0, it was 6 m or 1.2 km off."""
    with h5py.File(small_group[0]) as file:
        offset = file["Header/antenna_positions"][116]
    found = describe(small_set.ms).antenna_positions_m
    with open_table(small_set.ms, subtable="OBSERVATION") as observation:
        site = observation.getcell("TELESCOPE_LOCATION", 0)
    assert found[116] - site == pytest.approx(offset, abs=1e-6)
    height = EarthLocation.from_geocentric(*found[116], unit="m").height.to_value("m")
    assert height == pytest.approx(1182.6, abs=0.1)


def test_every_uvw_is_as_long_as_its_baseline(small_set: ConcatResult) -> None:
    positions = describe(small_set.ms).antenna_positions_m
    with open_table(small_set.ms) as main:
        length_m = np.linalg.norm(positions[main.getcol("ANTENNA1")] - positions[main.getcol("ANTENNA2")], axis=1)
        assert np.linalg.norm(main.getcol("UVW"), axis=1) == pytest.approx(length_m, abs=1e-6)
