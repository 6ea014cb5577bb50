"""Simulated files read back with h5py, row by row of the list of what real files hold."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from simulated import run, tiny_request

from contimg_science.channels import subband_frequencies_hz
from contimg_science.meridian import baseline_uvw
from contimg_science.simulation.array_layout import baselines_m, header_site, make_layout
from contimg_science.simulation.schedule import STEP_DAYS
from contimg_science.simulation.uvh5_file import Integration, SubbandFile, write_subband_file

ROWS, STATIONS = 2 * 300, 117


@pytest.fixture(scope="module")
def simulated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("layout")
    run(tiny_request(base))
    return sorted((base / "incoming").glob("*_sb03.hdf5"))[0]


# path: type, shape
LAYOUT = {
    "Data/visdata": ("complex64", (ROWS, 1, 6, 2)),
    "Data/flags": ("bool", (ROWS, 1, 6, 2)),
    "Data/nsamples": ("float32", (ROWS, 1, 6, 2)),
    "Header/time_array": ("float64", (ROWS,)),
    "Header/integration_time": ("float64", (ROWS,)),
    "Header/uvw_array": ("float32", (ROWS, 3)),
    "Header/ant_1_array": ("int64", (ROWS,)),
    "Header/ant_2_array": ("int64", (ROWS,)),
    "Header/antenna_names": ("|S4", (STATIONS,)),
    "Header/antenna_numbers": ("int64", (STATIONS,)),
    "Header/antenna_positions": ("float64", (STATIONS, 3)),
    "Header/antenna_diameters": ("float64", (STATIONS,)),
    "Header/freq_array": ("float64", (1, 6)),
    "Header/channel_width": ("float64", ()),
    "Header/polarization_array": ("int64", (2,)),
    "Header/spw_array": ("int64", (1,)),
    "Header/latitude": ("float64", ()),
    "Header/longitude": ("float64", ()),
    "Header/altitude": ("float64", ()),
    "Header/phase_center_app_dec": ("float64", ()),
    "Header/extra_keywords/phase_center_dec": ("float64", ()),
    "Header/extra_keywords/ha_phase_center": ("float64", ()),
    "Header/extra_keywords/phase_center_epoch": ("object", ()),
} | {f"Header/{name}": ("int64", ()) for name in
     ("Nants_data", "Nants_telescope", "Nbls", "Ntimes", "Nblts", "Nfreqs", "Npols", "Nspws")}  # fmt: skip
TEXTS = {"phase_type": b"drift", "object_name": b"search", "telescope_name": b"OVRO_MMA", "instrument": b"DSA"}


@pytest.mark.parametrize("path", sorted(LAYOUT))
def test_a_dataset_has_the_type_and_shape_of_the_real_one(simulated_file: Path, path: str) -> None:
    with h5py.File(simulated_file) as file:
        assert (str(file[path].dtype), file[path].shape) == LAYOUT[path]
        assert file[path].compression is None


def test_there_is_nothing_else_in_the_file(simulated_file: Path) -> None:
    found: list[str] = []
    with h5py.File(simulated_file) as file:
        file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    texts = {f"Header/{name}" for name in (*TEXTS, "history", "extra_keywords/fs_table", "extra_keywords/applied_delays_ns")}
    assert set(found) == set(LAYOUT) | texts


def test_strings_are_fixed_bytes_except_one(simulated_file: Path) -> None:
    with h5py.File(simulated_file) as file:
        for name, text in TEXTS.items():
            assert file["Header"][name].dtype.kind == "S" and file["Header"][name][()] == text
        epoch = file["Header/extra_keywords/phase_center_epoch"]
        assert h5py.check_string_dtype(epoch.dtype).length is None and epoch[()] == b"HADEC"
        assert len(file["Header/extra_keywords/applied_delays_ns"][()].split()) == 2 * STATIONS
        assert file["Header/antenna_names"][()].tolist() == [str(number).encode() for number in range(1, 118)]


def test_the_header_says_what_real_headers_say(simulated_file: Path) -> None:
    with h5py.File(simulated_file) as file:
        header = file["Header"]
        assert [int(header[n][()]) for n in ("Nants_data", "Nants_telescope", "Nbls", "Ntimes", "Nblts", "Nfreqs", "Npols", "Nspws")] == [
            24, 117, 300, 2, 600, 6, 2, 1,
        ]  # fmt: skip
        assert header["polarization_array"][()].tolist() == [-5, -6] and header["spw_array"][()].tolist() == [1]
        assert (header["latitude"][()], header["longitude"][()], header["altitude"][()]) == (37.2334051, -118.283, 1188.0519)
        assert header["channel_width"][()] == 1953125.0
        assert header["antenna_numbers"][102] == 102 and np.all(header["antenna_diameters"][()] == 4.65)
        np.testing.assert_array_equal(header["freq_array"][0], subband_frequencies_hz(3, 6))
        assert header["phase_center_app_dec"][()] == header["extra_keywords/phase_center_dec"][()] == np.radians(50.5)
        assert np.all(header["integration_time"][()] == 12.884902000427246)
        assert np.all(file["Data/nsamples"][()] == 96) and not file["Data/flags"][()].any()


def test_it_is_an_old_style_hdf5_file_with_records_for_complex_and_an_enum_for_bool(simulated_file: Path) -> None:
    with simulated_file.open("rb") as file:
        assert file.read(9) == b"\x89HDF\r\n\x1a\n\x00"  # superblock version 0
    with h5py.File(simulated_file) as file:
        complex_type, flag_type = file["Data/visdata"].id.get_type(), file["Data/flags"].id.get_type()
        assert [complex_type.get_member_name(k) for k in range(2)] == [b"r", b"i"] and complex_type.get_size() == 8
        assert isinstance(flag_type, h5py.h5t.TypeEnumID) and flag_type.get_size() == 1
        assert file["Data/visdata"].maxshape == (None, 1, 6, 2)


def test_times_step_by_the_correlators_integration_and_rows_are_time_major(simulated_file: Path) -> None:
    with h5py.File(simulated_file) as file:
        times = file["Header/time_array"][()].reshape(2, 300)
        assert np.all(times == times[:, :1]) and times[1, 0] - times[0, 0] == 320256 * 2.0**-31
        for name in ("ant_1_array", "ant_2_array", "uvw_array"):
            column = file["Header"][name][()].reshape(2, 300, -1)
            np.testing.assert_array_equal(column[0], column[1])


def test_pairs_follow_the_correlators_order_with_115_before_101(simulated_file: Path) -> None:
    with h5py.File(simulated_file) as file:
        pairs = list(zip(file["Header/ant_1_array"][:300].tolist(), file["Header/ant_2_array"][:300].tolist(), strict=True))
    assert pairs[:6] == [(0, 0), (0, 4), (4, 4), (0, 8), (4, 8), (8, 8)]
    assert (114, 100) in pairs and (100, 114) not in pairs
    order = make_layout("mini", "correlator").order
    assert order.index(115) + 1 == order.index(101)


def test_the_headers_w_is_the_closed_form_and_its_u_and_v_are_turned(simulated_file: Path) -> None:
    layout = make_layout("mini", "correlator")
    expected = baseline_uvw(baselines_m(layout), header_site().lon_rad, 0.0, np.radians(50.5))
    with h5py.File(simulated_file) as file:
        uvw = file["Header/uvw_array"][:300].astype(np.float64)
    # float32 keeps 0.12 mm above 1 km.
    np.testing.assert_allclose(uvw[:, 2], expected[:, 2], rtol=0, atol=1.3e-4)
    turn = np.angle((uvw[:, 0] + 1j * uvw[:, 1]) / (expected[:, 0] + 1j * expected[:, 1] + 1e-30), deg=True)[layout.first != layout.second]
    assert np.ptp(turn) < 0.001 and 0.01 < abs(turn.mean()) < 0.3


@pytest.mark.slow
def test_pyuvdata_reads_the_file(simulated_file: Path) -> None:
    from pyuvdata import UVData

    # run_check looks for what version 0 files do not have.
    data = UVData.from_file(str(simulated_file), file_type="uvh5", run_check=False, run_check_acceptability=False)
    assert (data.Nbls, data.Ntimes, data.Nfreqs, data.Npols) == (300, 2, 6, 2)
    with h5py.File(simulated_file) as file:
        np.testing.assert_array_equal(data.data_array, file["Data/visdata"][:, 0])


def test_a_full_file_has_the_size_of_real_files(tmp_path: Path) -> None:
    layout = make_layout("full", "correlator")
    assert (len(layout.order), layout.baselines) == (96, 4656)
    content = SubbandFile(layout, subband_frequencies_hz(0, 48), 1, 0.88, "written by dsa110-meridian-fs on 2025-10-01T16:05:18 in node00")
    empty = np.zeros((4656, 48, 2), np.complex64)
    path = tmp_path / "full.hdf5"
    size = write_subband_file(path, content, (Integration(2460951.99 + k * STEP_DAYS, empty, 96) for k in range(24)))
    # What is left is the length of texts, which move allocation by blocks of 2 kB at most.
    assert abs(size / 145_348_600 - 1) < 1e-5
    with h5py.File(path) as file:
        data = file["Data"]
        assert [data[n].chunks for n in ("visdata", "flags", "nsamples")] == [(128, 1, 12, 1), (256, 1, 24, 1), (256, 1, 12, 1)]
        assert data["visdata"].shape == (111_744, 1, 48, 2)
