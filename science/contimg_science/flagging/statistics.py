"""How much was flagged, by reason, antenna, receptor and channel: what people and the catalogue read of step `flag`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube


def counts_by_reason(cube: Cube) -> dict[str, int]:
    counts = np.bincount(cube.reasons.reshape(-1), minlength=len(Reason))
    return {reason.key: int(counts[reason]) for reason in Reason if reason is not Reason.GOOD}


def flagged_fraction(cube: Cube) -> float:
    """Of all cross-correlation samples: autocorrelations are always flagged and would only dilute the number."""
    return float(np.mean(cube.reasons[:, cube.is_cross] != Reason.GOOD))


def write_statistics(path: Path, group_id: str, cube: Cube, dead: list[tuple[int, int]], aoflagger_version: str | None) -> None:
    crosses = np.flatnonzero(cube.is_cross)
    bad = cube.reasons[:, crosses] != Reason.GOOD
    by_baseline = bad.mean(axis=(0, 2))  # (cross baseline, product)
    receptors: dict[str, float] = {}
    for antenna in np.union1d(cube.antenna1, cube.antenna2):
        mine = (cube.antenna1[crosses] == antenna) | (cube.antenna2[crosses] == antenna)
        for product in range(len(cube.products)):
            receptors[receptor_name(cube, int(antenna), product)] = round(float(by_baseline[mine, product].mean()), 6) if mine.any() else 1.0
    report: dict[str, Any] = {
        "schema_version": 1,
        "group_id": group_id,
        "samples": int(cube.reasons.size),
        "flagged_samples_by_reason": counts_by_reason(cube),
        "flagged_fraction": flagged_fraction(cube),
        "flagged_fraction_by_receptor": receptors,
        "flagged_fraction_by_channel": [
            {"freq_hz": float(freq), **{p: round(float(fraction), 6) for p, fraction in zip(cube.products, fractions, strict=True)}}
            for freq, fractions in zip(cube.freq_hz, bad.mean(axis=(0, 1)), strict=True)
        ],
        "flagged_fraction_by_time": [round(float(fraction), 6) for fraction in bad.mean(axis=(1, 2, 3))],
        "dead_receptors": [receptor_name(cube, antenna, product) for antenna, product in dead],
        "aoflagger": aoflagger_version,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=1) + "\n")


def receptor_name(cube: Cube, antenna: int, product: int) -> str:
    """`DSA-103/X` for the receptor behind product XX."""
    return f"{cube.antenna_names[antenna]}/{cube.products[product][0]}"
