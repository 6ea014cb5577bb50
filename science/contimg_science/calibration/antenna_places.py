"""Does each antenna stand where the table of positions says? Seen in the data of a calibrator, before anything is solved.

While the Earth turns, an antenna whose data go under another's name, or whose position is wrong, turns its phase against all others
by 2πν/c times the change of the error in w: 190° in a group for neighbours 5.75 m apart east–west. A wrong delay turns it along the band.
Needs no solutions, and says nothing of antennas that hear only noise: their phases jump instead of turning. What it cannot see are
errors along the meridian that change neither, some metres north–south.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.field_phase import antenna_phases
from contimg_science.calibration.sky_model import SourceTrack
from contimg_science.measurement_set import Description
from contimg_science.meridian import SPEED_OF_LIGHT_M_S

Pair = tuple[NDArray[np.int32], NDArray[np.int32]]

BANDS = 8
# Mean of the unit vectors of its steps: 1 for an antenna that turns evenly, 1/√steps for noise.
STEADY = 0.8
# How well two turns must fit an exchange: of themselves, and against the drift of receivers and atmosphere.
EXCHANGE_FRACTION, EXCHANGE_DEG = 0.1, 15.0


@dataclass(frozen=True)
class Misplaced:
    # By name: how far the phase turns over the group or, if that is what is too much, over the band.
    turn_deg: dict[str, float]
    exchanged: list[tuple[str, str]]


def find_misplaced(
    across: NDArray[np.complex128], description: Description, at: SourceTrack, max_turn_deg: float, max_slope_deg: float
) -> Misplaced:
    """`across` (time, one of BANDS, cross baseline, product): data times the conjugate model, summed over the channels of the band."""
    cross = ~description.autocorrelation
    pair = description.antenna1[cross], description.antenna2[cross]
    over_time = _turns_deg(across[1:] * np.conj(across[:-1]), pair, description.antenna_present)
    over_band = _turns_deg(np.swapaxes(across[:, 1:] * np.conj(across[:, :-1]), 0, 1), pair, description.antenna_present)
    over_band *= BANDS / (BANDS - 1)
    found = (np.abs(over_time) > max_turn_deg) | (np.abs(over_band) > max_slope_deg)
    worse = np.where(np.abs(over_time) > max_turn_deg, over_time, over_band)
    names = description.antenna_names
    turn_deg = {names[antenna]: round(float(worse[antenna]), 1) for antenna in np.flatnonzero(found)}
    return Misplaced(turn_deg, _exchanged(over_time, found, description, at))


def _turns_deg(steps: NDArray[np.complex128], pair: Pair, present: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Sum of each antenna's phase steps against the median antenna; 0 for one that does not turn evenly.

    `steps` (step, other axis, baseline, product) are products of neighbours along the axis they are steps of.
    """
    summed = steps.sum(axis=1)
    count = present.size
    phases = np.stack(
        [np.stack([antenna_phases(step[:, product], *pair, count) for product in range(summed.shape[-1])], axis=1) for step in summed]
    )
    heard = np.abs(np.exp(1j * phases).mean(axis=0)) >= STEADY  # (antenna, product)
    heard &= present[:, None]
    turns = np.degrees(phases.sum(axis=0))
    for product in range(turns.shape[1]):
        if heard[:, product].any():
            turns[:, product] -= np.median(turns[heard[:, product], product])
    return np.where(heard, turns, 0).sum(axis=1) / np.maximum(heard.sum(axis=1), 1)


def _exchanged(over_time: NDArray[np.float64], found: NDArray[np.bool_], description: Description, at: SourceTrack) -> list[tuple[str, str]]:
    """Pairs whose turns are what each would show under the other's name."""
    cross = ~description.autocorrelation
    steps = at.uvw_m.shape[0] - 1
    wavelength_m = SPEED_OF_LIGHT_M_S / description.frequencies_hz.mean()
    # w of the Measurement Set is w(antenna 1) − w(antenna 2); phases are seen once an integration, so whole turns between two are lost.
    change_deg = 360 * (at.uvw_m[-1, :, 2] - at.uvw_m[0, :, 2]) / wavelength_m
    change_deg = ((change_deg / steps + 180) % 360 - 180) * steps
    pairs = []
    for one, other, change in zip(description.antenna1[cross], description.antenna2[cross], change_deg, strict=True):
        error = max(abs(over_time[one] + change), abs(over_time[other] - change))
        if found[one] and found[other] and error < EXCHANGE_FRACTION * abs(change) + EXCHANGE_DEG:
            pairs.append((description.antenna_names[one], description.antenna_names[other]))
    return pairs
