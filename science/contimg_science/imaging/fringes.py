"""Point sources in visibilities, compiled: V = Σ f_s(t, ν) exp(+2πi ν (u l + v m + w (n − 1)) / c).

(u, v, w) as the Measurement Set has them, in metres; l, m, n of each source at each time; f what the dish lets through.
A channel that is the mean of n narrower ones keeps sin(n x) / (n sin x) of it, x = π δν τ.
Channels are evenly spaced, so a phase is one exponential to start and one to step. Kernels release the interpreter: the
caller shares rows among threads.
"""

from __future__ import annotations

import numba
import numpy as np

from contimg_science.beam import SPEED_OF_LIGHT_M_S


@numba.njit(nogil=True, cache=True, fastmath=True)
def _start(uvw, lmn, first_hz, step_hz, averaged, fine_hz, real, imaginary, step_real, step_imaginary):
    """Phasor of each source in the first channel, and from a channel to the next."""
    for s in range(lmn.shape[0]):
        delay_s = (uvw[0] * lmn[s, 0] + uvw[1] * lmn[s, 1] + uvw[2] * (lmn[s, 2] - 1.0)) / SPEED_OF_LIGHT_M_S
        turns = first_hz * delay_s
        turns -= np.floor(turns)
        kept, x = 1.0, np.pi * fine_hz * delay_s
        if averaged > 1 and abs(x) > 1e-9:
            kept = np.sin(averaged * x) / (averaged * np.sin(x))
        real[s], imaginary[s] = kept * np.cos(2 * np.pi * turns), kept * np.sin(2 * np.pi * turns)
        step_real[s], step_imaginary[s] = np.cos(2 * np.pi * step_hz * delay_s), np.sin(2 * np.pi * step_hz * delay_s)


@numba.njit(nogil=True, cache=True, fastmath=True)
def subtract_sources(data, uvw_m, time_index, lmn, flux_jy, first_hz, step_hz, averaged, fine_hz):
    """data (rows, channels, products) complex64, changed in place; lmn (times, sources, 3); flux_jy (times, channels, sources).

    Each channel is the mean of `averaged` channels `fine_hz` wide.
    """
    count = lmn.shape[1]
    real, imaginary, step_real, step_imaginary = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    for row in range(data.shape[0]):
        time = time_index[row]
        _start(uvw_m[row], lmn[time], first_hz, step_hz, averaged, fine_hz, real, imaginary, step_real, step_imaginary)
        for channel in range(data.shape[1]):
            total_real, total_imaginary = 0.0, 0.0
            for s in range(count):
                flux, here, there = flux_jy[time, channel, s], real[s], imaginary[s]
                total_real += flux * here
                total_imaginary += flux * there
                real[s] = here * step_real[s] - there * step_imaginary[s]
                imaginary[s] = here * step_imaginary[s] + there * step_real[s]
            for product in range(data.shape[2]):
                data[row, channel, product] -= np.complex64(complex(total_real, total_imaginary))


@numba.njit(nogil=True, cache=True, fastmath=True)
def fill_responses(out, uvw_m, time_index, lmn, flux_jy, first_hz, step_hz, averaged, fine_hz):
    """out (2, rows, channels, sources) float32: real and imaginary part of each source alone; other arguments as above."""
    count = lmn.shape[1]
    real, imaginary, step_real, step_imaginary = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    for row in range(out.shape[1]):
        time = time_index[row]
        _start(uvw_m[row], lmn[time], first_hz, step_hz, averaged, fine_hz, real, imaginary, step_real, step_imaginary)
        for channel in range(out.shape[2]):
            for s in range(count):
                flux, here, there = flux_jy[time, channel, s], real[s], imaginary[s]
                out[0, row, channel, s] = flux * here
                out[1, row, channel, s] = flux * there
                real[s] = here * step_real[s] - there * step_imaginary[s]
                imaginary[s] = here * step_imaginary[s] + there * step_real[s]
