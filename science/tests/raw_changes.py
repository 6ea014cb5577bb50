"""Raw files changed on purpose: copies of simulated ones with other products, other samples, another header."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

DATASETS = ("visdata", "flags", "nsamples")


def copied(files: list[Path], to: Path, change: Callable[[h5py.File, int], None] | None = None) -> list[Path]:
    """Copies of the files in a new folder, each changed by `change(file, subband)`."""
    to.mkdir(parents=True, exist_ok=True)
    made = []
    for path in files:
        copy = to / path.name
        copy.write_bytes(path.read_bytes())
        if change is not None:
            with h5py.File(copy, "r+") as file:
                change(file, int(path.stem[-2:]))
        made.append(copy)
    return made


def with_products(*codes: int) -> Callable[[h5py.File, int], None]:
    """A change that gives the file these polarization codes in this order: XX −5, YY −6 as they were, XY −7 and YX −8 invented."""

    def change(file: h5py.File, subband: int) -> None:
        random = np.random.default_rng(subband)
        for name in DATASETS:
            old = file[f"Data/{name}"]
            values, dtype, chunks = old[()], old.dtype, (*old.chunks[:-1], 1)
            by_code = {-5: values[..., 0], -6: values[..., 1]}
            for code in (-7, -8):
                crossed = random.standard_normal((*values.shape[:-1], 2), np.float32) * 1e-2
                by_code[code] = crossed.view(np.complex64)[..., 0] if name == "visdata" else values[..., 0]
            del file[f"Data/{name}"]
            file["Data"].create_dataset(name, data=np.stack([by_code[code] for code in codes], axis=-1), dtype=dtype, chunks=chunks)
        del file["Header/polarization_array"]
        file["Header/polarization_array"] = np.array(codes, np.int64)
        file["Header/Npols"][()] = len(codes)

    return change


def spoil_samples(file: h5py.File, subband: int) -> None:
    """One cross-correlation in fifty has NaN, zero, no sample, fewer samples or a raw flag in some channel; in row 2 nothing is valid."""
    random = np.random.default_rng(subband)
    visibilities, flags, counts = (file[f"Data/{name}"][()] for name in DATASETS)
    rows = random.permutation(len(visibilities))[: len(visibilities) // 50]
    channel = random.integers(visibilities.shape[2], size=rows.size)
    kinds = np.array_split(np.arange(rows.size), 5)
    visibilities[rows[kinds[0]], 0, channel[kinds[0]]] = np.nan
    visibilities[rows[kinds[1]], 0, channel[kinds[1]], 0] = 0
    counts[rows[kinds[2]], 0, channel[kinds[2]], 1] = 0
    counts[rows[kinds[3]], 0, channel[kinds[3]]] = 48
    flags[rows[kinds[4]], 0, channel[kinds[4]]] = True
    counts[2] = 0
    for name, values in zip(DATASETS, (visibilities, flags, counts), strict=True):
        file[f"Data/{name}"][...] = values
