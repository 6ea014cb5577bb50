"""Faults that can be put into simulated files, and what each must end as.

A fault changes how a file is made (labels, channels, samples), what its bytes are afterwards, or how it arrives. `FAULTS` is
the one list: value a fault takes, and the errors or states that a correct reader may answer with.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import h5py
import numpy as np

from contimg_science.channels import SUBBANDS
from contimg_science.protocol import StepFailure
from contimg_science.simulation.delivery import Arrival
from contimg_science.simulation.options import FaultName, FaultTarget, Parameters
from contimg_science.simulation.schedule import PlannedGroup

Value = float | Literal["same", "other"] | None


@dataclass(frozen=True)
class Plan:
    """How one file is made and delivered. The start values are those of a faultless file."""

    subband: int
    in_channels_of: int
    ntimes: int
    width_sign: int
    dec_app_deg: float
    label_shift_days: float = 0.0
    nan_fraction: float = 0.0
    reversed_pairs: bool = False
    kept_fraction: float = 1.0
    random_header: bool = False
    absent: bool = False
    late_s: float = 0.0
    claims_terabytes: bool = False
    arrival: Arrival = "style"
    replaced_after_s: float = 0.0
    duplicate: Literal["none", "same", "other"] = "none"


def _number(value: Value, name: str, low: float, high: float) -> float:
    if not isinstance(value, float | int) or not low <= value <= high:
        raise StepFailure("BadInput", "BadFaultValue", f"fault {name}: value {value} is not in {low:g}…{high:g}", "correct its value", "none")
    return float(value)


def _nothing(value: Value, name: str) -> None:
    if value is not None:
        raise StepFailure("BadInput", "BadFaultValue", f"fault {name} takes no value, got {value}", "set its value to null", "none")


def _content(value: Value, name: str) -> Literal["same", "other"]:
    if value not in ("same", "other"):
        raise StepFailure("BadInput", "BadFaultValue", f"fault {name}: value {value} is not same or other", "say which", "none")
    return "same" if value == "same" else "other"


@dataclass(frozen=True)
class Fault:
    """`ends_as` names error types of raw-file admission or states of file or group; any one of them is right."""

    kind: Literal["error", "state"]
    ends_as: tuple[str, ...]
    apply: Callable[[Plan, Value, PlannedGroup], Plan]


def _plain(name: str, **changes: object) -> Callable[[Plan, Value, PlannedGroup], Plan]:
    def apply(plan: Plan, value: Value, _group: PlannedGroup) -> Plan:
        _nothing(value, name)
        return replace(plan, **changes)  # pyright: ignore[reportArgumentType]

    return apply


def _short(plan: Plan, value: Value, _group: PlannedGroup) -> Plan:
    return replace(plan, ntimes=int(_number(value, "short", 1, plan.ntimes - 1)))


def _mjd55000(plan: Plan, value: Value, group: PlannedGroup) -> Plan:
    _nothing(value, "mjd55000")
    # What the real writer falls back to when it cannot look up when the correlator was armed.
    return replace(plan, label_shift_days=2455000.5 - group.t0_jd)


CLAIMED_BYTES = 3 * 10**12
HEADER_ERRORS = (
    "NotHdf5", "Truncated", "HeaderTimeout", "HeaderTooLarge", "MissingDataset", "BadType", "BadShape", "BadTimes", "BadFrequencies",
    "BadPointing", "UnknownPhaseCentre", "BadAntennas", "ForeignSite", "Unreadable",
)  # fmt: skip

FAULTS: dict[FaultName, Fault] = {
    # no file at all
    "missing": Fault("state", ("degraded",), _plain("missing", absent=True)),
    # value: seconds after the rest of its group
    "late": Fault("state", ("upgraded", "present"), lambda plan, value, _: replace(plan, late_s=_number(value, "late", 0, 86400))),
    # value: the fraction of the bytes that is kept
    "truncate": Fault("error", ("Truncated",), lambda plan, value, _: replace(plan, kept_fraction=_number(value, "truncate", 0.001, 0.999))),
    "zero_byte": Fault("error", ("EmptyFile",), _plain("zero_byte", kept_fraction=0.0)),
    # random bytes over the header, the signature stays
    "corrupt": Fault("error", HEADER_ERRORS, _plain("corrupt", random_header=True)),
    # grows for a while under its final name
    "half_written": Fault("state", ("admitted",), _plain("half_written", arrival="half-written")),
    # never renamed from NAME_incomplete.hdf5
    "incomplete": Fault("state", ("not a candidate",), _plain("incomplete", arrival="stays-incomplete")),
    "corrupted_name": Fault("error", ("MarkedCorrupt",), _plain("corrupted_name", arrival="marked-corrupt")),
    # value: same or other content; the second file's name is three seconds later
    "duplicate": Fault("state", ("duplicate", "newest wins"), lambda plan, value, _: replace(plan, duplicate=_content(value, "duplicate"))),
    # value: integrations written; the last one is averaged over half of its samples
    "short": Fault("state", ("flagged cells",), _short),
    # value: fraction of the samples that is NaN, in blocks of whole integrations of a baseline
    "nan": Fault("state", ("flagged", "NonFiniteData"), lambda plan, value, _: replace(plan, nan_fraction=_number(value, "nan", 0.0001, 1))),
    # both antennas of all pairs exchanged; give it to whole groups
    "reverse": Fault("state", ("same MS",), _plain("reverse", reversed_pairs=True)),
    # value: 1 or −1, the sign of channel_width
    "width_sign": Fault(
        "state", ("same MS",), lambda plan, value, _: replace(plan, width_sign=1 if _number(value, "width_sign", -1, 1) > 0 else -1)
    ),
    # value: apparent declination of another strip, degrees
    "wrong_dec": Fault("state", ("group of one",), lambda plan, value, _: replace(plan, dec_app_deg=_number(value, "wrong_dec", -39.9, 89.9))),
    # value: the subband whose channels it has
    "wrong_slot": Fault(
        "error",
        ("BadFrequencies",),
        lambda plan, value, _: replace(plan, in_channels_of=int(_number(value, "wrong_slot", 0, SUBBANDS - 1))),
    ),
    # value: hours by which its labels are old
    "stale_clock": Fault(
        "error",
        ("ImplausibleClock",),
        lambda plan, value, _: replace(plan, label_shift_days=-_number(value, "stale_clock", 0.17, 24 * 365) / 24),
    ),
    # labels of June 2009
    "mjd55000": Fault("error", ("BadTimes",), _mjd55000),
    # value: seconds until a file of other content takes its name
    "replace": Fault("state", ("newest wins",), lambda plan, value, _: replace(plan, replaced_after_s=_number(value, "replace", 0.001, 86400))),
    # nobody but root may read it
    "unreadable": Fault("error", ("Unreadable",), _plain("unreadable", arrival="unreadable")),
    # its header claims terabytes of samples
    "bomb": Fault("error", ("HeaderTooLarge",), _plain("bomb", claims_terabytes=True)),
    # a newline between the two digits of the subband
    "bad_name": Fault("error", ("UnsafePath",), _plain("bad_name", arrival="bad-name")),
    # a symbolic link to a file beside the truth
    "link_out": Fault("error", ("UnsafePath",), _plain("link_out", arrival="linked-out")),
}


def subbands_of(target: FaultTarget) -> list[int]:
    return list(range(SUBBANDS)) if target.subbands == "*" else sorted(set(target.subbands))


def plan_files(parameters: Parameters, group: PlannedGroup) -> list[Plan]:
    """Sixteen plans, one a subband, with all faults of the request applied."""
    plans = [Plan(s, s, group.ntimes, parameters.width_sign, parameters.dec_app_deg) for s in range(SUBBANDS)]
    for name, targets in parameters.faults.items():
        for target in targets:
            if target.group != group.index:
                continue
            for subband in subbands_of(target):
                plans[subband] = FAULTS[name].apply(plans[subband], target.value, group)
    return plans


def damage(path: Path, plan: Plan, random: np.random.Generator) -> None:
    """Spoil the bytes of a finished file as its plan says."""
    if plan.random_header:
        # Superblock (96 bytes) stays, the root group and the first headers behind it do not.
        with path.open("r+b") as file:
            file.seek(96)
            file.write(random.bytes(8192))
    if plan.claims_terabytes:
        with h5py.File(path, "r+") as file:
            samples = file["Data/visdata"]
            samples.resize(CLAIMED_BYTES // (samples.dtype.itemsize * samples[:1].size), axis=0)  # pyright: ignore[reportAttributeAccessIssue, reportIndexIssue]
    if plan.kept_fraction < 1:
        kept = int(path.stat().st_size * plan.kept_fraction)
        with path.open("r+b") as file:
            file.truncate(kept)
