"""What every validation check shares: how a failure is said, and what the checks compare with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from contimg_science.conversion.group import Group
from contimg_science.conversion.phase_centre import PhaseCentre
from contimg_science.protocol import Record, StepFailure

MAX_TIME_ERROR_S = 1e-3
REMEDY = "the set stays unpublished: convert the group again; if it fails again, send the capsule of this attempt to the developers"


class Check(Record):
    code: str
    passed: bool
    detail: str


@dataclass(frozen=True)
class Expected:
    """The group as its raw headers give it, worked out anew for the validation."""

    path: Path
    group_id: str
    group: Group
    centre: PhaseCentre
    flagged_by_reason: dict[str, int]


def reject(code: str, message: str, remedy: str = REMEDY) -> NoReturn:
    raise StepFailure("QualityRejected", code, f"{code}: {message}", remedy)


def require(holds: bool, code: str, message: str, remedy: str = REMEDY) -> None:
    if not holds:
        reject(code, message, remedy)
