"""Step `solve` on transits that are not what they are said to be: each is refused by the gate that names what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_group import MINI_STATIONS, SPEED_OF_LIGHT_M_S, MadeGroup, SkySource
from made_solutions import write_tables
from test_solve import FIELD, solve, transit

pytestmark = pytest.mark.slow


@pytest.fixture
def made() -> MadeGroup:
    return transit(offset_deg=0.2, minutes_late=0, seed=26, field=FIELD)


def refused(made: MadeGroup, work: Path, flags: np.ndarray | None = None, **asked: Any) -> list[str]:
    """Why the set of this transit may not be used."""
    status, event = solve(made.write(work / "cal.ms", flags), work, **asked)
    assert status == 0, event
    assert event["result"]["passed"] == (event["result"]["reasons"] == [])
    return event["result"]["reasons"]


def hear_only_noise(made: MadeGroup, stations: Sequence[int]) -> None:
    """The stations deliver noise of the usual power and none of the sky."""
    deaf = np.isin(np.array(MINI_STATIONS), stations)
    touched = deaf[made.first] | deaf[made.second]
    random = np.random.default_rng(made.seed)
    noise = made.noise_jy * (random.standard_normal(made.data.shape) + 1j * random.standard_normal(made.data.shape))
    response = np.moveaxis(made.gains[made.first] * np.conj(made.gains[made.second]), 1, 2)
    made.data[:, touched] = (response * noise)[:, touched]


def test_a_calibrator_half_as_bright_as_its_model_shows_in_the_gain_scale_and_in_the_field(tmp_path: Path) -> None:
    right = transit(offset_deg=0.2, minutes_late=0, seed=26)
    calibrator = right.sources[0]
    field = [SkySource(source.ra_deg, source.dec_deg, source.flux_jy(right.freq_hz)) for source in FIELD]
    dimmed = SkySource(calibrator.ra_deg, calibrator.dec_deg, calibrator.flux_jy / 2)
    made = MadeGroup(right.mid_mjd, right.dec_apparent_rad, [dimmed, *field], seed=26)
    bandpass, gain = write_tables(tmp_path, "7", right.mid_mjd - 1, right.gains, right.write(tmp_path / "yesterday.ms"))["tables"]
    yesterday = {"id": "7", "bandpass": bandpass["path"], "gain": gain["path"]}
    scale, factor = refused(made, tmp_path, catalogue=FIELD, previous=yesterday)
    assert "gain scale since set 7" in scale
    assert "4 catalogue sources and the calibrator's: 1.9" in factor


def test_one_source_that_doubled_since_the_catalogue_is_no_reason_against_the_calibrator(made: MadeGroup, tmp_path: Path) -> None:
    calibrator, brightest, *others = made.sources
    doubled = SkySource(brightest.ra_deg, brightest.dec_deg, brightest.flux_jy * 2)
    changed = MadeGroup(made.mid_mjd, made.dec_apparent_rad, [calibrator, doubled, *others], seed=26)
    assert refused(changed, tmp_path, catalogue=FIELD) == []


def test_half_a_band_is_no_calibration(made: MadeGroup, tmp_path: Path) -> None:
    flags = np.zeros(made.data.shape, bool)
    flags[:, :, :48] = True
    [reason] = refused(made, tmp_path, flags, catalogue=FIELD)
    assert "fraction of the band with solutions: 0.5" in reason


def test_a_reference_antenna_that_hears_only_noise_is_passed_over_and_a_list_of_such_is_refused(made: MadeGroup, tmp_path: Path) -> None:
    hear_only_noise(made, [104])
    status, event = solve(made.write(tmp_path / "cal.ms"), tmp_path / "others", catalogue=FIELD)
    assert status == 0, event
    assert event["result"]["reference_antenna"] == "DSA-106"
    assert event["result"]["passed"], event["result"]["reasons"]
    status, event = solve(tmp_path / "cal.ms", tmp_path / "alone", refant_order=["DSA-104", "DSA-105"])
    assert (status, event["code"]) == (1, "NoReferenceAntenna")


def under_other_names(made: MadeGroup, names: Sequence[int]) -> None:
    """Position i delivers the data of position names[i], as concat would write them: turned to the phase centre of the wrong baseline."""
    row = {pair: index for index, pair in enumerate(zip(made.first.tolist(), made.second.tolist(), strict=True))}
    wavenumber = 2 * np.pi * made.freq_hz / SPEED_OF_LIGHT_M_S
    middle = made.times // 2
    data = np.empty_like(made.data)
    for (one, other), index in row.items():
        pair = names[one], names[other]
        swapped = pair not in row
        source = row[pair[::-1]] if swapped else row[pair]
        w_m = (-1 if swapped else 1) * made.uvw[:, source, 2] - made.uvw[:, index, 2]
        turned = np.exp(1j * (w_m - w_m[middle])[:, None] * wavenumber)
        data[:, index] = (np.conj(made.data[:, source]) if swapped else made.data[:, source]) * turned[..., None]
    made.data = data


def test_antennas_under_each_others_names_are_refused(made: MadeGroup, tmp_path: Path) -> None:
    under_other_names(made, np.random.default_rng(1).permutation(len(MINI_STATIONS)).tolist())
    status, event = solve(made.write(tmp_path / "cal.ms"), tmp_path, catalogue=FIELD)
    assert (status, event["type"], event["code"]) == (1, "QualityRejected", "AntennasMisplaced")
    assert "DSA-033" in event["message"]


def test_a_group_in_which_nothing_can_be_solved_is_rejected_like_a_poor_set(made: MadeGroup, tmp_path: Path) -> None:
    status, event = solve(made.write(tmp_path / "cal.ms"), tmp_path, catalogue=FIELD, min_phase_snr=100_000)
    assert (status, event["type"], event["code"]) == (1, "QualityRejected", "CalibrationGate")
    assert "nothing could be solved" in event["message"]


def test_two_exchanged_antennas_are_named_and_left_out_and_the_others_are_solved(made: MadeGroup, tmp_path: Path) -> None:
    names = list(range(len(MINI_STATIONS)))
    names[4], names[6] = 6, 4
    under_other_names(made, names)
    status, event = solve(made.write(tmp_path / "cal.ms"), tmp_path, catalogue=FIELD)
    assert status == 0, event
    result = event["result"]
    assert result["qa"]["misplaced_antennas"] == ["DSA-019", "DSA-033"]
    assert result["warnings"][0] == "DSA-019 and DSA-033 look exchanged"
    assert result["passed"], result["reasons"]
    assert result["qa"]["antennas_solved"] == 22
    for antenna in ("DSA-019", "DSA-033"):
        assert {f"{antenna}/X", f"{antenna}/Y"} <= set(result["qa"]["dead_receptors"])
