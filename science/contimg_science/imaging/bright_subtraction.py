"""Takes bright catalogue sources out of the visibilities of a private copy, with the fluxes that the data themselves show.

Sources drift through the fixed beam, so no image holds still what they do to the data: cleaned, they leave artefacts of a
ten-thousandth of their flux. The catalogue says where they are; amplitude and spectral slope of all are fitted together, so
a source that doubled is not measured as the catalogue has it. What the fit leaves stays in the data, and is imaged.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.sky_model import SkyModel
from contimg_science.measurement_set import open_table

Array = NDArray[np.float64]
ROWS_A_READ = 8192
ROWS_A_BLOCK = 256
# Multiplications the fit may cost, about two seconds; beyond it, it looks at every n-th channel only.
FIT_MULTIPLICATIONS = 4e10
# Combinations of sources that the data tell apart worse than this are left as the catalogue has them: two in one beam.
LEAST_EIGENVALUE = 1e-2


@dataclass(frozen=True)
class Fit:
    """Factors to the catalogue's flux at the reference frequency, and their change with ln ν; (sources,)."""

    amplitude: Array
    slope: Array


def fit_fluxes(ms: Path, model: SkyModel, threads: int) -> Fit:
    """Weighted least squares of Stokes I over all unflagged cross-correlations, all sources at a time."""
    from contimg_science.imaging.fringes import fill_responses  # loading its compiler takes longer than most images need

    count, freq_hz = len(model.sources), model.freq_hz
    with open_table(ms) as main:
        samples = main.nrows() * freq_hz.size
    stride = max(1, int(np.ceil(samples * 3 * 2 * count**2 / FIT_MULTIPLICATIONS)))
    channels = np.arange(stride // 2, freq_hz.size, stride)
    flux_jy, step_hz = np.ascontiguousarray(model.flux_jy[:, channels]), model.step_hz * stride
    averaging = model.channels_averaged, model.step_hz / model.channels_averaged
    powers = model.log_frequency[channels][None, :] ** np.arange(3)[:, None]

    def add(rows: dict[str, Any]) -> tuple[Array, Array]:
        """Σ w xᵏ Re(m̄ᵢ mⱼ) for k = 0, 1, 2 and Σ xᵏ Re(m̄ᵢ w d) for k = 0, 1."""
        weight = np.where(rows["FLAG"], 0, rows["WEIGHT"]).astype(np.float32)
        total = np.where(weight > 0, rows["DATA"] * weight, 0).sum(axis=2)
        seen = np.empty((2, *weight.shape[:2], count), np.float32)
        fill_responses(seen, rows["UVW"], rows["TIME"], model.lmn, flux_jy, freq_hz[channels[0]], step_hz, *averaging)
        flat = seen.reshape(2, -1, count)
        gram, right = np.empty((3, count, count)), np.empty((2, count))
        for power in range(3):
            weighted = (weight.sum(axis=2) * powers[power].astype(np.float32)).reshape(-1, 1)
            gram[power] = sum(part.T @ (part * weighted) for part in flat)
        for power in range(2):
            scaled = (total * powers[power].astype(np.float32)).reshape(-1)
            right[power] = flat[0].T @ scaled.real + flat[1].T @ scaled.imag
        return gram, right

    gram, right = np.zeros((3, count, count)), np.zeros((2, count))
    with open_table(ms) as main, ThreadPoolExecutor(max_workers=threads) as pool:
        for _, rows in reads_of(main, model):
            chosen = {name: values[:, channels] if name in ("DATA", "FLAG", "WEIGHT") else values for name, values in rows.items()}
            for part_gram, part_right in pool.map(add, in_blocks(chosen)):
                gram += part_gram
                right += part_right
    return _solved(gram, right)


def _solved(gram: Array, right: Array) -> Fit:
    """The nearest to the catalogue (1, 0) of all that fit equally well."""
    count = right.shape[1]
    normal = np.block([[gram[0], gram[1]], [gram[1], gram[2]]])
    catalogue = np.concatenate([np.ones(count), np.zeros(count)])
    scale = np.sqrt(np.diag(normal))
    scale = np.where(scale > 0, scale, 1.0)
    shift = np.linalg.pinv(normal / np.outer(scale, scale), rcond=LEAST_EIGENVALUE / 2, hermitian=True) @ (
        (right.ravel() - normal @ catalogue) / scale
    )
    fitted = catalogue + shift / scale
    return Fit(fitted[:count], fitted[count:])


def subtract(ms: Path, model: SkyModel, threads: int) -> None:
    """Changes DATA of `ms`, which must be a copy of our own."""
    with open_table(ms, writable=True) as main, ThreadPoolExecutor(max_workers=threads) as pool:
        for start, rows in reads_of(main, model, names=("DATA",)):
            subtract_from(rows["DATA"], rows["UVW"], rows["TIME"], model, pool)
            main.putcol("DATA", rows["DATA"], start, len(rows["DATA"]))


def subtract_from(data: NDArray[np.complex64], uvw_m: Array, time_index: NDArray[np.int64], model: SkyModel, pool: Executor) -> None:
    """Changes `data` (rows, channels, products)."""
    from contimg_science.imaging.fringes import subtract_sources

    spacing = model.freq_hz[0], model.step_hz, model.channels_averaged, model.step_hz / model.channels_averaged

    def block(first: int) -> None:
        rows = slice(first, first + ROWS_A_BLOCK)
        subtract_sources(data[rows], uvw_m[rows], time_index[rows], model.lmn, model.flux_jy, *spacing)

    list(pool.map(block, range(0, len(data), ROWS_A_BLOCK)))


def reads_of(main: Any, model: SkyModel, names: tuple[str, ...] = ("DATA", "FLAG", "WEIGHT")) -> Iterator[tuple[int, dict[str, Any]]]:
    """Rows in order, TIME as an index, WEIGHT a number a sample and 0 for autocorrelations."""
    _, time_of_row = np.unique(main.getcol("TIME"), return_inverse=True)
    spectrum = "WEIGHT_SPECTRUM" in main.colnames()
    for start in range(0, main.nrows(), ROWS_A_READ):
        span = (start, min(ROWS_A_READ, main.nrows() - start))
        rows = {"UVW": main.getcol("UVW", *span), "TIME": time_of_row[start : start + span[1]].astype(np.int64)}
        for name in names:
            if name != "WEIGHT":
                rows[name] = main.getcol(name, *span)
                continue
            shape = (span[1], model.freq_hz.size, 2)
            weight = main.getcol("WEIGHT_SPECTRUM", *span) if spectrum else np.broadcast_to(main.getcol("WEIGHT", *span)[:, None], shape)
            cross = main.getcol("ANTENNA1", *span) != main.getcol("ANTENNA2", *span)
            rows[name] = weight * cross[:, None, None]
        yield start, rows


def in_blocks(rows: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for first in range(0, len(rows["UVW"]), ROWS_A_BLOCK):
        yield {name: values[first : first + ROWS_A_BLOCK] for name, values in rows.items()}
