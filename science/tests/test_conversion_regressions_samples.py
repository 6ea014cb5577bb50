"""Defects of earlier converters in rows, weights, flags and times: each test fails on the one that it is named after."""

import fcntl
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from converted import concat_request, convert, simulate_group
from raw_changes import copied, spoil_samples, with_products

from contimg_science.concat import ConcatResult, concat
from contimg_science.measurement_set import open_table
from contimg_science.protocol import StepFailure

BASELINES = 300
WHOLE = 2 * 1953125.0 * 12.884902000427246


def test_ms_times_count_from_1858_and_give_the_year_of_the_headers(small_group: list[Path], small_set: ConcatResult) -> None:
    with open_table(small_set.ms) as main:
        seconds = main.getcol("TIME")
        assert main.getcolkeyword("TIME", "MEASINFO")["Ref"] == "UTC"
    with h5py.File(small_group[0]) as file:
        unix_s = (file["Header/time_array"][()] - 2440587.5) * 86400
    # A double Julian date is good to 40 µs.
    assert seconds - 40587 * 86400 == pytest.approx(unix_s, abs=1e-4)
    assert np.datetime64(0, "s") + np.timedelta64(int(unix_s[0]), "s") == np.datetime64("2025-10-02T00:05:24")


def test_the_time_in_a_files_name_is_no_observation_time(small_group: list[Path], small_set: ConcatResult, tmp_path: Path) -> None:
    renamed = [path.rename(tmp_path / f"not-a-time_sb{path.stem[-2:]}.hdf5") for path in copied(small_group, tmp_path / "copies")]
    assert convert(renamed, tmp_path / "group.ms").column_digests == small_set.column_digests


@pytest.mark.parametrize("moment", ["yesterday", "2025-10-02T12:00:00"])
def test_a_request_time_that_does_not_parse_is_refused_and_never_becomes_now(moment: str, small_group: list[Path], tmp_path: Path) -> None:
    with pytest.raises(StepFailure) as refused:
        concat(concat_request(small_group, tmp_path / "group.ms", requested_at=moment))
    assert (refused.value.type, refused.value.code) == ("BadInput", "BadRequest")
    assert not list(tmp_path.iterdir())


def test_the_files_of_two_groups_are_never_one_set(small_group: list[Path], tmp_path: Path) -> None:
    def a_group_later(file: h5py.File, _subband: int) -> None:
        file["Header/time_array"][...] = file["Header/time_array"][()] + 24 * 320256 * 2.0**-31

    mixed = [*small_group[:8], *copied(small_group[8:], tmp_path / "later", a_group_later)]
    with pytest.raises(StepFailure) as refused:
        convert(mixed, tmp_path / "group.ms")
    assert refused.value.code == "ForeignMember"
    with pytest.raises(StepFailure) as twice:
        convert([*small_group, small_group[3]], tmp_path / "group.ms")
    assert twice.value.code == "BadRequest"


def test_no_pair_of_antennas_is_there_twice_at_one_time(small_set: ConcatResult) -> None:
    with open_table(small_set.ms) as main:
        keys = np.stack([main.getcol("TIME"), main.getcol("ANTENNA1"), main.getcol("ANTENNA2")], axis=1)
    assert len(np.unique(keys, axis=0)) == len(keys) == 3 * BASELINES


def test_weights_and_data_follow_their_product_wherever_the_file_has_it(
    small_group: list[Path], small_set: ConcatResult, tmp_path: Path
) -> None:
    def yy_first_with_half_its_samples(file: h5py.File, subband: int) -> None:
        with_products(-6, -5)(file, subband)
        file["Data/nsamples"][..., 0] = 48
        file["Data/nsamples"][0, ..., 0] = 96

    result = convert(copied(small_group, tmp_path / "turned", yy_first_with_half_its_samples), tmp_path / "group.ms")
    with open_table(result.ms) as main, open_table(small_set.ms) as before:
        assert np.array_equal(main.getcol("DATA"), before.getcol("DATA"))
        weight = main.getcol("WEIGHT")[1:]
    assert weight[:, 0] == pytest.approx(WHOLE, rel=1e-6) and weight[:, 1] == pytest.approx(WHOLE / 2, rel=1e-6)


def test_a_row_without_a_valid_sample_has_weight_0_sigma_0_and_its_row_flag(small_group: list[Path], tmp_path: Path) -> None:
    result = convert(copied(small_group, tmp_path / "spoilt", spoil_samples), tmp_path / "group.ms")
    with open_table(result.ms) as main:
        assert not main.getcell("WEIGHT", 2).any() and not main.getcell("SIGMA", 2).any()
        weight, sigma, flag = main.getcol("WEIGHT"), main.getcol("SIGMA"), main.getcol("FLAG")
        assert np.array_equal(main.getcol("FLAG_ROW"), flag.all(axis=(1, 2)))
        assert main.getcell("FLAG_ROW", 2) and not main.getcol("FLAG_ROW").all()
        spectrum = main.getcol("WEIGHT_SPECTRUM")
    assert np.isfinite(sigma).all() and sigma[weight > 0] == pytest.approx(weight[weight > 0] ** -0.5, rel=1e-6)
    # Channels with half of their samples are in the spectrum of weights, and nowhere else.
    assert set(np.unique(np.round(spectrum[3:] / WHOLE, 3))) == {0.0, 0.5, 1.0}


def test_inputs_are_read_once_and_neither_locked_nor_touched(small_group: list[Path], tmp_path: Path) -> None:
    files = copied(small_group, tmp_path / "inputs")
    before = [(path.stat().st_mtime_ns, path.stat().st_size) for path in files]
    with files[1].open("rb") as held:
        # A lock of somebody else must not matter, nor silently switch anything off.
        fcntl.flock(held, fcntl.LOCK_EX)
        result = convert(files, tmp_path / "group.ms")
    assert result.bytes_read == sum(size for _, size in before) and result.read_twice == []
    assert [(path.stat().st_mtime_ns, path.stat().st_size) for path in files] == before


def test_measured_times_add_up_to_no_more_than_the_clock_says(small_group: list[Path], tmp_path: Path) -> None:
    started = time.perf_counter()
    spans = convert(small_group, tmp_path / "group.ms").timings_s
    elapsed = time.perf_counter() - started
    assert len(spans) > 2 and min(spans.values()) >= 0
    assert 0 < sum(spans.values()) <= elapsed * 1.01
    # Shares invented afterwards are round ones of a total.
    assert not any(abs(span / sum(spans.values()) - share) < 1e-9 for span in spans.values() for share in (0.3, 0.4, 0.7))


@pytest.mark.slow
def test_members_of_a_fifth_integration_too_few_are_kept_whole_and_the_rest_is_flagged(tmp_path: Path) -> None:
    files = simulate_group(tmp_path, ntimes=5, faults={"short": [{"group": 0, "subbands": [0, 15], "value": 4}]})
    result = convert(files, tmp_path / "group.ms")
    assert [(cells.subband, cells.integrations) for cells in result.missing] == [(0, [4]), (15, [4])]
    with open_table(result.ms) as main:
        data = main.getcol("DATA").reshape(5, BASELINES, 96, 2)
    assert not data[4][:, [0, 5, 90, 95]].any() and data[3][:, [0, 5, 90, 95]].all() and data[4][:, 6:90].all()
