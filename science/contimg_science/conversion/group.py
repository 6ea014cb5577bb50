"""The members of one group, brought to one grid of times, baselines and channels.

Members must agree to what their phases can bear: 1e-7 rad of declination is half a degree of phase on the longest
baseline. Missing subbands and integrations keep their place in the grid; nothing is left out or invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contimg_science.channels import channel_width_hz, subband_frequencies_hz
from contimg_science.conversion.file_signature import bad_input
from contimg_science.conversion.member_header import MemberHeader
from contimg_science.meridian import Site
from contimg_science.protocol import StepFailure

SAME_TIME_S = 1e-3
SAME_POSITION_M = 1e-3
SAME_DECLINATION_RAD = 1e-7


@dataclass(frozen=True)
class Placement:
    """Where one member goes in the grid of its group."""

    header: MemberHeader
    # (rows of the group): row of the file, −1 where this member has nothing.
    file_row: NDArray[np.int64]
    # Integrations of the group that this member lacks.
    missing: tuple[int, ...]
    first_channel: int
    # True when the file's channels fall in frequency and must be turned.
    descending: bool


@dataclass(frozen=True)
class Group:
    placements: tuple[Placement, ...]
    subbands: int
    channels_per_subband: int
    times_mjd: NDArray[np.float64]
    integration_s: float
    frequencies_hz: NDArray[np.float64]
    channel_width_hz: float
    corr_types: tuple[int, ...]
    ant_1: NDArray[np.int64]
    ant_2: NDArray[np.int64]
    # By antenna number, 0…highest; NaN where the header has a gap.
    antenna_offsets_m: NDArray[np.float64]
    diameters_m: NDArray[np.float64]
    site: Site
    dec_apparent_rad: float

    @property
    def baselines(self) -> int:
        return self.ant_1.size

    @property
    def times(self) -> int:
        return self.times_mjd.size

    @property
    def rows(self) -> int:
        return self.times * self.baselines

    @property
    def channels(self) -> int:
        return self.frequencies_hz.size

    @property
    def mid_mjd(self) -> float:
        return float((self.times_mjd[0] + self.times_mjd[-1]) / 2)

    @property
    def baseline_m(self) -> NDArray[np.float64]:
        """r(ant_2) − r(ant_1), (baselines, 3)."""
        return self.antenna_offsets_m[self.ant_2] - self.antenna_offsets_m[self.ant_1]

    @property
    def missing(self) -> dict[int, tuple[int, ...]]:
        """Subband → integrations without data; whole subbands have all of them."""
        by_subband = {p.header.subband: p.missing for p in self.placements}
        return {s: cells for s in range(self.subbands) if (cells := by_subband.get(s, tuple(range(self.times))))}


def assemble(headers: list[MemberHeader], subbands: int) -> Group:
    """The longest member (the lowest subband among equals) sets the grid; all others must fit it."""
    members = sorted(headers, key=lambda header: header.subband)
    _check_slots(members, subbands)
    leader = max(members, key=lambda header: (header.times_mjd.size, -header.subband))
    channels = leader.frequencies_hz.size
    frequencies = np.concatenate([subband_frequencies_hz(s, channels)[::-1] for s in reversed(range(subbands))])
    placements = []
    for member in members:
        _check_agreement(member, leader)
        first_channel = (subbands - 1 - member.subband) * channels
        descending = bool(channels == 1 or member.frequencies_hz[0] > member.frequencies_hz[-1])
        frequencies[first_channel : first_channel + channels] = np.sort(member.frequencies_hz)
        placements.append(_place(member, leader, first_channel, descending))
    highest = int(leader.antenna_numbers.max())
    offsets, diameters = np.full((highest + 1, 3), np.nan), np.full(highest + 1, np.nan)
    offsets[leader.antenna_numbers], diameters[leader.antenna_numbers] = leader.antenna_offsets_m, leader.diameters_m
    return Group(
        placements=tuple(placements),
        subbands=subbands,
        channels_per_subband=channels,
        times_mjd=leader.times_mjd,
        integration_s=leader.integration_s,
        frequencies_hz=frequencies,
        channel_width_hz=channel_width_hz(channels),
        corr_types=tuple(sorted(leader.corr_types)),
        ant_1=leader.ant_1,
        ant_2=leader.ant_2,
        antenna_offsets_m=offsets,
        diameters_m=diameters,
        site=leader.site,
        dec_apparent_rad=leader.dec_apparent_rad,
    )


def without(group: Group, headers: list[MemberHeader], subband: int) -> Group:
    """The group again, as if this subband had never come; BadInput when nothing else is left."""
    left = [header for header in headers if header.subband != subband]
    if not left:
        path = group.placements[0].header.path
        raise bad_input("NoUsableSubband", path, "no subband of the group can be used", "copy the files again from the nodes")
    return assemble(left, group.subbands)


def check_request(group: Group, t0_jd: float, dec_rad: float, jd_of_mjd_zero: float) -> None:
    """The files must be the group that was asked for, not another one's list."""
    path = group.placements[0].header.path
    off_s = (group.times_mjd[0] - (t0_jd - jd_of_mjd_zero)) * 86400.0
    if not abs(off_s) <= group.integration_s / 2:
        raise bad_input("ForeignMember", path, f"first integration is {off_s:.3f} s from the group's key", "collect this group's own files")
    if not abs(group.dec_apparent_rad - dec_rad) <= SAME_DECLINATION_RAD:
        found, asked = np.degrees(group.dec_apparent_rad), np.degrees(dec_rad)
        raise bad_input("ForeignMember", path, f"declination {found:.6f}°, the group's key says {asked:.6f}°", "collect this group's own files")


