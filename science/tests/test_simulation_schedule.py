"""Starts, names and skies of simulated nights."""

import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simulated import NIGHT, START, run, tiny_request

from contimg_science.calibrators import find_calibrator
from contimg_science.meridian import apparent_place, hour_angle_rad
from contimg_science.protocol import StepFailure
from contimg_science.simulation.array_layout import header_site
from contimg_science.simulation.options import LightCurve, Parameters
from contimg_science.simulation.schedule import GROUP_S, STEP_S, PlannedGroup, name_times, plan_groups, utc_of_jd
from contimg_science.simulation.sky import brightness, make_sky

SITE = header_site()


def parameters(**changes: Any) -> Parameters:
    return Parameters.model_validate(NIGHT["parameters"] | changes)


def night() -> list[PlannedGroup]:
    return plan_groups(parameters(), SITE)


def test_a_night_is_a_transit_and_its_science_groups_once_a_day() -> None:
    assert [(group.day, group.calibrator) for group in night()] == [
        (0, "3C147"), (0, None), (0, None), (0, None), (1, "3C147"), (1, None), (1, None), (1, None),
    ]  # fmt: skip


def test_the_calibrator_crosses_the_meridian_at_the_middle_of_its_group() -> None:
    place = find_calibrator("3C147")
    for group in night():
        if group.calibrator:
            ra, _ = apparent_place(SITE, group.mid_mjd, np.radians(place.ra_deg), np.radians(place.dec_deg))
            seconds = np.degrees(float(hour_angle_rad(SITE, group.mid_mjd, ra))) * 240
            # The first day to a millisecond, later days to half an integration.
            assert abs(seconds) < (0.001 if group.day == 0 else STEP_S / 2 + 0.01)


def test_days_follow_each_other_by_a_sidereal_day_in_whole_integrations() -> None:
    first, second = night()[1], night()[5]
    steps = (second.t0_jd - first.t0_jd) / (320256 * 2.0**-31)
    assert steps == round(steps) and abs(steps * STEP_S - 86164.09) < STEP_S / 2


def test_groups_of_a_day_start_one_cadence_apart() -> None:
    groups = night()
    for one, next_one in pairwise(groups[:4]):
        assert (next_one.t0_jd - one.t0_jd) * 86400 == pytest.approx(309.23767, abs=1e-4)
    skipped = plan_groups(parameters(schedule=NIGHT["parameters"]["schedule"] | {"skipped_groups": 5}), SITE)
    assert (skipped[1].t0_jd - skipped[0].t0_jd) * 86400 == pytest.approx(6 * GROUP_S, abs=1e-4)


def test_the_group_id_is_the_header_start_to_the_nearest_second() -> None:
    for start, expected in (("2025-10-02T00:05:18.400Z", "2025-10-02T00:05:18"), ("2025-10-02T23:59:59.600Z", "2025-10-03T00:00:00")):
        [group] = plan_groups(parameters(schedule={"kind": "run", "start_utc": start, "count": 1}), SITE)
        assert group.group_id == expected
        assert abs((utc_of_jd(group.t0_jd) - group.start).total_seconds() - 6.442451) < 1e-5


def test_names_spread_as_in_real_directories() -> None:
    groups = plan_groups(parameters(schedule={"kind": "run", "start_utc": START, "count": 400}), SITE)
    spreads = [round((max(times) - min(times)).total_seconds()) for times in (name_times(group, 7) for group in groups)]
    assert set(spreads) == {0, 1, 2}
    # 1,876 of 2,030 groups of a running correlator spread by one second; 400 draws scatter by 1.3 %.
    assert abs(spreads.count(1) / 400 - 1876 / 2030) < 0.05
    assert all(abs((time - group.start).total_seconds()) < 3 for group in groups for time in name_times(group, 7))


