"""What the correlator would have measured: the visibility formula, integration by integration.

V₁₂ = Σ S(ν) A(θ, ν) sinc(Δν τ) sinc(ν τ̇ T) exp(+2πi ν τ), with cτ = w(H, δ) − w(0, δ₀) of b = r(ant_2) − r(ant_1): the
fringes of the point (HA 0, apparent Dec δ₀) are taken out at the middle of each integration. A sample is conj(g₁) g₂ (V₁₂ + noise);
an autocorrelation is |g|² (SEFD + flux in the beam), real. The beam stands still while the sky drifts through it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from contimg_science.beam import SPEED_OF_LIGHT_M_S, airy_power, separation_from_pointing_rad
from contimg_science.meridian import EARTH_ROTATION_RAD_S, Site, apparent_place, hour_angle_rad
from contimg_science.simulation.schedule import PlannedGroup
from contimg_science.simulation.sky import Source

Floats = NDArray[np.float64]
# A source below this response (−60 dB) is not computed.
FAINTEST_RESPONSE = 1e-6


@dataclass(frozen=True)
class SkyOfGroup:
    """The sources of one group as the array meets them: (sources, times) apparent places, (sources, times, channels) flux."""

    hour_angle_rad: Floats
    dec_rad: Floats
    response: Floats
    spectrum_jy: Floats

    @property
    def attenuated_jy(self) -> Floats:
        return self.spectrum_jy[:, None, :] * self.response


def sky_of_group(sources: list[Source], group: PlannedGroup, site: Site, dec_app_rad: float, freq_hz: Floats) -> SkyOfGroup:
    mjd = group.times_mjd[None, :]
    ra_icrs = np.radians([source.ra_deg for source in sources]).reshape(-1, 1)
    dec_icrs = np.radians([source.dec_deg for source in sources]).reshape(-1, 1)
    ra, dec = apparent_place(site, mjd, ra_icrs, dec_icrs)
    hour_angle = hour_angle_rad(site, mjd, ra)
    theta = separation_from_pointing_rad(hour_angle, dec, dec_app_rad)
    # The formula repeats on the far side of the sky, where the dish does not look.
    response = np.where(theta[..., None] < np.pi / 2, airy_power(theta[..., None], freq_hz), 0.0)
    spectrum = np.array([source.spectrum_jy(group.index, freq_hz) for source in sources]).reshape(len(sources), freq_hz.size)
    return SkyOfGroup(hour_angle, dec, response, spectrum)


def meridian_axes_m(baseline_m: Floats, site: Site) -> Floats:
    """(baselines, 3) of X (in the meridian plane), Y (east), Z (north) of ITRF baselines."""
    sin, cos = np.sin(site.lon_rad), np.cos(site.lon_rad)
    x, y, z = baseline_m.T
    return np.stack([x * cos + y * sin, y * cos - x * sin, z], axis=1)


def delay_coefficients(hour_angle_rad: Floats, dec_rad: Floats, dec_app_rad: float) -> tuple[Floats, Floats]:
    """τ = X a + Y b + Z c in seconds, (sources, 3), and τ̇ = X d + Y e without unit, (sources, 2)."""
    east = np.cos(dec_rad) * np.sin(hour_angle_rad)
    meridian = np.cos(dec_rad) * np.cos(hour_angle_rad) - np.cos(dec_app_rad)
    delay = np.stack([meridian, -east, np.sin(dec_rad) - np.sin(dec_app_rad)], axis=-1) / SPEED_OF_LIGHT_M_S
    # Source and fringe-stopped point both move; H grows at the rate of the Earth's rotation.
    rate = EARTH_ROTATION_RAD_S * np.stack([-east, -meridian], axis=-1) / SPEED_OF_LIGHT_M_S
    return delay, rate


@numba.njit(nogil=True, cache=True)
def _sinc(x: float) -> float:
    y = np.pi * x
    return 1.0 - y * y / 6.0 if abs(y) < 1e-4 else np.sin(y) / y


@numba.njit(nogil=True, cache=True)
def fill_integration(
    out, axes_m, first, second, delay, rate, flux_jy, freq_0_hz, freq_step_hz, integration_s, smear, gain, extra_jy, noise, sigma_jy, auto_jy
):  # fmt: skip
    """One integration of one subband, into `out` (baselines, channels, products) complex64.

    `delay`, `rate`, `flux_jy` as above for this time; `gain` (antennas, products, channels); `extra_jy` (baselines, channels,
    products) is added to the sky unless empty; `noise` (baselines, channels, products, 2) standard normal unless empty;
    `sigma_jy` is the noise of one part of a cross-correlation sample, `auto_jy` (channels) the power of an autocorrelation.
    """
    baselines, channels, products = out.shape
    sky = np.empty(channels, np.complex128)
    for b in range(baselines):
        p, q = first[b], second[b]
        sky[:] = 0.0
        if p != q:
            x, y, z = axes_m[b, 0], axes_m[b, 1], axes_m[b, 2]
            for s in range(delay.shape[0]):
                tau = x * delay[s, 0] + y * delay[s, 1] + z * delay[s, 2]
                tau_rate = x * rate[s, 0] + y * rate[s, 1]
                # Phase is linear in channel: one exponential to start, one to step.
                turns = freq_0_hz * tau
                turns -= np.floor(turns)
                phasor = np.exp(2j * np.pi * turns)
                step = np.exp(2j * np.pi * freq_step_hz * tau)
                channel_loss = _sinc(freq_step_hz * tau) if smear else 1.0
                for c in range(channels):
                    loss = channel_loss
                    if smear:
                        loss *= _sinc((freq_0_hz + c * freq_step_hz) * tau_rate * integration_s)
                    sky[c] += loss * flux_jy[s, c] * phasor
                    phasor *= step
        for c in range(channels):
            for k in range(products):
                g = np.conj(gain[p, k, c]) * gain[q, k, c]
                if p == q:
                    power = auto_jy[c]
                    if noise.size:
                        power += noise[b, c, k, 0] * sigma_jy * np.sqrt(2.0)
                    out[b, c, k] = g.real * power
                else:
                    value = sky[c]
                    if extra_jy.size:
                        value += extra_jy[b, c, k]
                    if noise.size:
                        value += sigma_jy * (noise[b, c, k, 0] + 1j * noise[b, c, k, 1])
                    out[b, c, k] = g * value
