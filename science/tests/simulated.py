"""Runs the simulator for tests: the shipped night request, made tiny and changed as a test needs."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from contimg_science.simulate import SimulateResult, simulate
from contimg_science.simulation.options import SimulateRequest

SCIENCE = Path(__file__).parents[1]
NIGHT = json.loads((SCIENCE / "tests" / "requests" / "simulate-night.json").read_text())
START = "2025-10-02T00:05:18Z"


def night_request(base: Path, **parameters: Any) -> dict[str, Any]:
    """The shipped request with other parameters, writing to `base`/incoming and `base`/truth."""
    request = copy.deepcopy(NIGHT)
    request["parameters"] |= parameters
    request["outputs"] = {"directory": str(base / "incoming"), "truth_directory": str(base / "truth")}
    return request


def tiny_request(base: Path, **parameters: Any) -> dict[str, Any]:
    """One science group of two integrations, no faults, a perfect and noiseless instrument."""
    sky = {**NIGHT["parameters"]["sources"], "explicit": [], "count": 2}
    plain = {"schedule": {"kind": "run", "start_utc": START, "count": 1}, "ntimes": 2, "faults": {}, "sources": sky}
    ideal = {"instrument": "ideal", "noise": False, "dead_antennas": [], "dead_receptors": []}
    return night_request(base, **(plain | ideal | parameters))


def run(request: dict[str, Any]) -> tuple[SimulateResult, dict[str, Any]]:
    """The result and the truth of a request, run in this process."""
    result = simulate(SimulateRequest.model_validate(request))
    return result, json.loads(result.truth.read_text())


def start_process(request: dict[str, Any], base: Path) -> subprocess.Popen[str]:
    """The step as the pipeline starts it."""
    path = base / "request.json"
    path.write_text(json.dumps(request))
    command = [sys.executable, "-m", "contimg_science.simulate", str(path)]
    environment = os.environ | {"PYTHONPATH": str(SCIENCE), "HDF5_USE_FILE_LOCKING": "FALSE"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
