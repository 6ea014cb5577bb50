"""Blind finding on drawn planes whose noise is as smooth as the beam: what is new is found, in its place, and little else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contimg_science.measuring.blind_finding import Find, KnownHere, Searched, find_new
from contimg_science.measuring.blind_lines import position_error
from contimg_science.measuring.forced_fit import Beam, NoiseMap, convolved

BEAM = Beam(major_px=5.0, minor_px=3.6, pa_rad=float(np.radians(30)))
NOISE_JY = 1e-3
NOTHING_KNOWN = KnownHere(np.empty(0), np.empty(0), np.empty(0))
Source = tuple[float, float, float]


def noise(side: int, seed: int) -> np.ndarray:
    """A dirty image without sources: its noise correlates like its beam, which white noise through a beam over √2 does."""
    kernel = Beam(BEAM.major_px / np.sqrt(2), BEAM.minor_px / np.sqrt(2), BEAM.pa_rad).kernel(1e-5)
    pixels = convolved(np.random.default_rng(seed).normal(size=(side, side)).astype(np.float32), kernel)
    return pixels / pixels.std() * np.float32(NOISE_JY)


def drawn(plane: np.ndarray, sources: list[Source]) -> np.ndarray:
    y, x = np.mgrid[: plane.shape[0], : plane.shape[1]].astype(float)
    for source_x, source_y, flux in sources:
        plane = plane + (flux * BEAM(x - source_x, y - source_y)).astype(np.float32)
    return plane


def found(residual: np.ndarray, work: Path, known: KnownHere = NOTHING_KNOWN, model: np.ndarray | None = None) -> list[Find]:
    allowed = np.ones(residual.shape, bool)
    allowed[:, :40] = False
    searched = Searched(residual, np.zeros_like(residual) if model is None else model, allowed, BEAM, NoiseMap(residual, BEAM))
    return find_new(searched, known, 5.0, work)


def places(finds: list[Find]) -> list[tuple[int, int]]:
    return sorted((round(find.x), round(find.y)) for find in finds)


def test_new_sources_are_found_once_where_they_are_with_their_flux(tmp_path):
    made = [(80.3, 70.2, 0.02), (200.4, 150.8, 0.01), (150.0, 250.0, 0.015)]
    finds = found(drawn(noise(300, 1), made), tmp_path)
    assert len(finds) == len(made)
    for (x, y, flux_jy), find in zip(sorted(made, key=lambda one: -one[2]), finds, strict=True):
        snr = find.fitted.flux_jy / find.fitted.error_jy
        # Four standard deviations; the place in both coordinates.
        assert np.hypot(find.x - x, find.y - y) < 4 * np.sqrt(2) * position_error(BEAM.major_px, snr)
        assert abs(find.fitted.flux_jy - flux_jy) < 4 * find.fitted.error_jy


def test_what_the_primary_beam_hides_and_what_the_edge_cuts_is_not_found(tmp_path):
    assert found(drawn(noise(300, 2), [(20.0, 150.0, 0.05), (297.0, 150.0, 0.05)]), tmp_path) == []


def test_what_cleaning_left_at_a_known_source_is_not_a_new_one(tmp_path):
    known = KnownHere(np.array([150.0]), np.array([150.0]), np.array([0.5]))
    assert found(drawn(noise(300, 3), [(151.0, 150.5, 0.02)]), tmp_path, known) == []


def test_an_artefact_beside_a_bright_source_is_not_a_source_and_the_same_flux_far_away_is(tmp_path):
    known = KnownHere(np.array([150.0]), np.array([150.0]), np.array([3.0]))
    # 0.7 % of the bright one, four beams away from it, and thirty.
    residual = drawn(noise(400, 4), [(170.0, 150.0, 0.02), (300.0, 150.0, 0.02)])
    assert places(found(residual, tmp_path, known)) == [(300, 150)]


def test_a_new_source_that_cleaning_took_off_is_found_in_the_model(tmp_path):
    known = KnownHere(np.array([80.0, np.float64(-900)]), np.array([80.0, 40.0]), np.array([1.0, 0.0]))
    model = np.zeros((300, 300), np.float32)
    model[80, 80], model[200, 220] = 1.0, 0.04
    (find,) = found(noise(300, 5), tmp_path, known, model)
    assert (find.x, find.y) == (pytest.approx(220, abs=0.3), pytest.approx(200, abs=0.3))
    assert find.fitted.flux_jy == pytest.approx(0.04, abs=4 * find.fitted.error_jy)


def test_source_free_noise_gives_hardly_any_source(tmp_path):
    """12 images of a ninth of a full one; bench/blind.py counts on many."""
    assert sum(len(found(noise(600, seed), tmp_path)) for seed in range(12)) <= 1


def test_places_scatter_as_their_errors_say(tmp_path):
    random = np.random.default_rng(6)
    made = [(60.0 + 40 * column + random.uniform(), 30.0 + 40 * row + random.uniform(), 0.012) for column in range(9) for row in range(9)]
    finds = found(drawn(noise(440, 7), made), tmp_path)
    assert len(finds) > 75
    truth = np.array(made)[:, :2]
    offsets = []
    for find in finds:
        nearest = truth[np.hypot(*(truth - (find.x, find.y)).T).argmin()]
        dx, dy = find.x - nearest[0], find.y - nearest[1]
        snr = find.fitted.flux_jy / find.fitted.error_jy
        along = -dx * np.sin(BEAM.pa_rad) + dy * np.cos(BEAM.pa_rad)
        across = -dx * np.cos(BEAM.pa_rad) - dy * np.sin(BEAM.pa_rad)
        offsets += [along / position_error(BEAM.major_px, snr), across / position_error(BEAM.minor_px, snr)]
    # Pulls of 0.8 to 1.2 are what errors must reach; 160 of them give their own scatter to 6 %.
    assert 0.8 < np.std(offsets) < 1.2
