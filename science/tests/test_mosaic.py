"""Mosaics of drawn tiles whose sources, beams and noise are known: fluxes, places, effective noise, and adding tile by tile."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from made_tiles import BEAM, BEAM_ARCSEC, CELL_ARCSEC, MadeTile, make_tile
from step_process import run_step_process

from contimg_science.imaging.image_quality import robust_sigma
from contimg_science.mosaic import mosaic
from contimg_science.mosaicking.contract import MosaicRequest, MosaicResult, Place
from contimg_science.mosaicking.grid import mean_place, plan_grid
from contimg_science.protocol import StepFailure

# On both sides of 0h, in one, two and three tiles, some near the edge of a beam.
SOURCES = [
    (east % 360, 54.43 + north, flux)
    for east, north, flux in [
        (0.02, 0.01, 1.0),
        (-0.35, 0.12, 0.8),
        (0.3, -0.15, 1.2),
        (-0.72, -0.05, 0.9),
        (0.71, 0.18, 1.1),
        (-1.05, 0.02, 1.0),
        (1.0, -0.03, 0.7),
        (0.1, 0.28, 1.3),
        (-0.15, -0.27, 1.0),
    ]
]
NOISE_JY = {-1: 0.002, 0: 0.001, 1: 0.0015}


def request_for(folder: Path, tiles: list[MadeTile], covers: list[MadeTile] | None = None, **changes: Any) -> MosaicRequest:
    return MosaicRequest.model_validate(
        {
            "schema_version": 1,
            "step": "mosaic",
            "group_id": "mosaic of the test",
            "attempt_id": "1",
            "requested_at": "2025-10-02T12:00:00Z",
            "work_dir": folder / "work",
            "threads": 2,
            "inputs": {
                "members": [tile.member for tile in tiles],
                "covers": [{"ra_deg": tile.centre_deg[0], "dec_deg": tile.centre_deg[1]} for tile in covers or tiles],
                "half_tile_deg": 0.45,
                "sources": changes.pop("sources", None),
            },
            "parameters": {"tier": "science", "cell_arcsec": CELL_ARCSEC, "spline_order": 3, "pb_cut": 0.2, **changes},
            "outputs": {"directory": folder / "products", "name": "test.mosaic", "accumulator": folder / "sums"},
        }
    )


def planes(result: MosaicResult) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(fits.getdata(path).astype(float) for path in (result.files.image, result.files.noise, result.files.weight))  # type: ignore[return-value]


def pixels_of(result: MosaicResult, sources: list[tuple[float, float, float]]) -> tuple[np.ndarray, np.ndarray]:
    ra, dec, _ = np.array(sources).T
    x, y = WCS(fits.getheader(result.files.image)).all_world2pix(ra, dec, 0)
    return x, y


def fitted_jy(image: np.ndarray, x: float, y: float) -> float:
    grid_y, grid_x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    kernel = BEAM(grid_x - x, grid_y - y)
    used = kernel > 0.05
    return float((image * kernel)[used].sum() / (kernel**2)[used].sum())


def shift_px(image: np.ndarray, x: float, y: float) -> tuple[float, float]:
    """How far off a source stands, to first order; the beam is cut off evenly around its place."""
    grid_y, grid_x = np.mgrid[: image.shape[0], : image.shape[1]].astype(float)
    used = np.hypot(grid_x - x, grid_y - y) < 5
    dx, dy = grid_x[used] - x, grid_y[used] - y
    parts = np.stack([BEAM(dx, dy), BEAM(dx - 0.5, dy) - BEAM(dx + 0.5, dy), BEAM(dx, dy - 0.5) - BEAM(dx, dy + 0.5)], axis=1)
    flux, east, north = np.linalg.lstsq(parts, image[used])[0]
    return float(east / flux), float(north / flux)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> list[MadeTile]:
    """Three tiles of unequal noise, which is left out of their pixels: what differs from the truth is the mosaic's doing."""
    folder = tmp_path_factory.mktemp("quiet")
    return [make_tile(folder, step, SOURCES, noise, noisy=False) for step, noise in NOISE_JY.items()]


@pytest.fixture(scope="module")
def across_0h(quiet: list[MadeTile], tmp_path_factory: pytest.TempPathFactory) -> MosaicResult:
    return mosaic(request_for(tmp_path_factory.mktemp("across"), quiet))


def test_fluxes_are_those_of_the_tiles_whose_own_beams_are_taken_out(across_0h):
    image = planes(across_0h)[0]
    for source, x, y in zip(SOURCES, *pixels_of(across_0h, SOURCES), strict=True):
        # The bar. A beam taken at the centre of the mosaic would be off by up to five times, bilinear interpolation by 1–3 %.
        assert fitted_jy(image, x, y) == pytest.approx(source[2], rel=0.003), source


