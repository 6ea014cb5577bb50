"""How far channels are averaged: against the mean of phases itself, for the full array and the small one of the tests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from made_group import MINI_STATIONS, SITE

from contimg_science.calibration.smearing import channels_to_average
from contimg_science.channels import subband_frequencies_hz
from contimg_science.meridian import SPEED_OF_LIGHT_M_S, baseline_uvw
from contimg_science.stations import load_stations

ACTIVE = [station for station in range(1, 118) if station not in (10, 21, 22, 23, 117) and not 52 <= station <= 67]
# The Airy pattern of 4.65 m at 1.405 GHz falls to 20 % here.
EDGE_RAD = np.radians(1.977)


def array(stations: list[int] | tuple[int, ...], channels_a_subband: int) -> tuple[np.ndarray, Any]:
    positions = np.array([load_stations()[station - 1].itrf_m for station in stations])
    first, second = np.triu_indices(len(stations), 1)
    frequencies = np.sort(np.concatenate([subband_frequencies_hz(subband, channels_a_subband) for subband in range(16)]))
    group = SimpleNamespace(
        frequencies_hz=frequencies, channel_width_hz=frequencies[1] - frequencies[0], shape=SimpleNamespace(channels=frequencies.size)
    )
    return -baseline_uvw(positions[second] - positions[first], SITE.lon_rad, 0.0, np.radians(50.5)), group


def lost_at_the_edge(uvw_m: np.ndarray, group: Any, average: int) -> float:
    """In the worst direction, all baselines counting alike, by adding up the phases of neighbouring channels."""
    lost = []
    for angle in np.radians(np.arange(0, 180, 5)):
        delay_s = (uvw_m[:, 0] * np.cos(angle) + uvw_m[:, 1] * np.sin(angle)) * EDGE_RAD / SPEED_OF_LIGHT_M_S
        phases = np.exp(2j * np.pi * np.outer(delay_s, np.arange(average) * group.channel_width_hz))
        lost.append(float(1 - np.abs(phases.mean(axis=1)).mean()))
    return max(lost)


def test_three_channels_of_the_full_array_lose_just_under_one_per_cent() -> None:
    uvw_m, group = array(ACTIVE, 48)
    average, loss = channels_to_average(uvw_m, group, max_loss=0.01)
    assert average == 3
    # Briggs weights favour long baselines: more is lost than in the plain mean, but not twice as much.
    plain = lost_at_the_edge(uvw_m, group, 3)
    assert plain < loss < 0.01
    assert loss < 2 * plain


def test_more_loss_allows_more_channels_and_none_allows_one() -> None:
    uvw_m, group = array(ACTIVE, 48)
    assert [channels_to_average(uvw_m, group, limit)[0] for limit in (0.0, 0.004, 0.02, 0.1)] == [1, 2, 4, 8]


def test_the_wide_channels_of_the_small_array_are_never_averaged() -> None:
    assert channels_to_average(*array(MINI_STATIONS, 6), max_loss=0.01) == (1, 0.0)
