"""What imaging needs to know of a calibrated Measurement Set, read once and in bounded memory.

Promises one field, one window and two parallel hands (XX, YY); refuses anything else instead of imaging part of it.
Never writes: the Measurement Set is a published product.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.measurement_set import AVERAGED_KEY, CONTIMG_KEYWORD, SECONDS_PER_DAY, Description, describe, open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S
from contimg_science.protocol import StepFailure

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
    channels_averaged: int  # of the correlator, in each
    bandwidth_hz: float
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


def _described(ms: Path) -> Description:
    for subtable in ("FIELD", "SPECTRAL_WINDOW", "POINTING", "OBSERVATION"):
        with open_table(ms, subtable=subtable) as opened:
            rows = opened.nrows()
        if rows != 1 and subtable in ("FIELD", "SPECTRAL_WINDOW"):
            raise _refuse("NotOneField", f"{rows} rows in {subtable} of {ms.name}; one is expected")
        if rows == 0:
            raise _refuse("NoPointing", f"{subtable} of {ms.name} is empty, so nobody knows where the beam was, and when")
    seen = describe(ms)
    if seen.corr_types.tolist() != [CORR_XX, CORR_YY]:
        raise _refuse("UnexpectedProducts", f"correlation types {seen.corr_types.tolist()}; XX, YY ({CORR_XX}, {CORR_YY}) are expected")
    if len(seen.pointing_rad) != seen.shape.times:
        raise _refuse("NoPointing", f"{len(seen.pointing_rad)} pointings for {seen.shape.times} times in {ms.name}")
    return seen


def _site_itrf_m(seen: Description) -> Array:
    """Middle of the array: aberration and the meridian do not notice a kilometre."""
    return seen.antenna_positions_m[seen.antenna_present].mean(axis=0)


def read_visibilities(ms: Path) -> Visibilities:
    seen = _described(ms)
    freq_hz = seen.frequencies_hz
    with open_table(ms) as main:
        times_s, time_of_row = np.unique(main.getcol("TIME"), return_inverse=True)
        stride = max(1, round(main.nrows() * freq_hz.size / VISIBILITIES_EXAMINED))
        channels = np.arange(stride // 2, freq_hz.size, stride)
        mark = main.getkeyword(CONTIMG_KEYWORD) if CONTIMG_KEYWORD in main.keywordnames() else {}
        has_spectrum = "WEIGHT_SPECTRUM" in main.colnames()
        parts: list[tuple[np.ndarray, ...]] = []
        flagged = examined = 0
        for start in range(0, main.nrows(), ROWS_A_READ):
            count = min(ROWS_A_READ, main.nrows() - start)
            cross = main.getcol("ANTENNA1", start, count) != main.getcol("ANTENNA2", start, count)
            flag = main.getcol("FLAG", start, count)[cross]
            flagged, examined = flagged + int(flag.sum()), examined + flag.size
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
    u, v, weight, noise_power, time_index, channel_index = (np.concatenate(part) for part in zip(*parts, strict=True))
    if weight.size == 0:
        raise StepFailure(
            "QualityRejected", "NothingToImage", f"every visibility of {ms.name} is flagged", "look at the flag statistics of this group", "none"
        )
    return Visibilities(
        centre_rad=seen.centre_rad,
        pointing_rad=seen.pointing_rad,
        times_mjd=times_s / SECONDS_PER_DAY,
        interval_s=seen.interval_s,
        site_itrf_m=_site_itrf_m(seen),
        freq_hz=freq_hz,
        # A set that says nothing was not averaged.
        channels_averaged=int(mark.get(AVERAGED_KEY, 1)),
        bandwidth_hz=abs(seen.channel_width_hz) * freq_hz.size,
        stride=stride,
        flagged_fraction=flagged / max(examined, 1),
        u_lambda=u,
        v_lambda=v,
        weight=weight,
        noise_power=noise_power,
        time_index=time_index,
        channel_index=channel_index,
    )
