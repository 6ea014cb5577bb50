"""Writes what a mosaic consists of: image, weights (1/Jy²) and effective noise (Jy) with every tile named, and pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science import __version__
from contimg_science.imaging import fits_headers, picture
from contimg_science.imaging.image_quality import ImageQuality
from contimg_science.mosaicking.accumulator import Accumulator, SumsState
from contimg_science.mosaicking.contract import LeftOut, MosaicFiles, MosaicRequest, Tile
from contimg_science.mosaicking.grid import SkyGrid

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class MosaicPlanes:
    """On the whole grid; NaN where no tile is. `beam_arcsec` and `beam_pa_deg` are the medians of the tiles."""

    image: Pixels
    noise: Pixels
    weight: Pixels
    beam_arcsec: tuple[float, float]
    beam_pa_deg: float
    freq_hz: float

    @property
    def median_noise_jy(self) -> float:
        return float(np.nanmedian(self.noise))


def planes_of(sums: Accumulator) -> MosaicPlanes:
    tiles = sums.state.tiles
    weight = np.array(sums.weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        covered = weight > 0
        image = np.where(covered, np.asarray(sums.weighted) / weight, np.float32(np.nan))
        noise = np.where(covered, 1 / np.sqrt(weight), np.float32(np.nan))
    # Ends are ±90° of one another: the mean of doubled angles.
    turns = np.exp(2j * np.radians([tile.beam_pa_deg for tile in tiles])).mean()
    shares = np.array([tile.weight_sum for tile in tiles])
    return MosaicPlanes(
        image,
        noise,
        weight,
        (float(np.median([tile.beam_major_arcsec for tile in tiles])), float(np.median([tile.beam_minor_arcsec for tile in tiles]))),
        float(np.degrees(np.angle(turns)) / 2),
        float(np.average([tile.freq_hz for tile in tiles], weights=shares)),
    )


def write_products(
    request: MosaicRequest, state: SumsState, planes: MosaicPlanes, left_out: list[LeftOut], quality: ImageQuality
) -> MosaicFiles:
    directory, name, grid, tiles = request.outputs.directory, request.outputs.name, state.grid, state.tiles
    directory.mkdir(parents=True, exist_ok=True)
    files = MosaicFiles(
        image=directory / f"{name}-image.fits",
        weight=directory / f"{name}-weight.fits",
        noise=directory / f"{name}-noise.fits",
        png=directory / f"{name}.png",
        thumbnail=directory / f"{name}-thumbnail.png",
    )
    keywords = {
        **grid.keywords(),
        "BMAJ": (planes.beam_arcsec[0] / 3600, "[deg] median of the tiles"),
        "BMIN": (planes.beam_arcsec[1] / 3600, "[deg]"),
        "BPA": (planes.beam_pa_deg, "[deg] north through east"),
        **_times(state),
        **_provenance(request, planes, tiles, quality),
    }
    history = [_of_tile(tile) for tile in tiles] + [f"left out {one.name} ({one.id}): {one.reason}" for one in left_out]
    for path, pixels, unit in (
        (files.image, planes.image, "JY/BEAM"),
        (files.weight, planes.weight, "Jy-2"),
        (files.noise, planes.noise, "JY/BEAM"),
    ):
        fits_headers.write_plane(path, pixels, unit, keywords, history)
    _draw(request.group_id, grid, planes, files)
    return files


def _times(state: SumsState) -> fits_headers.Keywords:
    start, end = min(tile.start_mjd for tile in state.tiles), max(tile.end_mjd for tile in state.tiles)
    return fits_headers.time_keywords(start, (start + end) / 2, end, np.array(state.site_itrf_m))


def _provenance(request: MosaicRequest, planes: MosaicPlanes, tiles: list[Tile], quality: ImageQuality) -> fits_headers.Keywords:
    return {
        "RESTFRQ": (planes.freq_hz, "[Hz] weighted mean frequency"),
        "MOSAIC": (request.outputs.name, ""),
        "NTILES": (len(tiles), "each is named in HISTORY"),
        "DEGRADED": (any(tile.degraded for tile in tiles), "a tile lacks data"),
        "PBCUT": (request.parameters.pb_cut, "tiles are blank below this"),
        "TIER": (request.parameters.tier, ""),
        "SPLINE": (request.parameters.spline_order, "order of the interpolation"),
        "NOISE": (planes.median_noise_jy, "[Jy/beam] median effective noise"),
        "QAVERD": (quality.verdict, "quality verdict"),
        "QAFAIL": (",".join(check.name for check in quality.checks if not check.passed), "checks beyond their limit"),
        "SOFTWARE": (f"contimg-science {__version__}, numpy {np.__version__}", ""),
    }


def _of_tile(tile: Tile) -> str:
    return f"tile {tile.name} (product {tile.id}, {tile.content_hash[:16]}): noise {tile.noise_jy:.6g} Jy, weight {tile.weight_sum:.6g} /Jy2"


def _draw(title: str, grid: SkyGrid, planes: MosaicPlanes, files: MosaicFiles) -> None:
    """Every place against its own noise, in Jy of the median noise: else the edges would be all that is seen."""
    median_jy = planes.median_noise_jy
    flat = (planes.image * (median_jy / planes.noise)).astype(np.float32)
    centre = (grid.centre_ra_deg, grid.centre_dec_deg)
    picture.draw(
        flat, picture.Caption(title, centre, grid.cell_arcsec, planes.beam_arcsec, planes.beam_pa_deg, median_jy), files.png, files.thumbnail
    )
