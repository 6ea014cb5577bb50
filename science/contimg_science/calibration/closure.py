"""Does the sky come back where and as bright as the model says, once its own solutions are applied?

Fits flux ratio and offset to the corrected visibilities of the working copy directly: for a point source near phase zero
corrected/model = s·exp(2πi(u l + v m)/λ), linear in (l, m). Cheaper than an image and blind to nothing an image would show
of this one source. Solutions follow the calibrator's model, so its own flux always comes back; if that model is wrong by a
factor, it is the sources around it that come back wrong by it: all of them, whereas one that varies comes back wrong alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contimg_science.calibration.field_fluxes import EVERY, MAX_SOURCES, FieldFluxes
from contimg_science.calibration.gain_product import gains_of_set
from contimg_science.calibration.sky_model import SourceTrack
from contimg_science.measurement_set import Description, describe, open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S


@dataclass(frozen=True)
class Closure:
    flux_ratio: float
    offset_beams: float
    # Of field sources over their model, in units of the calibrator's; those that are known to 10 %.
    field_ratios: list[float]


def measure_closure(copy: Path, tables: list[Path], calibrator: SourceTrack, field: list[SourceTrack]) -> Closure:
    group: Description = describe(copy)
    solutions = gains_of_set("self", group.mid_mjd, tables, group)
    flux, power = 0.0, 0.0
    normal, moment = np.zeros((2, 2)), np.zeros(2)
    fluxes = FieldFluxes(calibrator, field[:MAX_SOURCES], group)
    longest_wavelengths = 0.0
    wavenumber = 2 * np.pi * group.frequencies_hz / SPEED_OF_LIGHT_M_S
    response = solutions.gains[group.antenna1] * np.conj(solutions.gains[group.antenna2])
    unsolved = solutions.flags[group.antenna1] | solutions.flags[group.antenna2]
    with open_table(copy) as main:
        for time in range(group.shape.times):
            where = (time * group.shape.baselines, group.shape.baselines)
            data, model, flags, uvw = (main.getcol(name, *where) for name in ("DATA", "MODEL_DATA", "FLAG", "UVW"))
            good = ~(flags | unsolved)
            corrected = np.where(good, data / response, 0)
            product = np.asarray(corrected * np.conj(model), np.complex128)
            weight = np.where(good, np.abs(model) ** 2, 0)
            flux += float(product.real.sum())
            power += float(weight.sum())
            if time % EVERY == 0:
                fluxes.add(time, corrected, good)
            # One number a (baseline, channel) for each axis: the phase that one radian of offset makes.
            phase = wavenumber[None, :] * uvw[:, :2].T[:, :, None]  # (axis, baseline, channel)
            imaginary, summed = product.imag.sum(axis=2), weight.sum(axis=2)
            moment += (phase * imaginary).sum(axis=(1, 2))
            normal += np.einsum("abc,dbc,bc->ad", phase, phase, summed)
            longest_wavelengths = max(longest_wavelengths, float(np.abs(phase[:, summed.any(axis=1)]).max(initial=0.0)) / (2 * np.pi))
    if power == 0 or np.linalg.matrix_rank(normal) < 2:
        return Closure(flux_ratio=0.0, offset_beams=np.inf, field_ratios=[])
    offset_rad = float(np.hypot(*np.linalg.solve(normal, moment)))
    return Closure(flux / power, offset_rad * longest_wavelengths, fluxes.ratios())
