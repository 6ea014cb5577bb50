"""Runs one CASA program in a process of its own, without internet and without leaving files outside the work directory.

CASA and python-casacore crash when both are loaded in one process, so a step never imports casatools: it writes a JSON
plan, and `run_casa` starts `python -m contimg_science.calibration.casa_…` with it and reads the JSON answer. The child
dies with its parent. Never call this from a process that must not fork.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contimg_science.protocol import StepFailure

# CASA calls the packaged leap-second table out of date although no leap second has been added since 2017.
HARMLESS = ("TAI_UTC",)
LOG_TAIL_LINES = 20


def run_casa(module: str, plan: dict[str, Any], work_dir: Path, threads: int) -> dict[str, Any]:
    """The answer of a CASA program; ToolFailed with the end of its log when it gives none."""
    work_dir.mkdir(parents=True, exist_ok=True)
    name = module.rsplit(".", 1)[-1]
    plan_path, answer_path, log_path = work_dir / f"{name}.plan.json", work_dir / f"{name}.answer.json", work_dir / f"{name}.log"
    plan_path.write_text(json.dumps(plan, default=str))
    answer_path.unlink(missing_ok=True)
    log_path.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "CASASITECONFIG": str(_write_configuration(work_dir, log_path)),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": "1",
    }
    finished = subprocess.run(
        [sys.executable, "-m", module, str(plan_path), str(answer_path)],
        cwd=work_dir,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if finished.returncode != 0 or not answer_path.is_file():
        raise StepFailure(
            "ToolKilled" if finished.returncode < 0 else "ToolFailed",
            "CasaFailed",
            f"{name} ended with {finished.returncode}: {_last_complaint(finished.stderr, log_path)}",
            f"read {log_path}; a solver without solutions usually means that too much is flagged or the model is wrong",
        )
    return json.loads(answer_path.read_bytes())


def _write_configuration(work_dir: Path, log_path: Path) -> Path:
    """The site configuration makes CASA use the measures tables of the casadata package and reach for nothing else."""
    found = find_spec("casadata")
    if found is None or not found.submodule_search_locations:
        raise StepFailure("ToolFailed", "NoCasaData", "the casadata package is not installed", "run the project's set-up again", "none")
    measures = Path(found.submodule_search_locations[0]) / "__data__"
    settings = {
        "measurespath": str(measures),
        "datapath": [str(measures)],
        "cachedir": str(work_dir / "casa-cache"),
        "logfile": str(log_path),
        "measures_auto_update": False,
        "data_auto_update": False,
        "telemetry_enabled": False,
        "crashreporter_enabled": False,
        "nogui": True,
        "log2term": False,
        "casaconfig_verbose": 0,
    }
    (work_dir / "casa-cache").mkdir(exist_ok=True)
    path = work_dir / "casa-config.py"
    path.write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
    return path


def _last_complaint(stderr: str, log_path: Path) -> str:
    lines = log_path.read_text(errors="replace").splitlines() if log_path.is_file() else []
    severe = [line for line in lines if "SEVERE" in line and not any(word in line for word in HARMLESS)]
    return " | ".join((severe or stderr.splitlines() or ["no message"])[-LOG_TAIL_LINES:])[-2000:]
