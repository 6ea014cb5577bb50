"""The primary beam of an image against its definition: the mean of Airy over every integration and channel."""

from __future__ import annotations

import numpy as np
import pytest

from contimg_science.beam import airy_power
from contimg_science.imaging.drift_beam import beam_image, mean_beam, separation_rad, sky_place

CENTRE = (np.radians(359.9), np.radians(54.5))
TIMES = 24
# 1.24° of right ascension, as in one group, across 0 h.
POINTING = np.column_stack([CENTRE[0] + np.radians(np.linspace(-0.62, 0.62, TIMES)), np.full(TIMES, CENTRE[1])])
FREQ_HZ = np.linspace(1.311e9, 1.498e9, 16)
EVEN = np.full((TIMES, FREQ_HZ.size), 1 / TIMES / FREQ_HZ.size)


def direct(ra_rad: float, dec_rad: float) -> float:
    theta = separation_rad(np.array(ra_rad), np.array(dec_rad), POINTING)
    return float(airy_power(theta[:, None], FREQ_HZ[None, :]).mean())


def test_every_pixel_is_the_mean_over_drift_and_band():
    cell_arcsec, width = 60.0, 240
    image = beam_image(CENTRE, POINTING, EVEN, FREQ_HZ, width, cell_arcsec)
    for x, y in [(120, 120), (0, 0), (239, 17), (60, 200)]:
        east, north = -np.radians((x - 120) * cell_arcsec / 3600), np.radians((y - 120) * cell_arcsec / 3600)
        # A tenth of the systematic error quoted with fluxes would be 1e-3; the interpolation stays far below it.
        assert image[y, x] == pytest.approx(direct(*sky_place(east, north, CENTRE)), abs=2e-5)


def test_a_beam_that_followed_the_sky_would_be_wrong_on_axis():
    drifted = mean_beam(separation_rad(*(np.array(part) for part in CENTRE), POINTING), EVEN, FREQ_HZ)
    assert 0.97 < float(drifted) < 0.99


def test_an_integration_without_data_does_not_count():
    first_half = EVEN.copy()
    first_half[12:] = 0
    first_half /= first_half.sum()
    west = sky_place(np.radians(-0.8), 0.0, CENTRE)
    theta = separation_rad(np.array(west[0]), np.array(west[1]), POINTING)
    # The first half of the drift looks west of the centre, where this source is.
    assert float(mean_beam(theta, first_half, FREQ_HZ)) > float(mean_beam(theta, EVEN, FREQ_HZ)) + 0.02