def _check_slots(members: list[MemberHeader], subbands: int) -> None:
    if not members:
        raise StepFailure("BadInput", "NoUsableSubband", "the request names no member", "give at least one subband file", "none")
    for earlier, later in pairwise(members):
        if earlier.subband == later.subband:
            raise bad_input("BadRequest", later.path, f"sb{later.subband:02d} is given twice", "give each subband once")
    if members[-1].subband >= subbands:
        raise bad_input("BadRequest", members[-1].path, f"only {subbands} subbands are expected", "correct expected_subbands")


def _check_agreement(member: MemberHeader, leader: MemberHeader) -> None:
    def foreign(what: str, found: object, expected: object) -> StepFailure:
        remedy = "the group can go on without this subband; see what its node wrote"
        return bad_input("ForeignMember", member.path, f"{what}: {found}, sb{leader.subband:02d} has {expected}", remedy)

    if member.frequencies_hz.size != leader.frequencies_hz.size:
        raise foreign("channels", member.frequencies_hz.size, leader.frequencies_hz.size)
    if sorted(member.corr_types) != sorted(leader.corr_types):
        raise foreign("products", member.corr_types, leader.corr_types)
    if abs(member.dec_apparent_rad - leader.dec_apparent_rad) > SAME_DECLINATION_RAD:
        raise foreign("declination (rad)", member.dec_apparent_rad, leader.dec_apparent_rad)
    if abs(member.integration_s - leader.integration_s) > SAME_TIME_S:
        raise foreign("integration time (s)", member.integration_s, leader.integration_s)
    if np.linalg.norm(member.site.itrf_m() - leader.site.itrf_m()) > SAME_POSITION_M:
        raise foreign("site", member.site, leader.site)
    if not np.array_equal(member.antenna_numbers, leader.antenna_numbers):
        raise foreign("antenna table", member.antenna_numbers.size, leader.antenna_numbers.size)
    used = np.isin(leader.antenna_numbers, np.union1d(leader.ant_1, leader.ant_2))
    if not (np.abs(member.antenna_offsets_m - leader.antenna_offsets_m)[used] <= SAME_POSITION_M).all():
        raise foreign("antenna positions", "others", "its own")
    if not np.array_equal(np.sort(_pairs(member)), np.sort(_pairs(leader))):
        raise foreign("baselines", member.ant_1.size, leader.ant_1.size)


def _pairs(header: MemberHeader) -> NDArray[np.int64]:
    return (header.ant_1 << 32) | header.ant_2


def _place(member: MemberHeader, leader: MemberHeader, first_channel: int, descending: bool) -> Placement:
    nearest = np.abs(member.times_mjd[:, None] - leader.times_mjd[None, :]).argmin(axis=1)
    off_s = np.abs(member.times_mjd - leader.times_mjd[nearest]) * 86400.0
    if off_s.max() > SAME_TIME_S:
        remedy = "the group can go on without this subband; see what its node wrote"
        raise bad_input("ForeignMember", member.path, f"times are {off_s.max():.6f} s off those of sb{leader.subband:02d}", remedy)
    order = np.argsort(_pairs(member), kind="stable")[np.argsort(np.argsort(_pairs(leader), kind="stable"))]
    rows = np.full((leader.times_mjd.size, leader.ant_1.size), -1, np.int64)
    rows[nearest] = member.file_row[:, order]
    missing = np.setdiff1d(np.arange(leader.times_mjd.size), nearest)
    return Placement(member, rows.ravel(), tuple(int(k) for k in missing), first_channel, descending)
