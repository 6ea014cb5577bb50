"""Step `flag`: decides which samples of a converted group are not sky, and writes FLAG and FLAG_ROW once.

Starts from DATA and from what the conversion flagged, never from an earlier result of its own, so running it again
changes nothing. Reads one Measurement Set; writes the flag columns of it (and of its published copy when one is named)
and a JSON file of statistics. Never touches DATA.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contimg_science.flagging import aoflagger_pass
from contimg_science.flagging.amplitudes import clip_absurd, clip_mad, dead_receptors, mark_receptors
from contimg_science.flagging.array_statistic import mark_array_interference
from contimg_science.flagging.conversion_flags import flagged_by_conversion, store_conversion_flags
from contimg_science.flagging.extension import extend
from contimg_science.flagging.known_samples import mark_known
from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.statistics import receptor_name, tally, write_statistics
from contimg_science.flagging.visibility_cube import flag_digest, read_cube, write_flags
from contimg_science.measurement_set import require_set
from contimg_science.protocol import Record, StepRequest, Timings, progress, run_step


class Inputs(Record):
    ms: Path
    published_ms: Path | None


class Parameters(Record):
    mad_sigma: float
    dead_antenna_fraction: float
    aoflagger: bool
    aoflagger_threshold: float


class Outputs(Record):
    statistics: Path


class FlagRequest(StepRequest):
    inputs: Inputs
    parameters: Parameters
    outputs: Outputs


class FlagResult(Record):
    flagged_fraction: float
    flagged_by_reason: dict[str, int]
    dead_antennas: list[str]
    dead_receptors: list[str]
    # Part of the baselines and products on which something stood out, so that AOFlagger looked at them.
    searched_fraction: float
    flag_digest: str
    bytes_read: int
    bytes_written: int
    timings_s: dict[str, float]


def flag(request: FlagRequest) -> FlagResult:
    timings = Timings()
    with timings.phase("load"):
        require_set(request.inputs.ms, "convert the group first")
        cube, column = read_cube(request.inputs.ms, request.threads)
        bytes_read = cube.data.nbytes + column.nbytes // 8
        flagged = flagged_by_conversion(request.inputs.ms, column)
        del column
    progress(0.2, f"{cube.data.shape[0]} integrations of {cube.data.shape[1]} baselines read")

    with timings.phase("known"):
        good = mark_known(cube, flagged)
        del flagged
        only_conversion = np.packbits(cube.marks == Reason.CONVERSION)
        dead = dead_receptors(cube, good, request.parameters.dead_antenna_fraction)
        mark_receptors(cube, dead)
        clip_absurd(cube)
    with timings.phase("array"):
        array_power = mark_array_interference(cube)
    progress(0.4, "array-wide interference marked")
    searched = 0.0
    with timings.phase("aoflagger"):
        if request.parameters.aoflagger:
            strategy = aoflagger_pass.write_strategy(request.work_dir, request.parameters.aoflagger_threshold)
            searched = aoflagger_pass.mark_baseline_interference(cube, array_power, strategy)
    progress(0.8, "single baselines searched")
    with timings.phase("clip"):
        clip_mad(cube, request.parameters.mad_sigma)
        extend(cube)

    targets = [request.inputs.ms]
    if request.inputs.published_ms is not None and request.inputs.published_ms.resolve() != request.inputs.ms.resolve():
        targets.append(request.inputs.published_ms)
    with timings.phase("write"):
        flags = cube.reasons != Reason.GOOD
        for target in targets:
            store_conversion_flags(target, only_conversion)
            write_flags(target, flags)
        counted = tally(cube)
        aoflagger_version = aoflagger_pass.version() if request.parameters.aoflagger else None
        write_statistics(request.outputs.statistics, request.group_id, cube, counted, dead, aoflagger_version)
    progress(1.0, "flags written")

    products = len(cube.products)
    antennas = sorted({antenna for antenna, _ in dead})
    return FlagResult(
        flagged_fraction=counted.fraction,
        flagged_by_reason=counted.by_reason,
        dead_antennas=[cube.antenna_names[a] for a in antennas if sum(a == antenna for antenna, _ in dead) == products],
        dead_receptors=[receptor_name(cube, antenna, product) for antenna, product in dead],
        searched_fraction=searched,
        flag_digest=flag_digest(flags),
        bytes_read=bytes_read,
        bytes_written=len(targets) * flags.size // 8,
        timings_s=timings.seconds,
    )


if __name__ == "__main__":
    run_step(FlagRequest, flag)
