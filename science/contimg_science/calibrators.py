"""The five flux calibrators that are built in: names, ICRS positions and flux densities.

Fluxes are the polynomials of Perley & Butler 2017 (ApJS 230, 7), table 6: log₁₀(S/Jy) = Σ aₙ log₁₀(ν/GHz)ⁿ, total flux of
the source; each position is that of the VLA calibrator manual. A name that is not here is refused, never given a flux.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Calibrator:
    name: str
    ra_deg: float
    dec_deg: float
    coefficients: tuple[float, ...]

    def flux_jy(self, freq_hz: ArrayLike) -> NDArray[np.float64]:
        log_ghz = np.log10(np.asarray(freq_hz, np.float64) / 1e9)
        return np.power(10.0, np.polynomial.polynomial.polyval(log_ghz, self.coefficients), dtype=np.float64)


# Catalogue fluxes are at 1.4 GHz; a source whose spectrum nobody measured falls as most do (Condon 1984, ApJ 287, 461).
REFERENCE_GHZ = 1.4
USUAL_SPECTRAL_INDEX = -0.7


def power_law(name: str, ra_deg: float, dec_deg: float, flux_jy: float, spectral_index: float | None) -> Calibrator:
    """A catalogue source as a calibrator: S = flux (ν / 1.4 GHz)^index."""
    if not (np.isfinite(flux_jy) and flux_jy > 0):
        raise ValueError(f"{name} has the flux {flux_jy}, wanted a positive number of Jy")
    index = USUAL_SPECTRAL_INDEX if spectral_index is None else spectral_index
    return Calibrator(name, ra_deg, dec_deg, (float(np.log10(flux_jy) - index * np.log10(REFERENCE_GHZ)), index))


def _degrees(hours: int, minutes: int, seconds: float, degrees: int, arcminutes: int, arcseconds: float) -> tuple[float, float]:
    return 15 * (hours + minutes / 60 + seconds / 3600), degrees + arcminutes / 60 + arcseconds / 3600


CALIBRATORS: dict[str, Calibrator] = {
    calibrator.name: calibrator
    for calibrator in (
        Calibrator("3C48", *_degrees(1, 37, 41.299431, 33, 9, 35.132990), (1.3253, -0.7553, -0.1914, 0.0498)),
        Calibrator("3C138", *_degrees(5, 21, 9.886021, 16, 38, 22.051220), (1.0088, -0.4981, -0.1552, -0.0102, 0.0223)),
        Calibrator("3C147", *_degrees(5, 42, 36.137916, 49, 51, 7.233560), (1.4516, -0.6961, -0.2007, 0.0640, -0.0464, 0.0289)),
        Calibrator("3C286", *_degrees(13, 31, 8.287984, 30, 30, 32.958850), (1.2481, -0.4507, -0.1798, 0.0357)),
        Calibrator("3C295", *_degrees(14, 11, 20.647700, 52, 12, 9.141000), (1.4701, -0.7658, -0.2780, -0.0347, 0.0399)),
    )
}


def catalogue_sha256(catalogue: Iterable[Calibrator]) -> str:
    """Of the names, places and fluxes, whatever their order."""
    lines = sorted(json.dumps([entry.name, entry.ra_deg, entry.dec_deg, entry.coefficients]) for entry in catalogue)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def find_calibrator(name: str) -> Calibrator:
    """The built-in calibrator of this name; KeyError names the ones there are."""
    if name not in CALIBRATORS:
        raise KeyError(f"{name} is not a built-in calibrator (known: {', '.join(CALIBRATORS)})")
    return CALIBRATORS[name]


def flux_jy(name: str, freq_hz: ArrayLike) -> NDArray[np.float64]:
    """Flux density of a built-in calibrator at any frequencies."""
    return find_calibrator(name).flux_jy(freq_hz)
