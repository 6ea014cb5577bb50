"""V06: rows drawn by lot from the raw files, found again in DATA with the rotation undone.

The one second look at the input, by another path: the HDF5 library reads the samples, numpy turns the phases channel by
channel with its own exponential.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from contimg_science.conversion.checking import Check, Expected, require
from contimg_science.conversion.group import Group, Placement
from contimg_science.conversion.phase_centre import rows_geometry
from contimg_science.conversion.row_blocks import TURNED_CORR_TYPE
from contimg_science.measurement_set import open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S

MAX_RELATIVE_ERROR = 1e-6


@dataclass(frozen=True)
class Drawn:
    """Some baselines of one integration, as the Measurement Set has them."""

    of_group: NDArray[np.int64]  # rows
    baselines: NDArray[np.int64]
    data: NDArray[np.complex64]
    delta_w_m: NDArray[np.float64]


def check_raw_rows(expected: Expected, rows_a_cell: int) -> Check:
    """`rows_a_cell` rows of each (subband, integration); the lot depends on the group id only."""
    group = expected.group
    seed = int.from_bytes(hashlib.sha256(expected.group_id.encode()).digest()[:8], "little")
    random = np.random.default_rng(seed)
    worst = 0.0
    drawn = []
    with open_table(expected.path) as main:
        for time in range(group.times):
            chosen = np.sort(random.permutation(group.baselines)[:rows_a_cell])
            first = time * group.baselines
            _, delta_w = rows_geometry(group, expected.centre, first, first + group.baselines)
            drawn.append(Drawn(first + chosen, chosen, main.getcol("DATA", first, group.baselines)[chosen], delta_w[chosen]))
    for placement in group.placements:
        with h5py.File(placement.header.path, "r", locking=False) as file:
            samples = file["Data/visdata"]
            assert isinstance(samples, h5py.Dataset)
            for rows in drawn:
                if (placement.file_row[rows.of_group] >= 0).all():
                    worst = max(worst, _worst_error(group, placement, samples, rows))
    require(worst <= MAX_RELATIVE_ERROR, "V06", f"DATA differs from the raw samples by {worst:.3g} of the amplitude")
    return Check(code="V06", passed=True, detail=f"{rows_a_cell} rows a subband and time within {worst:.2g} of their amplitude")


def _worst_error(group: Group, placement: Placement, samples: h5py.Dataset, drawn: Drawn) -> float:
    header = placement.header
    rows = placement.file_row[drawn.of_group]
    order = np.argsort(rows)
    raw = np.empty((rows.size, header.frequencies_hz.size, len(header.corr_types)), np.complex128)
    found = samples[rows[order]]
    if found.dtype.names is not None:
        found = found["r"] + 1j * found["i"].astype(np.float64)
    raw[order] = found.reshape(raw.shape)
    ascending = np.argsort(header.frequencies_hz)
    width = group.channels_per_subband
    written = drawn.data[:, placement.first_channel : placement.first_channel + width].astype(np.complex128)
    turned = (group.ant_1 > group.ant_2)[drawn.baselines]
    same_products = [group.corr_types.index(corr) for corr in header.corr_types]
    turned_products = [group.corr_types.index(TURNED_CORR_TYPE[corr]) for corr in header.corr_types]
    back = np.where(turned[:, None, None], written[:, :, turned_products], np.conj(written[:, :, same_products]))
    phase = 2j * np.pi / SPEED_OF_LIGHT_M_S * drawn.delta_w_m[:, None] * header.frequencies_hz[ascending]
    back = back * np.exp(phase)[:, :, None]
    truth = raw[:, ascending]
    truth = np.where(np.isfinite(truth), truth, 0)
    amplitude = np.abs(truth).max(axis=(1, 2))
    error = np.abs(back - truth).max(axis=(1, 2))
    return float((error / np.where(amplitude > 0, amplitude, 1)).max(initial=0))
