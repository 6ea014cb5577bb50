"""One phase a receptor for a whole group, found on the catalogue sources that the group itself sees.

Phases drift between the transit that was solved and the group that is calibrated: 4° an antenna moves sources by some
tenths of an arcsecond. Here the sources are fitted to a sample of the group's own calibrated visibilities (their fluxes
first, so that one that has faded or is not there counts for what it is), then one phase a receptor. It is kept only if phases found on
half of the band fit the other half better than none do; the numbers are answered either way. Sources that nobody knows of pull the
phases alike at all times, but not at all frequencies: halves of the band tell of them, halves of the time do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Complex = NDArray[np.complex128]
Phases = NDArray[np.float64]
ITERATIONS = 200
CONVERGED_RAD = 1e-6


@dataclass(frozen=True)
class Sample:
    """A few integrations of calibrated visibilities, products apart, and what each source alone gives in them."""

    data: NDArray[np.complex64]  # (time, baseline, channel, product)
    weight: NDArray[np.float32]  # 0 where flagged
    sources: NDArray[np.complex64]  # (source, time, baseline, channel)


@dataclass(frozen=True)
class FieldPhase:
    phase_rad: Phases  # (antenna, product); 0 where nothing could be found
    kept: bool
    reason: str
    sources: int
    rms_deg: float
    error_deg: float
    # By how much the misfit of the half of the band that was not used falls, in units of the power of the model.
    improvement: float


def no_field_phase(antennas: int, products: int, reason: str) -> FieldPhase:
    return FieldPhase(np.zeros((antennas, products)), False, reason, 0, 0.0, 0.0, 0.0)


def solve_field_phase(sample: Sample, antenna1: NDArray[np.int32], antenna2: NDArray[np.int32], antennas: int) -> FieldPhase:
    products = sample.data.shape[-1]
    model = np.tensordot(_fitted_fluxes(sample), sample.sources, axes=1)
    # Sums over time and half of the band: a baseline and product is one number for the phase of its two antennas.
    weighted = sample.weight * sample.data * np.conj(model)[..., None]
    across = np.stack([half.sum(axis=(0, 2), dtype=np.complex128) for half in np.array_split(weighted, 2, axis=2)])
    power = np.einsum("tbcp,tbc->", sample.weight, np.abs(model) ** 2, optimize=True)

    def phases(sums: Complex) -> Phases:
        return np.stack([antenna_phases(sums[:, product], antenna1, antenna2, antennas) for product in range(products)], axis=1)

    def gain(sums: Complex, phase: Phases) -> float:
        return float(np.real(sums * np.exp(-1j * (phase[antenna1] - phase[antenna2])) - sums).sum())

    low, high = phases(across[0]), phases(across[1])
    improvement = (gain(across[1], low) + gain(across[0], high)) / float(power)
    both = phases(across.sum(axis=0))
    seen = np.zeros(antennas, bool)
    seen[np.concatenate([antenna1, antenna2])] = True
    rms = np.degrees(np.sqrt(np.mean(both[seen] ** 2)))
    error = np.degrees(np.sqrt(np.mean(_wrapped(low - high)[seen] ** 2)) / 2)
    kept = improvement > 0
    reason = "phases of one half of the band fit the other half better than none do"
    return FieldPhase(
        phase_rad=both if kept else np.zeros_like(both),
        kept=kept,
        reason=reason if kept else f"not so: {reason}",
        sources=len(sample.sources),
        rms_deg=float(rms),
        error_deg=float(error),
        improvement=improvement,
    )


def _fitted_fluxes(sample: Sample) -> NDArray[np.float32]:
    """Part of the catalogue flux of each source that the data show, all fitted together; never negative."""
    count = len(sample.sources)
    normal, moment = np.zeros((count, count)), np.zeros(count)
    for time in range(sample.data.shape[0]):
        weight = sample.weight[time].sum(axis=-1)
        seen = sample.sources[:, time].reshape(count, -1)
        normal += ((seen * weight.ravel()) @ np.conj(seen.T)).real
        moment += (np.conj(seen) @ (sample.weight[time] * sample.data[time]).sum(axis=-1).ravel()).real
    fluxes, *_ = np.linalg.lstsq(normal, moment, rcond=1e-6)
    return np.maximum(fluxes, 0).astype(np.float32)


def antenna_phases(across: Complex, antenna1: NDArray[np.int32], antenna2: NDArray[np.int32], antennas: int) -> Phases:
    """φ that maximises Σ Re X_pq exp(−i(φ_p − φ_q)), its circular mean taken off (StefCal: Salvini & Wijnholds 2014, phases only)."""
    matrix = np.zeros((antennas, antennas), np.complex128)
    matrix[antenna1, antenna2] = across
    matrix[antenna2, antenna1] = np.conj(across)
    known = np.abs(matrix).sum(axis=1) > 0
    turn = known.astype(np.complex128)
    for _ in range(ITERATIONS):
        pull = matrix @ turn
        size = np.abs(pull)
        # Half a step: whole ones swing about the answer.
        new = turn + np.where(size > 0, pull / np.where(size > 0, size, 1), 0)
        new = np.where(known, new / np.maximum(np.abs(new), 1e-30), 0)
        moved = float(np.abs(new - turn).max(initial=0.0))
        turn = new
        if moved < CONVERGED_RAD:
            break
    mean = turn.sum()
    return np.where(known, np.angle(turn * np.conj(mean)), 0.0)


def _wrapped(angle: Phases) -> Phases:
    return np.angle(np.exp(1j * angle))
