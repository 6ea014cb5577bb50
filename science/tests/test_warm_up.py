"""Set-up pays for compilation: after it, no step compiles anything, nor does the simulator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from calibrated_ms import PointSource, write_calibrated_ms, write_known_sources
from converted import concat_request, edit_header, validate_request
from made_solutions import write_tables
from simulated import SCIENCE, tiny_request

from contimg_science.concat import ConcatResult
from contimg_science.measurement_set import describe

pytestmark = pytest.mark.slow


def compiled(cache: Path) -> dict[str, int]:
    return {str(path.relative_to(cache)): path.stat().st_mtime_ns for path in cache.rglob("*.nbc")}


def run(cache: Path, module: str, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(SCIENCE), "NUMBA_CACHE_DIR": str(cache), "HDF5_USE_FILE_LOCKING": "FALSE"}
    command = [sys.executable, "-m", f"contimg_science.{module}", *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


def thin_one_sample(file: h5py.File) -> None:
    """A sample count that differs along a row asks for the second kernel of the conversion."""
    samples = file["Data/nsamples"]
    assert isinstance(samples, h5py.Dataset)
    samples[0, ..., 0, 0] = samples[0, ..., 0, 0] / 2


def image_request(folder: Path) -> dict[str, object]:
    """An image with a source that is bright enough to be subtracted."""
    bright = [PointSource("bright", 0.1, 0.1, 5.0)]
    return {
        "schema_version": 1, "step": "image", "group_id": "warm", "attempt_id": "1", "requested_at": "2025-10-02T12:00:00Z",
        "work_dir": folder, "threads": 2,
        "inputs": {
            "ms": write_calibrated_ms(folder / "calibrated.ms", bright, 1.0, times=2, channels=4),
            "sources": write_known_sources(folder / "sources.csv", bright, 2),
            "calibration_set": "1", "degraded_reasons": [], "subbands_missing": [], "memory_gb": None,
        },
        "parameters": {
            "tier": "quicklook", "extent_deg": 0.5, "cell_arcsec": 8, "robust": 0, "niter": 10, "auto_threshold_sigma": 1,
            "auto_mask_sigma": 5, "mgain": 0.9, "pb_cut": 0.2, "subtract_bright": True, "bright_sigma": 10, "catalogue_mask": True,
        },
        "outputs": {"directory": folder / "products", "name": "warm.img"},
    }  # fmt: skip


def calibrate_request(folder: Path, ms: Path) -> dict[str, object]:
    group = describe(ms)
    stations = tuple(int(index) + 1 for index in np.flatnonzero(group.antenna_present))
    gains = np.full((len(stations), 2, group.shape.channels), 0.07 + 0j)
    positions = folder / "positions.csv"
    positions.write_text("source_id,name,ra_deg,dec_deg,flux_jy,spectral_index\n")
    return {
        "schema_version": 1, "step": "calibrate", "group_id": "warm", "attempt_id": "1", "requested_at": "2025-10-02T12:00:00Z",
        "work_dir": folder, "threads": 2,
        "inputs": {"ms": ms, "sets": [write_tables(folder, "s1", group.mid_mjd, gains, ms, stations=stations)], "positions": positions},
        "parameters": {"average_channels": None, "max_smearing_loss": 0.01, "field_phase": True},
        "outputs": {"ms": folder / "for-imaging.ms"},
    }  # fmt: skip


def flag_request(folder: Path, ms: Path) -> dict[str, object]:
    return {
        "schema_version": 1, "step": "flag", "group_id": "warm", "attempt_id": "1", "requested_at": "2025-10-02T12:00:00Z",
        "work_dir": folder, "threads": 2, "inputs": {"ms": ms, "published_ms": None},
        "parameters": {"mad_sigma": 7, "dead_antenna_fraction": 0.95, "aoflagger": True, "aoflagger_threshold": 1.2},
        "outputs": {"statistics": folder / "flags.json"},
    }  # fmt: skip


def test_a_warmed_cache_serves_the_simulator_and_the_steps(tmp_path: Path):
    cache = tmp_path / "cache"
    run(cache, "warm_up")
    warmed = compiled(cache)
    assert len(warmed) >= 3

    simulate = tmp_path / "simulate.json"
    simulate.write_text(json.dumps(tiny_request(tmp_path, noise=True, instrument="real")))
    run(cache, "simulate", str(simulate))
    files = sorted((tmp_path / "incoming").glob("*.hdf5"), key=lambda path: path.stem[-2:])
    edit_header(files[0], thin_one_sample)
    concat = tmp_path / "concat.json"
    concat.write_text(concat_request(files, tmp_path / "group.ms").model_dump_json())
    converted = json.loads(run(cache, "concat", str(concat)).splitlines()[-1])["result"]
    validate = tmp_path / "validate.json"
    validate.write_text(validate_request(files, ConcatResult.model_validate(converted)).model_dump_json())
    run(cache, "validate", str(validate))

    flag = tmp_path / "flag.json"
    flag.write_text(json.dumps(flag_request(tmp_path, Path(converted["ms"])), default=str))
    assert '"searched_fraction"' in run(cache, "flag", str(flag))

    calibrate = tmp_path / "calibrate.json"
    calibrate.write_text(json.dumps(calibrate_request(tmp_path, Path(converted["ms"])), default=str))
    assert '"sets_used"' in run(cache, "calibrate", str(calibrate))

    image = tmp_path / "image.json"
    image.write_text(json.dumps(image_request(tmp_path), default=str))
    assert '"image_jy"' in run(cache, "image", str(image))

    assert compiled(cache) == warmed
