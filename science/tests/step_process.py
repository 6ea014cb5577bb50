"""Runs a science step the way the pipeline does: a subprocess, a JSON request, JSON lines back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SCIENCE = Path(__file__).parents[1]


def run_step_process(
    step: str, request: dict[str, Any], work_dir: Path, timeout_s: float = 300, **environment: str
) -> tuple[int, list[dict[str, Any]]]:
    """Exit status and the events; `request` is `inputs`, `parameters` and `outputs`."""
    work_dir.mkdir(parents=True, exist_ok=True)
    path = work_dir / f"{step}.json"
    envelope = {"schema_version": 1, "step": step, "group_id": "2025-10-02T11:48:58", "attempt_id": "1", "requested_at": "2025-10-02T12:00:00Z"}
    path.write_text(json.dumps({**envelope, "work_dir": work_dir, "threads": 2, **request}, default=str))
    done = subprocess.run(
        [sys.executable, "-m", f"contimg_science.{step}", path],
        env={**os.environ, "PYTHONPATH": str(SCIENCE), "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )
    sys.stderr.write(done.stderr)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]
