"""Step `flag` on made mini groups with interference of known place and strength."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from casacore.tables import table
from injected_interference import inject_coherent, inject_local, read_group
from made_group import MINI_STATIONS, MadeGroup, SkySource, right_ascension_at_transit_deg
from step_process import run_step_process

from contimg_science.flag import FlagRequest
from contimg_science.flag import flag as run_flag

pytestmark = pytest.mark.slow

MID_MJD, DEC_RAD = 60951.49, np.radians(54.57)
PARAMETERS = {"mad_sigma": 7, "dead_antenna_fraction": 0.95, "aoflagger": True, "aoflagger_threshold": 1.2}


@pytest.fixture
def group() -> MadeGroup:
    ra, dec = right_ascension_at_transit_deg(MID_MJD, DEC_RAD)
    sources = [SkySource(ra + 0.3, dec + 0.2, np.full(96, 1.0)), SkySource(ra - 0.7, dec - 0.4, np.full(96, 0.4))]
    return MadeGroup(MID_MJD, DEC_RAD, sources, seed=11)


def flag(ms: Path, work: Path, published: Path | None = None, **changed: float) -> tuple[dict, np.ndarray]:
    request = FlagRequest.model_validate(
        {
            **{
                "schema_version": 1,
                "step": "flag",
                "group_id": "2025-10-03T11:43:00",
                "attempt_id": "1",
                "requested_at": "2025-10-03T12:00:00Z",
            },
            **{"work_dir": work, "threads": 2, "inputs": {"ms": ms, "published_ms": published}},
            **{"parameters": PARAMETERS | changed, "outputs": {"statistics": work / "flags.json"}},
        }
    )
    return run_flag(request).model_dump(), flags_of(ms)


def flags_of(ms: Path) -> np.ndarray:
    with table(str(ms), ack=False) as main:
        flags = main.getcol("FLAG")
        assert np.array_equal(main.getcol("FLAG_ROW"), flags.all(axis=(1, 2)))
    return flags.reshape(24, 300, 96, 2)


def noise_amplitude(group: MadeGroup) -> float:
    """Standard deviation of one visibility's real or imaginary part in raw units, for an antenna pair of median gain."""
    return group.noise_jy * float(np.median(np.abs(group.gains))) ** 2


def test_clean_data_lose_less_than_one_and_a_half_per_cent(group: MadeGroup, tmp_path: Path) -> None:
    result, flags = flag(group.write(tmp_path / "clean.ms"), tmp_path)
    cross = group.first != group.second
    assert flags[:, ~cross].all()
    assert flags[:, cross].mean() < 0.015
    assert result["flagged_fraction"] == pytest.approx(flags[:, cross].mean())
    assert result["searched_fraction"] < 0.1  # nothing stands out on clean baselines, and AOFlagger is spared them


def test_flags_of_a_bright_calibrator_drifting_through_the_beam_are_as_few(tmp_path: Path) -> None:
    ra, dec = right_ascension_at_transit_deg(MID_MJD, DEC_RAD)
    bright = MadeGroup(MID_MJD, DEC_RAD, [SkySource(ra, dec + 0.5, np.full(96, 20.0))], seed=12)
    _, flags = flag(bright.write(tmp_path / "bright.ms"), tmp_path)
    assert flags[:, bright.first != bright.second].mean() < 0.015


@pytest.mark.parametrize("channels", [4, 0])
def test_a_second_run_gives_the_same_flags_and_keeps_those_of_the_conversion(group: MadeGroup, tmp_path: Path, channels: int) -> None:
    converted = np.zeros(group.data.shape, bool)
    converted[3, 7, 10 : 10 + channels] = True  # flagged by the correlator although the samples look good
    ms = group.write(tmp_path / "g.ms", converted)
    first, flags = flag(ms, tmp_path)
    second, again = flag(ms, tmp_path)
    assert np.array_equal(flags, again)
    assert first["flag_digest"] == second["flag_digest"]
    assert first["flagged_by_reason"] == second["flagged_by_reason"]
    assert first["flagged_by_reason"]["conversion"] == 2 * channels
    assert flags[3, 7, 10 : 10 + channels].all()


