"""Makes the sixteen files of one group: sky, gains and noise into UVH5, faults included.

A file follows from the request alone: its noise has its own seed (group, subband), so threads, order and what else is made
change nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import numpy as np

from contimg_science import channels
from contimg_science.meridian import Site
from contimg_science.simulation.array_layout import ArrayLayout, baselines_m
from contimg_science.simulation.delivery import Parcel, Stopped
from contimg_science.simulation.faults import Plan, damage, plan_files
from contimg_science.simulation.instrument import SEFD_JY, Instrument, noise_jy
from contimg_science.simulation.options import Parameters
from contimg_science.simulation.rfi import Box, interference_jy
from contimg_science.simulation.schedule import INTEGRATION_S, JD_OF_UNIX_ZERO, PlannedGroup, name_times
from contimg_science.simulation.uvh5_file import RAW_SAMPLES, Integration, SubbandFile, write_subband_file
from contimg_science.simulation.visibilities import FAINTEST_RESPONSE, SkyOfGroup, delay_coefficients, fill_integration, meridian_axes_m

# The nodes' clocks are set to Pacific Standard Time; history holds that, not UTC.
NODE_UTC_OFFSET = timedelta(hours=-8)
DUPLICATE_NAME_OFFSET = timedelta(seconds=3)
OTHER_CONTENT_SCALE = 1.01
Role = Literal["original", "duplicate", "replacement"]


@dataclass(frozen=True)
class Simulation:
    """What all groups share. `stop` is looked at between integrations."""

    parameters: Parameters
    layout: ArrayLayout
    instrument: Instrument
    site: Site
    threads: int
    stop: threading.Event

    @property
    def dec_app_rad(self) -> float:
        return float(np.radians(self.parameters.dec_app_deg))


@dataclass(frozen=True)
class MadeFile:
    """One file as made, before it is delivered."""

    parcel: Parcel
    plan: Plan
    bytes: int


def all_frequencies_hz(nfreqs: int) -> np.ndarray:
    """(16 × nfreqs,), falling."""
    return np.concatenate([channels.subband_frequencies_hz(subband, nfreqs) for subband in range(channels.SUBBANDS)])


def make_group_files(simulation: Simulation, group: PlannedGroup, sky: SkyOfGroup, boxes: list[Box], staging: Path) -> list[MadeFile]:
    """All files of a group, in the order of their subbands; a file that is missing by request is not made."""
    plans = [plan for plan in plan_files(simulation.parameters, group) if not plan.absent]
    names = name_times(group, simulation.parameters.seed)

    def make(plan: Plan, role: Role) -> MadeFile:
        opened = names[plan.subband] + (DUPLICATE_NAME_OFFSET if role == "duplicate" else timedelta(0))
        name = f"{opened:%Y-%m-%dT%H:%M:%S}_sb{plan.subband:02d}.hdf5"
        # A duplicate is copied by somebody, so its inside carries the first file's history.
        local = names[plan.subband] + NODE_UTC_OFFSET
        history = f"written by dsa110-meridian-fs on {local:%Y-%m-%dT%H:%M:%S} in node{plan.subband:02d}"
        differs = role == "replacement" or (role == "duplicate" and plan.duplicate == "other")
        scale = OTHER_CONTENT_SCALE if differs else 1.0
        path = staging / f"{name}.{role}"
        layout = simulation.layout.reversed_pairs() if plan.reversed_pairs else simulation.layout
        freq_hz = channels.subband_frequencies_hz(plan.in_channels_of, layout.nfreqs)
        content = SubbandFile(layout, freq_hz, plan.width_sign, float(np.radians(plan.dec_app_deg)), history)
        write_subband_file(path, content, _integrations(simulation, group, sky, boxes, plan, scale))
        damage(path, plan, np.random.default_rng([simulation.parameters.seed, 5, group.index, plan.subband]))
        replacing = role == "replacement"
        late_s, arrival = (plan.replaced_after_s, "replacing") if replacing else (plan.late_s, plan.arrival)
        return MadeFile(Parcel(path, name, late_s, arrival), plan, path.stat().st_size)

    wanted = [(plan, role) for plan in plans for role in _roles(plan)]
    with ThreadPoolExecutor(max_workers=max(1, simulation.threads)) as pool:
        return list(pool.map(lambda entry: make(*entry), wanted))


def _roles(plan: Plan) -> list[Role]:
    """The files made for a subband, in the order they are handed over."""
    roles: list[Role] = ["original"]
    if plan.duplicate != "none":
        roles.append("duplicate")
    if plan.replaced_after_s > 0:
        roles.append("replacement")
    return roles


def _integrations(
    simulation: Simulation, group: PlannedGroup, sky: SkyOfGroup, boxes: list[Box], plan: Plan, scale: float
) -> Iterator[Integration]:
    parameters, layout, subband = simulation.parameters, simulation.layout, plan.in_channels_of
    nfreqs = layout.nfreqs
    band = slice(subband * nfreqs, (subband + 1) * nfreqs)
    freq_hz = channels.subband_frequencies_hz(subband, nfreqs)
    width_hz = channels.channel_width_hz(nfreqs)
    axes_m = meridian_axes_m(baselines_m(layout), simulation.site)
    gains = simulation.instrument.gains((group.times_jd - JD_OF_UNIX_ZERO) * 86400)
    attenuated_jy = sky.attenuated_jy[:, :, band]
    seen = np.flatnonzero((sky.response[:, :, band] > FAINTEST_RESPONSE).any(axis=(1, 2)))
    random = np.random.default_rng([parameters.seed, 3, group.index, plan.subband])
    for t in range(plan.ntimes):
        if simulation.stop.is_set():
            raise Stopped
        visibilities = np.empty((layout.baselines, nfreqs, 2), np.complex64)
        noise = random.standard_normal((*visibilities.shape, 2), np.float32) if parameters.noise else np.zeros((0, 0, 0, 0), np.float32)
        delay, rate = delay_coefficients(sky.hour_angle_rad[seen, t], sky.dec_rad[seen, t], simulation.dec_app_rad)
        raw_samples = RAW_SAMPLES // 2 if plan.ntimes < group.ntimes and t == plan.ntimes - 1 else RAW_SAMPLES
        fill_integration(
            visibilities,
            axes_m,
            layout.first,
            layout.second,
            delay,
            rate,
            attenuated_jy[seen, t],
            freq_hz[0],
            -width_hz,
            INTEGRATION_S,
            parameters.smear,
            gains[t][:, :, None] * simulation.instrument.bandpass[:, :, band],
            interference_jy(boxes, layout, t, subband),
            noise,
            noise_jy(nfreqs) * np.sqrt(RAW_SAMPLES / raw_samples),
            SEFD_JY + attenuated_jy[:, t].sum(axis=0),
        )
        if plan.reversed_pairs:
            np.conjugate(visibilities, out=visibilities)
        if plan.nan_fraction > 0:
            lost = np.random.default_rng([parameters.seed, 5, group.index, plan.subband, t]).random(layout.baselines) < plan.nan_fraction
            visibilities[lost] = np.nan
        if scale != 1.0:
            visibilities *= np.float32(scale)
        yield Integration(float(group.times_jd[t] + plan.label_shift_days), visibilities, raw_samples)
