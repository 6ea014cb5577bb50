"""The phase correction from the field: what it must take off, and when it must leave the phases alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_group import MINI_STATIONS, MadeGroup, SkySource, right_ascension_at_transit_deg
from made_solutions import write_tables
from test_calibrate import DEC_RAD, MID_MJD, calibrate, columns

from contimg_science.calibrators import Calibrator, power_law

pytestmark = pytest.mark.slow

CENTRE_RA, CENTRE_DEC = right_ascension_at_transit_deg(MID_MJD, DEC_RAD)
# (name, offsets in degrees of right ascension and declination, flux, spectral index)
PLACES = [("A", -0.6, 0.2, 1.2, -0.8), ("B", 0.9, -0.5, 0.7, -0.5), ("C", 0.2, 0.6, 0.5, None), ("D", -1.2, -0.4, 0.9, -1.0)]
FIELD = [power_law(name, CENTRE_RA + east, CENTRE_DEC + north, flux, index) for name, east, north, flux, index in PLACES]
DRIFT_DEG = 4.0


def observed(sky: Sequence[Calibrator]) -> MadeGroup:
    empty = MadeGroup(MID_MJD, DEC_RAD, [], seed=41)
    return MadeGroup(MID_MJD, DEC_RAD, [SkySource(s.ra_deg, s.dec_deg, s.flux_jy(empty.freq_hz)) for s in sky], seed=41)


def calibrated(made: MadeGroup, work: Path, catalogue: Sequence[Calibrator], drift_deg: float = DRIFT_DEG) -> tuple[dict[str, Any], np.ndarray]:
    """What calibrate says of the field, and the phase error (deg) of each receptor that is left after a drift."""
    ms = made.write(work / "g.ms")
    drift = np.radians(drift_deg) * np.random.default_rng(5).standard_normal((len(MINI_STATIONS), 2, 1))
    drifted = write_tables(work, "drifted", MID_MJD - 0.1, made.gains * np.exp(-1j * drift), ms)
    true = write_tables(work, "true", MID_MJD - 0.1, made.gains, ms)
    status, event = calibrate(ms, work / "c.ms", [drifted], field=catalogue)
    assert status == 0, event
    assert calibrate(ms, work / "t.ms", [true])[0] == 0
    ours, first, second = columns(work / "c.ms", "DATA", "ANTENNA1", "ANTENNA2")
    (right,) = columns(work / "t.ms", "DATA")
    turn = np.angle((ours * np.conj(right)).sum(axis=1))[: made.first.size]  # (baseline, product); the same at all times
    phase = np.zeros((117, 2))
    for product in range(2):
        rows = np.zeros((turn.shape[0], 117))
        rows[np.arange(turn.shape[0]), first[: turn.shape[0]]] = 1
        rows[np.arange(turn.shape[0]), second[: turn.shape[0]]] = -1
        phase[:, product] = np.linalg.lstsq(rows, turn[:, product], rcond=None)[0]
    return event["result"]["field_phase"], np.degrees(phase[np.array(MINI_STATIONS) - 1])


def test_a_drift_of_phases_since_the_transit_is_taken_off(tmp_path: Path) -> None:
    report, left_deg = calibrated(observed(FIELD), tmp_path, FIELD)
    assert report["kept"]
    assert report["sources"] == 5  # and a built-in calibrator, far out
    assert report["rms_deg"] == pytest.approx(DRIFT_DEG, rel=0.35)  # 48 receptors drawn from 4 degrees rms
    # Thermal: 8 integrations of 96 channels against 23 others give 0.4 degrees on 2 Jy.
    assert left_deg.std() < 0.8
    assert report["error_deg"] < 0.8


def test_a_catalogue_source_that_is_not_there_does_no_harm(tmp_path: Path) -> None:
    gone = power_law("GONE", CENTRE_RA + 0.4, CENTRE_DEC - 0.3, 3.0, -0.7)
    report, left_deg = calibrated(observed(FIELD), tmp_path, [gone, *FIELD])
    assert report["kept"]
    assert left_deg.std() < 0.8


def test_a_field_too_faint_to_tell_leaves_the_phases_as_they_were(tmp_path: Path) -> None:
    faint = [power_law(s.name, s.ra_deg, s.dec_deg, float(s.flux_jy(1.4e9)) / 1000, -0.7) for s in FIELD]
    report, left_deg = calibrated(observed(faint), tmp_path, faint)
    assert not report["kept"]
    assert left_deg.std() == pytest.approx(DRIFT_DEG, rel=0.35)
    assert report["error_deg"] > DRIFT_DEG


def test_a_field_that_is_mostly_unknown_leaves_the_phases_as_they_were(tmp_path: Path) -> None:
    small_deg = 0.5
    report, left_deg = calibrated(observed(FIELD), tmp_path, FIELD[2:3], small_deg)
    assert report["rms_deg"] > 4 * small_deg  # what the unknown sources pull
    assert not report["kept"]
    assert left_deg.std() == pytest.approx(small_deg, rel=0.35)


def test_every_source_of_a_crowded_field_is_in_the_model(tmp_path: Path) -> None:
    """Forty sources of like flux: with the brightest twelve alone phases are off by more than they drift."""
    random = np.random.default_rng(7)
    places = zip(random.uniform(-1.2, 1.2, 40), random.uniform(-1.2, 1.2, 40), random.uniform(0.3, 0.4, 40), strict=True)
    crowd = [power_law(f"S{at}", CENTRE_RA + east, CENTRE_DEC + north, flux, -0.7) for at, (east, north, flux) in enumerate(places)]
    report, left_deg = calibrated(observed(crowd), tmp_path, crowd, 1.0)
    assert report["sources"] == 41  # and a built-in calibrator, far out
    assert report["kept"]
    # Thermal, as above on 2 Jy: 6 integrations instead of 8.
    assert left_deg.std() < 0.8
