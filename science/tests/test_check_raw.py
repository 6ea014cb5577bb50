"""A whole reading of raw files: what cannot be read is counted and named, and the rest is still read."""

from pathlib import Path

import h5py
import numpy as np

from contimg_science.check_raw import CheckedFile, CheckRawRequest, check_raw

ROWS, CHANNELS = 40, 6
CHUNK_ROWS = 10


def write(path: Path, compressed: bool) -> None:
    samples = np.ones((ROWS, 1, CHANNELS, 2), np.complex64)
    samples[:4, 0, 0, 0] = np.nan
    flags = np.zeros(samples.shape, bool)
    flags[:, :, 0] = True
    chunks = (CHUNK_ROWS, 1, CHANNELS, 2) if compressed else None
    filters = {"compression": "gzip", "fletcher32": True} if compressed else {}
    with h5py.File(path, "w") as file:
        file.create_dataset("Data/visdata", data=samples, chunks=chunks, **filters)
        file.create_dataset("Data/flags", data=flags)
        file.create_dataset("Data/nsamples", data=np.ones(samples.shape, np.float32))


def checked(*paths: Path) -> list[CheckedFile]:
    request = {
        "schema_version": 1,
        "step": "check_raw",
        "group_id": "2025-10-02T00:05:18",
        "attempt_id": "test",
        "requested_at": "2025-10-02T00:05:18Z",
        "work_dir": str(paths[0].parent),
        "threads": 1,
        "inputs": {"members": [{"path": str(path), "subband": subband} for subband, path in enumerate(paths)]},
        "parameters": {},
        "outputs": {},
    }
    return check_raw(CheckRawRequest.model_validate(request)).files


def test_finite_and_flagged_samples_are_counted_in_either_layout(tmp_path: Path) -> None:
    for compressed in (False, True):
        path = tmp_path / f"{compressed}.hdf5"
        write(path, compressed)
        (file,) = checked(path)
        assert (file.unreadable_chunks, file.faults, file.samples) == (0, [], ROWS * CHANNELS * 2)
        assert file.finite_fraction == 1 - 4 / (ROWS * CHANNELS * 2)
        assert file.flagged_fraction == 1 / CHANNELS


def test_a_damaged_chunk_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    damaged, whole = tmp_path / "damaged.hdf5", tmp_path / "whole.hdf5"
    write(damaged, compressed=True)
    write(whole, compressed=True)
    with h5py.File(damaged) as file:
        samples = file["Data/visdata"]
        assert isinstance(samples, h5py.Dataset)
        place = samples.id.get_chunk_info(1)
    with damaged.open("r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(bytes(8))
    bad, good = checked(damaged, whole)
    assert (bad.unreadable_chunks, good.unreadable_chunks) == (1, 0)
    assert bad.faults[0].startswith("/Data/visdata[(10, 20)")
    assert bad.samples == (ROWS - CHUNK_ROWS) * CHANNELS * 2


def test_a_file_without_data_is_unreadable_and_ends_nothing(tmp_path: Path) -> None:
    empty, whole = tmp_path / "empty.hdf5", tmp_path / "whole.hdf5"
    h5py.File(empty, "w").close()
    write(whole, compressed=False)
    bad, good = checked(empty, whole)
    assert bad.unreadable_chunks == 1 and bad.finite_fraction is None
    assert good.finite_fraction is not None
