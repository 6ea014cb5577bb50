"""Station positions against the observatory's table and against the rule by which the pads were laid out."""

from pathlib import Path

import numpy as np
import pytest

from contimg_science.stations import Station, itrf_from_geodetic_m, load_stations, stations_from_table

TABLE = (Path(__file__).parent / "data" / "dsa110-stations.csv").read_text()
EAST_WEST_STEPS = [*range(22), *range(32, 38), 41, 45, *range(46, 51), *range(54, 70)]


def distance_m(one: int, other: int) -> float:
    stations = load_stations()
    return float(np.linalg.norm(np.subtract(stations[one - 1].itrf_m, stations[other - 1].itrf_m)))


def test_the_shipped_file_is_what_the_table_gives() -> None:
    assert load_stations() == stations_from_table(TABLE)


def test_the_east_west_arm_stands_on_its_regular_grid() -> None:
    for entry, step in zip(load_stations()[:51], EAST_WEST_STEPS, strict=True):
        assert entry.arm == "east-west"
        # The table has seven decimals: 1 cm.
        assert abs(entry.lat_deg - 37.2333752) < 1e-7
        assert abs(entry.lon_deg - (-118.2856408 + 0.0000648029 * step)) < 1.01e-7
        assert entry.height_m == 1182.6


def test_the_north_south_arm_stands_on_its_regular_grid() -> None:
    for entry in load_stations()[51:102]:
        assert entry.arm == "north-south"
        assert abs(entry.lat_deg - (37.2334531 + 0.00007797 * (entry.station - 52))) < 1.01e-7
        assert abs(entry.lon_deg + 118.2834051) < 1e-7


def test_station_117_has_the_height_of_the_arms_because_its_own_is_blank() -> None:
    assert load_stations()[116].height_m == 1182.6


@pytest.mark.parametrize(("pair", "expected_m"), [((108, 116), 2601.63), ((108, 117), 2707.19), ((1, 2), 5.75)])
def test_known_baselines_have_their_length(pair: tuple[int, int], expected_m: float) -> None:
    assert abs(distance_m(*pair) - expected_m) < 0.01


def test_itrf_positions_are_those_of_an_independent_library() -> None:
    from astropy.coordinates import EarthLocation

    for entry in load_stations():
        place = EarthLocation.from_geodetic(entry.lon_deg, entry.lat_deg, entry.height_m, ellipsoid="WGS84")
        expected = [place.x.to_value("m"), place.y.to_value("m"), place.z.to_value("m")]  # pyright: ignore
        # Positions are rounded to a tenth of a millimetre.
        np.testing.assert_allclose(entry.itrf_m, expected, rtol=0, atol=6e-5)


def test_a_table_with_a_missing_row_is_refused() -> None:
    rows = [line for line in TABLE.splitlines() if "DSA-050" not in line]
    with pytest.raises(ValueError, match="116"):
        stations_from_table("\n".join(rows))


def test_arms_hold_51_51_and_15_stations() -> None:
    arms = [entry.arm for entry in load_stations()]
    assert [arms.count(arm) for arm in ("east-west", "north-south", "outrigger")] == [51, 51, 15]
    assert isinstance(load_stations()[0], Station) and itrf_from_geodetic_m(0.0, 0.0, 0.0)[0] == 6378137.0
