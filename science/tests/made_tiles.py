"""Draws images like those of the image step, small and exactly known, for the tests of mosaics: no visibilities, no WSClean.

Sources stand where the apparent transform of the tile's time puts them; noise is correlated like that of an image; the dish is larger
than the real one, so that a tile of half a degree reaches down to a fifth of its beam.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from contimg_science import meridian
from contimg_science.beam import airy_power
from contimg_science.imaging.drift_beam import separation_rad, sky_place
from contimg_science.imaging.fits_headers import sky_keywords, time_keywords, write_plane
from contimg_science.measuring.forced_fit import Beam
from contimg_science.measuring.positions import ImageFrame, pixel_positions

SITE = meridian.site_from_header(37.2334051, -118.283, 1188.0519)
DEC_APPARENT_RAD = np.radians(54.5734)
WIDTH_PX, CELL_ARCSEC, FREQ_HZ, DISH_M = 400, 8.0, 1.4e9, 22.0
# Cells are the beam over 3.5, as the image step makes them.
BEAM_ARCSEC, BEAM_PA_DEG = (32.0, 28.0), 20.0
BEAM = Beam(BEAM_ARCSEC[0] / CELL_ARCSEC, BEAM_ARCSEC[1] / CELL_ARCSEC, float(np.radians(BEAM_PA_DEG)))
# The centre of this tile is at RA 0h (ICRS): those before it are at 23h.
AT_0H_MJD = 60951.295485
# 0.3° of sky at this declination.
STEP_D = 124 / 86400


@dataclass(frozen=True)
class MadeTile:
    """`member` as the mosaic step is asked for it."""

    member: dict[str, str]
    centre_deg: tuple[float, float]
    frame: ImageFrame


def centre_of(mid_mjd: float) -> tuple[float, float]:
    ra, dec = meridian.meridian_centre(SITE, mid_mjd, DEC_APPARENT_RAD)
    return float(np.degrees(ra) % 360), float(np.degrees(dec))


def frame_at(mid_mjd: float) -> ImageFrame:
    ra_deg, dec_deg = centre_of(mid_mjd)
    middle = (WIDTH_PX / 2, WIDTH_PX / 2)
    return ImageFrame((float(np.radians(ra_deg)), float(np.radians(dec_deg))), float(np.radians(CELL_ARCSEC / 3600)), middle, mid_mjd, SITE)


def response_of(frame: ImageFrame) -> np.ndarray:
    y, x = np.mgrid[:WIDTH_PX, :WIDTH_PX].astype(float)
    ra, dec = sky_place((WIDTH_PX / 2 - x) * frame.cell_rad, (y - WIDTH_PX / 2) * frame.cell_rad, frame.centre_rad)
    theta = separation_rad(ra, dec, np.array([frame.centre_rad]))[0]
    return airy_power(theta, FREQ_HZ, DISH_M).astype(np.float32)


def image_noise(sigma_jy: float, seed: int) -> np.ndarray:
    """Correlated like an image of this beam: noise of a real array holds nothing finer than its beam."""
    white = np.random.default_rng(seed).normal(size=(WIDTH_PX, WIDTH_PX))
    smooth = gaussian_filter(white, np.sqrt(BEAM.major_px * BEAM.minor_px) / 2.355 / np.sqrt(2))
    return (smooth / smooth.std() * sigma_jy).astype(np.float32)


def make_tile(
    folder: Path,
    step: int,
    sources: list[tuple[float, float, float]],
    noise_jy: float = 0.001,
    noisy: bool = True,
    flux_scale: float = 1.0,
    **header: str | float | bool,
) -> MadeTile:
    """A tile `step` steps after 0h; sources are (RA°, Dec°, Jy). Not `noisy`: only the residual, from which noise is measured, is."""
    mid_mjd = AT_0H_MJD + step * STEP_D
    frame, centre_deg = frame_at(mid_mjd), centre_of(mid_mjd)
    response = response_of(frame)
    noise = image_noise(noise_jy, seed=100 + step)
    image = noise.astype(float) if noisy else np.zeros((WIDTH_PX, WIDTH_PX))
    grid_y, grid_x = np.mgrid[:WIDTH_PX, :WIDTH_PX].astype(float)
    ra, dec, flux = (np.array(column) for column in zip(*sources, strict=True)) if sources else (np.empty(0),) * 3
    for x, y, jy in zip(*pixel_positions(frame, np.radians(ra), np.radians(dec)), flux, strict=True):
        if 0 <= x <= WIDTH_PX - 1 and 0 <= y <= WIDTH_PX - 1:
            image += jy * flux_scale * response * BEAM(grid_x - x, grid_y - y)
    name = f"tile{step:+d}"
    keywords = {
        **sky_keywords(centre_deg, WIDTH_PX, CELL_ARCSEC),
        **time_keywords(mid_mjd - STEP_D / 2, mid_mjd, mid_mjd + STEP_D / 2, SITE.itrf_m()),
        "BMAJ": (BEAM_ARCSEC[0] / 3600, ""),
        "BMIN": (BEAM_ARCSEC[1] / 3600, ""),
        "BPA": (BEAM_PA_DEG, ""),
        "RESTFRQ": (FREQ_HZ, ""),
        "QAVERD": ("pass", ""),
        **{key: (value, "") for key, value in header.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    member = {"id": str(1000 + step), "name": name, "content_hash": f"hash of {name}"}
    for plane, pixels in (("image", image), ("beam", response), ("residual", noise)):
        path = folder / f"{name}-{plane}.fits"
        write_plane(path, pixels.astype(np.float32), "JY/BEAM", keywords, [])
        member[plane] = str(path)
    return MadeTile(member, centre_deg, frame)
