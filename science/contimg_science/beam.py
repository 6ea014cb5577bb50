"""Primary beam of a DSA-110 dish: the Airy pattern of a uniformly lit circle.

A(θ, ν) = (2 J₁(x)/x)² with x = π D sin θ / λ: full width at half power 1.03 λ/D, 2.7° at 1.405 GHz. The beam is fixed to the
ground: callers must give θ from the pointing (HA = 0, apparent Dec), not from a phase centre on the sky.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

DISH_DIAMETER_M = 4.65
SPEED_OF_LIGHT_M_S = 299792458.0


def airy_voltage(theta_rad: ArrayLike, freq_hz: ArrayLike, dish_m: float = DISH_DIAMETER_M) -> NDArray[np.float64]:
    """2 J₁(x)/x, 1 on axis, negative in odd side lobes; `theta_rad` and `freq_hz` broadcast against each other."""
    # Imported here: 0.2 s that a step which never looks through the beam need not pay.
    from scipy.special import j1

    x = np.pi * dish_m / SPEED_OF_LIGHT_M_S * np.sin(np.asarray(theta_rad, np.float64)) * np.asarray(freq_hz, np.float64)
    # Below this the series 1 − x²/8 is exact to a double, and 0/0 is avoided.
    small = np.abs(x) < 1e-4
    safe = np.where(small, 1.0, x)
    return np.asarray(np.where(small, 1.0 - x * x / 8.0, 2.0 * j1(safe) / safe), np.float64)


def airy_power(theta_rad: ArrayLike, freq_hz: ArrayLike, dish_m: float = DISH_DIAMETER_M) -> NDArray[np.float64]:
    """(2 J₁(x)/x)²: what a flux is multiplied with, 1 on axis."""
    voltage = airy_voltage(theta_rad, freq_hz, dish_m)
    return voltage * voltage


def separation_from_pointing_rad(
    hour_angle_rad: ArrayLike, dec_rad: ArrayLike, pointing_dec_rad: float | NDArray[np.float64]
) -> NDArray[np.float64]:
    """Angle between a source at apparent (HA, Dec) and the pointing (0, `pointing_dec_rad`); exact at small angles too."""
    dec, pointing_dec = np.asarray(dec_rad, np.float64), np.asarray(pointing_dec_rad, np.float64)
    half_dec, half_ha = (dec - pointing_dec) / 2, np.asarray(hour_angle_rad, np.float64) / 2
    haversine = np.sin(half_dec) ** 2 + np.cos(dec) * np.cos(pointing_dec) * np.sin(half_ha) ** 2
    return 2 * np.arcsin(np.sqrt(np.minimum(haversine, 1.0)))
