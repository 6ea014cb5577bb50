"""The primary beam against the constants of an Airy pattern."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import j1

from contimg_science.beam import airy_power, airy_voltage, separation_from_pointing_rad


def test_the_beam_is_one_on_axis_and_smooth_there() -> None:
    assert airy_power(0.0, 1.4e9) == 1.0
    angles = np.geomspace(1e-9, 1e-4, 50)
    assert np.all(np.abs(np.diff(airy_voltage(angles, 1.4e9))) < 1e-5)


def test_half_power_is_at_the_known_multiple_of_wavelength_over_diameter() -> None:
    root = float(brentq(lambda x: (2 * j1(x) / x) ** 2 - 0.5, 1.0, 2.0, xtol=1e-14))  # pyright: ignore[reportArgumentType]
    assert abs(root - 1.61633) < 1e-5  # the value optics books print
    wavelength_m = 299792458.0 / 1.405e9
    theta = np.arcsin(root * wavelength_m / (np.pi * 4.65))
    np.testing.assert_allclose(airy_power(theta, 1.405e9), 0.5, rtol=1e-10)
    assert 2.68 < np.rad2deg(2 * theta) < 2.72


def test_the_first_null_is_at_1_22_wavelengths_over_diameter() -> None:
    theta = np.arcsin(1.2196698912665045 * 299792458.0 / 1.4e9 / 4.65)
    assert abs(airy_power(theta, 1.4e9)) < 1e-20


def test_angles_and_frequencies_broadcast() -> None:
    assert airy_power(np.linspace(0, 0.05, 5)[:, None], np.linspace(1.3e9, 1.5e9, 7)).shape == (5, 7)


def test_the_separation_from_the_pointing_follows_the_sphere() -> None:
    dec, pointing, hour_angle = 0.87, 0.88, 0.012
    cosine = np.sin(dec) * np.sin(pointing) + np.cos(dec) * np.cos(pointing) * np.cos(hour_angle)
    # arccos of a number near one keeps about 1e-14 rad of the angle squared.
    np.testing.assert_allclose(separation_from_pointing_rad(hour_angle, dec, pointing), np.arccos(cosine), rtol=1e-10)
