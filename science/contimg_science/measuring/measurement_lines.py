"""Lines of a measurements file: what was fitted at a monitored place, or found where nobody knew of anything.

Fluxes are those of the sky: divided by the primary beam, the systematic part in the error. A blind line has a place instead of
a source; which source that is, the product database decides.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from contimg_science.measuring.forced_fit import FittedFlux
from contimg_science.protocol import Record


class SkyFlux(Record):
    mjd: float
    flux_jy: float
    error_jy: float
    local_rms_jy: float
    snr: float
    pb_response: float
    chi2: float | None
    upper_limit: bool
    flags: list[str]


class ForcedLine(SkyFlux):
    kind: Literal["forced"] = "forced"
    source_id: int


class BlindLine(SkyFlux):
    """`position_error_arcsec`: one standard deviation along the long axis of the beam, whose full width is `beam_arcsec`."""

    kind: Literal["blind"] = "blind"
    ra_deg: float
    dec_deg: float
    position_error_arcsec: float
    beam_arcsec: float


def sky_flux(mjd: float, fitted: FittedFlux, response: float, systematic_fraction: float, limit_sigma: float, degraded: bool) -> SkyFlux:
    flux_jy = fitted.flux_jy / response
    snr = fitted.flux_jy / fitted.error_jy
    return SkyFlux(
        mjd=mjd,
        flux_jy=flux_jy,
        error_jy=float(np.hypot(fitted.error_jy / response, systematic_fraction * flux_jy)),
        local_rms_jy=fitted.local_rms_jy,
        snr=snr,
        pb_response=response,
        chi2=fitted.chi2,
        upper_limit=snr < limit_sigma,
        flags=[name for name, is_set in (("joint", fitted.joint), ("unresolved", fitted.unresolved), ("degraded", degraded)) if is_set],
    )


def write_lines(path: Path, lines: Sequence[SkyFlux]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(line.model_dump(), allow_nan=False) + "\n")
    part.replace(path)
