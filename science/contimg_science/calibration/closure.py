"""Does the sky come back where and as bright as the model says, once its own solutions are applied?

Fits flux ratio and offset to the corrected visibilities of the transit directly: for a point source in its place
corrected/model = s·exp(2πi(u l + v m)/λ), linear in (l, m). Cheaper than an image and blind to nothing an image would show
of this one source. Solutions follow the calibrator's model, so its own flux always comes back; if that model is wrong by a
factor, it is the sources around it that come back wrong by it: all of them, whereas one that varies comes back wrong alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.field_fluxes import fit_fluxes, sampled_channels
from contimg_science.calibration.gain_product import gains_of_set
from contimg_science.calibration.sky_model import SourceTrack
from contimg_science.calibration.transit_sums import TransitSums
from contimg_science.measurement_set import Description
from contimg_science.meridian import SPEED_OF_LIGHT_M_S

MAX_ERROR = 0.1


@dataclass(frozen=True)
class Closure:
    flux_ratio: float
    offset_beams: float
    # Of field sources over their catalogue, in units of the calibrator's; those that are known to 10 %.
    field_ratios: list[float]


def measure_closure(sums: TransitSums, group: Description, tables: list[Path], calibrator: SourceTrack, field: NDArray[np.complex64]) -> Closure:
    """`field`: what the catalogue says of the sample (field_model)."""
    solutions = gains_of_set("self", group.mid_mjd, tables, group)
    cross = ~group.autocorrelation
    first, second = group.antenna1[cross], group.antenna2[cross]
    response = solutions.gains[first] * np.conj(solutions.gains[second])
    unsolved = solutions.flags[first] | solutions.flags[second]
    flux, power = 0.0, 0.0
    normal, moment = np.zeros((2, 2)), np.zeros(2)
    longest_wavelengths = 0.0
    wavenumber = 2 * np.pi * group.frequencies_hz / SPEED_OF_LIGHT_M_S
    for interval, times in enumerate(sums.intervals):
        weight = np.where(unsolved, 0, sums.power[interval]).astype(np.float64)
        product = np.where(weight > 0, sums.across[interval] / response, 0).astype(np.complex128)
        flux += float(product.real.sum())
        power += float(weight.sum())
        # One number a (baseline, channel) for each axis: the phase that one radian of offset makes.
        uv_m = calibrator.uvw_m[times, :, :2].mean(axis=0)
        phase = wavenumber[None, :] * uv_m.T[:, :, None]  # (axis, baseline, channel)
        imaginary, summed = product.imag.sum(axis=2), weight.sum(axis=2)
        moment += (phase * imaginary).sum(axis=(1, 2))
        normal += np.einsum("abc,dbc,bc->ad", phase, phase, summed)
        longest_wavelengths = max(longest_wavelengths, float(np.abs(phase[:, summed.any(axis=1)]).max(initial=0.0)) / (2 * np.pi))
    if power == 0 or np.linalg.matrix_rank(normal) < 2:
        return Closure(flux_ratio=0.0, offset_beams=np.inf, field_ratios=[])
    offset_rad = float(np.hypot(*np.linalg.solve(normal, moment)))
    fluxes = fit_fluxes(sums.sample, field, np.where(unsolved, 0, response)[:, sampled_channels(group)])
    return Closure(flux / power, offset_rad * longest_wavelengths, fluxes.ratio[fluxes.error <= MAX_ERROR].tolist())