def test_a_restart_leaves_a_gap_and_a_first_group_of_scattered_names() -> None:
    groups = plan_groups(parameters(schedule={"kind": "run", "start_utc": START, "count": 6}, restart_gap=True), SITE)
    gaps = [(later.t0_jd - earlier.t0_jd) * 86400 for earlier, later in pairwise(groups)]
    assert 412 <= gaps[2] <= 608 and all(abs(gap - GROUP_S) < 1e-3 for gap in gaps[:2] + gaps[3:])
    times = name_times(groups[3], 7)
    assert 10 <= (max(times) - min(times)).total_seconds() <= 82


def test_listed_groups_that_overlap_are_refused() -> None:
    groups = [{"start_utc": "2025-10-02T00:00:00Z", "calibrator": None}, {"start_utc": "2025-10-02T00:04:00Z", "calibrator": None}]
    with pytest.raises(StepFailure, match="295 s"):
        plan_groups(parameters(schedule={"kind": "list", "groups": groups}), SITE)


def test_seeded_sources_lie_along_the_strip_apart_from_each_other_and_one_doubles() -> None:
    options = parameters()
    sources = make_sky(options.sources, night(), SITE, np.radians(50.5), 110)
    assert [source.name for source in sources] == ["FLARE-1", *(f"SIM-{n:03d}" for n in range(1, 13))]
    seeded = sources[1:]
    assert all(0.15 <= source.flux_jy <= 3 and abs(source.dec_deg - 50.5) < 1 for source in seeded)
    assert [source.light_curve.kind for source in seeded].count("double") == 1
    assert (seeded[0].flux_in_group_jy(3), seeded[0].flux_in_group_jy(4)) == (seeded[0].flux_jy, 2 * seeded[0].flux_jy)
    for one, other in combinations(sources, 2):
        east = (one.ra_deg - other.ra_deg) * np.cos(np.radians(50.5))
        assert np.hypot(east, one.dec_deg - other.dec_deg) * 60 > 2.9


def test_a_sky_without_room_is_refused() -> None:
    full = NIGHT["parameters"]["sources"] | {"count": 50, "separation_arcmin": 60.0}
    with pytest.raises(StepFailure, match="no room"):
        make_sky(parameters(sources=full).sources, night(), SITE, np.radians(50.5), 1)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("steady", [1, 1, 1, 1, 1, 1]),
        ("step", [1, 1, 3, 3, 3, 3]),
        ("double", [1, 1, 2, 2, 2, 2]),
        ("flare", [1, 1, 3, 1 + 2 * np.exp(-0.5), 1 + 2 * np.exp(-1), 1 + 2 * np.exp(-1.5)]),
    ],
)
def test_light_curves_have_their_shape(kind: str, expected: list[float]) -> None:
    curve = LightCurve.model_validate({"kind": kind, "group": 2, "factor": 3.0, "length": 2})
    assert [brightness(curve, group) for group in range(6)] == pytest.approx(expected)


def test_an_extreme_scattering_event_is_a_dip_between_shoulders() -> None:
    curve = LightCurve(kind="ese", group=2, factor=0.4, length=2)
    assert [brightness(curve, group) for group in range(6)] == pytest.approx([1, 1.3, 0.4, 0.4, 1.3, 1])


@pytest.mark.slow
def test_the_truth_gives_each_group_its_flux_and_the_calibrator_only_at_transit(tmp_path: Path) -> None:
    schedule = NIGHT["parameters"]["schedule"] | {"science_groups": 1}
    result, truth = run(tiny_request(tmp_path, schedule=schedule, sources=NIGHT["parameters"]["sources"] | {"explicit": []}))
    flux = [{source["name"]: source["flux_jy"] for source in group["sources"]} for group in truth["groups"]]
    assert [("3C147" in group) for group in flux] == [True, False, True, False]
    assert flux[2]["SIM-001"] == 2 * flux[1]["SIM-001"] and flux[0]["SIM-002"] == flux[3]["SIM-002"]
    rows = result.catalogue.read_text().splitlines()
    assert rows[0] == "name,ra_deg,dec_deg,flux_jy,spectral_index" and len(rows) == 13
    assert "3C147" not in result.catalogue.read_text() and json.loads(result.truth.read_text())["finished"]
