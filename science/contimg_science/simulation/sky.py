"""The simulated sky: point sources with spectra and light curves, seeded along the strip or given one by one.

A source has one ICRS place for ever; what changes from group to group is its flux. Fluxes are at 1.4 GHz and follow
a power law, a calibrator follows its published polynomial.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.beam import separation_from_pointing_rad
from contimg_science.calibrators import Calibrator, find_calibrator
from contimg_science.meridian import Site, meridian_centre
from contimg_science.protocol import StepFailure
from contimg_science.simulation.options import LightCurve, SkyOptions
from contimg_science.simulation.schedule import PlannedGroup

REFERENCE_HZ = 1.4e9
STEADY = LightCurve(kind="steady", group=0, factor=1.0, length=1)
ATTEMPTS_A_SOURCE = 1000


@dataclass(frozen=True)
class Source:
    name: str
    ra_deg: float
    dec_deg: float
    flux_jy: float
    spectral_index: float
    light_curve: LightCurve
    calibrator: Calibrator | None

    def flux_in_group_jy(self, group: int) -> float:
        """Flux at 1.4 GHz during one group."""
        return self.flux_jy * brightness(self.light_curve, group)

    def spectrum_jy(self, group: int, freq_hz: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.calibrator is not None:
            return self.calibrator.flux_jy(freq_hz) * brightness(self.light_curve, group)
        return self.flux_in_group_jy(group) * (freq_hz / REFERENCE_HZ) ** self.spectral_index


def brightness(curve: LightCurve, group: int) -> float:
    """Flux of a group as a multiple of the reference flux."""
    since = group - curve.group
    if curve.kind == "steady":
        return 1.0
    if curve.kind == "step":
        return curve.factor if since >= 0 else 1.0
    if curve.kind == "double":
        return 2.0 if since >= 0 else 1.0
    if curve.kind == "flare":
        return 1.0 + (curve.factor - 1.0) * float(np.exp(-since / curve.length)) if since >= 0 else 1.0
    # An extreme scattering event: a flat dip between two caustic shoulders of half its depth.
    if 0 <= since < curve.length:
        return curve.factor
    return 1.0 + (1.0 - curve.factor) / 2 if since in (-1, curve.length) else 1.0


def calibrator_source(name: str) -> Source:
    if_unknown = StepFailure("BadInput", "UnknownCalibrator", f"{name} is not a built-in calibrator", "name one that is", "none")
    try:
        place = find_calibrator(name)
    except KeyError as error:
        raise if_unknown from error
    low, reference = 1.3e9, float(place.flux_jy(REFERENCE_HZ))
    index = float(np.log(place.flux_jy(1.5e9) / place.flux_jy(low)) / np.log(1.5e9 / low))
    return Source(name, place.ra_deg, place.dec_deg, reference, index, STEADY, place)


def make_sky(options: SkyOptions, groups: list[PlannedGroup], site: Site, dec_app_rad: float, seed: int) -> list[Source]:
    """Explicit sources first, then seeded ones that keep their distance from all others; no calibrator."""
    explicit = [
        Source(entry.name, entry.ra_deg, entry.dec_deg, entry.flux_jy, entry.spectral_index, entry.light_curve, None)
        for entry in options.explicit
    ]
    calibrators = [calibrator_source(name) for name in sorted({group.calibrator for group in groups if group.calibrator})]
    seeded = _seeded(options, groups, site, dec_app_rad, seed, explicit + calibrators)
    names = [source.name for source in explicit + calibrators + seeded]
    if len(set(names)) != len(names):
        raise StepFailure("BadInput", "SourceNameTaken", "two sources have the same name", "name explicit sources differently", "none")
    return explicit + seeded


def _seeded(options: SkyOptions, groups: list[PlannedGroup], site: Site, dec_app_rad: float, seed: int, placed: list[Source]) -> list[Source]:
    random = np.random.default_rng([seed, 1])
    ends = strip_ends(groups, site, dec_app_rad)
    last_day = [group.index for group in groups if group.day == groups[-1].day]
    changes_at = last_day[0] if last_day[0] > 0 else len(groups) // 2
    doubling = LightCurve(kind="double", group=changes_at, factor=2.0, length=1)
    taken_deg = [(source.ra_deg, source.dec_deg) for source in placed]
    made: list[Source] = []
    for number in range(options.count):
        ra_deg, dec_deg = _free_place(random, ends, options, taken_deg)
        taken_deg.append((ra_deg, dec_deg))
        flux_jy = float(np.exp(random.uniform(np.log(options.flux_min_jy), np.log(options.flux_max_jy))))
        index = float(np.clip(random.normal(-0.7, 0.2), -1.2, 0.0))
        curve = doubling if number < options.doubling else STEADY
        made.append(Source(f"SIM-{number + 1:03d}", ra_deg, dec_deg, flux_jy, index, curve, None))
    return made


def strip_ends(groups: list[PlannedGroup], site: Site, dec_app_rad: float) -> tuple[float, float, float]:
    """ICRS (first RA, RA extent, mean Dec) in degrees of the meridian's path during the science groups of the first day."""
    first_day = [group for group in groups if group.day == groups[0].day]
    science = [group for group in first_day if group.calibrator is None] or first_day
    mjd = np.concatenate([[science[0].times_mjd[0]], [science[-1].times_mjd[-1]]])
    ra, dec = meridian_centre(site, mjd, dec_app_rad)
    return float(np.degrees(ra[0])), float(np.degrees(ra[1] - ra[0]) % 360), float(np.degrees(dec.mean()))


def _free_place(
    random: np.random.Generator, ends: tuple[float, float, float], options: SkyOptions, taken_deg: list[tuple[float, float]]
) -> tuple[float, float]:
    first_ra, extent, dec = ends
    for _ in range(ATTEMPTS_A_SOURCE):
        ra_deg = (first_ra + random.uniform(0, extent)) % 360
        dec_deg = dec + random.uniform(-options.radius_deg, options.radius_deg)
        apart = [
            np.degrees(separation_from_pointing_rad(np.radians(ra_deg - ra), np.radians(dec_deg), float(np.radians(other)))) * 60
            for ra, other in taken_deg
        ]
        if min(apart, default=np.inf) >= options.separation_arcmin:
            return float(ra_deg), float(dec_deg)
    raise StepFailure(
        "BadInput",
        "SkyTooFull",
        f"no room for {options.count} sources {options.separation_arcmin} arcmin apart",
        "ask for fewer sources, a smaller separation or a larger radius",
        "none",
    )
