"""The tools of the field open a converted set as it is and find in it what the sky held, where the truth has it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS

from contimg_science.casa_session import run_casa
from contimg_science.meridian import JD_OF_MJD_ZERO
from contimg_science.simulation.array_layout import header_site

if TYPE_CHECKING:
    from conftest import LoneSource

pytestmark = pytest.mark.slow

CELL_ARCSEC = 4.0
PIXELS = 640
# λ/b in the middle of the band on 2.6 km.
BEAM_ARCSEC = 17.0
# Differential aberration, which one centre leaves in, is at most 0.34" a degree: well below this.
PLACE_ERROR_ARCSEC = BEAM_ARCSEC / 20
MIRRORED = ((-0.2, -0.1), (-0.2, 0.1), (0.2, -0.1))
# The map's side lobes, cleaned for a few hundred components, against a source at full strength.
LARGEST_ELSEWHERE = 0.1


@pytest.fixture(scope="module")
def seen_by_casa(lone_source: LoneSource, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    base = tmp_path_factory.mktemp("casa")
    plan = {"ms": lone_source.result.ms, "image": base / "casa", "cell_arcsec": CELL_ARCSEC, "pixels": PIXELS}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(Path(__file__).parent))
        return {**run_casa("casa_opens", plan, base / "work", 2), "base": base}


def test_casa_lists_it_and_selects_by_name_intent_and_window(seen_by_casa: dict[str, Any], lone_source: LoneSource) -> None:
    found = {name: seen_by_casa[name] for name in ("observatory", "fields", "intents", "windows", "channels", "antennas", "selected_rows")}
    assert found == {
        "observatory": ["OVRO_MMA"],
        "fields": ["meridian"],
        "intents": ["OBSERVE_TARGET#ON_SOURCE"],
        "windows": 1,
        "channels": 96,
        "antennas": 117,
        # One pair of antennas in each integration.
        "selected_rows": 24,
    }
    listing = seen_by_casa["listobs"]
    assert "02-Oct-2025/00:05:18" in listing and "DSA-116" in listing and "ICRS" in listing
    # listobs says so when it cannot place an array.
    assert "unknown" not in listing.lower()
    assert str(lone_source.result.rows) in listing


def test_casa_reads_the_centre_the_site_and_the_times_that_were_written(seen_by_casa: dict[str, Any], lone_source: LoneSource) -> None:
    # (2,1,n) on one side and (n,1,2) on the other: the same place all the same.
    ra_deg, dec_deg = np.degrees(seen_by_casa["centre_rad"])
    assert (ra_deg % 360, dec_deg) == pytest.approx((lone_source.result.ra_deg, lone_source.result.dec_deg), abs=1e-9)
    assert np.degrees(seen_by_casa["reference_rad"]) % 360 == pytest.approx((lone_source.result.ra_deg, lone_source.result.dec_deg), abs=1e-9)
    # CASA's own entry for OVRO_MMA is the headers' site to a metre; it gives longitude and latitude in radians.
    site = header_site()
    assert seen_by_casa["observatory_rad"][0] == pytest.approx(site.lon_rad, abs=1 / 6.4e6)
    first_mjd = lone_source.result.start_mjd + seen_by_casa["interval_s"] / 2 / 86400
    assert seen_by_casa["first_time_mjd"] == pytest.approx(first_mjd, abs=1e-9)
    assert first_mjd + JD_OF_MJD_ZERO == pytest.approx(2460950.5037, abs=1e-3)


def test_tclean_finds_the_source_at_its_icrs_place_and_none_at_the_mirrored_ones(seen_by_casa: dict[str, Any], lone_source: LoneSource) -> None:
    assert_at_its_place(seen_by_casa["base"] / "casa.fits", lone_source)


def test_wsclean_finds_the_source_at_its_icrs_place_and_none_at_the_mirrored_ones(lone_source: LoneSource, tmp_path: Path) -> None:
    shape = ["-size", str(PIXELS), str(PIXELS), "-scale", f"{CELL_ARCSEC}asec", "-use-wgridder", "-weight", "briggs", "0"]
    clean = ["-niter", "300", "-mgain", "0.9", "-name", str(tmp_path / "clean")]
    subprocess.run(["wsclean", "-j", "2", *shape, *clean, str(lone_source.result.ms)], check=True, capture_output=True)
    assert_at_its_place(tmp_path / "clean-image.fits", lone_source)


def assert_at_its_place(path: Path, source: LoneSource) -> None:
    with fits.open(path) as opened:
        image, header = opened[0].data[0, 0], opened[0].header
    wcs = WCS(header).celestial
    row, column = np.unravel_index(image.argmax(), image.shape)
    found = wcs.pixel_to_world(column + _vertex(image[row, column - 1 : column + 2]), row + _vertex(image[row - 1 : row + 2, column]))
    assert found.separation(source.place).arcsec < PLACE_ERROR_ARCSEC
    for east_deg, north_deg in MIRRORED:
        mirror = source.centre.spherical_offsets_by(east_deg * u.deg, north_deg * u.deg)
        x, y = (round(float(v)) for v in wcs.world_to_pixel(mirror))
        assert np.abs(image[y - 5 : y + 6, x - 5 : x + 6]).max() < LARGEST_ELSEWHERE * image.max()


def _vertex(three: np.ndarray) -> float:
    """Place of the top of a parabola through three pixels, from the middle one."""
    return float((three[0] - three[2]) / (2 * (three[0] - 2 * three[1] + three[2])))
