"""Writes what WSClean grids: the visibilities of a group without its bright sources, averaged by baseline length, a set a share.

One pass over a set that is only read: bright sources leave each integration before anything is averaged, so what is known of
them suffers no averaging at all. Weights are summed, so the sets together weigh what the group weighs.
"""

from __future__ import annotations

import shutil
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.imaging_set import UNCHANGED_COLUMNS, create_averaged_set
from contimg_science.imaging.averaging import Share
from contimg_science.imaging.bright_subtraction import ROWS_A_BLOCK, subtract_from
from contimg_science.imaging.sky_model import SkyModel
from contimg_science.imaging.visibilities import Visibilities
from contimg_science.measurement_set import AVERAGED_KEY, SECONDS_PER_DAY, Description, open_table, sigma_of

OF_TIME = ("TIME", "TIME_CENTROID", "INTERVAL", "EXPOSURE", "UVW")


@dataclass(frozen=True)
class Integrations:
    """Some integrations of a group: all its baselines, (times, baselines, ...)."""

    first_row: int
    data: NDArray[np.complex64]
    flag: NDArray[np.bool_]
    weight: NDArray[np.float32]
    uvw_m: NDArray[np.float64]


def write_averaged_sets(
    ms: Path, directory: Path, group: Description, vis: Visibilities, shares: list[Share], bright: SkyModel | None, threads: int
) -> list[Path]:
    targets = [directory / f"averaged-{share.channels}-{share.times}.ms" for share in shares]
    together = max(share.times for share in shares)
    for share, target in zip(shares, targets, strict=True):
        shutil.rmtree(target, ignore_errors=True)
        mark = {"schema": 1, AVERAGED_KEY: share.channels * vis.channels_averaged}
        create_averaged_set(ms, target, group, share.channels, _times(group.shape.times, share), share.baselines.size, mark)
    with open_table(ms) as main, ThreadPoolExecutor(max_workers=threads) as pool:
        # A step of all shares ends where the largest does, so no mean reaches over two reads.
        for first in range(0, group.shape.times, together):
            read = _read(main, group, first, min(together, group.shape.times - first))
            if bright is not None:
                times = np.repeat(np.arange(first, first + read.data.shape[0]), group.shape.baselines)
                subtract_from(read.data.reshape(-1, *read.data.shape[2:]), read.uvw_m.reshape(-1, 3), times, bright, pool)
            for share, target in zip(shares, targets, strict=True):
                with open_table(target, writable=True) as written:
                    for start in range(0, read.data.shape[0], share.times):
                        at = (first + start) // share.times * share.baselines.size
                        _put_means(main, written, read, slice(start, start + share.times), share, at, group, vis, pool)
    return targets


def _times(times: int, share: Share) -> int:
    return -(-times // share.times)


def _read(main: Any, group: Description, first: int, count: int) -> Integrations:
    baselines = group.shape.baselines
    rows = (first * baselines, count * baselines)
    shape = (count, baselines, group.shape.channels, group.shape.correlations)
    data, flag, weight = np.empty(shape, np.complex64), np.empty(shape, bool), np.empty(shape, np.float32)
    flat = (count * baselines, *shape[2:])
    main.getcolnp("DATA", data.reshape(flat), *rows)
    main.getcolnp("FLAG", flag.reshape(flat), *rows)
    if "WEIGHT_SPECTRUM" in main.colnames():
        main.getcolnp("WEIGHT_SPECTRUM", weight.reshape(flat), *rows)
    else:
        weight[:] = main.getcol("WEIGHT", *rows).reshape(count, baselines, 1, -1)
    return Integrations(rows[0], data, flag, weight, main.getcol("UVW", *rows).reshape(count, baselines, 3))


def _put_means(
    main: Any,
    written: Any,
    read: Integrations,
    part: slice,
    share: Share,
    at: int,
    group: Description,
    vis: Visibilities,
    pool: Executor,
) -> None:
    """The rows of one mean integration."""
    from contimg_science.imaging.row_means import fill_means  # loading its compiler takes longer than most images need

    count, channels, products = share.baselines.size, group.shape.channels // share.channels, group.shape.correlations
    out, out_flag = np.empty((count, channels, products), np.complex64), np.empty((count, channels, products), bool)
    out_weight, out_uvw_m = np.empty((count, channels, products), np.float32), np.empty((count, 3))
    data, flag, weight, uvw_m = (values[part] for values in (read.data, read.flag, read.weight, read.uvw_m))

    def block(start: int) -> None:
        rows = slice(start, start + ROWS_A_BLOCK)
        fill_means(data, flag, weight, uvw_m, share.baselines[rows], out[rows], out_flag[rows], out_weight[rows], out_uvw_m[rows])

    list(pool.map(block, range(0, count, ROWS_A_BLOCK)))
    times = data.shape[0]
    start_time = read.first_row // group.shape.baselines + part.start
    mean_weight = out_weight.mean(axis=1)
    own = {
        "DATA": out,
        "FLAG": out_flag,
        "WEIGHT_SPECTRUM": out_weight,
        "WEIGHT": mean_weight,
        "SIGMA": sigma_of(mean_weight),
        "FLAG_ROW": out_flag.all(axis=(1, 2)),
        "UVW": out_uvw_m,
        **dict.fromkeys(("TIME", "TIME_CENTROID"), np.full(count, vis.times_mjd[start_time : start_time + times].mean() * SECONDS_PER_DAY)),
        **dict.fromkeys(("INTERVAL", "EXPOSURE"), np.full(count, vis.interval_s * times)),
    }
    first_row = start_time * group.shape.baselines
    for name in UNCHANGED_COLUMNS:
        if name not in OF_TIME:
            own[name] = main.getcol(name, first_row, group.shape.baselines)[share.baselines]
    for name, values in own.items():
        written.putcol(name, values, at, count)
