"""Briggs weights as WSClean makes them, and what follows from them before a single pixel exists.

From the weights come the expected synthesised beam (hence the cell), the thermal noise of the image and the share of
each integration and channel in every flux (hence the primary beam). Briggs (1995), eq. 3.19: w / (1 + W f²),
f² = (5·10⁻ᴿ)² Σw / ΣW², W the summed weight of a uv cell of one over the width of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.visibilities import Visibilities

Array = NDArray[np.float64]
# Cuts through the main lobe of the point spread function, for its half width.
POSITION_ANGLES = 18
SAMPLES_A_CUT = 64


@dataclass(frozen=True)
class ImagingWeights:
    weight: Array  # one a visibility, Briggs applied
    beam_major_arcsec: float
    beam_minor_arcsec: float
    thermal_noise_jy: float
    share: Array  # (times, channels examined), sums to 1
    channels: NDArray[np.int64]
    freq_hz: float


def imaging_weights(vis: Visibilities, robust: float, extent_deg: float) -> ImagingWeights:
    briggs, cell_u, cell_v, cell_weight = _briggs(vis, robust, extent_deg)
    major, minor = _main_lobe_arcsec(cell_u, cell_v, cell_weight, float(np.hypot(vis.u_lambda, vis.v_lambda).max()))
    total = briggs.sum()
    # Only every `stride`-th channel is summed; the image has them all, so its noise is lower by √stride.
    thermal = float(np.sqrt((briggs**2 * vis.noise_power / 2).sum() / vis.stride) / total)
    channels = np.arange(vis.stride // 2, vis.freq_hz.size, vis.stride)
    flat = vis.time_index * np.int64(vis.freq_hz.size) + vis.channel_index
    share = np.bincount(flat, briggs, vis.times_mjd.size * vis.freq_hz.size).reshape(vis.times_mjd.size, -1)[:, channels]
    return ImagingWeights(
        weight=briggs,
        beam_major_arcsec=major,
        beam_minor_arcsec=minor,
        thermal_noise_jy=thermal,
        share=share / total,
        channels=channels,
        freq_hz=float((share.sum(axis=0) / total) @ vis.freq_hz[channels]),
    )


def _briggs(vis: Visibilities, robust: float, extent_deg: float) -> tuple[Array, Array, Array, Array]:
    """Weights, then the occupied uv cells: mean u, v and summed Briggs weight."""
    scale = np.radians(extent_deg)
    upper = np.where(vis.v_lambda < 0, -1.0, 1.0)  # a visibility and its conjugate are one cell
    u, v = vis.u_lambda * upper, vis.v_lambda * upper
    half = int(np.ceil(np.abs(u).max() * scale)) + 1
    cell = np.floor(v * scale).astype(np.int64) * (2 * half + 1) + np.floor(u * scale).astype(np.int64) + half
    density = np.bincount(cell, vis.weight)
    f_squared = (5.0 * 10.0**-robust) ** 2 * vis.weight.sum() / (density**2).sum()
    briggs = vis.weight / (1.0 + density[cell] * f_squared)
    summed = np.bincount(cell, briggs)
    occupied = np.flatnonzero(summed)
    weight = summed[occupied]
    return briggs, np.bincount(cell, briggs * u)[occupied] / weight, np.bincount(cell, briggs * v)[occupied] / weight, weight


def _main_lobe_arcsec(u: Array, v: Array, weight: Array, longest_lambda: float) -> tuple[float, float]:
    """Full width at half maximum along the widest and the narrowest cut of the point spread function."""
    widths = []
    for angle in np.arange(POSITION_ANGLES) * np.pi / POSITION_ANGLES:
        along = 2 * np.pi * (u * np.sin(angle) + v * np.cos(angle))
        # The curvature at the peak gives the width of a Gaussian; the true half width lies within a few of it.
        guess = np.sqrt(2 * np.log(2) / max(float(weight @ along**2 / weight.sum()), (0.01 * longest_lambda) ** 2))
        offsets = np.linspace(0, 4 * guess, SAMPLES_A_CUT)
        response = np.array([float(weight @ np.cos(along * offset)) for offset in offsets]) / weight.sum()
        below = int(np.argmax(response < 0.5)) or SAMPLES_A_CUT - 1
        inner, outer = response[below - 1], response[below]
        widths.append(2 * (offsets[below - 1] + (offsets[below] - offsets[below - 1]) * (inner - 0.5) / (inner - outer)))
    arcsec = np.degrees(widths) * 3600
    return float(arcsec.max()), float(arcsec.min())
