"""Briggs weights and taper as WSClean makes them, and what follows from them before a single pixel exists.

From the weights come the expected synthesised beam (hence the cell), the thermal noise of the image and the share of
each integration and channel in every flux (hence the primary beam). Briggs (1995), eq. 3.19: w / (1 + W f²),
f² = (5·10⁻ᴿ)² Σw / ΣW², W the summed weight of a uv cell of one over the width of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.main_lobe import main_lobe
from contimg_science.imaging.visibilities import Visibilities

Array = NDArray[np.float64]
# The main lobe is looked for in a box of ±3 times the resolution of the longest baseline.
FIT_HALF_BOX = 3.0
FIT_SAMPLES = 41
# For that box the uv plane need not be finer than this share of its longest baseline: 0.1 rad at the edge.
UV_STEP = 1 / 128
TAPER_HALVINGS = 10


@dataclass(frozen=True)
class ImagingWeights:
    taper_arcsec: float
    beam_major_arcsec: float
    beam_minor_arcsec: float
    beam_pa_rad: float  # north through east
    thermal_noise_jy: float
    share: Array  # (times, channels examined), sums to 1
    channels: NDArray[np.int64]
    freq_hz: float
    weight: Array  # of each visibility examined


@dataclass(frozen=True)
class Taper:
    """Gaussian in the uv plane, whose image is a Gaussian of this full width at half maximum; 0 is none."""

    beam_arcsec: float

    def __call__(self, u_lambda: Array, v_lambda: Array) -> Array:
        if self.beam_arcsec == 0:
            return np.ones_like(u_lambda)
        sigma_lambda = np.sqrt(8 * np.log(2)) / (2 * np.pi * np.radians(self.beam_arcsec / 3600))
        return np.exp(-(u_lambda**2 + v_lambda**2) / (2 * sigma_lambda**2))


@dataclass(frozen=True)
class CoarseCells:
    """Mean place and summed weight of coarse uv cells: all that the main lobe depends on."""

    u: Array
    v: Array
    weight: Array
    longest_lambda: float

    def beam(self, taper: Taper) -> tuple[float, float, float]:
        """Axes (arcsec) and angle (rad) of the Gaussian fitted to the main lobe of the point spread function."""
        unit_rad = 1 / self.longest_lambda
        offsets = np.linspace(-FIT_HALF_BOX, FIT_HALF_BOX, FIT_SAMPLES)
        weight = self.weight * taper(self.u, self.v)
        east = np.exp(2j * np.pi * unit_rad * np.outer(offsets, self.u))
        north = np.exp(2j * np.pi * unit_rad * np.outer(offsets, self.v))
        spread = ((north * (weight / weight.sum())) @ east.T).real
        x, y = np.meshgrid(offsets, offsets)
        major, minor, pa_rad = main_lobe(spread, x, y)
        arcsec = 3600 * np.degrees(unit_rad)
        return major * arcsec, minor * arcsec, pa_rad

    def taper_for(self, beam_minor_arcsec: float) -> Taper:
        """The taper that makes the narrow axis this wide, or none when it already is."""
        if self.beam(Taper(0))[1] >= beam_minor_arcsec:
            return Taper(0)
        low, high = 0.0, 2 * beam_minor_arcsec
        for _ in range(TAPER_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.beam(Taper(middle))[1] < beam_minor_arcsec else (low, middle)
        return Taper(round(high, 2))


def imaging_weights(vis: Visibilities, robust: float, extent_deg: float, beam_at_least_arcsec: float) -> ImagingWeights:
    """Briggs, then tapered so far that the narrow axis of the beam is `beam_at_least_arcsec` (0: no taper)."""
    briggs = _briggs(vis, robust, extent_deg)
    cells = _coarse_cells(vis, briggs)
    taper = cells.taper_for(beam_at_least_arcsec)
    weight = briggs * taper(vis.u_lambda, vis.v_lambda)
    major, minor, pa_rad = cells.beam(taper)
    total = weight.sum()
    # Only every `stride`-th channel is summed; the image has them all, so its noise is lower by √stride.
    thermal = float(np.sqrt((weight**2 * vis.noise_power / 2).sum() / vis.stride) / total)
    channels = np.arange(vis.stride // 2, vis.freq_hz.size, vis.stride)
    flat = vis.time_index * np.int64(vis.freq_hz.size) + vis.channel_index
    share = np.bincount(flat, weight, vis.times_mjd.size * vis.freq_hz.size).reshape(vis.times_mjd.size, -1)[:, channels] / total
    return ImagingWeights(
        taper_arcsec=taper.beam_arcsec,
        beam_major_arcsec=major,
        beam_minor_arcsec=minor,
        beam_pa_rad=pa_rad,
        thermal_noise_jy=thermal,
        share=share,
        channels=channels,
        freq_hz=float(share.sum(axis=0) @ vis.freq_hz[channels]),
        weight=weight,
    )


def _uv_cells(vis: Visibilities, cells_a_wavelength: float) -> tuple[NDArray[np.int64], Array, Array]:
    """Cell number of each visibility, and its (u, v) in the upper half plane: it and its conjugate are one."""
    upper = np.where(vis.v_lambda < 0, -1.0, 1.0)
    u, v = vis.u_lambda * upper, vis.v_lambda * upper
    half = int(np.ceil(np.abs(u).max() * cells_a_wavelength)) + 1
    column = np.floor(u * cells_a_wavelength).astype(np.int64) + half
    return np.floor(v * cells_a_wavelength).astype(np.int64) * (2 * half + 1) + column, u, v


def _briggs(vis: Visibilities, robust: float, extent_deg: float) -> Array:
    cell, _, _ = _uv_cells(vis, float(np.radians(extent_deg)))
    density = np.bincount(cell, vis.weight)
    f_squared = (5.0 * 10.0**-robust) ** 2 * vis.weight.sum() / (density**2).sum()
    return vis.weight / (1.0 + density[cell] * f_squared)


def _coarse_cells(vis: Visibilities, briggs: Array) -> CoarseCells:
    longest_lambda = float(np.hypot(vis.u_lambda, vis.v_lambda).max())
    cell, u, v = _uv_cells(vis, 1 / (UV_STEP * longest_lambda))
    summed = np.asarray(np.bincount(cell, briggs), np.float64)
    occupied = np.flatnonzero(summed)
    weight = summed[occupied]
    mean_u, mean_v = (np.bincount(cell, briggs * part)[occupied] / weight for part in (u, v))
    return CoarseCells(mean_u, mean_v, weight, longest_lambda)
