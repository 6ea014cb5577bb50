"""Step `calibrate`: the numbers it writes against the truth and against CASA, and what it must never let through."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import erfa
import numpy as np
import pytest
from casacore.tables import table
from made_group import INTEGRATION_S, MINI_STATIONS, SITE, MadeGroup, SkySource, right_ascension_at_transit_deg
from made_solutions import write_tables
from step_process import SCIENCE, run_step_process
from test_solve import positions

from contimg_science.beam import airy_power
from contimg_science.calibrators import Calibrator
from contimg_science.casa_session import run_casa
from contimg_science.concat import ConcatResult
from contimg_science.measurement_set import describe
from contimg_science.meridian import meridian_centre

pytestmark = pytest.mark.slow

MID_MJD, DEC_RAD = 60951.49, np.radians(54.57)


@pytest.fixture
def group() -> MadeGroup:
    ra, dec = right_ascension_at_transit_deg(MID_MJD, DEC_RAD)
    return MadeGroup(MID_MJD, DEC_RAD, [SkySource(ra, dec, np.full(96, 5.0))], seed=31)


def calibrate(
    ms: Path, target: Path, sets: list[dict[str, Any]], average: int | None = 1, field: Sequence[Calibrator] | None = None
) -> tuple[int, dict[str, Any]]:
    request = {
        "inputs": {"ms": ms, "sets": sets, "positions": positions(target.parent / "positions.csv", field or ())},
        "parameters": {"average_channels": average, "max_smearing_loss": 0.01, "field_phase": field is not None},
        "outputs": {"ms": target},
    }
    status, events = run_step_process("calibrate", request, target.parent)
    return status, events[-1]


def columns(ms: Path, *names: str) -> list[np.ndarray]:
    with table(str(ms), ack=False) as main:
        return [main.getcol(name) for name in names]


def mean_flux_jy(group: MadeGroup) -> float:
    """5 Jy on the meridian at mid-time, dimmed while it drifts ±0.36° through the fixed beam."""
    ra, dec = meridian_centre(SITE, group.mjd, np.full(24, group.dec_apparent_rad))
    separation = erfa.seps(ra, dec, *group.centre_rad)
    return float(5 * airy_power(separation[:, None], group.freq_hz).mean())


def test_calibrated_data_are_the_sky_in_jansky_with_inverse_variance_weights(group: MadeGroup, tmp_path: Path) -> None:
    ms = group.write(tmp_path / "g.ms")
    status, event = calibrate(ms, tmp_path / "c.ms", [write_tables(tmp_path, "s1", MID_MJD, group.gains, ms)])
    assert status == 0, event
    data, flags, weight, a1, a2 = columns(tmp_path / "c.ms", "DATA", "FLAG", "WEIGHT_SPECTRUM", "ANTENNA1", "ANTENNA2")
    assert data.shape == (24 * 276, 96, 2)
    assert np.all(a1 != a2)
    mean = np.average(np.real(data[~flags]), weights=weight[~flags])
    # The noise of the mean is 0.7 mJy, and weights that differ by channel move the mean of the beam by less than 0.1 %.
    assert mean == pytest.approx(mean_flux_jy(group), rel=1e-3)
    raw_weight = 2 * 1953125.0 * INTEGRATION_S
    gains = np.moveaxis(np.abs(group.gains), 1, 2)[[MINI_STATIONS.index(station) for station in (a1[7] + 1, a2[7] + 1)]]
    assert np.allclose(weight[7], raw_weight * (gains[0] * gains[1]) ** 2, rtol=1e-5)
    with table(f"{tmp_path / 'c.ms'}::POINTING", ack=False) as pointing:
        assert pointing.nrows() == 24 * 24


def test_an_antenna_without_solutions_leaves_flagged_and_empty(group: MadeGroup, tmp_path: Path) -> None:
    ms = group.write(tmp_path / "g.ms")
    solved = write_tables(tmp_path, "s1", MID_MJD, group.gains, ms, without=(2,))
    status, event = calibrate(ms, tmp_path / "c.ms", [solved])
    assert status == 0
    assert event["result"]["antennas_without_solutions"] == ["DSA-009"]
    data, flags, a1, a2 = columns(tmp_path / "c.ms", "DATA", "FLAG", "ANTENNA1", "ANTENNA2")
    touched = (a1 == 8) | (a2 == 8)
    assert flags[touched].all()
    assert np.all(data[touched] == 0)
    assert not flags[~touched].any()


def test_a_flagged_channel_of_the_table_is_never_bridged(group: MadeGroup, tmp_path: Path) -> None:
    ms = group.write(tmp_path / "g.ms")
    flags = np.zeros(group.gains.shape, bool)
    flags[4, 0, 50] = True
    assert calibrate(ms, tmp_path / "c.ms", [write_tables(tmp_path, "s1", MID_MJD, group.gains, ms, flags=flags)])[0] == 0
    out, a1, a2 = columns(tmp_path / "c.ms", "FLAG", "ANTENNA1", "ANTENNA2")
    index = MINI_STATIONS[4] - 1
    touched = (a1 == index) | (a2 == index)
    assert out[touched, 50, 0].all()
    assert out.sum() == touched.sum()


def test_two_sets_are_mixed_linearly_in_time_and_phase_takes_the_shorter_way(group: MadeGroup, tmp_path: Path) -> None:
    ms = group.write(tmp_path / "g.ms")
    turn = np.exp(1j * np.radians(3.0))
    sets = [
        write_tables(tmp_path, "before", MID_MJD - 0.25, group.gains / turn * 0.9, ms),
        write_tables(tmp_path, "after", MID_MJD + 0.25, group.gains * turn * 1.1, ms),
    ]
    status, event = calibrate(ms, tmp_path / "c.ms", sets[::-1])
    assert status == 0
    assert [(used["id"], round(used["weight"], 6)) for used in event["result"]["sets_used"]] == [("before", 0.5), ("after", 0.5)]
    one = calibrate(ms, tmp_path / "one.ms", [write_tables(tmp_path, "true", MID_MJD, group.gains, ms)])
    assert one[0] == 0
    (mixed,), (exact,) = columns(tmp_path / "c.ms", "DATA"), columns(tmp_path / "one.ms", "DATA")
    # At mid-time the two sets give the true gains; 2.5 min away they differ by 0.3 % of a fifth: 0.2 % of the visibility.
    assert np.abs(mixed / exact - 1).max() < 2e-3


def test_averaging_channels_keeps_the_flux_and_narrows_the_window(group: MadeGroup, tmp_path: Path) -> None:
    ms = group.write(tmp_path / "g.ms")
    status, event = calibrate(ms, tmp_path / "c.ms", [write_tables(tmp_path, "s1", MID_MJD, group.gains, ms)], average=4)
    assert (status, event["result"]["channels"]) == (0, 24)
    data, weight = columns(tmp_path / "c.ms", "DATA", "WEIGHT_SPECTRUM")
    assert np.average(np.real(data), weights=weight) == pytest.approx(mean_flux_jy(group), rel=1e-3)
    with table(f"{tmp_path / 'c.ms'}::SPECTRAL_WINDOW", ack=False) as window:
        assert np.allclose(window.getcell("CHAN_FREQ", 0), group.freq_hz.reshape(24, 4).mean(axis=1))
        assert window.getcell("CHAN_WIDTH", 0)[0] == pytest.approx(4 * 1953125.0)


def test_the_channels_of_a_converted_group_are_averaged_although_its_window_has_a_fixed_shape(small_set: ConcatResult, tmp_path: Path) -> None:
    converted = describe(small_set.ms)
    stations = tuple(int(index) + 1 for index in np.flatnonzero(converted.antenna_present))
    gains = np.full((len(stations), 2, converted.shape.channels), 0.07 + 0j)
    solved = write_tables(tmp_path, "s1", converted.mid_mjd, gains, Path(small_set.ms), stations=stations)
    status, event = calibrate(Path(small_set.ms), tmp_path / "c.ms", [solved], average=4)
    assert status == 0, event
    averaged = describe(tmp_path / "c.ms")
    assert np.allclose(averaged.frequencies_hz, converted.frequencies_hz.reshape(-1, 4).mean(axis=1))
    assert averaged.channel_width_hz == pytest.approx(4 * converted.channel_width_hz)
    with table(f"{tmp_path / 'c.ms'}::SPECTRAL_WINDOW", ack=False) as window:
        assert window.getcolkeyword("CHAN_FREQ", "MEASINFO")["VarRefCol"] == "MEAS_FREQ_REF"


def test_it_refuses_what_would_not_be_calibrated(group: MadeGroup, tmp_path: Path) -> None:
    ms, target = group.write(tmp_path / "g.ms"), tmp_path / "c.ms"
    status, event = calibrate(ms, target, [])
    assert (status, event["type"]) == (1, "NoCalibration")
    solved = write_tables(tmp_path, "s1", MID_MJD, group.gains, ms)
    status, event = calibrate(ms, target, [{**solved, "tables": solved["tables"][:1]}])
    assert (status, event["type"], event["code"]) == (1, "NoCalibration", "IncompleteSet")
    with table(str(solved["tables"][0]["path"]), readonly=False, ack=False) as bandpass:
        window = bandpass.getcol("SPECTRAL_WINDOW_ID")
        bandpass.putcol("SPECTRAL_WINDOW_ID", np.arange(window.size) % 2)
        status, event = calibrate(ms, target, [solved])
        assert (status, event["type"], event["code"]) == (1, "BadInput", "SeveralWindows")
        bandpass.putcol("SPECTRAL_WINDOW_ID", window)
    with table(f"{solved['tables'][0]['path']}::ANTENNA", readonly=False, ack=False) as antennas:
        antennas.putcell("NAME", 5, "elsewhere")
    status, event = calibrate(ms, target, [solved])
    assert (status, event["type"], event["code"]) == (1, "BadInput", "AntennaMismatch")
    status, event = calibrate(ms, target, [write_tables(tmp_path, "other", MID_MJD, group.gains, ms, dec_deg=30.0)])
    assert (status, event["type"], event["code"]) == (1, "BadInput", "OtherDeclination")
    assert not target.exists()


def test_a_second_attempt_replaces_the_first_but_nothing_else(group: MadeGroup, tmp_path: Path) -> None:
    ms = group.write(tmp_path / "g.ms")
    solved = write_tables(tmp_path, "s1", MID_MJD, group.gains, ms)
    assert calibrate(ms, tmp_path / "c.ms", [solved])[0] == 0
    started = time.perf_counter()
    assert calibrate(ms, tmp_path / "c.ms", [solved])[0] == 0
    assert time.perf_counter() - started < 6  # a mini group; 4 s on an idle machine
    status, event = calibrate(ms, ms, [solved])
    assert (status, event["code"]) == (1, "TargetExists")


def applied_by_casa(ms: Path, tables: list[dict[str, Any]], interpolation: str, work: Path) -> tuple[np.ndarray, np.ndarray]:
    """Corrected data and flags of the cross-correlations."""
    plan = {"ms": str(ms), "tables": [str(entry["path"]) for entry in tables], "interp": interpolation}
    run_casa("casa_applycal", plan, work / "casa", 2)
    data, flags, a1, a2 = columns(ms, "CORRECTED_DATA", "FLAG", "ANTENNA1", "ANTENNA2")
    return data[a1 != a2], flags[a1 != a2]


@pytest.fixture
def casa_finds_our_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(SCIENCE), str(SCIENCE / "tests")]))


@pytest.mark.usefixtures("casa_finds_our_programs")
def test_it_equals_casa_applycal_on_the_same_tables(group: MadeGroup, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    flags = random.random(group.gains.shape) < 0.02  # alone, in pairs, at the edges of the band
    flags[4, 0, 50:53] = True
    flags[5, 1, :7] = True
    flags[6, 1] = True
    ms = group.write(tmp_path / "g.ms", random.random(group.data.shape) < 0.01)
    solved = write_tables(tmp_path, "s1", MID_MJD, group.gains, ms, flags=flags, without=(2,))
    assert calibrate(ms, tmp_path / "c.ms", [solved])[0] == 0
    ours, our_flags = columns(tmp_path / "c.ms", "DATA", "FLAG")
    theirs, their_flags = applied_by_casa(ms, solved["tables"], "nearest,linearflag", tmp_path)
    assert np.array_equal(our_flags, their_flags)
    good = ~our_flags
    assert (np.abs(ours - theirs)[good] / np.abs(theirs)[good]).max() < 1e-5


@pytest.mark.usefixtures("casa_finds_our_programs")
def test_between_two_sets_it_equals_casa_interpolating_linearly_in_time(group: MadeGroup, tmp_path: Path) -> None:
    ms = group.write(tmp_path / "g.ms")
    turn = np.exp(1j * np.radians(np.random.default_rng(4).normal(0, 8, group.gains.shape[:2])))[..., None]
    hour = 1 / 24
    before = write_tables(tmp_path, "before", MID_MJD - 0.2 * hour, group.gains, ms)
    after = write_tables(tmp_path, "after", MID_MJD + 0.8 * hour, group.gains * turn * 1.05, ms)
    status, event = calibrate(ms, tmp_path / "c.ms", [before, after])
    assert status == 0, event
    (ours,) = columns(tmp_path / "c.ms", "DATA")
    # CASA interpolates within one table: the second interval goes under the first.
    with (
        table(str(before["tables"][0]["path"]), readonly=False, ack=False) as first,
        table(str(after["tables"][0]["path"]), ack=False) as second,
    ):
        start = first.nrows()
        first.addrows(second.nrows())
        for name in first.colnames():
            first.putcol(name, second.getcol(name), start, second.nrows())
    theirs, _ = applied_by_casa(ms, before["tables"], "linear,linearflag", tmp_path)
    assert (np.abs(ours - theirs) / np.abs(theirs)).max() < 1e-5
