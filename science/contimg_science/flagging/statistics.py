"""How much was flagged, by reason, antenna, receptor and channel: what people and the catalogue read of step `flag`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube


@dataclass(frozen=True)
class Tally:
    """Counts of flagged samples: by reason of all, the others of cross-correlations only."""

    by_reason: dict[str, int]
    fraction: float  # autocorrelations are always flagged and would only dilute the number
    by_baseline: NDArray[np.int64]  # (baseline, product)
    by_cell: NDArray[np.int64]  # (time, channel, product)


# numba compiles this, so its arguments carry no annotations.
@numba.njit(cache=True, nogil=True)
def count_marks(marks, is_cross, times, by_reason, by_baseline, by_cell):
    """Each time has its part of `by_reason` (time, reason), `by_baseline` (time, baseline, product), `by_cell` (time, channel and product)."""
    _, baselines, cells = marks.shape
    products = by_baseline.shape[2]
    for time in times:
        for baseline in range(baselines):
            for product in range(products):
                bad = 0
                for cell in range(product, cells, products):
                    mark = marks[time, baseline, cell]
                    by_reason[time, mark] += 1
                    if mark != 0 and is_cross[baseline]:
                        bad += 1
                        by_cell[time, cell] += 1
                by_baseline[time, baseline, product] = bad


def tally(cube: Cube) -> Tally:
    marks, is_cross = cube.marks, cube.is_cross
    times, baselines, channels, products = cube.reasons.shape
    by_reason, by_cell = np.zeros((times, len(Reason)), np.int64), np.zeros((times, channels * products), np.int64)
    by_baseline = np.zeros((times, baselines, products), np.int64)
    cube.in_shares(lambda share: count_marks(marks, is_cross, share, by_reason, by_baseline, by_cell), cube.times)
    counts = by_reason.sum(axis=0)
    return Tally(
        by_reason={reason.key: int(counts[reason]) for reason in Reason if reason is not Reason.GOOD},
        fraction=float(by_cell.sum() / (times * channels * products * np.count_nonzero(is_cross))),
        by_baseline=by_baseline.sum(axis=0),
        by_cell=by_cell.reshape(times, channels, products),
    )


def write_statistics(path: Path, group_id: str, cube: Cube, flagged: Tally, dead: list[tuple[int, int]], aoflagger_version: str | None) -> None:
    times, _, channels, products = cube.reasons.shape
    crosses = cube.crosses.size
    by_time = flagged.by_cell.sum(axis=(1, 2)) / (crosses * channels * products)
    by_baseline = flagged.by_baseline / (times * channels)
    receptors: dict[str, float] = {}
    for antenna in np.union1d(cube.antenna1, cube.antenna2):
        mine = cube.is_cross & ((cube.antenna1 == antenna) | (cube.antenna2 == antenna))
        for product in range(products):
            receptors[receptor_name(cube, int(antenna), product)] = round(float(by_baseline[mine, product].mean()), 6) if mine.any() else 1.0
    report: dict[str, Any] = {
        "schema_version": 1,
        "group_id": group_id,
        "samples": int(cube.reasons.size),
        "flagged_samples_by_reason": flagged.by_reason,
        "flagged_fraction": flagged.fraction,
        "flagged_fraction_by_receptor": receptors,
        "flagged_fraction_by_channel": [
            {"freq_hz": float(freq), **{p: round(float(fraction), 6) for p, fraction in zip(cube.products, fractions, strict=True)}}
            for freq, fractions in zip(cube.freq_hz, flagged.by_cell.sum(axis=0) / (times * crosses), strict=True)
        ],
        "flagged_fraction_by_time": [round(float(fraction), 6) for fraction in by_time],
        "dead_receptors": [receptor_name(cube, antenna, product) for antenna, product in dead],
        "aoflagger": aoflagger_version,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


def receptor_name(cube: Cube, antenna: int, product: int) -> str:
    """`DSA-103/X` for the receptor behind product XX."""
    return f"{cube.antenna_names[antenna]}/{cube.products[product][0]}"
