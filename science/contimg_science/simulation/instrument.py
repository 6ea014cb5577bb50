"""The simulated instrument: complex gains, bandpass, dead receptors and noise.

Gain of a receptor = gain(t) × bandpass(ν): median amplitude 0.068 (1 Jy becomes about 1/216), 10 % scatter, random phase that
drifts at most 5° an hour. The bandpass has a slope, a ripple, falling edges in each subband and a few outlier channels. All of it
follows from the seed alone, so the same receptor has the same truth in every group.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science import channels
from contimg_science.simulation.array_layout import ArrayLayout
from contimg_science.simulation.options import Parameters
from contimg_science.simulation.schedule import INTEGRATION_S

PRODUCTS = ("X", "Y")
SEFD_JY = 5800.0
EFFICIENCY = 0.7
MEDIAN_GAIN = 0.068
GAIN_SCATTER = 0.10
DRIFT_DEG_AN_HOUR = 5.0
OUTLIER_HZ = (1350e6, 1395e6, 1405e6, 1422e6, 1475e6)
EDGE_DEPTH, EDGE_SCALE_HZ = 0.15, 0.5e6


def noise_jy(nfreqs: int) -> float:
    """Standard deviation of the real and of the imaginary part of one cross-correlation sample."""
    return SEFD_JY / (EFFICIENCY * np.sqrt(2 * channels.channel_width_hz(nfreqs) * INTEGRATION_S))


@dataclass(frozen=True)
class Instrument:
    """Arrays run over antennas in correlator order and products X, Y."""

    scale: NDArray[np.complex128]  # (antennas, products)
    drift_rad: NDArray[np.float64]  # amplitude of the phase drift
    drift_period_s: NDArray[np.float64]
    drift_phase_rad: NDArray[np.float64]
    bandpass: NDArray[np.complex128]  # (antennas, products, 16 × nfreqs), frequency falling

    def gains(self, unix_s: NDArray[np.float64]) -> NDArray[np.complex128]:
        """(times, antennas, products)."""
        cycles = 2 * np.pi * unix_s[:, None, None] / self.drift_period_s + self.drift_phase_rad
        return self.scale * np.exp(1j * self.drift_rad * np.sin(cycles))


def make_instrument(layout: ArrayLayout, parameters: Parameters) -> Instrument:
    shape = (len(layout.order), len(PRODUCTS))
    random = np.random.default_rng([parameters.seed, 2])
    if parameters.instrument == "ideal":
        scale = np.full(shape, MEDIAN_GAIN, np.complex128)
        zeros, periods = np.zeros(shape), np.full(shape, 86400.0)
        bandpass = np.ones((*shape, channels.SUBBANDS * layout.nfreqs), np.complex128)
        instrument = Instrument(scale, zeros, periods, zeros, bandpass)
    else:
        amplitude = MEDIAN_GAIN * np.clip(1 + GAIN_SCATTER * random.standard_normal(shape), 0.5, 1.5)
        periods = random.uniform(6, 24, shape) * 3600
        # d/dt of a·sin(2πt/P) is at most 2πa/P.
        drift_rad = np.deg2rad(DRIFT_DEG_AN_HOUR) / 3600 * random.uniform(0.2, 1, shape) * periods / (2 * np.pi)
        scale = (amplitude * np.exp(2j * np.pi * random.random(shape))).astype(np.complex128)
        instrument = Instrument(scale, drift_rad, periods, 2 * np.pi * random.random(shape), _bandpass(random, shape, layout.nfreqs))
    instrument.scale[dead_receptors(layout, parameters)] = 0
    return instrument


def dead_receptors(layout: ArrayLayout, parameters: Parameters) -> NDArray[np.bool_]:
    """(antennas, products): True where nothing but zeros arrives. Stations that are not in the array have no receptors."""
    dead = np.zeros((len(layout.order), len(PRODUCTS)), bool)
    for index, station in enumerate(layout.order):
        for product, letter in enumerate(PRODUCTS):
            dead[index, product] = station in parameters.dead_antennas or f"{station}{letter}" in parameters.dead_receptors
    return dead


def _bandpass(random: np.random.Generator, shape: tuple[int, int], nfreqs: int) -> NDArray[np.complex128]:
    """Made on the 6,144 fine channels and averaged, so that mini and full see the same filter. Median amplitude is near 1."""
    fine_hz = np.concatenate([channels.subband_frequencies_hz(s, channels.FINE_CHANNELS_PER_SUBBAND) for s in range(channels.SUBBANDS)])
    across = (fine_hz - channels.BAND_CENTRE_HZ) / (channels.BAND_UPPER_EDGE_HZ - channels.BAND_LOWER_EDGE_HZ)

    def one_each(low: float, high: float) -> NDArray[np.float64]:
        return random.uniform(low, high, (*shape, 1))

    ripple = one_each(0.01, 0.04) * np.cos(2 * np.pi * (one_each(1.5, 4) * across + one_each(0, 1)))
    amplitude = (1 + one_each(-0.15, 0.15) * across) * (1 + ripple)
    in_subband = np.arange(fine_hz.size) % channels.FINE_CHANNELS_PER_SUBBAND
    to_edge_hz = (np.minimum(in_subband, channels.FINE_CHANNELS_PER_SUBBAND - 1 - in_subband) + 0.5) * channels.FINE_CHANNEL_WIDTH_HZ
    amplitude = amplitude * (1 - EDGE_DEPTH * np.exp(-to_edge_hz / EDGE_SCALE_HZ))
    for outlier_hz in OUTLIER_HZ:
        nearest = int(np.argmin(np.abs(fine_hz - outlier_hz))) // 8 * 8
        amplitude[..., nearest : nearest + 8] *= one_each(1.15, 1.45)
    # Cables are equalised before the correlator: less than 3° of slope remain over the band.
    phase_rad = np.deg2rad(one_each(-1.5, 1.5) * 2 * across + one_each(0, 2) * np.sin(2 * np.pi * (2 * across + one_each(0, 1))))
    fine = amplitude * np.exp(1j * phase_rad)
    return fine.reshape(*shape, channels.SUBBANDS * nfreqs, -1).mean(axis=-1)
