"""Sets that are half there, and checks that did not look: each test fails on the defect that it is named after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING

import numpy as np
import pytest
from casacore.tables import table
from converted import concat_request, convert, validate_set
from step_process import SCIENCE, run_step_process

from contimg_science.protocol import StepFailure

if TYPE_CHECKING:
    from conftest import LoneSource

pytestmark = pytest.mark.slow

# Beyond the first thousand rows, and not an autocorrelation.
LATE_ROW = 7150


def test_a_conversion_killed_half_way_leaves_no_set_and_the_next_one_is_whole(lone_source: LoneSource, tmp_path: Path) -> None:
    ms = tmp_path / "group.ms"
    request = tmp_path / "request.json"
    request.write_text(concat_request(lone_source.files, ms).model_dump_json())
    killed = subprocess.Popen(
        [sys.executable, "-m", "contimg_science.concat", request],
        env={**os.environ, "PYTHONPATH": str(SCIENCE)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while killed.poll() is None and not list(tmp_path.glob(".*.partial/table.dat")):
            time.sleep(0.001)
    finally:
        killed.kill()
        killed.wait()
    assert killed.returncode == -9 and not ms.exists() and list(tmp_path.glob(".*.partial"))
    result = convert(lone_source.files, ms)
    validate_set(lone_source.files, result)
    assert result.content_digest == lone_source.result.content_digest
    assert sorted(path.name for path in tmp_path.iterdir()) == ["group.ms", "request.json"]


def spoil(column: str, how: Callable[[np.ndarray], np.ndarray]) -> Callable[[Path], None]:
    def change(ms: Path) -> None:
        with table(str(ms), readonly=False, ack=False) as main:
            main.putcell(column, LATE_ROW, how(main.getcell(column, LATE_ROW)))

    return change


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("V02", spoil("TIME", lambda value: value + 0.01)),
        ("V05", spoil("UVW", lambda value: value * 2)),
        ("V07", spoil("DATA", lambda value: value * np.nan)),
        ("V09", spoil("SIGMA", lambda value: value * 2)),
    ],
)
def test_rows_beyond_the_first_thousand_are_checked_too(
    code: str, change: Callable[[Path], None], lone_source: LoneSource, tmp_path: Path
) -> None:
    ms = tmp_path / "copy.ms"
    copytree(lone_source.result.ms, ms)
    change(ms)
    with pytest.raises(StepFailure) as rejected:
        validate_set(lone_source.files, lone_source.result.model_copy(update={"ms": ms}))
    assert (rejected.value.type, rejected.value.code) == ("QualityRejected", code)


def test_what_nobody_foresaw_fails_the_step_and_is_no_warning(lone_source: LoneSource, tmp_path: Path) -> None:
    ms = tmp_path / "group.ms"
    copytree(lone_source.result.ms, ms)
    with table(str(ms), readonly=False, ack=False) as main:
        main.removecols(["UVW"])
    asked = concat_request(lone_source.files, ms)
    said = lone_source.result.model_copy(update={"ms": ms})
    inputs = {
        **asked.inputs.model_dump(mode="json", exclude={"expected_subbands", "calibrators"}),
        "ms": str(ms),
        "concat": json.loads(said.model_dump_json()),
    }
    request = {"group_id": asked.group_id, "inputs": inputs, "parameters": {"raw_rows_checked": 1}, "outputs": {}}
    status, events = run_step_process("validate", request, tmp_path / "work")
    assert status != 0 and not any(event["event"] == "result" for event in events)
    assert events[-1]["event"] == "failure" and events[-1]["message"]
