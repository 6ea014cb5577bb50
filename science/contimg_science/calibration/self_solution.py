"""One complex gain a receptor and interval that brings a group's visibilities nearer to a model of its sky.

Phases alone are those of the field correction (field_phase.py); amplitudes follow by alternating least squares on
D = g₁ g₂* M (StefCal: Salvini & Wijnholds 2014), their geometric mean held at 1 in each interval, so that no flux scale is
made here. A receptor of which nothing is known keeps its gain of 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.field_phase import antenna_phases

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]
ITERATIONS = 100
CONVERGED = 1e-6


@dataclass(frozen=True)
class Against:
    """Data held against the model, summed over channels: Σ w D M* and Σ w |M|², (time, baseline, product)."""

    across: Complex
    power: Floats


def solve_self(
    against: Against, antenna1: NDArray[np.int32], antenna2: NDArray[np.int32], antennas: int, times_each: int, with_amplitude: bool
) -> Complex:
    """(interval, antenna, product); an interval is `times_each` integrations, the last one what is left."""
    times, _, products = against.across.shape
    starts = range(0, times, times_each)
    gains = np.ones((len(starts), antennas, products), np.complex128)
    for interval, start in enumerate(starts):
        across = against.across[start : start + times_each].sum(axis=0)
        power = against.power[start : start + times_each].sum(axis=0)
        for product in range(products):
            gain = np.exp(1j * antenna_phases(across[:, product], antenna1, antenna2, antennas))
            if with_amplitude:
                gain = _with_amplitude(gain, across[:, product], power[:, product], antenna1, antenna2)
            gains[interval, :, product] = gain
    return gains


def _with_amplitude(start: Complex, across: Complex, power: Floats, antenna1: NDArray[np.int32], antenna2: NDArray[np.int32]) -> Complex:
    antennas = start.size
    crossed, weight = np.zeros((antennas, antennas), np.complex128), np.zeros((antennas, antennas))
    crossed[antenna1, antenna2], crossed[antenna2, antenna1] = across, np.conj(across)
    weight[antenna1, antenna2] = weight[antenna2, antenna1] = power
    known = weight.sum(axis=1) > 0
    gain = np.where(known, start, 0)
    for _ in range(ITERATIONS):
        pull, norm = crossed @ gain, weight @ np.abs(gain) ** 2
        new = np.where(known, pull / np.where(norm > 0, norm, 1), 0)
        # Half a step: whole ones swing about the answer.
        new = (new + gain) / 2
        moved = float(np.abs(new - gain).max(initial=0.0))
        gain = new
        if moved < CONVERGED:
            break
    known &= np.abs(gain) > 0
    scale = np.exp(np.log(np.abs(gain[known])).mean()) if known.any() else 1.0
    return np.where(known, gain / scale, 1.0)
