"""Calibrator group or science group: where the Measurement Set is filed. It is imaged either way.

A group is a calibrator's when the source crosses the meridian inside the group's time range, the beam sees at least half of
it at its declination offset, and flux × response is at least 5 Jy unless it is one of the built-in flux calibrators.
Hour angles are circular. A source without a flux is no candidate. Several candidates: the flux calibrators first, then the others,
each the brightest through the beam first; all are named, in this order, for when the first cannot be solved.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import numpy as np

from contimg_science.beam import airy_power
from contimg_science.calibrators import CALIBRATORS, Calibrator, catalogue_sha256
from contimg_science.channels import BAND_CENTRE_HZ
from contimg_science.meridian import Site, apparent_place, lst_rad
from contimg_science.protocol import Record

MINIMUM_RESPONSE = 0.5
MINIMUM_SEEN_FLUX_JY = 5.0
RULE = (
    "calibrator: a catalogued source with a flux crosses the meridian inside the time range, "
    f"the beam response at its declination offset is at least {MINIMUM_RESPONSE}, "
    f"and flux x response is at least {MINIMUM_SEEN_FLUX_JY} Jy or it is a built-in flux calibrator; "
    "of several, a built-in one before all others, then the largest flux x response"
)


CalibratorKind = Literal["primary", "bright_fallback"]


class Candidate(Record):
    """A source this group can be calibrated with; `flux_jy` at mid-band, before the beam."""

    name: str
    kind: CalibratorKind
    response: float
    flux_jy: float


class Classification(Record):
    kind: str
    calibrator: str | None
    # Of the chosen calibrator, else 0.
    response: float
    flux_jy: float
    reason: str
    # Best first, the chosen one among them; empty for a science group.
    candidates: list[Candidate]
    # What was asked, and of which catalogue: with them an old answer can be understood after either has changed.
    rule: str
    catalogue_sha256: str


def classify(
    site: Site,
    time_range_mjd: tuple[float, float],
    dec_apparent_rad: float,
    catalogue: Iterable[Calibrator] = tuple(CALIBRATORS.values()),
) -> Classification:
    sources = tuple(catalogue)
    asked = {"rule": RULE, "catalogue_sha256": catalogue_sha256(sources)}
    candidates = _candidates(site, time_range_mjd, dec_apparent_rad, sources)
    if not candidates:
        reason = "no calibrator crosses the meridian within the beam"
        return Classification(kind="science", calibrator=None, response=0.0, flux_jy=0.0, reason=reason, candidates=[], **asked)
    best = candidates[0]
    reason = f"{best.name} crosses the meridian in this group, {best.flux_jy:.2f} Jy through a beam response of {best.response:.3f}"
    return Classification(
        kind="calibrator",
        calibrator=best.name,
        response=best.response,
        flux_jy=best.flux_jy,
        reason=reason,
        candidates=candidates,
        **asked,
    )


def _candidates(site: Site, time_range_mjd: tuple[float, float], dec_apparent_rad: float, sources: tuple[Calibrator, ...]) -> list[Candidate]:
    start_mjd, end_mjd = time_range_mjd
    mid_mjd = (start_mjd + end_mjd) / 2
    start_lst = float(lst_rad(site, start_mjd))
    swept = (float(lst_rad(site, end_mjd)) - start_lst) % (2 * np.pi)
    found: list[Candidate] = []
    for source in sources:
        flux_jy = float(source.flux_jy(BAND_CENTRE_HZ))
        ra, dec = apparent_place(site, mid_mjd, np.radians(source.ra_deg), np.radians(source.dec_deg))
        if (float(ra) - start_lst) % (2 * np.pi) > swept:
            continue
        response = float(airy_power(abs(float(dec) - dec_apparent_rad), BAND_CENTRE_HZ))
        is_primary = source.name in CALIBRATORS
        bright = is_primary or flux_jy * response >= MINIMUM_SEEN_FLUX_JY
        if np.isfinite(flux_jy) and response >= MINIMUM_RESPONSE and bright:
            kind: CalibratorKind = "primary" if is_primary else "bright_fallback"
            found.append(Candidate(name=source.name, kind=kind, response=response, flux_jy=flux_jy))
    return sorted(found, key=lambda one: (one.kind != "primary", -one.flux_jy * one.response, one.name))
