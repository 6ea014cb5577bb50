"""Fits the flux of each source around a calibrator, and the calibrator's beside them, to a sample of a transit.

A few integrations and channels are enough: all sources are fitted together, so that none takes what is another's. Gains that
were solved with a wrong model hold a part of its error, so a change since the catalogue is looked for with gains of its own:
gains and fluxes in turn, until neither moves. The flux of the calibrator is never fitted there: it makes the scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.self_solution import Against, solve_self
from contimg_science.calibration.sky_model import SourceTrack, source_visibilities
from contimg_science.measurement_set import Description

EVERY, CHANNELS, MAX_SOURCES = 4, 96, 12
# A flux has changed when it is off by more than this part and by so many of its errors. What less does to the gains is a tenth of it.
CHANGE, SIGNIFICANT = 0.05, 5.0
# Each round leaves some per cent of the error of the one before.
ROUNDS, SETTLED = 8, 1e-3

Response = NDArray[np.complexfloating]


def sampled_times(group: Description) -> range:
    return range(0, group.shape.times, EVERY)


def sampled_channels(group: Description) -> slice:
    return slice(None, None, max(1, group.shape.channels // CHANNELS))


@dataclass(frozen=True)
class FieldSample:
    """Of the group as it was recorded, an entry one of sampled_times and sampled_channels."""

    data: NDArray[np.complex64]  # (time, cross baseline, channel, product); 0 where not good
    good: NDArray[np.bool_]
    w_m: NDArray[np.float64]  # of the phase centre, (time, cross baseline)


@dataclass(frozen=True)
class FieldFluxes:
    """Fitted over modelled flux of each source, over that of the calibrator; empty when they cannot be told apart."""

    ratio: NDArray[np.float64]
    error: NDArray[np.float64]


def field_model(sample: FieldSample, group: Description, calibrator: SourceTrack, field: list[SourceTrack]) -> NDArray[np.complex64]:
    """(source, time, cross baseline, channel): the calibrator, the sources that are fitted, and all others in one."""
    channels = sampled_channels(group)
    frequencies_hz = group.frequencies_hz[channels]
    fitted = min(len(field), MAX_SOURCES) + 1
    model = np.zeros((fitted + 1, *sample.data.shape[:-1]), np.complex64)
    for number, source in enumerate([calibrator, *field]):
        for index, time in enumerate(sampled_times(group)):
            w_m = source.uvw_m[time, :, 2] - sample.w_m[index]
            model[min(number, fitted), index] += source_visibilities(w_m, source.model_jy[time, channels], frequencies_hz)
    return model


def fit_fluxes(sample: FieldSample, model: NDArray[np.complex64], response: Response) -> FieldFluxes:
    """`response` (cross baseline, sampled channel, product): g₁ g₂*, 0 where it is not known."""
    count = len(model) - 1
    normal, moment = np.zeros((count, count)), np.zeros(count)
    power, samples = 0.0, 0
    for index in range(len(sample.data)):
        good = sample.good[index] & (response != 0)
        # Weighed by |g₁ g₂|², because the noise of D is the same whatever the gains are.
        weight = np.where(good, np.abs(response) ** 2, 0)
        left = np.where(good, np.conj(response) * sample.data[index], 0) - weight * model[-1, index][..., None]
        seen = model[:-1, index].reshape(count, -1)
        normal += np.real((seen * weight.sum(axis=2, dtype=np.float32).ravel()) @ np.conj(seen.T))
        moment += np.real(np.conj(seen) @ left.sum(axis=2, dtype=np.complex64).ravel())
        power += float((np.abs(left) ** 2 / np.where(good, weight, 1)).sum())
        samples += int(good.sum())
    if samples == 0 or np.linalg.matrix_rank(normal) < count:
        return FieldFluxes(np.empty(0), np.empty(0))
    fluxes = np.linalg.solve(normal, moment)
    # Of the real part: half of what the fit leaves.
    variance = max(power - float(fluxes @ moment), 0.0) / samples / 2
    errors = np.sqrt(variance * np.diag(np.linalg.inv(normal)))
    return FieldFluxes(fluxes[1:] / fluxes[0], errors[1:] / fluxes[0])


def changed_fluxes(sample: FieldSample, group: Description, model: NDArray[np.complex64]) -> NDArray[np.float64]:
    """By which factor the flux of each fitted source differs from the model; 1 where it has not changed or cannot be told."""
    fluxes = np.ones(len(model))
    for _ in range(ROUNDS):
        fit = fit_fluxes(sample, model, _own_response(sample, group, np.tensordot(fluxes.astype(np.float32), model, axes=1)))
        changed = (np.abs(fit.ratio - 1) > CHANGE) & (np.abs(fit.ratio - 1) > SIGNIFICANT * fit.error)
        new = np.where(changed, np.maximum(fit.ratio, 0), 1.0)
        if new.size == 0 or np.abs(new - fluxes[1:-1]).max() < SETTLED:
            break
        fluxes[1:-1] = new
    return fluxes[1:-1]


def _own_response(sample: FieldSample, group: Description, model: NDArray[np.complexfloating]) -> NDArray[np.complex128]:
    """One gain a receptor and sampled channel that brings the sample to the model (time, cross baseline, channel)."""
    cross = ~group.autocorrelation
    first, second = group.antenna1[cross], group.antenna2[cross]
    across = np.einsum("tbcp,tbc->cbp", sample.data, np.conj(model), optimize=True)
    power = np.einsum("tbcp,tbc->cbp", sample.good, np.abs(model) ** 2, optimize=True)
    # A channel takes the place of an interval there.
    gains = solve_self(Against(across, power), first, second, len(group.antenna_names), 1, with_amplitude=True)
    response = np.where(power > 0, gains[:, first] * np.conj(gains[:, second]), 0)
    expected = (np.abs(response) ** 2 * power).sum(axis=1, keepdims=True)
    scale = np.real(np.conj(response) * across).sum(axis=1, keepdims=True) / np.where(expected > 0, expected, 1)
    return np.moveaxis(response * scale, 0, 1)
