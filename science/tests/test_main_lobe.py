"""The restoring beam is that of the main lobe, whatever stands beside it."""

import numpy as np
import pytest

from contimg_science.imaging.main_lobe import main_lobe

EAST, NORTH = np.meshgrid(np.linspace(-60, 60, 81), np.linspace(-60, 60, 81))


def gaussian(major: float, minor: float, pa_deg: float, east: float = 0.0, north: float = 0.0) -> np.ndarray:
    pa = np.radians(pa_deg)
    x, y = EAST - east, NORTH - north
    along, across = x * np.sin(pa) + y * np.cos(pa), x * np.cos(pa) - y * np.sin(pa)
    return np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))


@pytest.mark.parametrize(("major", "minor", "pa_deg"), [(30.0, 20.0, 0.0), (40.0, 15.0, 70.0), (55.0, 16.0, 108.0)])
def test_a_gaussian_comes_back_with_its_axes_and_its_angle(major: float, minor: float, pa_deg: float):
    found = main_lobe(gaussian(major, minor, pa_deg), EAST, NORTH)
    assert found[:2] == pytest.approx((major, minor), rel=1e-4)
    assert np.degrees(found[2]) % 180 == pytest.approx(pa_deg % 180, abs=0.01)


def test_shoulders_and_sidelobes_beside_the_lobe_do_not_widen_it():
    # As the full array has them: 0.4 of the peak, two beams from it.
    spread = gaussian(31, 15.5, 100)
    for east, north in ((24, -20), (-24, 20), (4, 24), (-4, -24)):
        spread = spread + 0.4 * gaussian(24, 18, 100, east, north)
    alone = main_lobe(spread / spread.max(), EAST, NORTH)
    assert alone[:2] == pytest.approx((31, 15.5), rel=0.15)
