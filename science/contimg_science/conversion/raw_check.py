"""V06: rows drawn by lot from the raw files, found again in DATA with the rotation undone.

The one second look at the input, by another path: the HDF5 library reads the samples, numpy turns the phases channel by
channel with its own exponential.
"""

from __future__ import annotations

import hashlib

import h5py
import numpy as np

from contimg_science.conversion.checking import Check, Expected, require
from contimg_science.conversion.group import Placement
from contimg_science.conversion.phase_centre import rows_geometry
from contimg_science.conversion.row_blocks import TURNED_CORR_TYPE
from contimg_science.measurement_set import open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S

MAX_RELATIVE_ERROR = 1e-6


def check_raw_rows(expected: Expected, rows_a_cell: int) -> Check:
    """`rows_a_cell` rows of each (subband, integration); the lot depends on the group id only."""
    group = expected.group
    seed = int.from_bytes(hashlib.sha256(expected.group_id.encode()).digest()[:8], "little")
    random = np.random.default_rng(seed)
    worst = 0.0
    with open_table(expected.path) as main:
        baselines = [np.sort(random.permutation(group.baselines)[:rows_a_cell]) for _ in range(group.times)]
        for time, chosen in enumerate(baselines):
            first = time * group.baselines
            data = main.getcol("DATA", first, group.baselines)[chosen]
            _, delta_w = rows_geometry(group, expected.centre, first, first + group.baselines)
            for placement in group.placements:
                rows = placement.file_row[first + chosen]
                if (rows >= 0).all():
                    worst = max(worst, _worst_error(expected, placement, data, rows, chosen, delta_w[chosen]))
    require(worst <= MAX_RELATIVE_ERROR, "V06", f"DATA differs from the raw samples by {worst:.3g} of the amplitude")
    return Check(code="V06", passed=True, detail=f"{rows_a_cell} rows a subband and time within {worst:.2g} of their amplitude")


def _worst_error(
    expected: Expected, placement: Placement, data: np.ndarray, rows: np.ndarray, baselines: np.ndarray, delta_w_m: np.ndarray
) -> float:
    group, header = expected.group, placement.header
    with h5py.File(header.path, "r", locking=False) as file:
        dataset = file["Data/visdata"]
        assert isinstance(dataset, h5py.Dataset)
        order = np.argsort(rows)
        raw = np.empty((rows.size, header.frequencies_hz.size, len(header.corr_types)), np.complex128)
        found = dataset[rows[order]]
        if found.dtype.names is not None:
            found = found["r"] + 1j * found["i"].astype(np.float64)
        raw[order] = found.reshape(raw.shape)
    ascending = np.argsort(header.frequencies_hz)
    width = group.channels_per_subband
    written = data[:, placement.first_channel : placement.first_channel + width].astype(np.complex128)
    turned = (group.ant_1 > group.ant_2)[baselines]
    same_products = [group.corr_types.index(corr) for corr in header.corr_types]
    turned_products = [group.corr_types.index(TURNED_CORR_TYPE[corr]) for corr in header.corr_types]
    back = np.where(turned[:, None, None], written[:, :, turned_products], np.conj(written[:, :, same_products]))
    phase = 2j * np.pi / SPEED_OF_LIGHT_M_S * delta_w_m[:, None] * header.frequencies_hz[ascending]
    back = back * np.exp(phase)[:, :, None]
    truth = raw[:, ascending]
    truth = np.where(np.isfinite(truth), truth, 0)
    amplitude = np.abs(truth).max(axis=(1, 2))
    error = np.abs(back - truth).max(axis=(1, 2))
    return float((error / np.where(amplitude > 0, amplitude, 1)).max(initial=0))
