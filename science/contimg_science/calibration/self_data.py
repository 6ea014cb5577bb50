"""Reads and writes what self-calibration needs of an imaging set: sums of its data against a model, and DATA over gains.

A set is read in pieces and never held whole; only DATA of a private copy is written. Weights stay as they are: gains are
near 1, and a weight that is off by some per cent costs no flux.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.self_solution import Against
from contimg_science.imaging.bright_subtraction import in_blocks, reads_of
from contimg_science.imaging.private_copy import private_copy
from contimg_science.imaging.sky_model import SkyModel
from contimg_science.measurement_set import Description, open_table

Complex = NDArray[np.complex128]


def against_model(ms: Path, model: SkyModel, group: Description, threads: int) -> Against:
    from contimg_science.imaging.fringes import subtract_sources  # loading its compiler takes longer than a refusal needs

    spacing = model.freq_hz[0], model.step_hz, model.channels_averaged, model.step_hz / model.channels_averaged

    def sums(rows: dict[str, Any]) -> tuple[Complex, NDArray[np.float64]]:
        minus = np.zeros((*rows["DATA"].shape[:2], 1), np.complex64)
        subtract_sources(minus, rows["UVW"], rows["TIME"], model.lmn, model.flux_jy, *spacing)
        weight = np.where(rows["FLAG"], 0, rows["WEIGHT"])
        data = np.where(weight > 0, rows["DATA"], 0)
        return (weight * data * -np.conj(minus)).sum(axis=1), (weight * np.abs(minus) ** 2).sum(axis=1)

    parts: list[tuple[Complex, NDArray[np.float64]]] = []
    with open_table(ms) as main, ThreadPoolExecutor(max_workers=threads) as pool:
        for _, rows in reads_of(main, model):
            parts += pool.map(sums, in_blocks(rows))
    shape = (group.shape.times, group.shape.baselines, group.shape.correlations)
    across, power = (np.concatenate(part).reshape(shape) for part in zip(*parts, strict=True))
    return Against(across.astype(np.complex128), power.astype(np.float64))


def divide(ms: Path, target: Path, group: Description, gains: Complex, times_each: int) -> None:
    """Leaves at `target` a copy of `ms` whose DATA are D / (g₁ g₂*); gains (interval, antenna, product)."""
    private_copy(ms, target)
    baselines = group.shape.baselines
    with open_table(target, writable=True) as main:
        for time in range(group.shape.times):
            gain = gains[time // times_each]
            response = (gain[group.antenna1] * np.conj(gain[group.antenna2])).astype(np.complex64)
            main.putcol("DATA", main.getcol("DATA", time * baselines, baselines) / response[:, None, :], time * baselines, baselines)
