"""How many channels may be averaged before sources at the edge of the field lose flux.

A source at an offset (l, m) turns by 2π Δν τ from a channel to the next, τ = (u l + v m) / c. The mean of n channels keeps
sin(nx) / (n sin x) of it, x = π Δν τ. What an image loses is the mean of that over the uv plane with the image's own weights
(Briggs, as the image step makes them), not the loss of the longest baseline, which few of the weights belong to.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contimg_science.beam import airy_power
from contimg_science.measurement_set import Description
from contimg_science.meridian import SPEED_OF_LIGHT_M_S

Array = NDArray[np.float64]
EDGE_RESPONSE = 0.2
DIRECTIONS = 12
ROBUST = 0.0
FREQUENCIES = 16
MAX_AVERAGE = 64


def channels_to_average(uvw_m: Array, group: Description, max_loss: float) -> tuple[int, float]:
    """The largest divisor of the channels whose loss at the edge of the beam stays within `max_loss`, and that loss.

    `uvw_m` are the baselines of one integration: five minutes of rotation change none of this.
    """
    edge_rad = beam_edge_rad(float(group.frequencies_hz.mean()))
    weights = _briggs_weights(uvw_m, group.frequencies_hz)
    best = (1, 0.0)
    for average in range(2, min(MAX_AVERAGE, group.shape.channels) + 1):
        if group.shape.channels % average == 0:
            loss = _loss(uvw_m, weights, edge_rad, group.channel_width_hz, average)
            if loss > max_loss:
                break
            best = (average, loss)
    return best


def beam_edge_rad(freq_hz: float) -> float:
    """Where the beam falls to 20 %."""
    radius = np.radians(np.linspace(0, 5, 5001))
    return float(radius[np.argmax(airy_power(radius, freq_hz) < EDGE_RESPONSE)])


def _briggs_weights(uvw_m: Array, frequencies_hz: Array) -> Array:
    """A weight a baseline: density weighting of cells of the size that the field asks for, softened by the robustness."""
    picked = frequencies_hz[:: max(1, frequencies_hz.size // FREQUENCIES)]
    cell = 1 / (4 * beam_edge_rad(float(frequencies_hz.mean())))
    wavelengths = uvw_m[:, None, :2] * (picked[None, :, None] / SPEED_OF_LIGHT_M_S)
    places = np.round(np.concatenate([wavelengths, -wavelengths]) / cell).astype(np.int64)
    _, which, count = np.unique(places.reshape(-1, 2), axis=0, return_inverse=True, return_counts=True)
    softening = (5 * 10**-ROBUST) ** 2 / (float((count**2).sum()) / float(count.sum()))
    weight = 1 / (1 + count * softening)
    return weight[which.reshape(-1)].reshape(2, uvw_m.shape[0], picked.size)[0].mean(axis=1)


def _loss(uvw_m: Array, weights: Array, edge_rad: float, width_hz: float, average: int) -> float:
    """In the worst direction."""
    angles = np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    delay_s = edge_rad * (np.cos(angles)[:, None] * uvw_m[:, 0] + np.sin(angles)[:, None] * uvw_m[:, 1]) / SPEED_OF_LIGHT_M_S
    turn = np.pi * width_hz * delay_s
    # np.sinc holds at zero: sin(nx) / (n sin x) = sinc(nx) / sinc(x).
    kept = np.sinc(average * turn / np.pi) / np.sinc(turn / np.pi)
    return float((1 - (kept @ weights) / weights.sum()).max())
