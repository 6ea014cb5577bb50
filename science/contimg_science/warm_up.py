"""Pays at set-up what the first group would pay otherwise: compiled kernels, byte code and matplotlib's list of fonts.

`python -m contimg_science.warm_up`, with the NUMBA_CACHE_DIR that the steps will have; running it again changes nothing.
Each kernel is called once on a single sample, with the number types that the steps give it: others would be compiled anew.
"""

from __future__ import annotations

import importlib
import time

import numpy as np

from contimg_science.calibration.apply_gains import calibrate_rows
from contimg_science.calibration.transit_sums import add_integration
from contimg_science.conversion.chunk_copy import copy_chunks
from contimg_science.conversion.flag_reasons import REASONS
from contimg_science.conversion.rotation import gather_samples, place_member
from contimg_science.conversion.sample_checks import check_samples
from contimg_science.flagging.amplitudes import clip_absurd, clip_mad
from contimg_science.flagging.array_statistic import mark_cells, mean_power
from contimg_science.flagging.baseline_scan import fill_suspicious
from contimg_science.flagging.extension import extend
from contimg_science.flagging.known_samples import mark_known
from contimg_science.flagging.statistics import tally
from contimg_science.flagging.visibility_cube import Cube
from contimg_science.imaging.fringes import fill_responses, subtract_sources
from contimg_science.imaging.row_means import fill_means
from contimg_science.simulation.visibilities import fill_integration

# Without casatools, which must not meet python-casacore in one process.
LOADED = (
    *(f"contimg_science.{step}" for step in ("calibrate", "concat", "flag", "image", "photometry", "simulate", "solve", "validate")),
    "matplotlib.backends.backend_agg",
    "matplotlib.figure",
    "scipy.special",
)


def warm_conversion() -> None:
    chunk = (np.zeros((1, 1, 1), np.int64), 1, 1, 1, 0)
    samples = (np.ones(1, np.float32), *chunk)
    row, product, no = np.zeros(1, np.int64), np.zeros(1, np.int64), np.zeros(1, np.bool_)
    place_member(
        (np.ones(2, np.float32), *chunk),
        (np.zeros(1, np.uint8), *chunk),
        samples,
        row,
        np.zeros(1),
        no,
        no,
        np.float64(1.4e9),
        np.float64(1.0),
        False,
        product,
        product,
        np.zeros((1, 1, 1), np.complex64),
        np.zeros((1, 1, 1), np.bool_),
        np.zeros(len(REASONS), np.int64),
        np.zeros((1, 1, 3), np.float32),
    )
    copy_chunks(np.ones(1, np.uint8), 0, row, row, row, np.zeros(1, np.uint8))
    gather_samples(samples, row, no, 1, 0, False, product, product, np.float32(1), np.zeros((1, 1, 1), np.float32))


def warm_validation() -> None:
    data, flag = np.zeros((1, 1, 1), np.complex64), np.zeros((1, 1, 1), np.bool_)
    check_samples(data, flag, np.zeros(1, np.bool_), 0, 1, np.zeros((1, 1), np.bool_), np.zeros(1, np.int64), np.zeros(4, np.int64))


def warm_flagging() -> None:
    antennas = np.zeros(2, np.int32), np.array([0, 1], np.int32)
    shape = (1, 2, 1, 1)
    cube = Cube(np.ones(shape, np.complex64), np.zeros(shape, np.uint8), *antennas, ["a", "b"], ["XX"], np.ones(1), 1)
    mark_known(cube, np.zeros(shape, np.bool_))
    clip_absurd(cube)
    level = np.sqrt(mean_power(cube))
    mark_cells(cube.marks, np.zeros((1, 1), np.uint8), cube.times)
    fill_suspicious(cube.data, cube.reasons, level, cube.crosses, np.zeros((2, 1), np.bool_))
    clip_mad(cube, 1.0)
    extend(cube)
    tally(cube)


def warm_simulation() -> None:
    antenna = np.zeros(1, np.int64)
    fill_integration(
        np.zeros((1, 1, 1), np.complex64),
        np.zeros((1, 3)),
        antenna,
        antenna,
        np.zeros((1, 3)),
        np.zeros((1, 2)),
        np.zeros((1, 1)),
        np.float64(1.4e9),
        1.0,
        1.0,
        True,
        np.ones((1, 1, 1), np.complex128),
        np.zeros((0, 0, 0), np.complex64),
        np.zeros((0, 0, 0, 0), np.float32),
        np.float64(1.0),
        np.ones(1),
    )


def warm_calibration() -> None:
    data, flag, weight = np.ones((1, 1, 1), np.complex64), np.zeros((1, 1, 1), np.bool_), np.ones((1, 1), np.float32)
    antenna, filled = np.zeros(1, np.int32), (data.copy(), flag.copy(), np.ones((1, 1, 1), np.float32))
    calibrate_rows(data, flag, weight, np.zeros(1, np.int64), (antenna, antenna), np.ones((1, 1, 1), np.complex128), flag, 1, filled, 1)
    row, channel, sums = np.zeros(1, np.int64), np.zeros(1, np.int64), (data.copy(), np.zeros((1, 1, 1), np.float32))
    model = np.zeros((1, 1)), np.ones((1, 1)), 1.4e9, 1.0
    add_integration(data, flag, weight, row, *model, channel, *sums, np.zeros((1, 1, 1), np.complex128), np.zeros((1, 1)), row[0], row[0])


def warm_imaging() -> None:
    rows = (np.zeros((1, 3)), np.zeros(1, np.int64), np.zeros((1, 1, 3)), np.zeros((1, 1, 1)), np.float64(1.4e9), 1.0, 1, 1.0)
    fill_responses(np.zeros((2, 1, 1, 1), np.float32), *rows)
    subtract_sources(np.zeros((1, 1, 2), np.complex64), *rows)
    data, flag, weight = np.ones((1, 1, 1, 1), np.complex64), np.zeros((1, 1, 1, 1), np.bool_), np.ones((1, 1, 1, 1), np.float32)
    means = (data[0].copy(), flag[0].copy(), weight[0].copy(), np.zeros((1, 3)))
    fill_means(data, flag, weight, np.zeros((1, 1, 3)), np.zeros(1, np.int64), *means)


def main() -> None:
    started = time.perf_counter()
    for name in LOADED:
        importlib.import_module(name)
    warm_conversion()
    warm_validation()
    warm_flagging()
    warm_simulation()
    warm_calibration()
    warm_imaging()
    print(f"kernels compiled and modules loaded in {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
