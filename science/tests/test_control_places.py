"""Controls: the noise that cleaning makes of noise is measured where nothing is, and only from enough places."""

from __future__ import annotations

import numpy as np
import pytest

from contimg_science.imaging.control_places import FEWEST, CleaningNoise, ControlPlaces, cleaning_noise
from contimg_science.measuring.forced_fit import Beam

BEAM = Beam(major_px=5.0, minor_px=3.5, pa_rad=0.5)
SIDE = 600


def plane(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1e-3, (SIDE, SIDE)).astype(np.float32)


def controls(count: int) -> ControlPlaces:
    x, y = (grid.ravel()[:count] for grid in np.meshgrid(np.arange(20.3, 580, 31), np.arange(20.7, 580, 31)))
    return ControlPlaces(x, y)


def test_the_factor_is_the_scatter_of_what_was_cleaned_over_that_of_what_was_left():
    made = cleaning_noise(controls(324), 1.3 * plane(1), plane(2), BEAM)
    assert made.controls == 324
    # 324 places give it to 4 %.
    assert made.factor == pytest.approx(1.3, rel=0.12)


def test_blank_places_that_are_quieter_than_their_errors_do_not_shrink_those_of_sources():
    assert cleaning_noise(controls(324), 0.7 * plane(1), plane(2), BEAM).factor == 1.0


def test_a_source_that_nobody_knows_of_spoils_no_more_than_its_own_control():
    image, places = plane(1), controls(324)
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    image = image + (5 * BEAM(x - places.x[100], y - places.y[100])).astype(np.float32)
    made = cleaning_noise(places, image, plane(2), BEAM)
    assert (made.controls, made.factor) == (323, pytest.approx(1.0, rel=0.12))


@pytest.mark.parametrize("places", [None, controls(FEWEST - 1)])
def test_too_few_controls_change_no_error_and_say_so(places):
    assert cleaning_noise(places, 3 * plane(1), plane(2), BEAM) == CleaningNoise(1.0, 0)
