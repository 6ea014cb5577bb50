"""Where a catalogue position falls on an image, to a hundredth of an arcsecond.

The header alone is not enough. The visibilities were phased with the apparent places of the moment, so an image shows
apparent offsets from the apparent centre, turned to ICRS north. Aberration differs across the field: placing sources by
the SIN projection of ICRS coordinates leaves up to 0.34″ a degree. Here each source and the centre go through the full
apparent transform at mid-time (meridian.direction_cosines). Within the five minutes of a group the offsets change by less
than a milliarcsecond, so one instant serves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from contimg_science import meridian
from contimg_science.imaging.drift_beam import sky_place
from contimg_science.protocol import StepFailure

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ImageFrame:
    """The geometry of one image: SIN about an ICRS centre, square cells, seen from a site at an instant."""

    centre_rad: tuple[float, float]
    cell_rad: float
    middle_px: tuple[float, float]  # of the centre, counted from 0, (x, y)
    mid_mjd: float
    site: meridian.Site


def image_frame(header: fits.Header) -> ImageFrame:
    try:
        value = {key: float(header[key]) for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2", "CDELT1", "CDELT2", "MJD-AVG")}  # type: ignore[arg-type]
        itrf_m = [float(header[f"OBSGEO-{axis}"]) for axis in "XYZ"]  # type: ignore[arg-type]
    except KeyError as missing:
        raise StepFailure(
            "BadInput", "NotOurImage", f"the image has no {missing.args[0]}", "measure only images of the image step", "none"
        ) from missing
    if abs(value["CDELT1"] + value["CDELT2"]) > 1e-9 * value["CDELT2"]:
        raise StepFailure(
            "BadInput", "NotOurImage", "cells are not square with east to the left", "measure only images of the image step", "none"
        )
    return ImageFrame(
        centre_rad=(float(np.radians(value["CRVAL1"])), float(np.radians(value["CRVAL2"]))),
        cell_rad=float(np.radians(value["CDELT2"])),
        middle_px=(value["CRPIX1"] - 1, value["CRPIX2"] - 1),
        mid_mjd=value["MJD-AVG"],
        site=meridian.site_from_itrf(itrf_m),
    )


def pixel_positions(frame: ImageFrame, ra_rad: Array, dec_rad: Array) -> tuple[Array, Array]:
    """(x, y) counted from 0, not rounded; NaN for the hemisphere behind the image."""
    l, m, n = meridian.direction_cosines(frame.site, frame.mid_mjd, frame.centre_rad, ra_rad, dec_rad)  # noqa: E741 (l, m are the field's names)
    x, y = frame.middle_px[0] - l / frame.cell_rad, frame.middle_px[1] + m / frame.cell_rad
    return np.where(n > 0, x, np.nan), np.where(n > 0, y, np.nan)


def sky_places(frame: ImageFrame, x: Array, y: Array) -> tuple[Array, Array]:
    """ICRS RA and Dec of what an image shows at a pixel: the inverse of `pixel_positions`."""
    l, m = -(x - frame.middle_px[0]) * frame.cell_rad, (y - frame.middle_px[1]) * frame.cell_rad  # noqa: E741
    ra_rad, dec_rad = sky_place(l, m, frame.centre_rad)
    # Aberration moves a place by 1e-4 of its offset: each round leaves so much of what was left.
    for _ in range(3):
        seen_x, seen_y = pixel_positions(frame, ra_rad, dec_rad)
        l, m = l - (x - seen_x) * frame.cell_rad, m + (y - seen_y) * frame.cell_rad  # noqa: E741
        ra_rad, dec_rad = sky_place(l, m, frame.centre_rad)
    return np.mod(ra_rad, 2 * np.pi), dec_rad
