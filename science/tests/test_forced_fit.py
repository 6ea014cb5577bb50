"""The fit of beams to an image, on drawn ones: fluxes alone and in blends, and whether the errors are those it makes."""

from __future__ import annotations

import numpy as np
import pytest

from contimg_science.measuring.forced_fit import Beam, NoiseMap, companions, convolved, fit_companions

BEAM = Beam(major_px=5.0, minor_px=3.5, pa_rad=float(np.radians(30)))


def drawn(sources: list[tuple[float, float, float]], noise: float = 0.0) -> np.ndarray:
    y, x = np.mgrid[:200, :200].astype(float)
    image = np.random.default_rng(3).normal(0, noise, x.shape) if noise else np.zeros_like(x)
    return (image + sum(flux * BEAM(x - source_x, y - source_y) for source_x, source_y, flux in sources)).astype(np.float32)


def fitted(sources: list[tuple[float, float, float]], noise: float = 0.0):
    x, y, _ = np.array(sources).T
    residual = np.random.default_rng(4).normal(0, noise or 1e-6, (200, 200)).astype(np.float32)
    return fit_companions(drawn(sources, noise), x, y, BEAM, NoiseMap(residual, BEAM))


@pytest.mark.parametrize(("x", "y"), [(100.0, 100.0), (100.5, 99.5), (80.21, 120.77)])
def test_a_subpixel_place_costs_no_flux(x, y):
    assert fitted([(x, y, 1.7)])[0].flux_jy == pytest.approx(1.7, rel=1e-6)


def test_overlapping_sources_do_not_take_each_others_flux():
    first, second = fitted([(100.2, 100.1, 1.0), (104.9, 101.3, 0.2)])
    assert (first.flux_jy, second.flux_jy) == (pytest.approx(1.0, rel=1e-5), pytest.approx(0.2, rel=1e-5))


def test_sources_within_a_fraction_of_a_beam_say_that_they_are_unresolved():
    both = fitted([(100.0, 100.0, 1.0), (100.5, 100.0, 0.5)])
    assert [entry.unresolved for entry in both] == [True, True]
    assert all(entry.flux_jy == pytest.approx(1.5, rel=0.02) for entry in both)


def test_errors_are_the_scatter_of_many_fits():
    noise, places = 0.01, [(float(x), float(y), 0.0) for x in range(20, 181, 20) for y in range(20, 181, 20)]
    fluxes = [fitted([place], noise)[0] for place in places]
    quoted = np.median([entry.error_jy for entry in fluxes])
    # 81 independent fits give their scatter to 8 %; two of those.
    assert np.std([entry.flux_jy for entry in fluxes]) == pytest.approx(quoted, rel=0.16)


def test_companions_are_linked_through_each_other():
    x, y = np.array([0.0, 3.0, 6.0, 50.0]), np.zeros(4)
    assert [members.tolist() for members in companions(x, y, 3.5)] == [[0, 1, 2], [3]]


def smooth_noise(side: int, seed: int) -> np.ndarray:
    """As in a dirty image, where noise correlates like the beam: white noise through a beam over √2."""
    narrow = Beam(BEAM.major_px / np.sqrt(2), BEAM.minor_px / np.sqrt(2), BEAM.pa_rad)
    pixels = convolved(np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32), narrow.kernel(1e-5))
    return pixels / pixels.std()


@pytest.mark.parametrize("apart_beams", [0.5, 1.0, 1.49])
def test_both_sources_of_a_blend_come_back_with_errors_that_hold(apart_beams):
    """196 pairs of 30σ and 12σ along every angle; a single fit would give the fainter one up to 30σ · 0.5 too much."""
    random, image = np.random.default_rng(5), smooth_noise(600, 6)
    y, x = np.mgrid[:600, :600].astype(float)
    pairs = []
    for corner in np.stack(np.meshgrid(np.arange(30, 580, 40), np.arange(30, 580, 40)), axis=-1).reshape(-1, 2):
        first, angle = corner + random.uniform(0, 1, 2), random.uniform(0, 2 * np.pi)
        second = first + _beams_away(apart_beams, angle)
        near = (slice(int(corner[1]) - 20, int(corner[1]) + 21), slice(int(corner[0]) - 20, int(corner[0]) + 21))
        for place, flux in ((first, 30.0), (second, 12.0)):
            image[near] += (flux * BEAM(x[near] - place[0], y[near] - place[1])).astype(np.float32)
        pairs.append((first, second))
    noise = NoiseMap(smooth_noise(600, 7), BEAM)
    pulls = []
    for pair in pairs:
        places = np.array(pair)
        fits = fit_companions(image, places[:, 0], places[:, 1], BEAM, noise)
        assert all(fit.joint and not fit.unresolved for fit in fits)
        pulls.append([(fit.flux_jy - flux) / fit.error_jy for fit, flux in zip(fits, (30.0, 12.0), strict=True)])
    # 196 pulls give their mean to 0.07 and their scatter to 5 %.
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.25
    assert 0.8 < np.std(pulls, axis=0).min() <= np.std(pulls, axis=0).max() < 1.2


def _beams_away(beams: float, angle: float) -> np.ndarray:
    along, across = beams * BEAM.major_px * np.cos(angle), beams * BEAM.major_px * np.sin(angle)
    sin, cos = np.sin(BEAM.pa_rad), np.cos(BEAM.pa_rad)
    return np.array([-along * sin - across * cos, along * cos - across * sin])
