"""Adds point sources to uncalibrated visibilities, as the instrument would have recorded them: V g₁ g₂* S A(θ(t), ν) fringe.

The gains are those the group was calibrated with, field phases included. Samples that hold nothing (zero, or not finite)
still hold nothing; what has no gain gets no source, as nobody could calibrate it. Smearing inside an integration is left out.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.gain_product import SetGains, gains_at
from contimg_science.calibration.sky_model import site_of, source_visibilities, track
from contimg_science.calibrators import Calibrator
from contimg_science.measurement_set import CONTIMG_KEYWORD, Description, open_table
from contimg_science.protocol import progress

# In the CONTIMG keyword of a set: so many of its sources are not in the sky.
SYNTHETIC_KEY = "synthetic_sources"


def add_sources(ms: Path, group: Description, sources: list[Calibrator], sets: list[SetGains], phase_rad: NDArray[np.float64]) -> None:
    """Changes DATA of `ms`, which must be a copy of our own, and marks it; `phase_rad` (antenna, product)."""
    baselines = group.shape.baselines
    cross = np.flatnonzero(~group.autocorrelation)
    first, second = group.antenna1[cross], group.antenna2[cross]
    site = site_of(ms)
    tracks = [track(group, site, source) for source in sources]
    turn = np.exp(1j * phase_rad)[:, None, :]
    with open_table(ms, writable=True) as main:
        mark = main.getkeyword(CONTIMG_KEYWORD) if CONTIMG_KEYWORD in main.keywordnames() else {}
        main.putkeyword(CONTIMG_KEYWORD, mark | {SYNTHETIC_KEY: len(sources)})
        for time, mjd in enumerate(group.times_mjd):
            span = (time * baselines, baselines)
            gains, gain_flags = gains_at(sets, float(mjd))
            response = np.where(gain_flags, 0, gains * turn).astype(np.complex64)
            w_m = main.getcol("UVW", *span)[cross, 2]
            sky = np.zeros((cross.size, group.shape.channels), np.complex64)
            for at in tracks:
                sky += source_visibilities(at.uvw_m[time, :, 2] - w_m, at.model_jy[time], group.frequencies_hz)
            data = main.getcol("DATA", *span)
            seen = data[cross]
            seen += np.where(seen == 0, 0, response[first] * np.conj(response[second]) * sky[:, :, None])
            data[cross] = seen
            main.putcol("DATA", data, *span)
            progress(0.3 + 0.7 * (time + 1) / group.shape.times, f"integration {time + 1} of {group.shape.times}")
