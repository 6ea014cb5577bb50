"""Puts interference of known place and strength into the DATA of a converted group, and says where it is.

Strengths are in standard deviations of the real part of one visibility, as the data themselves show it on each baseline,
product and channel. Coherent interference has one phase an antenna and event, local one is on a single baseline and product.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from casacore.tables import table

# Of the amplitude of complex noise, in units of the standard deviation of its real part (Rayleigh distribution).
MEDIAN_AMPLITUDE = np.sqrt(2 * np.log(2))


@dataclass
class RawGroup:
    """DATA as (time, baseline, channel, product), to be changed and written back."""

    ms: Path
    data: np.ndarray
    first: np.ndarray
    second: np.ndarray
    freq_hz: np.ndarray

    @property
    def cross(self) -> np.ndarray:
        return np.flatnonzero(self.first != self.second)

    def write(self) -> None:
        with table(str(self.ms), readonly=False, ack=False) as main:
            main.putcol("DATA", self.data.reshape(-1, *self.data.shape[2:]))


def read_group(ms: Path) -> RawGroup:
    with table(str(ms), ack=False) as main:
        data, first, second = (main.getcol(name) for name in ("DATA", "ANTENNA1", "ANTENNA2"))
        times = np.unique(main.getcol("TIME")).size
    with table(f"{ms}::SPECTRAL_WINDOW", ack=False) as windows:
        freq_hz = windows.getcell("CHAN_FREQ", 0)
    baselines = first.size // times
    return RawGroup(ms, data.reshape(times, baselines, *data.shape[1:]), first[:baselines], second[:baselines], freq_hz)


def noise_sigma(group: RawGroup) -> np.ndarray:
    """(baseline, channel, product): level of the baseline times shape of the band; of weak sky, as science groups have it."""
    some = group.data[::4]
    level = np.median(np.abs(some), axis=(0, 2)) / MEDIAN_AMPLITUDE
    sample = group.cross[:: max(1, group.cross.size // 200)]
    shape = np.median(np.abs(some[:, sample]) / np.median(np.abs(some[:, sample]), axis=(0, 2))[:, None, :], axis=(0, 1))
    return (level[:, None, :] * shape[None]).astype(np.float32)


def inject_coherent(group: RawGroup, sigma: float, seed: int) -> np.ndarray:
    """Carriers that stay, bursts over part of the band or all of it, sweeps: the (time, channel) cells that hold one, all of one strength."""
    random = np.random.default_rng(seed)
    times, _, channels, _ = group.data.shape
    cells = np.zeros((times, channels), bool)
    noise = sigma * noise_sigma(group)

    def add(where: np.ndarray) -> None:
        new = where & ~cells
        phase = np.exp(2j * np.pi * random.random(max(group.first.max(), group.second.max()) + 1)).astype(np.complex64)
        turn = np.where(group.first != group.second, np.conj(phase[group.first]) * phase[group.second], 0)
        for time in np.flatnonzero(new.any(axis=1)):
            at = np.flatnonzero(new[time])
            group.data[time][:, at] += turn[:, None, None] * noise[:, at]
        cells[...] |= new

    def empty() -> np.ndarray:
        return np.zeros((times, channels), bool)

    for _ in range(6):
        carrier = empty()
        first = int(random.integers(channels))
        carrier[:, first : first + int(random.integers(1, 3))] = True
        add(carrier)
    for width in (channels, channels // 2, channels // 8, channels // 8):
        burst = empty()
        first = int(random.integers(channels - width + 1))
        burst[int(random.integers(times)), first : first + width] = True
        add(burst)
    for _ in range(3):
        sweep = empty()
        first, speed = int(random.integers(channels)), int(random.integers(1, 4))
        for time in range(times):
            at = (first + speed * time) % channels
            sweep[time, at : at + 2] = True
        add(sweep)
    return cells


def inject_local(group: RawGroup, low_sigma: float, high_sigma: float, boxes: int, seed: int) -> np.ndarray:
    """Boxes of a few integrations and channels on single baselines and products: which samples hold one."""
    random = np.random.default_rng(seed)
    times, _, channels, products = group.data.shape
    noise = noise_sigma(group)
    touched = np.zeros(group.data.shape, bool)
    for _ in range(boxes):
        baseline, product = int(random.choice(group.cross)), int(random.integers(products))
        time, channel = int(random.integers(times)), int(random.integers(channels))
        box = (slice(time, time + int(random.integers(1, 5))), baseline, slice(channel, channel + int(random.integers(1, 7))), product)
        new = ~touched[box]
        strength = random.uniform(low_sigma, high_sigma) * noise[baseline, box[2], product]
        phase = np.exp(2j * np.pi * random.random(new.shape))
        group.data[box] += np.where(new, strength * phase, 0).astype(np.complex64)
        touched[box] = True
    return touched
