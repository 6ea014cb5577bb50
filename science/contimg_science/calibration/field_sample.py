"""Takes a sample of a group's visibilities, calibrated, and what each bright catalogue source should give in it.

A quarter of the integrations and some fifty channels are enough for one phase a receptor and keep it cheap; sources are not to
be spared: the 38 that twelve bright ones left out of a field of fifty turned phases by 1.2° (0.1° with all of them). The group
is only read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from contimg_science.calibration.apply_gains import calibrate_rows
from contimg_science.calibration.field_phase import FieldPhase, Sample, no_field_phase, solve_field_phase
from contimg_science.calibration.field_sources import brightest, read_sources
from contimg_science.calibration.gain_product import SetGains, gains_at
from contimg_science.calibration.sky_model import site_of, source_visibilities, track
from contimg_science.calibrators import Calibrator
from contimg_science.measurement_set import Description, open_table

EVERY = 4
CHANNELS = 48
# Fainter ones than this part of the brightest, and more than so many, would add nothing to the phases.
FRACTION, MAX_SOURCES = 0.003, 60


def find_field_phase(ms: Path, positions: Path, group: Description, sets: list[SetGains], threads: int) -> FieldPhase:
    antennas, products = len(group.antenna_names), group.shape.correlations
    start, end = group.time_range_mjd
    if len(sets) == 1 and start <= sets[0].mid_mjd <= end:
        return no_field_phase(antennas, products, "the set was solved on this group")
    sources = brightest(read_sources(positions), group, FRACTION, MAX_SOURCES)
    if not sources:
        return no_field_phase(antennas, products, "no catalogue source with a flux is in the beam")
    cross = ~group.autocorrelation
    sample = _sample(ms, group, sets, sources, threads)
    return solve_field_phase(sample, group.antenna1[cross], group.antenna2[cross], antennas)


def _sample(ms: Path, group: Description, sets: list[SetGains], sources: list[Calibrator], threads: int) -> Sample:
    cross, baselines, channels = np.flatnonzero(~group.autocorrelation), group.shape.baselines, group.shape.channels
    antennas = group.antenna1[cross], group.antenna2[cross]
    average = max(width for width in range(1, max(1, channels // CHANNELS) + 1) if channels % width == 0)
    times = range(0, group.shape.times, EVERY)
    shape = (len(times), cross.size, channels // average, group.shape.correlations)
    data, flags, weight = np.empty(shape, np.complex64), np.empty(shape, bool), np.empty(shape, np.float32)
    models = np.empty((len(sources), *shape[:3]), np.complex64)
    frequencies_hz = group.frequencies_hz.reshape(-1, average).mean(axis=1)
    site = site_of(ms)
    tracks = [track(group, site, source) for source in sources]
    with open_table(ms) as main:
        for index, time in enumerate(times):
            read = (time * baselines, baselines)
            gains, gain_flags = gains_at(sets, float(group.times_mjd[time]))
            raw, raw_flags, raw_weight = (main.getcol(name, *read) for name in ("DATA", "FLAG", "WEIGHT"))
            out = (data[index], flags[index], weight[index])
            calibrate_rows(raw, raw_flags, raw_weight, cross, antennas, gains, gain_flags, average, out, threads)
            w_m = main.getcol("UVW", *read)[cross, 2]
            for number, at in enumerate(tracks):
                flux_jy = at.model_jy[time].reshape(-1, average).mean(axis=1)
                models[number, index] = source_visibilities(
                    at.uvw_m[time, :, 2] - w_m, flux_jy, frequencies_hz, group.channel_width_hz * (average if average > 1 else 0)
                )
    return Sample(data, weight, models)