def test_the_header_alone_places_sources_although_tiles_hold_apparent_offsets(across_0h):
    image = planes(across_0h)[0]
    for x, y in zip(*pixels_of(across_0h, SOURCES), strict=True):
        # Placed by the headers of such small tiles, the outer ones would be off by 0.02–0.03″; this is 0.005″ at most.
        assert np.hypot(*shift_px(image, x, y)) * CELL_ARCSEC < 0.01


def test_right_ascensions_are_averaged_around_0h(across_0h):
    off_deg = (across_0h.centre_ra_deg + 180) % 360 - 180
    assert abs(off_deg) < 0.2
    assert across_0h.width_px * across_0h.cell_arcsec / 3600 < 2
    places = [Place(ra_deg=ra, dec_deg=10) for ra in (359.5, 0.1, 359.9, 0.5)]
    assert mean_place(places).ra_deg == pytest.approx(0, abs=1e-9) or mean_place(places).ra_deg == pytest.approx(360, abs=1e-9)
    assert plan_grid(places, 0.5, 60) == plan_grid(places[::-1], 0.5, 60)


def test_weights_are_beam_squared_over_noise_squared_and_not_normalised(across_0h, quiet):
    _, noise, weight = planes(across_0h)
    x, y = (round(float(place[0])) for place in pixels_of(across_0h, [(*quiet[1].centre_deg, 0)]))
    total = 0.0
    for tile, (ra_offset, sigma) in zip(quiet, NOISE_JY.items(), strict=True):
        response = fits.getdata(tile.member["beam"])
        middle = response.shape[0] // 2
        # The middle tile's centre lies 0.3° to the side in its neighbours.
        seen = response[middle, middle - ra_offset * round(0.3 * 3600 / CELL_ARCSEC)]
        total += float(seen) ** 2 / sigma**2 if seen >= 0.2 else 0
    assert weight[y, x] == pytest.approx(total, rel=0.03)
    assert noise[y, x] == pytest.approx(total**-0.5, rel=0.015)
    assert np.isnan(noise[0, 0])
    assert weight[0, 0] == 0


def test_the_effective_noise_is_the_scatter_of_the_pixels(tmp_path):
    tiles = [make_tile(tmp_path, step, [], noise) for step, noise in NOISE_JY.items()]
    image, noise, weight = planes(mosaic(request_for(tmp_path, tiles)))
    pulls = image / noise
    # Independent places of the area: some 900 beams, 2.4 % in the scatter; two of those.
    assert robust_sigma(pulls.astype(np.float32)) == pytest.approx(1, abs=0.05)
    deepest = weight > np.nanquantile(weight[weight > 0], 0.7)
    assert np.std(pulls[deepest]) == pytest.approx(1, abs=0.08)
    assert np.nanmin(noise) < min(NOISE_JY.values())


