"""One phase a receptor for a whole group, found on the catalogue sources that the group itself sees.

Phases drift between the transit that was solved and the group that is calibrated: 4° an antenna moves sources by some
tenths of an arcsecond. Here the sources are fitted to a sample of the group's own calibrated visibilities (their fluxes
first, so that one that has faded or is not there counts for what it is), then one phase a receptor. It is kept only if phases found on
half of the integrations fit the other half better than none do; the numbers are answered either way.
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
    # By how much the misfit of integrations that were not used falls, in units of the power of the model.
    improvement: float


def no_field_phase(antennas: int, products: int, reason: str) -> FieldPhase:
    return FieldPhase(np.zeros((antennas, products)), False, reason, 0, 0.0, 0.0, 0.0)


def solve_field_phase(sample: Sample, antenna1: NDArray[np.int32], antenna2: NDArray[np.int32], antennas: int) -> FieldPhase:
    products = sample.data.shape[-1]
    model = np.tensordot(_fitted_fluxes(sample), sample.sources, axes=1)
    # Sums over channels: a baseline, product and integration is one number for the phase of its two antennas.
    across = np.einsum("tbcp,tbcp,tbc->tbp", sample.weight, sample.data, np.conj(model), optimize=True)
    power = np.einsum("tbcp,tbc->tbp", sample.weight, np.abs(model) ** 2, optimize=True)

    def phases(times: slice) -> Phases:
        return np.stack(
            [antenna_phases(across[times, :, product].sum(axis=0), antenna1, antenna2, antennas) for product in range(products)], axis=1
        )

    def gain(times: slice, phase: Phases) -> float:
        turned = across[times] * np.exp(-1j * (phase[antenna1] - phase[antenna2]))[None]
        return float(np.real(turned - across[times]).sum())

    even, odd = slice(0, None, 2), slice(1, None, 2)
    of_even, of_odd = phases(even), phases(odd)
    improvement = (gain(odd, of_even) + gain(even, of_odd)) / float(power.sum())
    both = phases(slice(None))
    seen = np.zeros(antennas, bool)
    seen[np.concatenate([antenna1, antenna2])] = True
    rms = np.degrees(np.sqrt(np.mean(both[seen] ** 2)))
    error = np.degrees(np.sqrt(np.mean(_wrapped(of_even - of_odd)[seen] ** 2)) / 2)
    kept = improvement > 0
    reason = "phases of one half of the integrations fit the other half better than none do"
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
