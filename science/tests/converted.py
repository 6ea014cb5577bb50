"""Simulated groups taken through `concat` (and `validate`) for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
from simulated import run, tiny_request

from contimg_science.concat import ConcatRequest, ConcatResult, concat
from contimg_science.validate import ValidateRequest, ValidateResult, validate

SUBBANDS = 16
REQUESTED_AT = "2025-10-02T12:00:00+00:00"


def simulate_group(base: Path, **parameters: Any) -> list[Path]:
    """The files of one group by subband; noisy, so that no two samples are alike."""
    run(tiny_request(base, **({"noise": True, "instrument": "real"} | parameters)))
    return sorted((base / "incoming").glob("*.hdf5"), key=lambda path: path.stem[-2:])


def faulty_group(base: Path, name: str, subbands: list[int] | str, value: object = None, **parameters: Any) -> list[Path]:
    return simulate_group(base, faults={name: [{"group": 0, "subbands": subbands, "value": value}]}, **parameters)


def key_of(path: Path) -> tuple[float, float]:
    with h5py.File(path) as file:
        return float(file["Header/time_array"][()].min()), float(file["Header/extra_keywords/phase_center_dec"][()])


def concat_request(files: list[Path], ms: Path, calibrators: Path | None = None, **changes: Any) -> ConcatRequest:
    t0_jd, dec_rad = key_of(files[0])
    envelope = {"schema_version": 1, "step": "concat", "group_id": "2025-10-02T00:05:18", "attempt_id": "1", "requested_at": REQUESTED_AT}
    members = [{"path": str(path), "subband": int(path.stem[-2:])} for path in files]
    request = {
        **envelope,
        "work_dir": str(ms.parent),
        "threads": 2,
        "inputs": {"members": members, "expected_subbands": SUBBANDS, "t0_jd": t0_jd, "dec_rad": dec_rad, "calibrators": calibrators},
        "parameters": {"max_bad_fraction": 0.5},
        "outputs": {"ms": str(ms)},
    } | changes
    return ConcatRequest.model_validate(request)


def convert(files: list[Path], ms: Path, **changes: Any) -> ConcatResult:
    return concat(concat_request(files, ms, **changes))


def validate_request(files: list[Path], result: ConcatResult, group_id: str = "2025-10-02T00:05:18") -> ValidateRequest:
    asked = concat_request(files, result.ms)
    request = asked.model_dump(mode="json") | {
        "step": "validate",
        "group_id": group_id,
        "inputs": {
            **asked.inputs.model_dump(mode="json", exclude={"expected_subbands", "calibrators"}),
            "ms": str(result.ms),
            "concat": result.model_dump(mode="json"),
        },
        "parameters": {"raw_rows_checked": 8},
        "outputs": {},
    }
    return ValidateRequest.model_validate(request)


def validate_set(files: list[Path], result: ConcatResult, group_id: str = "2025-10-02T00:05:18") -> ValidateResult:
    return validate(validate_request(files, result, group_id))


def edit_header(path: Path, change: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "r+") as file:
        change(file)
