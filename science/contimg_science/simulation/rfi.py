"""Interference as boxes in (time, channel, antenna pair, product), each with one amplitude.

Array-coherent kinds reach every antenna from one direction, so each antenna has one phase for the whole box: narrow (a few
channels, all times), burst (all channels, one integration), sweep (a channel that moves with time). The kind `baseline` is in a
single pair. Channels count from the top of the band down over all subbands.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.channels import SUBBANDS
from contimg_science.simulation.array_layout import ArrayLayout
from contimg_science.simulation.options import RfiOptions


@dataclass(frozen=True)
class Box:
    """Half-open ranges. `stations` None means all, `product` None both; amplitude before the gains."""

    kind: str
    group: int
    times: tuple[int, int]
    channels: tuple[int, int]
    stations: tuple[int, int] | None
    product: int | None
    amplitude_jy: float
    phase_seed: int

    def as_truth(self) -> dict[str, object]:
        return asdict(self)


def make_boxes(options: RfiOptions, layout: ArrayLayout, group: int, ntimes: int, noise_jy: float, seed: int) -> list[Box]:
    random = np.random.default_rng([seed, 6, group])
    total = SUBBANDS * layout.nfreqs
    amplitude = options.amplitude_sigma * noise_jy
    boxes: list[Box] = []

    def add(kind: str, times: tuple[int, int], first: int, width: int, stations: tuple[int, int] | None, phase_seed: int) -> None:
        boxes.append(Box(kind, group, times, (first, min(first + width, total)), stations, None, amplitude, phase_seed))

    for _ in range(options.narrow):
        add("narrow", (0, ntimes), int(random.integers(total)), int(random.integers(1, 3)), None, int(random.integers(2**31)))
    for _ in range(options.bursts):
        at = int(random.integers(ntimes))
        add("burst", (at, at + 1), 0, total, None, int(random.integers(2**31)))
    for _ in range(options.sweeps):
        first, speed, phase_seed = int(random.integers(total)), int(random.integers(1, 4)), int(random.integers(2**31))
        for at in range(ntimes):
            add("sweep", (at, at + 1), (first + speed * at) % total, 2, None, phase_seed)
    for _ in range(options.baselines):
        one, other = (int(station) for station in sorted(random.choice(layout.order, 2, replace=False)))
        begin = int(random.integers(max(1, ntimes // 2)))
        add("baseline", (begin, ntimes), int(random.integers(total)), 4, (one, other), int(random.integers(2**31)))
    return boxes


def interference_jy(boxes: list[Box], layout: ArrayLayout, time: int, subband: int) -> NDArray[np.complex64]:
    """(baselines, channels, 2) of one integration of one subband, empty when it is clean."""
    low = subband * layout.nfreqs
    present = [box for box in boxes if box.times[0] <= time < box.times[1] and box.channels[0] < low + layout.nfreqs and box.channels[1] > low]
    if not present:
        return np.zeros((0, 0, 0), np.complex64)
    extra = np.zeros((layout.baselines, layout.nfreqs, 2), np.complex64)
    stations = np.array(layout.order)
    for box in present:
        phase = np.random.default_rng(box.phase_seed).uniform(0, 2 * np.pi, len(stations))
        values = box.amplitude_jy * np.exp(1j * (phase[layout.second] - phase[layout.first]))
        if box.stations is not None:
            pair = np.stack([stations[layout.first], stations[layout.second]])
            values = np.where((np.sort(pair, axis=0) == np.array(box.stations)[:, None]).all(axis=0), values, 0)
        channels = slice(max(box.channels[0] - low, 0), box.channels[1] - low)
        products = slice(None) if box.product is None else slice(box.product, box.product + 1)
        extra[:, channels, products] += values[:, None, None].astype(np.complex64)
    return extra