def test_a_tile_added_later_costs_one_tile_and_gives_what_all_at_once_give(quiet, across_0h, tmp_path):
    order = quiet.copy()
    random.Random(4).shuffle(order)
    only_now: list[MadeTile] = []
    for number, tile in enumerate(order):
        # Tiles that are in the sums are not read again: their files may be gone.
        here = {key: str(tmp_path / f"{number}-{key}") for key in ("image", "beam", "residual")}
        for key, path in here.items():
            Path(path).write_bytes(Path(tile.member[key]).read_bytes())
        only_now.append(MadeTile({**tile.member, **here}, tile.centre_deg, tile.frame))
        result = mosaic(request_for(tmp_path, only_now, covers=quiet))
        assert (result.added, result.restarted_because) == (1, None)
        for path in here.values():
            Path(path).unlink()
    assert len(result.tiles) == 3
    for streamed, whole in zip(planes(result), planes(across_0h), strict=True):
        # Float32 sums of three tiles in another order.
        np.testing.assert_allclose(streamed, whole, rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize("why", ["interrupted", "superseded", "other parameters"])
def test_sums_that_cannot_be_added_to_are_made_afresh_and_say_why(quiet, across_0h, tmp_path, why):
    first = mosaic(request_for(tmp_path, quiet[:2], covers=quiet))
    assert first.restarted_because is None
    members = quiet
    if why == "interrupted":
        state = tmp_path / "sums" / "state.json"
        state.write_text(state.read_text().replace('"adding": null', '"adding": "1001"'))
    if why == "superseded":
        members = [MadeTile({**quiet[0].member, "id": "7", "content_hash": "of a rerun"}, quiet[0].centre_deg, quiet[0].frame), *quiet[1:]]
    again = mosaic(request_for(tmp_path, members, covers=quiet, **({"spline_order": 5} if why == "other parameters" else {})))
    said = {"interrupted": "interrupted", "superseded": "no longer members: tile-1", "other parameters": "parameters"}
    assert again.restarted_because is not None
    assert said[why] in again.restarted_because
    assert (again.added, len(again.tiles)) == (3, 3)
    assert again.noise_jy == pytest.approx(across_0h.noise_jy, rel=1e-5)


def test_a_member_that_cannot_be_a_tile_is_left_out_with_its_reason(quiet, across_0h, tmp_path):
    blank = make_tile(tmp_path, 2, [], 1e-30)
    fits.writeto(blank.member["residual"], np.zeros((400, 400), np.float32), overwrite=True)
    failed = make_tile(tmp_path, 3, [], QAVERD="fail", QAFAIL="psf_sidelobe")
    torn = make_tile(tmp_path, 4, [])
    Path(torn.member["image"]).write_bytes(b"not a FITS file")
    result = mosaic(request_for(tmp_path, [*quiet, blank, failed, torn], covers=quiet))
    reasons = {one.name: one.reason for one in result.left_out}
    assert reasons["tile+2"] == "it is blank: there is no noise in it"
    assert reasons["tile+3"] == "its image failed psf_sidelobe"
    assert reasons["tile+4"].startswith("cannot be read")
    assert [tile.name for tile in result.tiles] == ["tile-1", "tile+0", "tile+1"]
    history = str(fits.getheader(result.files.image)["HISTORY"])
    assert "tile tile+0 (product 1000" in history
    assert "left out tile+3" in history
    np.testing.assert_array_equal(planes(result)[2], planes(across_0h)[2])


def test_without_any_tile_there_is_no_mosaic(tmp_path):
    failed = make_tile(tmp_path, 0, [], QAVERD="fail", QAFAIL="psf_sidelobe")
    asked = request_for(tmp_path, [failed]).model_dump(include={"inputs", "parameters", "outputs"})
    status, events = run_step_process("mosaic", asked, tmp_path / "work")
    assert (status, events[-1]["type"], events[-1]["code"]) == (1, "QualityRejected", "NoTile")
    assert "tile+0: its image failed psf_sidelobe" in events[-1]["message"]


def catalogue(path: Path) -> Path:
    lines = [f"{number},S{number},{ra},{dec},{flux},0" for number, (ra, dec, flux) in enumerate(SOURCES, 1)]
    path.write_text("\n".join(["source_id,name,ra_deg,dec_deg,flux_jy,spectral_index", *lines]) + "\n")
    return path


@pytest.mark.parametrize(
    ("scale", "verdict", "beyond"), [(1.0, "pass", []), (0.7, "warn", ["flux_ratio_deviation"]), (0.4, "fail", ["flux_ratio_deviation"])]
)
def test_the_catalogue_check_runs_and_decides(tmp_path, scale, verdict, beyond):
    tiles = [make_tile(tmp_path, step, SOURCES, noise, flux_scale=scale) for step, noise in NOISE_JY.items()]
    result = mosaic(request_for(tmp_path, tiles, sources=catalogue(tmp_path / "sources.csv")))
    assert result.unchecked == []
    assert result.catalogue is not None
    assert result.catalogue.flux_ratio == pytest.approx(scale, rel=0.01)
    assert result.catalogue.astrometry_rms_arcsec < 0.5
    assert result.qa.verdict == verdict
    assert [check.name for check in result.qa.checks if not check.passed] == beyond
    assert fits.getheader(result.files.image)["QAVERD"] == verdict


def test_noise_beyond_the_weights_is_seen_and_a_check_that_cannot_run_is_named(tmp_path):
    tile = make_tile(tmp_path, 0, [], 0.001)
    fits.writeto(tile.member["residual"], fits.getdata(tile.member["residual"]) / 2, overwrite=True)
    result = mosaic(request_for(tmp_path, [tile]))
    assert (result.qa.checks[0].name, result.qa.checks[0].passed) == ("noise_over_expected", False)
    assert result.qa.checks[0].value == pytest.approx(2, rel=0.1)
    assert (result.qa.verdict, result.unchecked) == ("warn", ["catalogue: none was given"])


def test_tiles_that_have_no_common_place_are_refused(quiet, tmp_path):
    around = [MadeTile(quiet[0].member, (ra, 54.0), quiet[0].frame) for ra in (0.0, 120.0, 240.0)]
    with pytest.raises(StepFailure, match="no common centre"):
        mosaic(request_for(tmp_path, quiet[:1], covers=around))
    with pytest.raises(StepFailure, match="more than 25°"):
        mosaic(request_for(tmp_path, quiet[:1], covers=[MadeTile(quiet[0].member, (ra, 0.0), quiet[0].frame) for ra in (0.0, 80.0)]))


def test_the_beam_is_that_of_the_tiles_and_the_picture_is_there(across_0h):
    assert (across_0h.beam_major_arcsec, across_0h.beam_minor_arcsec) == pytest.approx(BEAM_ARCSEC)
    assert across_0h.files.png.stat().st_size > 10_000
    assert across_0h.bytes_written > across_0h.width_px * across_0h.height_px * 12
