"""One image brought onto the grid of a mosaic.

Each grid pixel is looked up in the tile through the apparent transform of the tile's own time (measuring/positions.py): the header
alone would leave up to 0.34″ a degree. Spline interpolation, prefiltered: at 3.5 cells a beam a cubic loses 0.06 % of a source's
flux, a quintic 0.002 %, linear interpolation 3.6 %. The beam used is the tile's own, averaged over its drift, never one of the mosaic.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from contimg_science.imaging.drift_beam import sky_place
from contimg_science.imaging.fits_headers import read_plane
from contimg_science.imaging.image_quality import robust_sigma
from contimg_science.measuring.positions import ImageFrame, image_frame, pixel_positions
from contimg_science.mosaicking.contract import Member
from contimg_science.mosaicking.grid import SkyGrid, Window
from contimg_science.protocol import StepFailure

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
# The map from grid to tile bends by aberration and projection only: so many nodes a side hold it to a millionth of a pixel.
NODES = 12
ROWS_AT_ONCE = 128


class TileRefused(Exception):
    """Why an image cannot be a tile, in words."""


@dataclass(frozen=True)
class TilePlanes:
    """What is known of a tile before it is on the grid; `noise_jy` is measured where the tile is used."""

    image: Pixels
    response: Pixels
    header: fits.Header
    frame: ImageFrame
    noise_jy: float
    reach_px: float

    def number(self, key: str) -> float:
        return float(self.header[key])  # type: ignore[arg-type]


def read_tile(member: Member, pb_cut: float) -> TilePlanes:
    try:
        image, header = read_plane(member.image)
        response, residual = read_plane(member.beam)[0], read_plane(member.residual)[0]
    except OSError as error:
        raise TileRefused(f"cannot be read: {error}") from error
    if not image.shape == response.shape == residual.shape:
        raise TileRefused(f"planes of {image.shape}, {response.shape} and {residual.shape} pixels are not of one image")
    if header.get("QAVERD") == "fail":
        raise TileRefused(f"its image failed {header.get('QAFAIL')}")
    try:
        frame = image_frame(header)
    except StepFailure as error:
        raise TileRefused(error.message) from error
    missing = [key for key in ("BMAJ", "BMIN", "BPA", "RESTFRQ", "MJD-OBS", "MJD-END") if key not in header]
    if missing:
        raise TileRefused(f"its header has no {', '.join(missing)}")
    used = response >= pb_cut
    if not used.any():
        raise TileRefused(f"no pixel lies inside {pb_cut:.0%} of the primary beam")
    if not np.isfinite(image).all():
        raise TileRefused("it has pixels without a value")
    noise_jy = robust_sigma(residual[used])
    if not noise_jy > 0:
        raise TileRefused("it is blank: there is no noise in it")
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    middle_x, middle_y = frame.middle_px
    reach_px = max(middle_x - columns[0], columns[-1] - middle_x, middle_y - rows[0], rows[-1] - middle_y)
    return TilePlanes(image, response, header, frame, noise_jy, float(reach_px))


def window_of(tile: TilePlanes, grid: SkyGrid) -> Window:
    """Where the used square of the tile falls on the grid, with a margin for aberration."""
    side = np.linspace(-1, 1, 33) * tile.reach_px * tile.frame.cell_rad
    edge = np.full(side.size, side[-1])
    east, north = np.concatenate([side, side, edge, -edge]), np.concatenate([edge, -edge, side, side])
    x, y = grid.pixels(*sky_place(east, north, tile.frame.centre_rad))
    margin = 4 + int(np.ceil(np.radians(5 / 3600) / grid.cell_rad))
    top, left = max(0, int(np.floor(y.min())) - margin), max(0, int(np.floor(x.min())) - margin)
    bottom, right = min(grid.height_px, int(np.ceil(y.max())) + margin), min(grid.width_px, int(np.ceil(x.max())) + margin)
    if top >= bottom or left >= right:
        raise TileRefused("it lies outside the grid of this mosaic")
    return Window(top, bottom, left, right)


@dataclass(frozen=True)
class Strip:
    """Some rows of a tile on the grid: Σ of these is the mosaic. `weighted` is weight × corrected image, in 1/Jy."""

    rows: slice
    weight: Pixels
    weighted: Pixels


def on_grid(tile: TilePlanes, grid: SkyGrid, window: Window, pb_cut: float, spline_order: int, threads: int) -> Iterator[Strip]:
    """Weight PB²/σ², 0 below the cut; and PB·image/σ², which is that weight times image/PB without dividing by a small beam."""
    from scipy import ndimage  # half a second that a refused request need not pay

    coefficients = ndimage.spline_filter(tile.image, spline_order, output=np.float32, mode="mirror")
    to_x, to_y, across = _map_to_tile(tile.frame, grid, window)
    height, width = tile.image.shape

    def strip(first: int) -> Strip:
        rows = slice(first, min(first + ROWS_AT_ONCE, window.bottom))
        along = _basis(np.arange(rows.start, rows.stop), window.top, window.bottom)
        places = np.stack([along @ to_y @ across, along @ to_x @ across])
        inside = (places[0] >= 0) & (places[0] <= height - 1) & (places[1] >= 0) & (places[1] <= width - 1)
        response = ndimage.map_coordinates(tile.response, places, order=1, output=np.float32, mode="nearest")
        used = inside & (response >= pb_cut)
        values = ndimage.map_coordinates(coefficients, places, order=spline_order, prefilter=False, output=np.float32, mode="mirror")
        scaled = np.where(used, response / np.float32(tile.noise_jy**2), np.float32(0))
        return Strip(rows, (scaled * response).astype(np.float32), (scaled * values).astype(np.float32))

    with ThreadPoolExecutor(max_workers=threads) as pool:
        yield from pool.map(strip, range(window.top, window.bottom, ROWS_AT_ONCE))


def _map_to_tile(frame: ImageFrame, grid: SkyGrid, window: Window) -> tuple[Array, Array, Array]:
    """Chebyshev coefficients of tile x and y over the window, and the basis along its columns."""
    nodes = chebyshev.chebpts1(NODES)
    rows = window.top + (nodes + 1) / 2 * (window.bottom - 1 - window.top)
    columns = window.left + (nodes + 1) / 2 * (window.right - 1 - window.left)
    grid_y, grid_x = np.meshgrid(rows, columns, indexing="ij")
    ra, dec = grid.sky(grid_x, grid_y)
    x, y = pixel_positions(frame, ra, dec)
    inverse = np.linalg.inv(chebyshev.chebvander(nodes, NODES - 1))
    across = _basis(np.arange(window.left, window.right), window.left, window.right).T
    return inverse @ x @ inverse.T, inverse @ y @ inverse.T, across


def _basis(index: NDArray[np.int64], first: int, end: int) -> Array:
    places = (index - first) * 2 / max(1, end - 1 - first) - 1
    return np.asarray(chebyshev.chebvander(places, NODES - 1), np.float64)
