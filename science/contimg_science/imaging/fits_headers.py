"""FITS files of an image: read WSClean's planes, write products that say where they come from.

Every plane is written as two dimensions (x, y) in ICRS, with the frequency in the header. Nothing that differs between
two runs on the same input is kept: no time of writing, no path, no attempt.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.time import Time
from numpy.typing import NDArray

from contimg_science.imaging.drift_beam import sky_place
from contimg_science.meridian import direction_cosines, site_from_itrf

# Where the linear map is fitted, from the centre.
GRID_DEG = np.linspace(-1.5, 1.5, 7)
Keywords = dict[str, tuple[str | int | float | bool, str]]


def read_plane(path: Path) -> tuple[NDArray[np.float32], fits.Header]:
    """Pixels (y, x) in native byte order and the header; the degenerate frequency and Stokes axes are dropped."""
    with fits.open(path, memmap=False) as opened:
        primary = opened[0]
        assert isinstance(primary, fits.PrimaryHDU)
        pixels = np.asarray(primary.data, np.float32)
        header = primary.header.copy()
    return pixels.reshape(pixels.shape[-2:]), header


def sky_keywords(centre_deg: tuple[float, float], width_px: int, cell_arcsec: float) -> Keywords:
    middle = width_px // 2 + 1
    return {
        "CTYPE1": ("RA---SIN", "right ascension"),
        "CRPIX1": (float(middle), ""),
        "CRVAL1": (centre_deg[0], "[deg] phase centre"),
        "CDELT1": (-cell_arcsec / 3600, "[deg]"),
        "CUNIT1": ("deg", ""),
        "CTYPE2": ("DEC--SIN", "declination"),
        "CRPIX2": (float(middle), ""),
        "CRVAL2": (centre_deg[1], "[deg] phase centre"),
        "CDELT2": (cell_arcsec / 3600, "[deg]"),
        "CUNIT2": ("deg", ""),
        "RADESYS": ("ICRS", ""),
    }


def apparent_keywords(centre_rad: tuple[float, float], site_itrf_m: NDArray[np.float64], mid_mjd: float) -> Keywords:
    """What brings the header's sky to the pixels: an image shows apparent offsets, and aberration differs over its width.

    0.34″ at a degree with the plain grid; a linear map leaves less than 0.01″.
    """
    plain = np.radians(np.stack(np.meshgrid(GRID_DEG, GRID_DEG), axis=-1).reshape(-1, 2))
    ra_rad, dec_rad = sky_place(plain[:, 0], plain[:, 1], centre_rad)
    east, north, _ = direction_cosines(site_from_itrf(site_itrf_m), mid_mjd, centre_rad, ra_rad, dec_rad)
    (ee, ne), (en, nn) = np.linalg.lstsq(np.stack([east, north], axis=1), plain, rcond=None)[0]
    # East is to the left: the first pixel axis runs against it.
    return {"PC1_1": (ee, "apparent to ICRS offsets"), "PC1_2": (-en, ""), "PC2_1": (-ne, ""), "PC2_2": (nn, "")}


def time_keywords(start_mjd: float, mid_mjd: float, end_mjd: float, site_itrf_m: NDArray[np.float64]) -> Keywords:
    def iso(mjd: float) -> str:
        return str(Time(mjd, format="mjd", scale="utc").isot)

    return {
        "TELESCOP": ("DSA-110", ""),
        "TIMESYS": ("UTC", ""),
        "DATE-OBS": (iso(start_mjd), "start of the first integration"),
        "DATE-AVG": (iso(mid_mjd), "middle"),
        "DATE-END": (iso(end_mjd), "end of the last integration"),
        "MJD-OBS": (start_mjd, "[d]"),
        "MJD-AVG": (mid_mjd, "[d]"),
        "MJD-END": (end_mjd, "[d]"),
        "OBSGEO-X": (float(site_itrf_m[0]), "[m] ITRF"),
        "OBSGEO-Y": (float(site_itrf_m[1]), "[m] ITRF"),
        "OBSGEO-Z": (float(site_itrf_m[2]), "[m] ITRF"),
    }


def beam_keywords(wsclean: fits.Header) -> Keywords:
    return {
        "BMAJ": (float(wsclean["BMAJ"]), "[deg] restoring beam, FWHM"),  # type: ignore[arg-type]
        "BMIN": (float(wsclean["BMIN"]), "[deg]"),  # type: ignore[arg-type]
        "BPA": (float(wsclean["BPA"]), "[deg] north through east"),  # type: ignore[arg-type]
    }


def write_plane(path: Path, pixels: NDArray[np.float32], unit: str, keywords: Keywords, history: list[str]) -> None:
    header = fits.Header()
    header["BUNIT"] = unit
    for name, (value, comment) in keywords.items():
        header[name] = (value, comment)
    for line in history:
        header.add_history(line)
    part = path.with_name(f".{path.name}.part")
    fits.PrimaryHDU(np.asarray(pixels, np.float32), header).writeto(part, overwrite=True, output_verify="exception")
    part.replace(path)
