"""Every subtable of a converted set against what the documentation promises of it, value by value."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from contimg_science.concat import ConcatResult
from contimg_science.measurement_set import SUBTABLES, open_table

FOR_EVER_S = np.finfo(np.float64).max
STATIONS = [f"DSA-{number:03d}" for number in range(1, 118)]
WIDTH_HZ = 1953125.0

# Column → value of every row. A list has one value a row.
CONSTANT: dict[str, dict[str, Any]] = {
    "ANTENNA": {
        "NAME": STATIONS, "STATION": STATIONS, "TYPE": ["GROUND-BASED"] * 117, "MOUNT": ["ALT-AZ"] * 117, "DISH_DIAMETER": 4.65,
        "OFFSET": 0.0,
    },
    "SPECTRAL_WINDOW": {
        "NUM_CHAN": 96, "CHAN_WIDTH": WIDTH_HZ, "EFFECTIVE_BW": WIDTH_HZ, "RESOLUTION": WIDTH_HZ, "TOTAL_BANDWIDTH": 187.5e6,
        "REF_FREQUENCY": 1405015258.7890625, "MEAS_FREQ_REF": 5, "NET_SIDEBAND": 0, "NAME": ["DSA110"], "FLAG_ROW": False,
    },
    "POLARIZATION": {"NUM_CORR": 2, "CORR_TYPE": [[9, 12]], "CORR_PRODUCT": [[[0, 0], [1, 1]]], "FLAG_ROW": False},
    "DATA_DESCRIPTION": {"SPECTRAL_WINDOW_ID": 0, "POLARIZATION_ID": 0, "FLAG_ROW": False},
    "FIELD": {"NAME": ["meridian"], "NUM_POLY": 0, "SOURCE_ID": 0, "FLAG_ROW": False},
    "SOURCE": {
        "NAME": ["meridian"], "SOURCE_ID": 0, "SPECTRAL_WINDOW_ID": -1, "INTERVAL": FOR_EVER_S, "PROPER_MOTION": 0.0, "NUM_LINES": 0,
        "CALIBRATION_GROUP": 0,
    },
    "FEED": {
        "ANTENNA_ID": list(range(117)), "FEED_ID": 0, "SPECTRAL_WINDOW_ID": -1, "BEAM_ID": -1, "NUM_RECEPTORS": 2,
        "POL_RESPONSE": [np.eye(2)] * 117, "RECEPTOR_ANGLE": 0.0, "INTERVAL": FOR_EVER_S,
    },
    "STATE": {"SIG": True, "REF": False, "CAL": 0.0, "LOAD": 0.0, "SUB_SCAN": 0, "OBS_MODE": ["OBSERVE_TARGET#ON_SOURCE"]},
    "OBSERVATION": {"TELESCOPE_NAME": ["OVRO_MMA"], "OBSERVER": ["DSA-110"], "PROJECT": ["contimg"], "FLAG_ROW": False},
    "PROCESSOR": {"TYPE": ["CORRELATOR"], "SUB_TYPE": ["DSA-110"], "FLAG_ROW": False},
    "POINTING": {"NAME": ["meridian"] * 72, "NUM_POLY": 0, "TRACKING": False, "INTERVAL": 12.884902000427246},
}  # fmt: skip
ROWS = {"ANTENNA": 117, "FEED": 117, "POINTING": 24 * 3, "FLAG_CMD": 0, "HISTORY": 16 + 3}


@pytest.mark.parametrize("name", SUBTABLES)
def test_a_subtable_has_its_rows_and_says_what_is_promised(name: str, small_set: ConcatResult) -> None:
    with open_table(small_set.ms, subtable=name) as opened:
        assert opened.nrows() == ROWS.get(name, 1)
        for column, expected in CONSTANT.get(name, {}).items():
            found = opened.getcol(column)
            assert found == expected if isinstance(found, list) else (np.asarray(found) == np.asarray(expected)).all(), column


def test_times_of_subtables_are_the_middle_of_the_group(small_set: ConcatResult) -> None:
    for name in ("FIELD", "SOURCE", "FEED"):
        with open_table(small_set.ms, subtable=name) as opened:
            # A double holds these seconds to 1 µs.
            assert opened.getcol("TIME") == pytest.approx(small_set.mid_mjd * 86400, abs=2e-6), name


def test_directions_are_one_icrs_place(small_set: ConcatResult) -> None:
    place = np.radians([small_set.ra_deg, small_set.dec_deg])
    for name, columns in {"FIELD": ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"), "SOURCE": ("DIRECTION",)}.items():
        with open_table(small_set.ms, subtable=name) as opened:
            for column in columns:
                assert opened.getcol(column).ravel() % (2 * np.pi) == pytest.approx(place, abs=1e-12)
                assert opened.getcolkeyword(column, "MEASINFO")["Ref"] == "ICRS"
                # One polynomial term of two angles, whichever axis a tool calls the first.
                assert opened.getcell(column, 0).shape == ((1, 2) if name == "FIELD" else (2,))


def test_feeds_are_x_and_y(small_set: ConcatResult) -> None:
    with open_table(small_set.ms, subtable="FEED") as feed:
        kinds = feed.getcol("POLARIZATION_TYPE")
    assert np.array_equal(np.asarray(kinds["array"] if isinstance(kinds, dict) else kinds).reshape(117, 2), [["X", "Y"]] * 117)


def test_antennas_absent_from_the_data_have_their_row_flagged(small_group: list[Path], small_set: ConcatResult) -> None:
    with h5py.File(small_group[0]) as file:
        used = np.unique([file["Header/ant_1_array"][()], file["Header/ant_2_array"][()]])
        site_and_offset = file["Header/antenna_positions"][()]
    with open_table(small_set.ms, subtable="ANTENNA") as antenna, open_table(small_set.ms, subtable="OBSERVATION") as observation:
        assert np.array_equal(np.flatnonzero(~antenna.getcol("FLAG_ROW")), used)
        # A millionth of a metre of 6,400 km is near the end of a double.
        assert antenna.getcol("POSITION") == pytest.approx(observation.getcell("TELESCOPE_LOCATION", 0) + site_and_offset, abs=1e-6)


def test_pointing_has_each_antenna_of_the_data_in_each_integration(small_set: ConcatResult) -> None:
    with open_table(small_set.ms) as main, open_table(small_set.ms, subtable="POINTING") as pointing:
        assert np.array_equal(np.unique(pointing.getcol("TIME")), np.unique(main.getcol("TIME")))
        pairs = np.stack([pointing.getcol("TIME"), pointing.getcol("ANTENNA_ID")], axis=1)
        assert len(np.unique(pairs, axis=0)) == 72
        assert np.array_equal(pointing.getcol("DIRECTION"), pointing.getcol("TARGET"))
        assert pointing.getcolkeyword("DIRECTION", "MEASINFO")["Ref"] == "ICRS"


def test_the_time_range_is_that_of_the_integrations(small_set: ConcatResult) -> None:
    with open_table(small_set.ms) as main, open_table(small_set.ms, subtable="OBSERVATION") as observation:
        times, half = main.getcol("TIME"), main.getcell("INTERVAL", 0) / 2
        assert observation.getcell("TIME_RANGE", 0) == pytest.approx([times.min() - half, times.max() + half], abs=2e-6)
        assert not main.getcol("OBSERVATION_ID").any() and not main.getcol("STATE_ID").any()


def test_history_names_every_input_software_parameters_and_rules(small_group: list[Path], small_set: ConcatResult) -> None:
    with open_table(small_set.ms, subtable="HISTORY") as history:
        facts = [json.loads(line) for line in history.getcol("MESSAGE")]
    inputs = [fact for fact in facts if "input" in fact]
    assert [(fact["input"], fact["bytes"]) for fact in inputs] == [(path.name, path.stat().st_size) for path in small_group]
    assert all(len(fact["sha256"]) == 64 and {"t0_jd", "dec_rad"} <= fact.keys() for fact in inputs)
    rest = {key for fact in facts if "input" not in fact for key in fact}
    assert rest == {"software", "iers", "parameters", "parameters_sha256", "weights"}


def test_the_main_table_says_what_it_is(small_set: ConcatResult) -> None:
    with open_table(small_set.ms) as main:
        assert main.getkeyword("MS_VERSION") == 2.0
        mark = main.getkeyword("CONTIMG")
        assert mark["group_id"] == "2025-10-02T00:05:18" and mark["content_digest"] == small_set.content_digest
        assert mark["manifest"] == "2025-10-02T00:05:18.manifest.json" and mark["schema"] == 1 and mark["version"]
        assert (main.getcol("SCAN_NUMBER") == 1).all()
        for name in ("FIELD_ID", "DATA_DESC_ID", "OBSERVATION_ID", "STATE_ID", "PROCESSOR_ID", "ARRAY_ID", "FEED1", "FEED2"):
            assert not main.getcol(name).any(), name
        assert not main.iscelldefined("FLAG_CATEGORY", 0)
        managers = {column: manager["TYPE"] for manager in main.getdminfo().values() for column in manager["COLUMNS"]}
    assert {managers[column] for column in ("DATA", "FLAG", "UVW")} == {"TiledColumnStMan"}
