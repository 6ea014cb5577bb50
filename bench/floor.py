"""`science/.venv/bin/python bench/floor.py`: the floor that sources leave when they drift through the beam, with and without subtraction.

Makes one perfectly calibrated group (noiseless unless `--noise JY` of one visibility) of 12 sources of 0.15 to 3 Jy and 30
fainter ones, and images it twice in the same run. Options: `--size mini` (24 antennas, 96 channels) or `full` (96 antennas, 256 channels
as calibrate averages them; 2 GB), `--tier`, `--keep DIR`. Ends with 1 when a noiseless floor is above the bar.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests")]

from calibrated_ms import MINI, PointSource, write_calibrated_ms, write_known_sources  # noqa: E402

BAR_JY = 0.2e-3
TIMES = 24
ABSENT = {10, *range(21, 24), *range(52, 68), 117}
SIZES = {"mini": (MINI, 96), "full": (tuple(station for station in range(1, 118) if station not in ABSENT), 256)}
# 50 times the thermal noise of a full group: what the step would subtract if this group had noise.
CATALOGUE_JY = 50 * 0.25e-3
PARAMETERS = {
    "extent_deg": 3, "cell_arcsec": None, "robust": 0, "niter": 50000, "auto_threshold_sigma": 0.5, "auto_mask_sigma": 5, "mgain": 0.95,
    "pb_cut": 0.2, "bright_sigma": 10,
}  # fmt: skip


def sky() -> list[PointSource]:
    random = np.random.default_rng(7)

    def one(number: int, low_jy: float, high_jy: float) -> PointSource:
        east, north = random.uniform(-1.2, 1.2, 2)
        flux_jy = float(np.exp(random.uniform(np.log(low_jy), np.log(high_jy))))
        return PointSource(f"S{number:02d}", float(east), float(north), flux_jy, float(random.normal(-0.7, 0.2)))

    return [one(number, 0.15, 3.0) for number in range(12)] + [one(number, 0.005, 0.1) for number in range(12, 42)]


def run(step: str, request: dict[str, Any], work: Path) -> dict[str, Any]:
    """A whole process; the last event, which is the result."""
    envelope = {"schema_version": 1, "step": step, "group_id": "bench", "attempt_id": "1", "requested_at": "2025-10-02T12:00:00Z"}
    path = work / f"{step}.json"
    path.write_text(json.dumps({**envelope, "work_dir": work, "threads": 2, **request}, default=str))
    environment = {**os.environ, "PYTHONPATH": sys.path[0], "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1"}
    with (work / f"{step}.log").open("w") as log:
        command = [sys.executable, "-m", f"contimg_science.{step}", path]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, check=False)
    last = json.loads(done.stdout.splitlines()[-1])
    if done.returncode != 0:
        raise SystemExit(f"{last}\nlog: {log.name}")
    return last


def image(ms: Path, sources: Path, work: Path, tier: str, **parameters: float) -> dict[str, Any]:
    inputs = {"ms": ms, "calibration_set": "true gains", "degraded_reasons": [], "subbands_missing": [], "sources": sources, "memory_gb": None}
    outputs = {"directory": work / "products", "name": "group.img"}
    work.mkdir()
    return run("image", {"inputs": inputs, "parameters": {**PARAMETERS, "tier": tier, **parameters}, "outputs": outputs}, work)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", choices=sorted(SIZES), default="mini")
    parser.add_argument("--tier", choices=["quicklook", "standard", "deep"], default="standard")
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--keep", type=Path)
    given = parser.parse_args()
    base: Path = given.keep or Path(tempfile.mkdtemp(prefix="contimg-floor-"))
    base.mkdir(parents=True, exist_ok=True)
    antennas, channels = SIZES[given.size]
    try:
        ms = write_calibrated_ms(base / "group.ms", sky(), given.noise, TIMES, channels, antennas=antennas)
        sources = write_known_sources(base / "sources.csv", [one for one in sky() if one.flux_jy > CATALOGUE_JY], TIMES)
        floors = []
        print("subtraction   noise of the residual  largest  major cycles  wsclean  whole step  processor  peak memory")
        for subtract in (False, True):
            event = image(ms, sources, base / f"subtract-{subtract}", given.tier, subtract_bright=subtract, catalogue_mask=subtract)
            result, used = event["result"], event["resources"]
            residual_peak = next(check["value"] for check in result["qa"]["checks"] if check["name"] == "residual_peak_sigma")
            floors.append(result["noise_jy"])
            print(
                f"{'on' if subtract else 'off':11} {result['noise_jy'] * 1e3:12.3f} mJy {residual_peak * result['noise_jy'] * 1e3:13.2f} mJy "
                f"{result['wsclean']['major_cycles']:8d} {result['timings_s']['wsclean']:11.1f} s {used['wall_s']:8.1f} s "
                f"{used['cpu_s']:8.1f} s {used['max_rss_bytes'] / 2**30:8.2f} GiB",
                flush=True,
            )
    finally:
        if given.keep is None:
            shutil.rmtree(base)
    print(f"ratio {floors[0] / floors[1]:.1f}; load {os.getloadavg()[0]:.1f}")
    return 1 if given.noise == 0 and floors[1] > BAR_JY else 0


if __name__ == "__main__":
    raise SystemExit(main())
