"""The group that benches of single steps work on: simulated, converted, its raw files gone. Needs science/ and its tests on the path."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from converted import convert, simulate_group


def converted_group(folder: Path, size: str) -> Path:
    """`group.ms` in this folder, made if it is not there."""
    ms = folder / "group.ms"
    if not ms.exists():
        with contextlib.redirect_stdout(io.StringIO()):
            files = simulate_group(folder, size=size, ntimes=24)
            convert(files, ms)
        for file in files:
            file.unlink()
    return ms
