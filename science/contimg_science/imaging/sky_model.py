"""What known sources do to the visibilities of a group: where each is at every integration, and how much the dish lets through.

The dishes stand still, so the flux of a source in the data is S(ν) A(θ(t), ν): the beam of every integration, not a mean one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contimg_science.beam import airy_power, separation_from_pointing_rad
from contimg_science.imaging.image_size import ImageSize
from contimg_science.imaging.known_sources import REFERENCE_HZ, KnownSources
from contimg_science.imaging.visibilities import Visibilities
from contimg_science.imaging.weighting import ImagingWeights
from contimg_science.meridian import apparent_place, direction_cosines, site_from_itrf

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SkyModel:
    """`lmn` (times, sources, 3); `flux_jy` (times, channels, sources) in the data, from the catalogue until it is fitted."""

    sources: KnownSources
    freq_hz: Array
    channels_averaged: int
    lmn: Array
    flux_jy: Array

    @property
    def step_hz(self) -> float:
        return float(self.freq_hz[-1] - self.freq_hz[0]) / (self.freq_hz.size - 1) if self.freq_hz.size > 1 else 0.0

    @property
    def log_frequency(self) -> Array:
        return np.log(self.freq_hz / REFERENCE_HZ)

    def scaled(self, amplitude: Array, slope: Array) -> SkyModel:
        """Each source times (amplitude + slope · ln(ν/ν₀))."""
        factor = amplitude[None, :] + self.log_frequency[:, None] * slope[None, :]
        return SkyModel(self.sources, self.freq_hz, self.channels_averaged, self.lmn, self.flux_jy * factor)

    def image_flux_jy(self, weights: ImagingWeights) -> Array:
        """(sources,) flux in an image made with these weights: the mean over drift and band."""
        return np.einsum("tc,tcs->s", weights.share, self.flux_jy[:, weights.channels])


def sky_model(vis: Visibilities, sources: KnownSources) -> SkyModel:
    site = site_from_itrf(vis.site_itrf_m)
    mjd = vis.times_mjd[:, None]
    lmn = np.stack(direction_cosines(site, mjd, vis.centre_rad, sources.ra_rad, sources.dec_rad), axis=-1)
    ra, dec = apparent_place(site, mjd, sources.ra_rad, sources.dec_rad)
    # Apparent, like the ground to which the dish is fixed: aberration changes angles by 1e-4, and with them flux in the beam.
    pointing_ra, pointing_dec = apparent_place(site, mjd, vis.pointing_rad[:, :1], vis.pointing_rad[:, 1:])
    theta = separation_from_pointing_rad(ra - pointing_ra, dec, pointing_dec)
    # The formula repeats on the far side of the sky, where the dish does not look.
    response = np.where(theta[:, None, :] < np.pi / 2, airy_power(theta[:, None, :], vis.freq_hz[None, :, None]), 0.0)
    return SkyModel(sources, vis.freq_hz, vis.channels_averaged, lmn, np.ascontiguousarray(response * sources.spectrum_jy(vis.freq_hz).T[None]))


def expected_flux_jy(vis: Visibilities, weights: ImagingWeights, sources: KnownSources) -> Array:
    """What the catalogue promises in an image of these weights; NaN where it has no flux."""
    middle = Visibilities(**{**vis.__dict__, "freq_hz": np.array([weights.freq_hz])})
    return (weights.share.sum(axis=1) @ sky_model(middle, sources).flux_jy[:, 0]) if len(sources) else np.empty(0)


def places_px(vis: Visibilities, sources: KnownSources, size: ImageSize) -> tuple[Array, Array]:
    """(x, y) on the image counted from 0, at mid-time; within a group they move by less than a milliarcsecond. NaN behind the observer."""
    l, m, n = direction_cosines(site_from_itrf(vis.site_itrf_m), vis.mid_mjd, vis.centre_rad, sources.ra_rad, sources.dec_rad)  # noqa: E741
    cell_rad, middle = np.radians(size.cell_arcsec / 3600), size.width_px // 2
    return np.where(n > 0, middle - l / cell_rad, np.nan), np.where(n > 0, middle + m / cell_rad, np.nan)
