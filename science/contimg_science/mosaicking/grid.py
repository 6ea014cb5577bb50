"""The grid that all tiles of a mosaic share: SIN about the circular mean of their centres, ICRS, square cells, north up.

Right ascension is averaged as a direction: tiles at 23h 59m and 0h 1m have their centre at 0h. Unlike single images, whose pixels are
apparent offsets at their own time, a pixel here is an ICRS place, so that tiles of different nights agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.drift_beam import sky_place
from contimg_science.imaging.fits_headers import Keywords, sky_keywords
from contimg_science.mosaicking.contract import Place
from contimg_science.protocol import Record, StepFailure

Array = NDArray[np.float64]
# Farther from its centre the SIN projection squeezes beams by more than a tenth.
MOST_HALF_WIDTH_DEG = 25.0
# Two sums of four bytes: 3.2 GB on disk. An hour at the production cell has a fifth of it.
MOST_PIXELS = 400_000_000


class SkyGrid(Record):
    """`width_px` × `height_px` with the centre in the middle; the middle pixel, counted from 0, is half the size."""

    centre_ra_deg: float
    centre_dec_deg: float
    cell_arcsec: float
    width_px: int
    height_px: int

    @property
    def shape(self) -> tuple[int, int]:
        return self.height_px, self.width_px

    @property
    def centre_rad(self) -> tuple[float, float]:
        return float(np.radians(self.centre_ra_deg)), float(np.radians(self.centre_dec_deg))

    @property
    def cell_rad(self) -> float:
        return float(np.radians(self.cell_arcsec / 3600))

    def sky(self, x: Array, y: Array) -> tuple[Array, Array]:
        """ICRS places (rad) of pixels counted from 0."""
        return sky_place((self.width_px // 2 - x) * self.cell_rad, (y - self.height_px // 2) * self.cell_rad, self.centre_rad)

    def pixels(self, ra_rad: Array, dec_rad: Array) -> tuple[Array, Array]:
        """Pixels counted from 0; NaN for the hemisphere behind the grid."""
        east, north, ahead = direction(self.centre_rad, ra_rad, dec_rad)
        x, y = self.width_px // 2 - east / self.cell_rad, self.height_px // 2 + north / self.cell_rad
        return np.where(ahead > 0, x, np.nan), np.where(ahead > 0, y, np.nan)

    def keywords(self) -> Keywords:
        square = sky_keywords((self.centre_ra_deg, self.centre_dec_deg), self.width_px, self.cell_arcsec)
        return {**square, "CRPIX2": (float(self.height_px // 2 + 1), "")}


@dataclass(frozen=True)
class Window:
    """Rows and columns of the grid that a tile touches."""

    top: int
    bottom: int
    left: int
    right: int


def direction(centre_rad: tuple[float, float], ra_rad: Array, dec_rad: Array) -> tuple[Array, Array, Array]:
    """Direction cosines (east, north, ahead) about a centre."""
    ra0, dec0 = centre_rad
    east = np.cos(dec_rad) * np.sin(ra_rad - ra0)
    north = np.sin(dec_rad) * np.cos(dec0) - np.cos(dec_rad) * np.sin(dec0) * np.cos(ra_rad - ra0)
    ahead = np.sin(dec_rad) * np.sin(dec0) + np.cos(dec_rad) * np.cos(dec0) * np.cos(ra_rad - ra0)
    return east, north, ahead


def mean_place(places: list[Place]) -> Place:
    """RA and Dec of the mean of unit vectors; order does not matter, nor where 0h lies."""
    ra, dec = (np.radians(np.sort(np.array(column))) for column in zip(*[(place.ra_deg, place.dec_deg) for place in places], strict=True))
    turn = np.exp(1j * ra).mean()
    if abs(turn) < np.cos(np.radians(80)):
        raise StepFailure(
            "BadInput", "TilesAllAround", "the tiles lie all around the sky: they have no common centre", "name a shorter range of time", "none"
        )
    return Place(ra_deg=float(np.degrees(np.angle(turn)) % 360) % 360, dec_deg=float(np.degrees(dec.mean())))


def plan_grid(covers: list[Place], half_tile_deg: float, cell_arcsec: float) -> SkyGrid:
    """The smallest grid that holds tiles of this size about all centres."""
    centre = mean_place(covers)
    ra, dec = (np.radians(np.array(column)) for column in zip(*[(place.ra_deg, place.dec_deg) for place in covers], strict=True))
    east, north, ahead = direction((float(np.radians(centre.ra_deg)), float(np.radians(centre.dec_deg))), ra, dec)
    half_rad, cell_rad = np.radians(half_tile_deg), np.radians(cell_arcsec / 3600)
    if (ahead <= 0).any() or np.degrees(np.arcsin(np.abs(east).max())) > MOST_HALF_WIDTH_DEG:
        raise StepFailure(
            "BadInput",
            "TilesTooFarApart",
            f"tiles lie more than {MOST_HALF_WIDTH_DEG:.0f}° from their common centre",
            "name a shorter range of time, or one declination strip",
            "none",
        )
    width, height = (2 * int(np.ceil((np.abs(offset).max() + half_rad) / cell_rad)) for offset in (east, north))
    if width * height > MOST_PIXELS:
        raise StepFailure(
            "BadInput",
            "MosaicTooLarge",
            f"{width} × {height} pixels of {cell_arcsec:g}″",
            "name a shorter range of time, or a coarser tier (quicklook)",
            "none",
        )
    return SkyGrid(centre_ra_deg=centre.ra_deg, centre_dec_deg=centre.dec_deg, cell_arcsec=cell_arcsec, width_px=width, height_px=height)
