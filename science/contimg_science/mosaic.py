"""Step `mosaic`: images of one strip become one image, with its weights and its effective noise.

Every tile is brought onto the shared grid by itself and added to running sums with weight PB²/σ²: its own beam, its own measured noise.
Sums are kept, so that a further tile costs one tile; whole or tile by tile, in any order, the mosaic is the same to rounding. A member
that cannot be a tile is left out with its reason. A mosaic that fails its checks is written, with verdict `fail`.
"""

from __future__ import annotations

import numpy as np

from contimg_science.imaging.known_sources import read_known_sources
from contimg_science.measuring.forced_fit import Beam
from contimg_science.mosaicking import mosaic_quality
from contimg_science.mosaicking.accumulator import Accumulator, GridQuestion, locked, new_sums, open_sums
from contimg_science.mosaicking.contract import LeftOut, Member, MosaicRequest, MosaicResult, Tile
from contimg_science.mosaicking.grid import plan_grid
from contimg_science.mosaicking.products import planes_of, write_products
from contimg_science.mosaicking.tile import TilePlanes, TileRefused, on_grid, read_tile, window_of
from contimg_science.protocol import StepFailure, Timings, progress, run_step


def mosaic(request: MosaicRequest) -> MosaicResult:
    with locked(request.outputs.accumulator):
        return _mosaic(request, Timings())


def _mosaic(request: MosaicRequest, timings: Timings) -> MosaicResult:
    inputs, parameters = request.inputs, request.parameters
    known = None if inputs.sources is None else read_known_sources(inputs.sources)
    sums, restarted_because = open_sums(request.outputs.accumulator, inputs.members, _grid_question(request), parameters)
    there = set() if sums is None else {tile.id for tile in sums.state.tiles}
    missing = [member for member in inputs.members if member.id not in there]
    left_out: list[LeftOut] = []
    sums = _add_all(request, sums, missing, left_out, timings)
    grid, tiles = sums.state.grid, sums.state.tiles
    with timings.phase("planes"):
        progress(0.7, "dividing by the weights")
        planes = planes_of(sums)
    with timings.phase("quality"):
        progress(0.75, "quality")
        cell = grid.cell_arcsec
        beam = Beam(planes.beam_arcsec[0] / cell, planes.beam_arcsec[1] / cell, float(np.radians(planes.beam_pa_deg)))
        catalogue, unchecked = mosaic_quality.against_catalogue(planes.image, planes.noise, beam, grid, known, planes.freq_hz)
        quality = mosaic_quality.judge(planes.image, planes.noise, tiles, catalogue)
    with timings.phase("write"):
        progress(0.8, "products")
        files = write_products(request, sums.state, planes, left_out, quality)
    covered = np.isfinite(planes.noise)
    return MosaicResult(
        files=files,
        tiles=tiles,
        left_out=left_out,
        added=len(missing) - len(left_out),
        restarted_because=restarted_because,
        centre_ra_deg=grid.centre_ra_deg,
        centre_dec_deg=grid.centre_dec_deg,
        width_px=grid.width_px,
        height_px=grid.height_px,
        cell_arcsec=cell,
        area_deg2=float(covered.sum()) * (cell / 3600) ** 2,
        noise_jy=planes.median_noise_jy,
        best_noise_jy=float(np.nanmin(planes.noise)),
        beam_major_arcsec=planes.beam_arcsec[0],
        beam_minor_arcsec=planes.beam_arcsec[1],
        beam_pa_deg=planes.beam_pa_deg,
        freq_hz=planes.freq_hz,
        start_mjd=min(tile.start_mjd for tile in tiles),
        end_mjd=max(tile.end_mjd for tile in tiles),
        catalogue=catalogue,
        qa=quality,
        unchecked=[] if unchecked is None else [unchecked],
        bytes_written=sum(path.stat().st_size for path in files.model_dump().values()),
        timings_s=timings.seconds,
    )


def _add_all(request: MosaicRequest, sums: Accumulator | None, members: list[Member], left_out: list[LeftOut], timings: Timings) -> Accumulator:
    parameters = request.parameters
    for number, member in enumerate(members):
        progress(0.02 + 0.66 * number / len(members), f"tile {member.name}")
        try:
            with timings.phase("read"):
                planes = read_tile(member, parameters.pb_cut)
            if sums is None:
                sums = _begin(request, planes)
            window = window_of(planes, sums.state.grid)
        except TileRefused as refused:
            left_out.append(LeftOut(id=member.id, name=member.name, reason=str(refused)))
            continue
        with timings.phase("add"):
            strips = on_grid(planes, sums.state.grid, window, parameters.pb_cut, parameters.spline_order, request.threads)
            sums.add(_tile(member, planes), window, strips)
    if sums is None or not sums.state.tiles:
        reasons = "; ".join(f"{one.name}: {one.reason}" for one in left_out)
        raise StepFailure(
            "QualityRejected", "NoTile", f"no member can be a tile: {reasons}", "make their images again, then the mosaic", "scratch"
        )
    return sums


def _begin(request: MosaicRequest, first: TilePlanes) -> Accumulator:
    inputs, parameters = request.inputs, request.parameters
    grid = plan_grid(inputs.covers, inputs.half_tile_deg, parameters.cell_arcsec)
    x, y, z = (float(part) for part in first.frame.site.itrf_m())
    return new_sums(request.outputs.accumulator, grid, _grid_question(request), parameters, (x, y, z))


def _grid_question(request: MosaicRequest) -> GridQuestion:
    return GridQuestion(covers=request.inputs.covers, half_tile_deg=request.inputs.half_tile_deg)


def _tile(member: Member, planes: TilePlanes) -> Tile:
    return Tile(
        id=member.id,
        name=member.name,
        content_hash=member.content_hash,
        noise_jy=planes.noise_jy,
        beam_major_arcsec=planes.number("BMAJ") * 3600,
        beam_minor_arcsec=planes.number("BMIN") * 3600,
        beam_pa_deg=planes.number("BPA"),
        freq_hz=planes.number("RESTFRQ"),
        start_mjd=planes.number("MJD-OBS"),
        end_mjd=planes.number("MJD-END"),
        degraded=bool(planes.header.get("DEGRADED", False)),
        weight_sum=0.0,
    )


if __name__ == "__main__":
    run_step(MosaicRequest, mosaic)
