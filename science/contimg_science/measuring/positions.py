"""Where a catalogue position falls on an image, to a hundredth of an arcsecond.

The header alone is not enough. The visibilities were phased with the apparent places of the moment, so an image shows
apparent offsets from the apparent centre, turned to ICRS north. Aberration differs across the field: placing sources by
the SIN projection of ICRS coordinates leaves up to 0.34″ a degree. Here each source and the centre go through the full
apparent transform at mid-time (Δα, Δδ of the apparent sphere → direction cosines l₀, m₀ → turned by the frame angle ψ):

    l = l₀ cos ψ − m₀ sin ψ        m = l₀ sin ψ + m₀ cos ψ

Within the five minutes of a group the offsets change by less than a milliarcsecond, so one instant serves.
"""

from __future__ import annotations

from dataclasses import dataclass

import erfa
import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from contimg_science import meridian
from contimg_science.protocol import StepFailure

Array = NDArray[np.float64]
WGS84 = 1


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
    lon_rad, lat_rad, height_m = (float(part) for part in erfa.gc2gd(WGS84, itrf_m))
    return ImageFrame(
        centre_rad=(float(np.radians(value["CRVAL1"])), float(np.radians(value["CRVAL2"]))),
        cell_rad=float(np.radians(value["CDELT2"])),
        middle_px=(value["CRPIX1"] - 1, value["CRPIX2"] - 1),
        mid_mjd=value["MJD-AVG"],
        site=meridian.Site(lat_rad, lon_rad, height_m),
    )


def pixel_positions(frame: ImageFrame, ra_rad: Array, dec_rad: Array) -> tuple[Array, Array]:
    """(x, y) counted from 0, not rounded; NaN for the hemisphere behind the image."""
    ra, dec = meridian.apparent_place(frame.site, frame.mid_mjd, ra_rad, dec_rad)
    ra_c, dec_c = meridian.apparent_place(frame.site, frame.mid_mjd, *frame.centre_rad)
    angle = meridian.frame_angle_rad(frame.site, frame.mid_mjd, ra_c, dec_c)
    east = np.cos(dec) * np.sin(ra - ra_c)
    north = np.sin(dec) * np.cos(dec_c) - np.cos(dec) * np.sin(dec_c) * np.cos(ra - ra_c)
    ahead = np.sin(dec) * np.sin(dec_c) + np.cos(dec) * np.cos(dec_c) * np.cos(ra - ra_c) > 0
    l = east * np.cos(angle) - north * np.sin(angle)  # noqa: E741 (l, m are the field's names)
    m = east * np.sin(angle) + north * np.cos(angle)
    return np.where(ahead, frame.middle_px[0] - l / frame.cell_rad, np.nan), np.where(ahead, frame.middle_px[1] + m / frame.cell_rad, np.nan)