def test_the_published_copy_gets_the_same_flags(group: MadeGroup, tmp_path: Path) -> None:
    ms, published = group.write(tmp_path / "g.ms"), group.write(tmp_path / "published.ms")
    flag(ms, tmp_path, published)
    assert np.array_equal(flags_of(ms), flags_of(published))


def test_weak_interference_seen_by_the_whole_array_is_found(group: MadeGroup, tmp_path: Path) -> None:
    """Two standard deviations of one visibility: invisible on a single baseline, in every baseline at once."""
    rng = np.random.default_rng(5)
    cells = np.zeros((24, 96), bool)
    cells[9, 20:70] = True  # a burst
    cells[:, 33] = True  # a carrier that stays
    cells[np.arange(24), 70 + np.arange(24)] = True  # a sweep
    phase = np.exp(2j * np.pi * rng.random(group.data.shape))
    cross = group.first != group.second
    strength = 2.0 * group.noise_jy * np.abs(np.moveaxis(group.gains[group.first] * np.conj(group.gains[group.second]), 1, 2))
    group.data += np.where(cells[:, None, :, None] & cross[None, :, None, None], strength[None] * phase, 0).astype(np.complex64)
    _, flags = flag(group.write(tmp_path / "rfi.ms"), tmp_path)
    found = flags[:, cross].mean(axis=(1, 3))
    assert found[cells].mean() >= 0.99
    assert found[~cells].mean() < 0.015


def test_weak_interference_of_the_array_is_found_among_strong_one_of_single_baselines(group: MadeGroup, tmp_path: Path) -> None:
    ms = group.write(tmp_path / "both.ms")
    raw = read_group(ms)
    cells = inject_coherent(raw, 2.0, seed=8)
    inject_local(raw, 10, 60, boxes=400, seed=9)
    raw.write()
    _, flags = flag(ms, tmp_path)
    assert flags[:, raw.cross].mean(axis=(1, 3))[cells].mean() >= 0.99


