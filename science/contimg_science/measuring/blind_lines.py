"""Finds put on the sky: their places with the errors of Condon (1997), their fluxes through the primary beam."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contimg_science.measuring.blind_finding import Find
from contimg_science.measuring.forced_fit import Beam
from contimg_science.measuring.measurement_lines import BlindLine, SkyFlux
from contimg_science.measuring.positions import ImageFrame, sky_places

Array = NDArray[np.float64]


def position_error(beam_fwhm: float, snr: float) -> float:
    """Standard deviation along an axis of the beam, in units of its full width.

    Condon (1997), eq. 21 and 41: σ = θ/√(8 ln 2) · √2/ρ, and ρ = √2·S/σ_S for a point source in noise that the beam smoothed.
    """
    rho = np.sqrt(2) * snr
    return float(beam_fwhm / np.sqrt(8 * np.log(2)) * np.sqrt(2) / rho)


def blind_lines(finds: list[Find], fluxes: list[SkyFlux], beam: Beam, frame: ImageFrame) -> list[BlindLine]:
    ra_rad, dec_rad = sky_places(frame, np.array([find.x for find in finds]), np.array([find.y for find in finds]))
    beam_arcsec = float(np.degrees(beam.major_px * frame.cell_rad) * 3600)
    return [
        BlindLine(
            **flux.model_dump(),
            ra_deg=float(np.degrees(ra)),
            dec_deg=float(np.degrees(dec)),
            position_error_arcsec=position_error(beam_arcsec, flux.snr),
            beam_arcsec=beam_arcsec,
        )
        for flux, ra, dec in zip(fluxes, ra_rad, dec_rad, strict=True)
    ]
