"""What imaging needs to know of a calibrated Measurement Set, read once and in bounded memory.

Promises one field, one window and two parallel hands (XX, YY); refuses anything else instead of imaging part of it.
Never writes: the Measurement Set is a published product.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from casacore.tables import table
from numpy.typing import NDArray

from contimg_science.protocol import StepFailure

SECONDS_PER_DAY = 86400.0
SPEED_OF_LIGHT_M_S = 299792458.0
CORR_XX, CORR_YY = 9, 12
# Visibilities examined for weights and noise: 4 million give both to 0.1 %, in 200 MB.
VISIBILITIES_EXAMINED = 4_000_000
ROWS_A_READ = 8192

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Visibilities:
    """Unflagged cross-correlations, flattened; `stride` of the channels is examined, from channel `stride // 2` on."""

    centre_rad: tuple[float, float]
    pointing_rad: Array  # (times, 2) ICRS of the fixed beam at each integration
    times_mjd: Array  # (times,) middle of each integration
    interval_s: float
    site_itrf_m: Array
    freq_hz: Array  # all channels
    channel_width_hz: Array
    stride: int
    flagged_fraction: float
    u_lambda: Array
    v_lambda: Array
    weight: Array
    noise_power: Array  # |(XX − YY)/2|² = 2σ² of Stokes I a visibility: no sky in it, sources being unpolarised
    time_index: NDArray[np.int32]
    channel_index: NDArray[np.int32]

    @property
    def start_mjd(self) -> float:
        return float(self.times_mjd[0] - self.interval_s / 2 / SECONDS_PER_DAY)

    @property
    def end_mjd(self) -> float:
        return float(self.times_mjd[-1] + self.interval_s / 2 / SECONDS_PER_DAY)

    @property
    def mid_mjd(self) -> float:
        return (self.start_mjd + self.end_mjd) / 2


def _refuse(code: str, message: str) -> StepFailure:
    return StepFailure("BadInput", code, message, "image only what the calibrate step wrote for one group", "none")


def _subtable(ms: Path, name: str) -> table:
    return table(str(ms / name), ack=False)


def _one_field(ms: Path) -> tuple[float, float]:
    with _subtable(ms, "FIELD") as field:
        if field.nrows() != 1:
            raise _refuse("ManyFields", f"{field.nrows()} fields in {ms.name}; one is expected")
        ra, dec = np.asarray(field.getcell("PHASE_DIR", 0)).ravel()[:2]
    return float(ra), float(dec)


def _one_window(ms: Path) -> tuple[Array, Array]:
    with _subtable(ms, "SPECTRAL_WINDOW") as window:
        if window.nrows() != 1:
            raise _refuse("ManyWindows", f"{window.nrows()} spectral windows in {ms.name}; one is expected")
        freq, width = window.getcell("CHAN_FREQ", 0), window.getcell("CHAN_WIDTH", 0)
    with _subtable(ms, "POLARIZATION") as polarization:
        products = [int(product) for product in polarization.getcell("CORR_TYPE", 0)]
    if products != [CORR_XX, CORR_YY]:
        raise _refuse("UnexpectedProducts", f"correlation types {products}; XX, YY ({CORR_XX}, {CORR_YY}) are expected")
    return np.asarray(freq, np.float64), np.abs(np.asarray(width, np.float64))


def _pointings(ms: Path, times_s: Array) -> Array:
    with _subtable(ms, "POINTING") as pointing:
        if pointing.nrows() == 0:
            raise _refuse("NoPointing", f"{ms.name} has no POINTING rows, so nobody knows where the beam was")
        rows_s = pointing.getcol("TIME")
        places = np.asarray(pointing.getcol("DIRECTION")).reshape(len(rows_s), -1)[:, :2]
    known_s, first = np.unique(rows_s, return_index=True)
    nearest = np.abs(known_s[None, :] - times_s[:, None]).argmin(axis=1)
    if np.abs(known_s[nearest] - times_s).max() > 1e-3:
        raise _refuse("NoPointing", f"POINTING of {ms.name} does not cover its times")
    return places[first[nearest]]


def _site(ms: Path) -> Array:
    with _subtable(ms, "OBSERVATION") as observation:
        if "TELESCOPE_LOCATION" in observation.colnames() and observation.iscelldefined("TELESCOPE_LOCATION", 0):
            return np.asarray(observation.getcell("TELESCOPE_LOCATION", 0), np.float64).ravel()
    with _subtable(ms, "ANTENNA") as antenna:
        return np.asarray(antenna.getcol("POSITION"), np.float64).mean(axis=0)


def read_visibilities(ms: Path) -> Visibilities:
    centre = _one_field(ms)
    freq_hz, width_hz = _one_window(ms)
    with table(str(ms), ack=False) as main:
        row_times_s = main.getcol("TIME")
        times_s, time_of_row = np.unique(row_times_s, return_inverse=True)
        stride = max(1, round(main.nrows() * freq_hz.size / VISIBILITIES_EXAMINED))
        channels = np.arange(stride // 2, freq_hz.size, stride)
        has_spectrum = "WEIGHT_SPECTRUM" in main.colnames()
        parts: list[tuple[np.ndarray, ...]] = []
        flagged = seen = 0
        for start in range(0, main.nrows(), ROWS_A_READ):
            count = min(ROWS_A_READ, main.nrows() - start)
            cross = main.getcol("ANTENNA1", start, count) != main.getcol("ANTENNA2", start, count)
            flag = main.getcol("FLAG", start, count)[cross]
            flagged, seen = flagged + int(flag.sum()), seen + flag.size
            good = ~flag[:, channels].any(axis=2)
            data = main.getcol("DATA", start, count)[cross][:, channels]
            if has_spectrum:
                weight = main.getcol("WEIGHT_SPECTRUM", start, count)[cross][:, channels].mean(axis=2)
            else:
                weight = np.repeat(main.getcol("WEIGHT", start, count)[cross].mean(axis=1)[:, None], channels.size, axis=1)
            good &= weight > 0
            row, channel = np.nonzero(good)
            per_wavelength = freq_hz[channels][channel] / SPEED_OF_LIGHT_M_S
            uvw = main.getcol("UVW", start, count)[cross][row]
            difference = (data[..., 0] - data[..., 1])[good] / 2
            parts.append(
                (
                    uvw[:, 0] * per_wavelength,
                    uvw[:, 1] * per_wavelength,
                    weight[good].astype(np.float64),
                    (difference.real**2 + difference.imag**2).astype(np.float64),
                    time_of_row[start : start + count][cross][row].astype(np.int32),
                    channels[channel].astype(np.int32),
                )
            )
        intervals_s = main.getcol("INTERVAL", 0, 1)
    u, v, weight, noise_power, time_index, channel_index = (np.concatenate(part) for part in zip(*parts, strict=True))
    if weight.size == 0:
        raise StepFailure(
            "QualityRejected", "NothingToImage", f"every visibility of {ms.name} is flagged", "look at the flag statistics of this group", "none"
        )
    return Visibilities(
        centre_rad=centre,
        pointing_rad=_pointings(ms, times_s),
        times_mjd=times_s / SECONDS_PER_DAY,
        interval_s=float(intervals_s[0]),
        site_itrf_m=_site(ms),
        freq_hz=freq_hz,
        channel_width_hz=width_hz,
        stride=stride,
        flagged_fraction=flagged / max(seen, 1),
        u_lambda=u,
        v_lambda=v,
        weight=weight,
        noise_power=noise_power,
        time_index=time_index,
        channel_index=channel_index,
    )