def test_strong_interference_on_one_baseline_is_found(group: MadeGroup, tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    injected = np.zeros(group.data.shape, bool)
    cross = np.flatnonzero(group.first != group.second)
    for baseline in rng.choice(cross, 40, replace=False):
        injected[rng.integers(24), baseline, rng.integers(90) : rng.integers(90, 96)] = True
    group.data[injected] += 12 * noise_amplitude(group) * np.exp(2j * np.pi * rng.random(injected.sum()))
    _, flags = flag(group.write(tmp_path / "local.ms"), tmp_path)
    assert flags[injected].mean() >= 0.95


def test_a_lower_threshold_finds_more_of_patchy_interference_over_a_calibrator(tmp_path: Path) -> None:
    """What its second try is flagged with: three times as much found, for a twentieth of the clean samples."""
    ra, dec = right_ascension_at_transit_deg(MID_MJD, DEC_RAD)
    group = MadeGroup(MID_MJD, DEC_RAD, [SkySource(ra, dec + 0.2, np.full(96, 15.0))], seed=6)
    rng = np.random.default_rng(7)
    cross = np.flatnonzero(group.first != group.second)
    patch = np.zeros(group.data.shape, bool)
    patch[np.ix_(rng.choice(24, 12, replace=False), rng.choice(cross, 30, replace=False), range(20, 33))] = True
    strength = 3 * noise_amplitude(group) * np.abs(rng.standard_normal(patch.sum()))
    group.data[patch] += strength * np.exp(2j * np.pi * rng.random(patch.sum()))
    ms = group.write(tmp_path / "patchy.ms")
    (_, usual), (_, sensitive) = flag(ms, tmp_path), flag(ms, tmp_path, aoflagger_threshold=0.9)
    assert sensitive[patch].mean() > 2 * usual[patch].mean() > 0
    assert sensitive[:, cross][~patch[:, cross]].mean() < 0.06


def test_dead_antennas_and_receptors_are_named(tmp_path: Path) -> None:
    ra, dec = right_ascension_at_transit_deg(MID_MJD, DEC_RAD)
    group = MadeGroup(MID_MJD, DEC_RAD, [SkySource(ra, dec, np.full(96, 1.0))], seed=13, dead=((3, 0), (3, 1), (7, 1)))
    result, _ = flag(group.write(tmp_path / "dead.ms"), tmp_path)
    assert result["dead_antennas"] == ["DSA-014"]
    assert result["dead_receptors"] == ["DSA-014/X", "DSA-014/Y", "DSA-040/Y"]
    report = json.loads((tmp_path / "flags.json").read_text())
    assert report["flagged_fraction_by_receptor"]["DSA-040/Y"] == 1.0
    assert report["flagged_fraction_by_receptor"]["DSA-040/X"] < 0.2


def test_every_reason_is_counted_once_and_statistics_are_those_of_the_column(tmp_path: Path) -> None:
    ra, dec = right_ascension_at_transit_deg(MID_MJD, DEC_RAD)
    group = MadeGroup(MID_MJD, DEC_RAD, [SkySource(ra, dec, np.full(96, 1.0))], seed=14, dead=((7, 1),))
    cross = np.flatnonzero(group.first != group.second)
    one, other, third, fourth = (b for b in cross[10:80:20] if 7 not in (group.first[b], group.second[b]))
    converted = np.zeros(group.data.shape, bool)
    converted[3, one, 10:14] = True
    group.data[2, other, 5:9, 0] = 0
    group.data[4, third, 11, 1] = np.nan
    group.data[6, fourth, 50, 0] *= 1e5
    alive = (group.first != group.second)[None, :, None] & (group.data[:, :, 0] != 0)
    carrier = 4 * noise_amplitude(group) * np.exp(2j * np.pi * np.random.default_rng(2).random(alive.shape))
    group.data[:, :, 33] += np.where(alive, carrier, 0).astype(np.complex64)
    result, flags = flag(group.write(tmp_path / "g.ms", converted), tmp_path)

    counts = result["flagged_by_reason"]
    exact = {"conversion": 8, "zero": 4 + 24 * 96 * 24, "non_finite": 1, "absurd_amplitude": 1, "auto": 24 * 24 * 96 * 2 - 24 * 96}
    assert {reason: counts[reason] for reason in exact} == exact
    assert counts["array_persistent"] == 24 * (2 * 276 - 23)
    assert sum(counts.values()) == flags.sum()

    report = json.loads((tmp_path / "flags.json").read_text())
    assert report["flagged_samples_by_reason"] == counts
    seen = flags[:, cross]
    for antenna, station in enumerate(MINI_STATIONS):
        mine = (group.first[cross] == antenna) | (group.second[cross] == antenna)
        for product, letter in enumerate("XY"):
            stated = report["flagged_fraction_by_receptor"][f"DSA-{station:03d}/{letter}"]
            assert stated == pytest.approx(seen[:, mine, :, product].mean(), abs=1e-6)
    channels = [[entry["XX"], entry["YY"]] for entry in report["flagged_fraction_by_channel"]]
    assert np.allclose(channels, seen.mean(axis=(0, 1)), atol=1e-6)
    assert np.allclose(report["flagged_fraction_by_time"], seen.mean(axis=(1, 2, 3)), atol=1e-6)


def test_a_missing_subband_kills_no_antenna(group: MadeGroup, tmp_path: Path) -> None:
    group.data[:, :, 12:18] = 0
    result, flags = flag(group.write(tmp_path / "gap.ms"), tmp_path)
    cross = group.first != group.second
    assert result["dead_antennas"] == []
    assert flags[:, :, 12:18].all()
    assert flags[:, cross][:, :, 18:].mean() < 0.015


def test_a_mini_group_takes_less_than_three_seconds_of_processor(group: MadeGroup, tmp_path: Path) -> None:
    request = {
        "inputs": {"ms": group.write(tmp_path / "g.ms"), "published_ms": None},
        "parameters": PARAMETERS,
        "outputs": {"statistics": tmp_path / "s.json"},
    }
    run_step_process("flag", request, tmp_path)  # compiles and caches the kernel, which set-up does once
    status, events = run_step_process("flag", request, tmp_path)
    assert status == 0
    assert events[-1]["resources"]["cpu_s"] < 3  # 1 s on an idle machine


def test_a_path_that_is_no_measurement_set_is_refused(tmp_path: Path) -> None:
    request = {
        "inputs": {"ms": tmp_path / "no.ms", "published_ms": None},
        "parameters": PARAMETERS,
        "outputs": {"statistics": tmp_path / "s.json"},
    }
    status, events = run_step_process("flag", request, tmp_path)
    assert (status, events[-1]["type"], events[-1]["code"]) == (1, "BadInput", "NoMeasurementSet")
