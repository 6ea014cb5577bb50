"""What `concat` makes of a group, and what it refuses: the defects of earlier pipelines on this path, one short test each."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from casacore.tables import table
from converted import convert, edit_header, faulty_group, simulate_group, validate_set
from step_process import run_step_process

from contimg_science.channels import subband_frequencies_hz
from contimg_science.concat import ConcatResult
from contimg_science.conversion.chunk_reader import MemberReader
from contimg_science.conversion.chunk_table import KnownTables
from contimg_science.conversion.open_member import open_member
from contimg_science.measurement_set import SECONDS_PER_DAY, describe
from contimg_science.protocol import StepFailure

CHANNELS, PRODUCTS, BASELINES = 96, 2, 300


@pytest.fixture
def files(small_group: list[Path]) -> list[Path]:
    return small_group


@pytest.fixture
def result(small_set: ConcatResult) -> ConcatResult:
    return small_set


def subtable(result: ConcatResult, name: str) -> table:
    return table(f"{result.ms}/{name}", ack=False)


def test_the_band_ascends_from_sb15_to_sb00_in_one_window(result: ConcatResult):
    with subtable(result, "SPECTRAL_WINDOW") as window:
        assert window.nrows() == 1
        frequencies = window.getcell("CHAN_FREQ", 0)
        assert (window.getcell("CHAN_WIDTH", 0) > 0).all()
    assert (np.diff(frequencies) > 0).all()
    assert np.array_equal(frequencies[:6], subband_frequencies_hz(15, 6)[::-1])
    assert np.array_equal(frequencies[-6:], subband_frequencies_hz(0, 6)[::-1])


def test_members_in_any_order_of_arrival_give_the_same_bytes(files: list[Path], result: ConcatResult, tmp_path: Path):
    other = convert(files[::-1], tmp_path / "group.ms", threads=1)
    assert other.content_digest == result.content_digest
    for file in sorted(result.ms.rglob("*")):
        # The lock file holds the number of the process.
        if file.is_file() and file.name != "table.lock":
            assert (other.ms / file.relative_to(result.ms)).read_bytes() == file.read_bytes(), file.name


def test_no_scratch_columns_and_one_set_of_ids(result: ConcatResult):
    with table(str(result.ms), ack=False) as main:
        assert not {"MODEL_DATA", "CORRECTED_DATA", "IMAGING_WEIGHT", "WEIGHT_SPECTRUM"} & set(main.colnames())
        assert "QuantumUnits" not in main.getcolkeywords("DATA")
        assert not main.getcol("FIELD_ID").any() and (main.getcol("SCAN_NUMBER") == 1).all()


def test_times_are_those_of_the_headers(files: list[Path], result: ConcatResult):
    with h5py.File(files[0]) as file, table(str(result.ms), ack=False) as main:
        seconds = (file["Header/time_array"][()] - 2400000.5) * SECONDS_PER_DAY
        assert np.array_equal(main.getcol("TIME"), seconds)


def test_station_103_has_row_102_and_is_called_dsa_103(result: ConcatResult):
    described = describe(result.ms)
    assert described.antenna_names[102] == "DSA-103" and len(described.antenna_names) == 117
    assert described.antenna_present.sum() == 24 and described.antenna_present[102]


def test_weights_are_absolute_and_sigma_follows(result: ConcatResult):
    with table(str(result.ms), ack=False) as main:
        weight, sigma = main.getcol("WEIGHT"), main.getcol("SIGMA")
    assert weight == pytest.approx(2 * 1953125.0 * 12.884902, rel=1e-6)
    assert sigma == pytest.approx(weight**-0.5, rel=1e-6)


def test_autocorrelations_are_flagged_and_kept(result: ConcatResult):
    with table(str(result.ms), ack=False) as main:
        auto = main.getcol("ANTENNA1") == main.getcol("ANTENNA2")
        assert main.getcol("FLAG")[auto].all() and main.getcol("FLAG_ROW")[auto].all()
        assert main.getcol("DATA")[auto].any() and not main.getcol("UVW")[auto].any()
        assert not main.getcol("FLAG")[~auto].any()


def test_history_holds_each_input_with_its_digest_and_the_requests_time(files: list[Path], result: ConcatResult):
    with subtable(result, "HISTORY") as history:
        messages = [json.loads(line) for line in history.getcol("MESSAGE")]
        assert set(history.getcol("APPLICATION")) == {"contimg"}
        # 2025-10-02T12:00:00Z is MJD 60950.5.
        assert history.getcol("TIME") == pytest.approx(60950.5 * SECONDS_PER_DAY, abs=1e-3)
    assert [fact["input"] for fact in messages if "input" in fact] == [path.name for path in files]
    assert any("iers" in fact for fact in messages)


@pytest.mark.slow
def test_reversed_pairs_give_the_same_baselines_the_same_way_round(tmp_path: Path):
    straight = simulate_group(tmp_path / "straight", ntimes=2, noise=False, instrument="ideal", order="sorted")
    turned = faulty_group(tmp_path / "turned", "reverse", "*", ntimes=2, noise=False, instrument="ideal", order="sorted")
    seen = []
    for name, members in (("a", straight), ("b", turned)):
        with table(str(convert(members, tmp_path / f"{name}.ms").ms), ack=False) as main:
            ordered = main.sort("TIME,ANTENNA1,ANTENNA2")
            seen.append([ordered.getcol(column) for column in ("ANTENNA1", "ANTENNA2", "UVW", "DATA")])
    for a, b in zip(*seen, strict=True):
        # Single precision of the raw samples.
        assert np.allclose(a, b, rtol=1e-5, atol=1e-7)
    assert (seen[1][0] <= seen[1][1]).all()


def test_a_missing_subband_is_there_flagged_and_listed(files: list[Path], tmp_path: Path):
    result = convert([path for path in files if not path.stem.endswith("sb07")], tmp_path / "group.ms")
    assert 7 not in result.subbands_present
    assert [(cells.subband, cells.integrations) for cells in result.missing] == [(7, [0, 1, 2])]
    assert result.flagged_by_reason["missing"] == 3 * BASELINES * 6 * PRODUCTS
    with table(str(result.ms), ack=False) as main:
        assert main.getcol("FLAG")[:, 48:54].all() and not main.getcol("DATA")[:, 48:54].any()
    assert np.array_equal(describe(result.ms).frequencies_hz[48:54], subband_frequencies_hz(7, 6)[::-1])


@pytest.mark.slow
def test_a_member_of_nothing_but_nan_is_treated_as_missing_and_said_so(tmp_path: Path):
    files = faulty_group(tmp_path, "nan", [3], 0.9, ntimes=3)
    result = convert(files, tmp_path / "group.ms")
    assert [(member.subband, member.code) for member in result.unusable] == [(3, "NonFiniteData")]
    assert 3 not in result.subbands_present
    validate_set(files, result)


@pytest.mark.slow
def test_some_nan_is_flagged_zeroed_and_counted(tmp_path: Path):
    files = faulty_group(tmp_path, "nan", [3], 0.1, ntimes=3)
    result = convert(files, tmp_path / "group.ms")
    assert result.flagged_by_reason["not_finite"] > 0 and not result.unusable
    with table(str(result.ms), ack=False) as main:
        assert np.isfinite(main.getcol("DATA")).all()
    validate_set(files, result)


@pytest.mark.slow
def test_weights_that_vary_by_channel_get_a_column_of_their_own(tmp_path: Path):
    files = simulate_group(tmp_path, ntimes=3)

    def halve_a_channel(file: h5py.File) -> None:
        file["Data/nsamples"][2 * BASELINES :, :, 3, :] = 48

    edit_header(files[5], halve_a_channel)
    result = convert(files, tmp_path / "group.ms")
    with table(str(result.ms), ack=False) as main:
        spectrum, weight = main.getcol("WEIGHT_SPECTRUM"), main.getcol("WEIGHT")
    whole = 2 * 1953125.0 * 12.884902
    assert spectrum[: 2 * BASELINES] == pytest.approx(whole, rel=1e-6)
    # sb05 channel 3 falls, the output ascends.
    channel = (15 - 5) * 6 + (5 - 3)
    assert spectrum[2 * BASELINES :, channel] == pytest.approx(whole / 2, rel=1e-6)
    assert weight == pytest.approx(whole, rel=1e-6)
    validate_set(files, result)


def test_samples_without_a_count_are_flagged_under_their_reason(tmp_path: Path):
    files = simulate_group(tmp_path, ntimes=2)

    def spoil(file: h5py.File) -> None:
        file["Data/nsamples"][BASELINES + 1, 0, 2, 0] = 0
        file["Data/visdata"][BASELINES + 3, 0, 2, 0] = 0
        file["Data/flags"][BASELINES + 4, 0, 2, 1] = True

    edit_header(files[0], spoil)
    result = convert(files, tmp_path / "group.ms")
    assert {name: result.flagged_by_reason[name] for name in ("no_samples", "exact_zero", "raw_flag")} == {
        "no_samples": 1,
        "exact_zero": 1,
        "raw_flag": 1,
    }


def test_rows_in_another_order_give_the_same_set(files: list[Path], result: ConcatResult, tmp_path: Path):
    shuffled = []
    order = np.random.default_rng(1).permutation(3 * BASELINES)
    for path in files:
        copy = tmp_path / path.name
        copy.write_bytes(path.read_bytes())
        with h5py.File(copy, "r+") as file:
            for name in ("Header/time_array", "Header/ant_1_array", "Header/ant_2_array", "Data/visdata", "Data/flags", "Data/nsamples"):
                file[name][...] = file[name][()][order]
        shuffled.append(copy)
    other = convert(shuffled, tmp_path / "group.ms")
    seen = []
    for made in (result, other):
        with table(str(made.ms), ack=False) as main:
            seen.append(main.sort("TIME,ANTENNA1,ANTENNA2").getcol("DATA"))
    assert np.array_equal(*seen)


def test_compressed_double_and_reversed_channels_are_accepted(files: list[Path], result: ConcatResult, tmp_path: Path):
    changed = tmp_path / files[2].name
    with h5py.File(files[2]) as old, h5py.File(changed, "w") as new:
        old.copy("Header", new)
        for name in ("visdata", "flags", "nsamples"):
            values = old[f"Data/{name}"][()][:, :, ::-1]
            new.create_dataset(f"Data/{name}", data=values, compression="gzip", dtype=None if name != "nsamples" else "f8")
        new["Header/freq_array"][...] = old["Header/freq_array"][()][:, ::-1]
    other = convert([*files[:2], changed, *files[3:]], tmp_path / "group.ms")
    assert other.column_digests == result.column_digests


def test_a_member_with_a_chunk_that_cannot_be_read_is_treated_as_missing(files: list[Path], tmp_path: Path):
    broken = tmp_path / files[2].name
    with h5py.File(files[2]) as old, h5py.File(broken, "w") as new:
        old.copy("Header", new)
        for name in ("visdata", "flags", "nsamples"):
            new.create_dataset(f"Data/{name}", data=old[f"Data/{name}"][()], compression="gzip")
        chunk = new["Data/visdata"].id.get_chunk_info(0)
    with broken.open("r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * chunk.size)
    members = [*files[:2], broken, *files[3:]]
    result = convert(members, tmp_path / "group.ms")
    assert [(member.subband, member.code) for member in result.unusable] == [(2, "DataUnreadable")]
    validate_set(members, result)


def test_a_member_that_changes_while_it_is_read_is_not_settled(files: list[Path], tmp_path: Path):
    copy = tmp_path / files[0].name
    copy.write_bytes(files[0].read_bytes())
    with open_member(copy, 0, KnownTables()) as member:
        reader = MemberReader(member, [(0, 3 * BASELINES)], keep_bytes=1 << 30)
        copy.write_bytes(files[1].read_bytes())
        with pytest.raises(StepFailure) as refused:
            reader.check_unchanged()
        reader.close()
    assert (refused.value.type, refused.value.code) == ("NotSettled", "InputChanged")


REFUSED = {
    "EmptyFile": lambda path: path.write_bytes(b""),
    "NotHdf5": lambda path: path.write_bytes(b"x" * 100),
    "Truncated": lambda path: path.write_bytes(path.read_bytes()[:100_000]),
    "BadFrequencies": lambda path: edit_header(path, lambda file: file["Header/freq_array"].write_direct(file["Header/freq_array"][()] - 2e6)),
    "BadTimes": lambda path: edit_header(path, lambda file: file["Header/time_array"].__setitem__(slice(600, 900), np.nan)),
    "BadShape": lambda path: edit_header(path, lambda file: file["Header/time_array"].__setitem__(0, file["Header/time_array"][-1])),
    "BadPointing": lambda path: edit_header(path, lambda file: file["Header/extra_keywords/phase_center_dec"].__setitem__((), np.nan)),
    "UnknownPhaseCentre": lambda path: edit_header(path, lambda file: file["Header/extra_keywords/ha_phase_center"].__setitem__((), 0.1)),
    "BadAntennas": lambda path: edit_header(path, lambda file: file["Header/antenna_numbers"].__setitem__(0, 500)),
    "MissingDataset": lambda path: edit_header(path, lambda file: file.__delitem__("Data/nsamples")),
    "ForeignMember": lambda path: edit_header(
        path, lambda file: file["Header/antenna_positions"].__setitem__((0, 0), file["Header/antenna_positions"][0, 0] + 1)
    ),
}


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_a_bad_member_is_refused_by_name_with_its_path_and_leaves_nothing(code: str, files: list[Path], tmp_path: Path):
    bad = tmp_path / files[9].name
    bad.write_bytes(files[9].read_bytes())
    REFUSED[code](bad)
    with pytest.raises(StepFailure) as refused:
        convert([*files[:9], bad, *files[10:]], tmp_path / "group.ms")
    assert (refused.value.type, refused.value.code) == ("BadInput", code)
    assert str(bad) in refused.value.message and refused.value.remedy
    assert not list(tmp_path.glob("*.ms*")) and not list(tmp_path.glob(".*"))


def test_the_files_of_another_group_are_refused(files: list[Path], tmp_path: Path):
    with pytest.raises(StepFailure) as refused:
        convert(
            files,
            tmp_path / "group.ms",
            inputs={
                "members": [{"path": files[0], "subband": 0}],
                "expected_subbands": 16,
                "t0_jd": 2460951.0,
                "dec_rad": 0.9,
                "calibrators": None,
            },
        )
    assert refused.value.code == "ForeignMember"


def test_a_path_that_exists_is_never_written_over(files: list[Path], result: ConcatResult):
    before = sorted((file.name, file.stat().st_mtime_ns) for file in result.ms.iterdir())
    with pytest.raises(StepFailure) as refused:
        convert(files, result.ms)
    assert refused.value.code == "OutputExists"
    assert sorted((file.name, file.stat().st_mtime_ns) for file in result.ms.iterdir()) == before


def test_it_runs_from_a_shell_and_says_what_was_wrong(files: list[Path], tmp_path: Path):
    inputs = {"members": [{"path": files[0], "subband": 1}], "expected_subbands": 16, "t0_jd": 0.0, "dec_rad": 0.0, "calibrators": None}
    request = {"inputs": inputs, "parameters": {"max_bad_fraction": 0.5}, "outputs": {"ms": tmp_path / "group.ms"}}
    status, events = run_step_process("concat", request, tmp_path / "work")
    assert status == 1 and (events[-1]["event"], events[-1]["code"]) == ("failure", "BadFrequencies")
