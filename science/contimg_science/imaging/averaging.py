"""How far each baseline may be averaged in frequency and time, and what sources off the centre lose by it in the image.

Most visibilities belong to short baselines, whose fringes turn slowly over the field: they may be few and wide. A source at
(l, m) turns by 2π Δν (u l + v m) / ν from a channel to the next and by 2π Δt ω sin δ (u m − v l) from an integration to the
next; the mean of n loses (n² − 1) / 6 of the square of half that angle. What the image loses is the mean of that over its own
weights, a quadratic form of (l, m), known well enough to be made good with the primary beam.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.smearing import beam_edge_rad
from contimg_science.imaging.image_size import ImageSize
from contimg_science.imaging.visibilities import Visibilities
from contimg_science.measurement_set import Description, open_table
from contimg_science.meridian import EARTH_ROTATION_RAD_S, SPEED_OF_LIGHT_M_S

Array = NDArray[np.float64]
# (channels, integrations) in one, from the longest baselines to the shortest. Each share costs a set of its own, so there are few.
STEPS = ((1, 1), (2, 1), (4, 2), (8, 4), (16, 8))
# Of the flux of a source where the beam falls to 20 %, with the channels that calibration averaged. It is made good, but for its square.
MOST_LOST = 0.02
# What one baseline may lose, tried in this order until the image loses no more than that.
LOST_BY_ONE = (0.04, 0.02, 0.01, 0.005, 0.0025)
# With more left than this part of the samples, sets of their own are not worth writing.
WORTH_IT = 0.7
# Samples that the loss is computed from: a hundred thousand give it to a hundredth of itself.
SAMPLES = 100_000


@dataclass(frozen=True)
class Share:
    """Baselines that are averaged alike: places in the rows of one integration."""

    channels: int
    times: int
    baselines: NDArray[np.int64]


@dataclass(frozen=True)
class Averaging:
    """`shares` from little averaging to much, none where it is not worth it."""

    shares: list[Share]
    lost_form: Array  # (2, 2): the part lost at direction cosines (l, m)

    def kept(self, l: Array, m: Array) -> Array:  # noqa: E741
        """Of the flux of a source there, calibration's averaging included."""
        (ll, lm), (_, mm) = self.lost_form.tolist()
        return np.maximum(0, 1 - (ll * l * l + 2 * lm * l * m + mm * m * m))

    def kept_image(self, size: ImageSize) -> NDArray[np.float32]:
        """(y, x) on the grid of the image: l grows to the left."""
        offset = (np.arange(size.width_px) - size.width_px // 2) * np.radians(size.cell_arcsec / 3600)
        return self.kept(-offset[None, :], offset[:, None]).astype(np.float32)


def averaging_plan(ms: Path, group: Description, vis: Visibilities, weight: Array) -> Averaging:
    """`weight` is that of each visibility in the image."""
    with open_table(ms) as main:
        uvw_m = main.getcol("UVW", group.shape.times // 2 * group.shape.baselines, group.shape.baselines)
    cross = np.flatnonzero(~group.autocorrelation)
    length_m = np.hypot(uvw_m[cross, 0], uvw_m[cross, 1])
    turns = _Turns(vis)
    steps = [(channels, times) for channels, times in STEPS if vis.freq_hz.size % channels == 0 and times <= vis.times_mjd.size]
    some = slice(None, None, max(1, vis.weight.size // SAMPLES))
    freq_hz = vis.freq_hz[vis.channel_index[some]]
    u_s, v_s = vis.u_lambda[some] / freq_hz, vis.v_lambda[some] / freq_hz
    for limit in LOST_BY_ONE:
        longest_m = np.array([turns.longest_m(*step, limit) for step in steps])
        sampled = _steps_of(np.hypot(u_s, v_s) * SPEED_OF_LIGHT_M_S, longest_m)
        lost_form = turns.lost_form(u_s, v_s, freq_hz, weight[some], np.array(steps)[sampled])
        step = _steps_of(length_m, longest_m)
        left = np.mean([1 / (steps[number][0] * steps[number][1]) for number in step.tolist()])
        if left <= WORTH_IT and np.linalg.eigvalsh(lost_form)[-1] * turns.edge_rad**2 <= MOST_LOST:
            shares = [Share(steps[number][0], steps[number][1], cross[step == number]) for number in np.unique(step).tolist()]
            return Averaging(shares, lost_form)
    as_they_are = np.ones((freq_hz.size, 2), np.int64)
    return Averaging([], turns.lost_form(u_s, v_s, freq_hz, weight[some], as_they_are))


def _steps_of(length_m: Array, longest_m: Array) -> NDArray[np.int64]:
    """The last step that each length may take."""
    allowed = length_m[:, None] <= longest_m[None, :]
    return allowed.shape[1] - 1 - np.argmax(allowed[:, ::-1], axis=1)


class _Turns:
    """(Half the angle)² / 6 by which a source at one radian turns, for a baseline of one second of light."""

    def __init__(self, vis: Visibilities) -> None:
        step_hz = (vis.freq_hz[-1] - vis.freq_hz[0]) / max(1, vis.freq_hz.size - 1)
        self.averaged = vis.channels_averaged
        self.middle_hz = float(vis.freq_hz.mean())
        self.edge_rad = beam_edge_rad(self.middle_hz)
        self.by_channel = (np.pi * step_hz / self.averaged) ** 2 / 6
        self.by_time_and_hz2 = (np.pi * vis.interval_s * EARTH_ROTATION_RAD_S * np.sin(vis.centre_rad[1])) ** 2 / 6

    def longest_m(self, channels: int, times: int, limit: float) -> float:
        """The longest baseline that loses no more than `limit` to a step at the edge, beyond what it has lost."""
        further = self.by_channel * (channels**2 - 1) * self.averaged**2 + self.by_time_and_hz2 * self.middle_hz**2 * (times**2 - 1)
        return float(SPEED_OF_LIGHT_M_S * np.sqrt(limit / further) / self.edge_rad) if further > 0 else np.inf

    def lost_form(self, u_s: Array, v_s: Array, freq_hz: Array, weight: Array, steps: NDArray[np.int64]) -> Array:
        """What averaging loses in all, weighted."""
        by_channel = weight * self.by_channel * ((steps[:, 0] * self.averaged) ** 2 - 1)
        by_time = weight * self.by_time_and_hz2 * freq_hz**2 * (steps[:, 1] ** 2 - 1)
        uu, uv, vv = u_s * u_s, u_s * v_s, v_s * v_s
        # An integration turns the sky across the baseline, a channel along it.
        across = ((by_channel - by_time) * uv).sum()
        return np.array([[(by_channel * uu + by_time * vv).sum(), across], [across, (by_channel * vv + by_time * uu).sum()]]) / weight.sum()
