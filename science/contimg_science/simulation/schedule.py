"""When the simulated correlator starts its groups, and how it names their files.

A label is a Julian date in a double, whose steps of 2⁻³¹ day are the real correlator's: 320,256 of them make one
integration, so times built here by addition are exact. File names follow each node's own clock, so they scatter.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np

from contimg_science.calibrators import find_calibrator
from contimg_science.channels import SUBBANDS
from contimg_science.meridian import JD_OF_MJD_ZERO, Site, apparent_place, lst_rad
from contimg_science.protocol import StepFailure
from contimg_science.simulation.options import ListSchedule, NightSchedule, Parameters, RunSchedule

STEP_DAYS = 320256 * 2.0**-31
STEP_S = STEP_DAYS * 86400
GROUP_STEPS = 24
GROUP_S = GROUP_STEPS * STEP_S
INTEGRATION_S = float(np.float32(96 * 0.134217728))
SIDEREAL_DAY_S = 86164.0905
JD_OF_UNIX_ZERO = 2440587.5
# Spreads of member names counted in 2,231 real groups: 0, 1, 2 s in a run; 10–22 s and 59–82 s after a restart.
RUN_SPREADS_S, RUN_SHARES = (0, 1, 2), np.array([43, 1876, 111])
RESTART_SPREADS_S, RESTART_SHARES = ((10, 22), (59, 82)), np.array([188, 12])
RESTART_GAPS_S = ((412, 416), (603, 608))


@dataclass(frozen=True)
class PlannedGroup:
    """One group: `t0_jd` is the middle of its first integration, `day` counts nights, `after_restart` widens its names."""

    index: int
    t0_jd: float
    ntimes: int
    day: int
    calibrator: str | None
    after_restart: bool

    @property
    def times_jd(self) -> np.ndarray:
        return self.t0_jd + STEP_DAYS * np.arange(self.ntimes)

    @property
    def times_mjd(self) -> np.ndarray:
        return self.times_jd - JD_OF_MJD_ZERO

    @property
    def mid_mjd(self) -> float:
        return float((self.times_mjd[0] + self.times_mjd[-1]) / 2)

    @property
    def start(self) -> datetime:
        return utc_of_jd(self.t0_jd) - timedelta(seconds=INTEGRATION_S / 2)

    @property
    def group_id(self) -> str:
        return (self.start + timedelta(seconds=0.5)).strftime("%Y-%m-%dT%H:%M:%S")


def utc_of_jd(jd: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=jd - JD_OF_UNIX_ZERO)


def jd_of_utc(moment: datetime) -> float:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1) + JD_OF_UNIX_ZERO


def next_transit_mjd(site: Site, calibrator: str, not_before_mjd: float) -> float:
    """First upper transit of a built-in calibrator at or after a time, to a millisecond."""
    place = find_calibrator(calibrator)
    mjd = not_before_mjd
    ahead_rad = 2 * np.pi
    for _ in range(3):
        ra, _dec = apparent_place(site, mjd, np.radians(place.ra_deg), np.radians(place.dec_deg))
        ahead_rad = float(ra - lst_rad(site, mjd))
        # The first look goes forward, the next ones refine to both sides.
        ahead_rad = ahead_rad % (2 * np.pi) if mjd == not_before_mjd else (ahead_rad + np.pi) % (2 * np.pi) - np.pi
        mjd += ahead_rad / (2 * np.pi) * SIDEREAL_DAY_S / 86400
    return mjd


def plan_groups(parameters: Parameters, site: Site) -> list[PlannedGroup]:
    """All groups in the order of their start."""
    schedule, ntimes = parameters.schedule, parameters.ntimes
    if isinstance(schedule, NightSchedule):
        groups = _night(schedule, site, ntimes)
    elif isinstance(schedule, RunSchedule):
        t0 = jd_of_utc(schedule.start_utc) + STEP_DAYS / 2
        groups = [PlannedGroup(k, t0 + k * GROUP_STEPS * STEP_DAYS, ntimes, 0, None, False) for k in range(schedule.count)]
    else:
        groups = _listed(schedule, ntimes)
    return _with_restart(groups, parameters) if parameters.restart_gap else groups


def _night(schedule: NightSchedule, site: Site, ntimes: int) -> list[PlannedGroup]:
    transit_jd = next_transit_mjd(site, schedule.calibrator, jd_of_utc(schedule.not_before_utc) - JD_OF_MJD_ZERO) + JD_OF_MJD_ZERO
    first_jd = transit_jd - (ntimes - 1) / 2 * STEP_DAYS
    steps_a_day = SIDEREAL_DAY_S / STEP_S
    groups: list[PlannedGroup] = []
    for day in range(schedule.days):
        day_jd = first_jd + round(day * steps_a_day) * STEP_DAYS
        groups.append(PlannedGroup(len(groups), day_jd, ntimes, day, schedule.calibrator, False))
        for k in range(schedule.science_groups):
            t0 = day_jd + (1 + schedule.skipped_groups + k) * GROUP_STEPS * STEP_DAYS
            groups.append(PlannedGroup(len(groups), t0, ntimes, day, None, False))
    return groups


def _listed(schedule: ListSchedule, ntimes: int) -> list[PlannedGroup]:
    ordered = sorted(schedule.groups, key=lambda group: group.start_utc)
    starts = [jd_of_utc(group.start_utc) for group in ordered]
    if any(later - earlier < 295 / 86400 for earlier, later in pairwise(starts)):
        raise StepFailure("BadInput", "GroupsTooClose", "two listed groups start less than 295 s apart", "space them by 309 s or more", "none")
    return [
        PlannedGroup(index, start + STEP_DAYS / 2, ntimes, int(start - starts[0]), group.calibrator, False)
        for index, (start, group) in enumerate(zip(starts, ordered, strict=True))
    ]


def _with_restart(groups: list[PlannedGroup], parameters: Parameters) -> list[PlannedGroup]:
    """A restart: before each later day of a night (whose gap is there already), else before the middle group."""
    if isinstance(parameters.schedule, NightSchedule):
        return [replace(group, after_restart=group.day > 0 and group.calibrator is not None) for group in groups]
    middle = len(groups) // 2
    random = np.random.default_rng([parameters.seed, 4, 1])
    low, high = RESTART_GAPS_S[random.integers(2)]
    shift_days = (random.uniform(low, high) - GROUP_S) / 86400
    moved = [group if group.index < middle else replace(group, t0_jd=group.t0_jd + shift_days) for group in groups]
    return [replace(group, after_restart=group.index == middle and middle > 0) for group in moved]


def name_times(group: PlannedGroup, seed: int) -> list[datetime]:
    """When each node believes it opened its file: one whole second a subband, spread as counted in real directories."""
    random = np.random.default_rng([seed, 4, 2, group.index])
    if group.after_restart:
        low, high = RESTART_SPREADS_S[random.choice(2, p=RESTART_SHARES / RESTART_SHARES.sum())]
        spread = int(random.integers(low, high + 1))
    else:
        spread = int(random.choice(RUN_SPREADS_S, p=RUN_SHARES / RUN_SHARES.sum()))
    late_s = random.integers(0, spread + 1, SUBBANDS)
    earliest, latest = random.permutation(SUBBANDS)[:2]
    late_s[earliest], late_s[latest] = 0, spread
    first = group.start.replace(microsecond=0) - timedelta(seconds=spread if group.after_restart else 0)
    return [first + timedelta(seconds=int(seconds)) for seconds in late_s]
