"""The small Measurement Set that CASA solves on: one sample an interval, baseline, channel and product, against a model of 1.

Laid out as the group (its antennas, window and row order), cross-correlations only, phased to the calibrator. DATA are the
quotients of the sums over a transit and WEIGHT_SPECTRUM what they are known by, so that every channel counts for what is left
of it. It has no MODEL_DATA: CASA then takes 1 for every visibility. The group is only read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from casacore.tables import makearrcoldesc, maketabdesc

from contimg_science.calibration.sky_model import SourceTrack
from contimg_science.calibration.transit_sums import TransitSums
from contimg_science.calibrators import Calibrator
from contimg_science.measurement_set import SECONDS_PER_DAY, Description, open_table

SAMPLES = {"DATA": (0j, "complex"), "FLAG": (False, "boolean"), "WEIGHT_SPECTRUM": (0.0, "float"), "SIGMA_SPECTRUM": (0.0, "float")}
TILE_ROWS = 128


def write_solving_set(ms: Path, target: Path, group: Description, calibrator: Calibrator, at: SourceTrack, sums: TransitSums) -> None:
    _copy_rows(ms, target, group, [int(times[0]) for times in sums.intervals])
    baselines, shape = at.uvw_m.shape[1], [group.shape.channels, group.shape.correlations]
    with open_table(target, writable=True) as main:
        for name, (example, kind) in SAMPLES.items():
            column = maketabdesc(makearrcoldesc(name, example, ndim=2, shape=shape, valuetype=kind, options=5))
            tile = {"TYPE": "TiledColumnStMan", "NAME": f"{name.title()}Tiled", "SPEC": {"DEFAULTTILESHAPE": [*shape[::-1], TILE_ROWS]}}
            main.addcols(column, tile)
        for interval, times in enumerate(sums.intervals):
            where = (interval * baselines, baselines)
            power = sums.power[interval]
            known = power > 0
            weight = np.where(known, power, 1)
            main.putcol("DATA", np.where(known, sums.across[interval] / weight, 0), *where)
            main.putcol("FLAG", ~known, *where)
            main.putcol("FLAG_ROW", ~known.any(axis=(1, 2)), *where)
            main.putcol("WEIGHT_SPECTRUM", np.where(known, power, 0), *where)
            main.putcol("SIGMA_SPECTRUM", 1 / np.sqrt(weight), *where)
            by_row = power.mean(axis=1)
            main.putcol("WEIGHT", by_row, *where)
            main.putcol("SIGMA", 1 / np.sqrt(np.where(by_row > 0, by_row, 1)), *where)
            main.putcol("UVW", at.uvw_m[times].mean(axis=0), *where)
            for name in ("TIME", "TIME_CENTROID"):
                main.putcol(name, np.full(baselines, group.times_mjd[times].mean() * SECONDS_PER_DAY), *where)
            for name in ("INTERVAL", "EXPOSURE"):
                main.putcol(name, np.full(baselines, times.size * group.interval_s), *where)
    direction = np.radians([[calibrator.ra_deg, calibrator.dec_deg]])
    with open_table(target, writable=True, subtable="FIELD") as field:
        for column in ("PHASE_DIR", "REFERENCE_DIR", "DELAY_DIR"):
            field.putcell(column, 0, direction)
        field.putcell("NAME", 0, calibrator.name)


def _copy_rows(ms: Path, target: Path, group: Description, times: list[int]) -> None:
    """Cross-correlations of these integrations, without their samples."""
    cross = np.flatnonzero(~group.autocorrelation)
    with open_table(ms) as main:
        columns = [name for name in main.colnames() if name not in SAMPLES]
        rows = main.selectrows(np.concatenate([time * group.shape.baselines + cross for time in times]))
        small = rows.select(",".join(columns))
        small.copy(str(target), deep=True).close()
        small.close()
        rows.close()
