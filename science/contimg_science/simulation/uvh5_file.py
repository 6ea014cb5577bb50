"""One subband file as the correlator writes it: UVH5 0.x, byte layout included.

Every dataset, type, shape, chunk and kind of string is that of the real files; data are appended one integration at a time,
which is what gives a full file its 145.35 MB. This module knows the format and nothing about the sky.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from contimg_science.beam import DISH_DIAMETER_M
from contimg_science.meridian import baseline_uvw, frame_angle_rad, lst_rad, turned_uvw
from contimg_science.simulation.array_layout import (
    SITE_HEIGHT_M,
    SITE_LAT_DEG,
    SITE_LON_DEG,
    ArrayLayout,
    baselines_m,
    header_site,
    station_offsets_m,
)  # fmt: skip
from contimg_science.simulation.schedule import INTEGRATION_S

COMPLEX = np.dtype([("r", "<f4"), ("i", "<f4")])
POLARIZATIONS = (-5, -6)
RAW_SAMPLES = 96
# The writer takes u, v, w at this fixed date (2021-01-01), whatever the date of the data.
REFERENCE_MJD = 59215.0


@dataclass(frozen=True)
class SubbandFile:
    """What differs from file to file. `width_sign` is that of channel_width; frequencies fall in any case."""

    layout: ArrayLayout
    freq_hz: NDArray[np.float64]
    width_sign: int
    dec_app_rad: float
    history: str


@dataclass(frozen=True)
class Integration:
    """`label_jd` is the middle; `visibilities` (baselines, channels, products) complex64; `raw_samples` were averaged."""

    label_jd: float
    visibilities: NDArray[np.complex64]
    raw_samples: int


def header_uvw(layout: ArrayLayout, dec_app_rad: float) -> NDArray[np.float32]:
    """The header's u, v, w: towards HA 0 at the reference date, u and v turned into its frame, in float32."""
    site = header_site()
    uvw = baseline_uvw(baselines_m(layout), site.lon_rad, 0.0, dec_app_rad)
    angle = frame_angle_rad(site, REFERENCE_MJD, lst_rad(site, REFERENCE_MJD), dec_app_rad)
    return turned_uvw(uvw, angle).astype(np.float32)


def write_subband_file(path: Path, subband_file: SubbandFile, integrations: Iterable[Integration]) -> int:
    """Write one file, return its bytes. A file that is there already is not replaced."""
    layout = subband_file.layout
    # 'earliest' gives superblock version 0, as the real files have.
    with h5py.File(path, "x", libver="earliest") as file:
        header, data = file.create_group("Header"), file.create_group("Data")
        _write_header(header, subband_file)
        growing = _growing_datasets(header, data, layout)
        fixed_rows = {
            "uvw_array": header_uvw(layout, subband_file.dec_app_rad),
            "ant_1_array": layout.ant_1,
            "ant_2_array": layout.ant_2,
        }
        count = 0
        for integration in integrations:
            rows = slice(count * layout.baselines, (count + 1) * layout.baselines)
            shape = (layout.baselines, 1, len(subband_file.freq_hz), len(POLARIZATIONS))
            blocks = fixed_rows | {
                "time_array": np.full(layout.baselines, integration.label_jd),
                "integration_time": np.full(layout.baselines, INTEGRATION_S),
                "visdata": integration.visibilities.view(COMPLEX).reshape(shape),
                "flags": np.zeros(shape, bool),
                "nsamples": np.full(shape, integration.raw_samples, np.float32),
            }
            for name, dataset in growing.items():
                dataset.resize(rows.stop, axis=0)
                dataset[rows] = blocks[name]
            count += 1
        header["Ntimes"][()] = count  # pyright: ignore[reportIndexIssue]
        header["Nblts"][()] = count * layout.baselines  # pyright: ignore[reportIndexIssue]
    return path.stat().st_size


def _write_header(header: h5py.Group, subband_file: SubbandFile) -> None:
    layout, nfreqs = subband_file.layout, len(subband_file.freq_hz)
    offsets = station_offsets_m()
    stations = len(offsets)
    header["latitude"], header["longitude"], header["altitude"] = SITE_LAT_DEG, SITE_LON_DEG, SITE_HEIGHT_M
    for name, text in (("telescope_name", "OVRO_MMA"), ("instrument", "DSA"), ("object_name", "search"), ("phase_type", "drift")):
        header[name] = np.bytes_(text)
    header["history"] = np.bytes_(subband_file.history)
    counts = {"Nants_data": len(layout.order), "Nants_telescope": stations, "Nbls": layout.baselines, "Ntimes": 0, "Nblts": 0}
    for name, count in (counts | {"Nfreqs": nfreqs, "Npols": len(POLARIZATIONS), "Nspws": 1}).items():
        header[name] = np.int64(count)
    header["antenna_names"] = np.array([str(station) for station in range(1, stations + 1)], "S4")
    header["antenna_numbers"] = np.arange(stations, dtype=np.int64)
    header["antenna_positions"] = offsets
    header["antenna_diameters"] = np.full(stations, DISH_DIAMETER_M)
    header["freq_array"] = subband_file.freq_hz[None, :]
    header["channel_width"] = subband_file.width_sign * abs(float(subband_file.freq_hz[1] - subband_file.freq_hz[0]))
    header["polarization_array"] = np.array(POLARIZATIONS, np.int64)
    header["spw_array"] = np.array([1], np.int64)
    header["phase_center_app_dec"] = subband_file.dec_app_rad
    extra = header.create_group("extra_keywords")
    extra["phase_center_dec"], extra["ha_phase_center"] = subband_file.dec_app_rad, 0.0
    extra["phase_center_epoch"] = "HADEC"
    extra["fs_table"] = np.bytes_("fringestopping_table.npz")
    connected = set(layout.order)
    delays_ns = [str(10000 + 7 * station if station in connected else 0) for station in range(1, stations + 1) for _ in POLARIZATIONS]
    extra["applied_delays_ns"] = np.bytes_(" ".join(delays_ns))


def _growing_datasets(header: h5py.Group, data: h5py.Group, layout: ArrayLayout) -> dict[str, h5py.Dataset]:
    """Datasets that get longer with each integration; chunks as h5py guesses them, which is what the correlator does."""
    cell = (1, layout.nfreqs, len(POLARIZATIONS))
    columns: list[tuple[h5py.Group, str, np.dtype, tuple[int, ...]]] = [
        (header, "time_array", np.dtype("<f8"), ()),
        (header, "integration_time", np.dtype("<f8"), ()),
        (header, "uvw_array", np.dtype("<f4"), (3,)),
        (header, "ant_1_array", np.dtype("<i8"), ()),
        (header, "ant_2_array", np.dtype("<i8"), ()),
        (data, "visdata", COMPLEX, cell),
        (data, "flags", np.dtype(bool), cell),
        (data, "nsamples", np.dtype("<f4"), cell),
    ]
    return {name: group.create_dataset(name, (0, *shape), dtype, maxshape=(None, *shape), chunks=True) for group, name, dtype, shape in columns}
