"""What a simulation is asked for: the request of `simulate`, complete, with no defaults.

Groups are counted from 0 in the order of their start. Angles in degrees, fluxes in Jy at 1.4 GHz, times ISO 8601 UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field

from contimg_science.protocol import Record, StepRequest


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


UtcTime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
GroupIndex = Annotated[int, Field(ge=0)]
Subband = Annotated[int, Field(ge=0, le=15)]


class NightSchedule(Record):
    """The same hour of sidereal time on each day: a calibrator's transit, then science groups one after the other.

    The first transit is the next one after `not_before_utc`; later days follow one sidereal day apart, to the nearest
    integration of the same running correlator. `skipped_groups` cadences between the calibrator and the first science group
    leave time for a bright calibrator to drift out of the beam.
    """

    kind: Literal["night"]
    not_before_utc: UtcTime
    calibrator: str
    science_groups: Annotated[int, Field(ge=1)]
    skipped_groups: Annotated[int, Field(ge=0)]
    days: Annotated[int, Field(ge=1)]


class RunSchedule(Record):
    """Groups one after the other, as a correlator that nobody touches writes them."""

    kind: Literal["run"]
    start_utc: UtcTime
    count: Annotated[int, Field(ge=1)]


class ListedGroup(Record):
    start_utc: UtcTime
    calibrator: str | None


class ListSchedule(Record):
    """Groups at given starts, each with a calibrator in its sky or none."""

    kind: Literal["list"]
    groups: Annotated[list[ListedGroup], Field(min_length=1)]


class LightCurve(Record):
    """Flux as a multiple of the reference flux, a group.

    steady: 1. step: `factor` from `group` on. flare: `factor` at `group`, back to 1 by e-fold every `length` groups. double:
    2 from `group` on. ese: a dip to `factor` over `length` groups from `group` on, with raised shoulders on both sides.
    """

    kind: Literal["steady", "step", "flare", "double", "ese"]
    group: GroupIndex
    factor: Annotated[float, Field(ge=0)]
    length: Annotated[int, Field(ge=1)]


class ExplicitSource(Record):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9+_.-]+$")]
    ra_deg: Annotated[float, Field(ge=0, lt=360)]
    dec_deg: Annotated[float, Field(ge=-90, le=90)]
    flux_jy: Annotated[float, Field(gt=0)]
    spectral_index: float
    light_curve: LightCurve


class SkyOptions(Record):
    """`count` seeded sources within `radius_deg` of the strip's centre line along the science groups, and explicit ones.

    The first `doubling` of the seeded sources double: from the first group of the last day of a night on, else from the
    middle group on. `calibrator_in` says whether the sky of a group without its transit holds the calibrator too.
    """

    count: Annotated[int, Field(ge=0)]
    flux_min_jy: Annotated[float, Field(gt=0)]
    flux_max_jy: Annotated[float, Field(gt=0)]
    radius_deg: Annotated[float, Field(gt=0, le=3)]
    separation_arcmin: Annotated[float, Field(ge=0)]
    doubling: Annotated[int, Field(ge=0)]
    calibrator_in: Literal["transit", "every"]
    explicit: list[ExplicitSource]


class RfiOptions(Record):
    """How many of each kind a group gets, and their amplitude in units of the noise of one visibility."""

    narrow: Annotated[int, Field(ge=0)]
    bursts: Annotated[int, Field(ge=0)]
    sweeps: Annotated[int, Field(ge=0)]
    baselines: Annotated[int, Field(ge=0)]
    amplitude_sigma: Annotated[float, Field(gt=0)]


FaultName = Literal[
    "missing", "late", "truncate", "zero_byte", "corrupt", "half_written", "incomplete", "corrupted_name", "duplicate", "short",
    "nan", "reverse", "width_sign", "wrong_dec", "wrong_slot", "stale_clock", "mjd55000", "replace", "unreadable", "bomb", "bad_name",
    "link_out",
]  # fmt: skip


class FaultTarget(Record):
    """Which files of which group; `value` means what the fault's line in faults.py says, null where it takes none."""

    group: GroupIndex
    subbands: list[Subband] | Literal["*"]
    value: float | Literal["same", "other"] | None


class Parameters(Record):
    size: Literal["mini", "full"]
    seed: Annotated[int, Field(ge=0)]
    dec_app_deg: Annotated[float, Field(gt=-40, lt=90)]
    schedule: Annotated[NightSchedule | RunSchedule | ListSchedule, Field(discriminator="kind")]
    sources: SkyOptions
    ntimes: Annotated[int, Field(ge=2, le=24)]
    order: Literal["correlator", "sorted"]
    width_sign: Literal[1, -1]
    instrument: Literal["real", "ideal"]
    noise: bool
    smear: bool
    dead_antennas: list[Annotated[int, Field(ge=1, le=117)]]
    dead_receptors: list[Annotated[str, Field(pattern=r"^\d{1,3}[XY]$")]]
    rfi: RfiOptions
    faults: dict[FaultName, list[FaultTarget]]
    deliver: Literal["rsync", "inplace", "at-once", "incomplete"]
    rate: Annotated[float, Field(gt=0)] | None
    restart_gap: bool
    # The injected sky also as published catalogues come, below the truth directory.
    catalogues: bool


class Inputs(Record):
    pass


class Outputs(Record):
    directory: Path
    truth_directory: Path


class SimulateRequest(StepRequest):
    step: Literal["simulate"]
    inputs: Inputs
    parameters: Parameters
    outputs: Outputs
