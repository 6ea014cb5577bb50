"""Flux scale, astrometry and completeness of an image, on drawn sources whose places and fluxes are known."""

from __future__ import annotations

import numpy as np
import pytest

from contimg_science.imaging.catalogue_check import CatalogueComparison, Plane, compare
from contimg_science.imaging.image_quality import catalogue_checks
from contimg_science.imaging.known_sources import KnownSources, read_known_sources
from contimg_science.measuring.forced_fit import Beam

BEAM = Beam(major_px=5.0, minor_px=4.0, pa_rad=0.6)
NOISE_JY, CELL_ARCSEC = 1e-3, 5.0
X, Y = (np.array(places, float) for places in zip(*[(60 * i + 40.3, 60 * j + 35.7) for i in range(3) for j in range(3)], strict=True))
FLUX_JY = np.linspace(0.1, 0.5, X.size)


def known(flux_jy: np.ndarray) -> KnownSources:
    nothing = np.zeros(flux_jy.size)
    return KnownSources([f"S{number}" for number in range(flux_jy.size)], nothing, nothing, flux_jy, nothing)


def compared(drawn_jy: np.ndarray, east_px: float = 0.0, north_px: float = 0.0, response: float = 0.5) -> CatalogueComparison | None:
    """Sources of these fluxes at their places or beside them, against the catalogue."""
    grid_y, grid_x = np.mgrid[:220, :220].astype(float)
    image = np.random.default_rng(2).normal(0, NOISE_JY, grid_x.shape)
    for flux, x, y in zip(drawn_jy, X, Y, strict=True):
        image += flux * response * BEAM(grid_x - x + east_px, grid_y - y - north_px)
    plane = Plane(image.astype(np.float32), np.full(image.shape, response, np.float32), BEAM, NOISE_JY, CELL_ARCSEC)
    return compare(plane, known(FLUX_JY), X, Y, 1.4e9, 0.2)


def test_a_good_image_agrees_with_the_catalogue():
    found = compared(FLUX_JY)
    assert found is not None
    assert (found.compared, found.seen_fraction) == (9, 1.0)
    # The noise of nine sources above 50σ: 0.5 % in flux, 0.1″ in place.
    assert found.flux_ratio == pytest.approx(1, abs=0.02)
    assert found.astrometry_rms_arcsec < 0.3


def test_a_wrong_flux_scale_shows_and_one_variable_source_does_not():
    varied = FLUX_JY.copy()
    varied[4] *= 3
    found = compared(varied)
    assert found is not None
    assert found.flux_ratio == pytest.approx(1, abs=0.03)
    low = compared(FLUX_JY * 0.7)
    assert low is not None
    assert low.flux_ratio == pytest.approx(0.7, abs=0.02)


def test_a_shifted_image_shows_by_how_much_and_where_to():
    found = compared(FLUX_JY, east_px=1.5, north_px=-0.5)
    assert found is not None
    assert found.offset_east_arcsec == pytest.approx(1.5 * CELL_ARCSEC, abs=0.2)
    assert found.offset_north_arcsec == pytest.approx(-0.5 * CELL_ARCSEC, abs=0.2)
    assert found.astrometry_rms_arcsec == pytest.approx(np.hypot(1.5, 0.5) * CELL_ARCSEC, abs=0.3)


def test_sources_that_should_be_there_and_are_not_are_counted():
    gone = FLUX_JY.copy()
    gone[:3] = 0
    found = compared(gone)
    assert found is not None
    assert found.seen_fraction == pytest.approx(6 / 9)
    assert found.astrometry_rms_arcsec is not None
    empty = compared(np.zeros(FLUX_JY.size))
    assert empty is not None
    assert empty.seen_fraction == 0
    # Where they stand was not measured, so it is no number: a 0 would pass.
    assert empty.astrometry_rms_arcsec is None
    assert "astrometry_rms_arcsec" not in [name for name, _, _ in catalogue_checks(empty)]


def test_too_few_sources_say_nothing():
    # Through a beam of a hundredth all but a few are below the limit.
    assert compared(FLUX_JY, response=0.01) is None


def test_a_source_whose_flux_the_catalogue_does_not_state_is_not_taken_for_one_of_1_jy(tmp_path):
    path = tmp_path / "sources.csv"
    path.write_text("source_id,name,ra_deg,dec_deg,flux_jy,spectral_index\n1,stated,10,54,0.2,\n2,not stated,11,54,,\n")
    sources = read_known_sources(path)
    assert sources.flux_jy[:2] == pytest.approx([0.2, np.nan], nan_ok=True)
    assert np.isnan(sources.spectrum_jy(np.array([1.4e9]))[1]).all()


def test_sources_without_a_flux_check_nothing():
    image = np.zeros((220, 220), np.float32)
    plane = Plane(image, np.ones_like(image), BEAM, NOISE_JY, CELL_ARCSEC)
    assert compare(plane, known(np.full(X.size, np.nan)), X, Y, 1.4e9, 0.2) is None
