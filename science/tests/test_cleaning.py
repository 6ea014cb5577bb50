"""Cleaning with masks from the catalogue, the tiers, and what is done when WSClean diverges, dies or meets the unknown."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from calibrated_ms import PointSource, write_calibrated_ms, write_known_sources
from step_process import run_step_process

from contimg_science.imaging import bright_sources
from contimg_science.imaging.bright_sources import choose_bright
from contimg_science.imaging.clean_mask import catalogue_mask
from contimg_science.imaging.image_size import ImageSize
from contimg_science.imaging.known_sources import read_known_sources
from contimg_science.imaging.visibilities import read_visibilities
from contimg_science.imaging.weighting import imaging_weights

TIMES = 6
SOURCES = [
    PointSource("first", 0.1, 0.15, 0.3),
    PointSource("second", -0.3, 0.2, 0.2),
    PointSource("third", 0.25, -0.3, 0.1),
]
PARAMETERS = {
    "tier": "standard", "extent_deg": 1.0, "cell_arcsec": 8, "robust": 0, "niter": 20000, "auto_threshold_sigma": 0.5, "auto_mask_sigma": 5,
    "mgain": 0.8, "pb_cut": 0.2, "subtract_bright": False, "bright_sigma": 50, "catalogue_mask": True,
}  # fmt: skip


@pytest.fixture(scope="module")
def ms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_calibrated_ms(tmp_path_factory.mktemp("group") / "calibrated.ms", SOURCES, noise_jy=0.5, times=TIMES, channels=6)


def make_image(ms: Path, directory: Path, known: list[PointSource], path: str | None = None, **parameters: Any) -> dict[str, Any]:
    directory.mkdir(exist_ok=True)
    sources = write_known_sources(directory / "sources.csv", known, TIMES)
    request = {
        "inputs": {
            "ms": ms, "calibration_set": "1", "degraded_reasons": [], "subbands_missing": [], "sources": sources, "memory_gb": 8.0,
        },
        "parameters": {**PARAMETERS, **parameters},
        "outputs": {"directory": directory / "products", "name": "group.img"},
    }  # fmt: skip
    status, events = run_step_process("image", request, directory, **({} if path is None else {"PATH": path}))
    assert status == 0, events[-1]
    return events[-1]["result"]


def seen_jy(result: dict[str, Any]) -> float:
    """Flux of all sources through the beam of the image."""
    beam, cell_deg = fits.getdata(result["files"]["beam"]), result["cell_arcsec"] / 3600
    middle = result["width_px"] // 2
    return sum(one.flux_jy * beam[middle + round(one.north_deg / cell_deg), middle - round(one.east_deg / cell_deg)] for one in SOURCES)


def wsclean_that(directory: Path, does: str) -> str:
    """A PATH whose `wsclean` runs the real one, and does something else besides in its first run; $ALL are its arguments."""
    folder = directory / "bin"
    folder.mkdir()
    program = folder / "wsclean"
    real, ran = shutil.which("wsclean"), folder / "ran"
    program.write_text(f'#!/bin/bash\nif [ "$1" = --version ] || [ -e {ran} ]; then exec {real} "$@"; fi\ntouch {ran}\nREAL={real}\n{does}\n')
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@pytest.mark.slow
def test_components_stay_inside_the_ellipses_of_the_catalogue(ms, tmp_path):
    result = make_image(ms, tmp_path, SOURCES)
    assert (result["wsclean"]["mask"], result["wsclean"]["retries"]) == ("catalogue", [])
    vis = read_visibilities(ms)
    weights = imaging_weights(vis, 0, 1.0, 28.0)
    mask = catalogue_mask(read_known_sources(tmp_path / "sources.csv"), vis, weights, ImageSize(8, result["width_px"]))
    model = fits.getdata(result["files"]["model"])
    assert mask.sum() < 0.01 * mask.size
    assert model[~mask].any() == np.False_
    # Cleaned down to the noise, each source has nearly all of its flux in the model.
    assert model.sum() == pytest.approx(seen_jy(result), rel=0.05)


@pytest.mark.slow
def test_a_bright_source_outside_the_catalogue_is_cleaned_in_a_second_run(ms, tmp_path):
    result = make_image(ms, tmp_path, SOURCES[1:])
    [retry] = result["wsclean"]["retries"]
    assert (retry["reason"], result["wsclean"]["mask"]) == ("source_outside_mask", "found")
    assert "times the noise" in retry["detail"]
    assert result["qa"]["verdict"] == "pass", result["qa"]
    assert fits.getdata(result["files"]["model"]).sum() == pytest.approx(seen_jy(result), rel=0.1)


@pytest.mark.slow
def test_a_source_far_brighter_than_its_catalogue_is_cleaned_in_steps(tmp_path):
    quiet = write_calibrated_ms(tmp_path / "quiet.ms", SOURCES, noise_jy=0.1, times=TIMES, channels=6)
    result = make_image(quiet, tmp_path / "image", [replace(SOURCES[0], flux_jy=0.005), *SOURCES[1:]], subtract_bright=True)
    [retry] = result["wsclean"]["retries"]
    assert (retry["reason"], result["wsclean"]["mask"]) == ("bright_source_left", "catalogue")
    command = result["wsclean"]["command"]
    assert command[command.index("-mgain") + 1] == "0.8"
    assert fits.getdata(result["files"]["model"]).sum() == pytest.approx(seen_jy(result), rel=0.05)


@pytest.mark.slow
def test_clean_that_diverges_runs_once_more_with_gentler_gains(ms, tmp_path):
    path = wsclean_that(tmp_path, '"$REAL" "$@"; echo "Initial peak: 7.5 Jy at 1,1"')
    result = make_image(ms, tmp_path / "image", SOURCES, path)
    [retry] = result["wsclean"]["retries"]
    assert retry["reason"] == "diverged"
    assert "to 7.5 Jy" in retry["detail"]
    assert result["wsclean"]["diverged"] is False
    assert ("-gain", "0.05") in zip(result["wsclean"]["command"], result["wsclean"]["command"][1:], strict=False)


@pytest.mark.slow
@pytest.mark.parametrize("death", ["kill -KILL $$", 'echo "std::bad_alloc"; exit 1'], ids=["killed", "refused memory"])
def test_clean_that_found_no_memory_gets_a_smaller_plan(ms, tmp_path, death):
    path = wsclean_that(tmp_path, death)
    result = make_image(ms, tmp_path / "image", SOURCES, path, tier="quicklook")
    [retry] = result["wsclean"]["retries"]
    command = result["wsclean"]["command"]
    assert retry["reason"] == "memory"
    # 0.6 of the 8 GB of the request at first, half of it then.
    assert (command[command.index("-abs-mem") + 1], command[command.index("-j") + 1]) == ("2.4", "1")


@pytest.mark.slow
def test_a_tier_is_more_than_a_name(ms, tmp_path):
    quick, standard, deep = (
        make_image(ms, tmp_path / tier, [], tier=tier, cell_arcsec=None, mgain=0.5, extent_deg=0.7) for tier in ("quicklook", "standard", "deep")
    )
    assert quick["cell_arcsec"] > standard["cell_arcsec"] > deep["cell_arcsec"]
    assert quick["wsclean"]["major_cycles"] == 2
    assert 2 < standard["wsclean"]["major_cycles"] <= 12
    assert quick["beam_minor_arcsec"] > standard["beam_minor_arcsec"] > deep["beam_minor_arcsec"]


def on_edge(flux_jy: float) -> PointSource:
    """Two cells of 8 arcsec from the right edge of 450."""
    return PointSource("edge", -222.4 * 8 / 3600, 0.1, flux_jy)


def test_a_source_on_the_edge_of_the_image_is_subtracted_and_never_cleaned(ms, tmp_path):
    vis = read_visibilities(ms)
    weights, size = imaging_weights(vis, 0, 1.0, 28.0), ImageSize(8, 450)
    seen_with = {"faint": 1.0, "seen": 30.0}
    for name, sigmas in seen_with.items():
        path = write_known_sources(tmp_path / f"{name}.csv", [SOURCES[0], on_edge(sigmas * weights.thermal_noise_jy)], TIMES)
        known = read_known_sources(path)
        assert not catalogue_mask(known, vis, weights, size)[:, 440:].any()
        assert ("edge" in choose_bright(known, vis, weights, 1e6, size).name) == (name == "seen")
        assert len(choose_bright(known, vis, weights, 1e6)) == 0


def test_a_source_on_the_edge_is_subtracted_before_brighter_ones_that_can_be_cleaned(ms, tmp_path, monkeypatch):
    vis = read_visibilities(ms)
    weights, size = imaging_weights(vis, 0, 1.0, 28.0), ImageSize(8, 450)
    known = read_known_sources(write_known_sources(tmp_path / "sources.csv", [*SOURCES, on_edge(30 * weights.thermal_noise_jy)], TIMES))
    assert choose_bright(known, vis, weights, 10, size).name[0] == "edge"
    monkeypatch.setattr(bright_sources, "MOST_SUBTRACTED", 1)
    assert choose_bright(known, vis, weights, 10, size).name == ["edge"]
    assert choose_bright(known, vis, weights, 10).name != ["edge"]


@pytest.mark.slow
def test_a_source_on_the_edge_comes_out_with_its_flux(tmp_path):
    """The last columns of an image of WSClean are not quite those of the sky: components there swing between signs."""
    edge = on_edge(0.08)
    data = write_calibrated_ms(tmp_path / "edge.ms", [*SOURCES, edge], noise_jy=0.5, times=TIMES, channels=6)
    result = make_image(data, tmp_path / "image", [*SOURCES, edge], subtract_bright=True)
    model, beam = (fits.getdata(result["files"][kind])[..., 430:] for kind in ("model", "beam"))
    assert model.min() >= 0
    # A thermal error is 0.005 Jy.
    assert model.sum() / beam[45 + 225, 17] == pytest.approx(edge.flux_jy, abs=0.02)


def test_faint_and_far_sources_get_no_ellipse(ms, tmp_path):
    vis = read_visibilities(ms)
    weights, size = imaging_weights(vis, 0, 1.0, 28.0), ImageSize(8, 450)
    faint = replace(SOURCES[0], flux_jy=weights.thermal_noise_jy)
    far = PointSource("far", 0.9, 0.0, 5.0)
    path = write_known_sources(tmp_path / "sources.csv", [faint, far], TIMES)
    assert not catalogue_mask(read_known_sources(path), vis, weights, size).any()
    path.write_text(path.read_text().replace(repr(faint.flux_jy), ""))
    # Nobody knows its flux: it may be bright.
    assert catalogue_mask(read_known_sources(path), vis, weights, size).any()
