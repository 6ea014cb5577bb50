"""Each fault gives what it says, and the truth says what it must end as."""

import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from simulated import run, tiny_request

from contimg_science.channels import subband_frequencies_hz
from contimg_science.protocol import StepFailure
from contimg_science.simulation.faults import FAULTS


def with_fault(base: Path, name: str, value: Any = None, subbands: Any = (7,), **parameters: Any) -> dict[str, Any]:
    """The truth of a tiny group with one fault in subband 7."""
    subbands = subbands if subbands == "*" else list(subbands)
    _, truth = run(tiny_request(base, faults={name: [{"group": 0, "subbands": subbands, "value": value}]}, **parameters))
    return truth


def names(base: Path) -> list[str]:
    return sorted(path.name for path in (base / "incoming").iterdir())


def faulty(base: Path, ending: str = "*_sb07*") -> Path:
    [path] = (base / "incoming").glob(ending)
    return path


def header(path: Path, name: str) -> Any:
    with h5py.File(path) as file:
        return file["Header"][name][()]


@pytest.mark.slow
def test_every_fault_states_its_end_in_the_truth(tmp_path: Path) -> None:
    values = {"late": 0.0, "truncate": 0.5, "duplicate": "same", "short": 1, "nan": 0.5, "width_sign": -1, "wrong_dec": 16.0,
              "wrong_slot": 3, "stale_clock": 4.0, "replace": 0.2}  # fmt: skip
    for name, fault in FAULTS.items():
        truth = with_fault(tmp_path / name, name, values.get(name))
        [entry] = truth["faults"]
        assert entry["must_end_as"] == {"kind": fault.kind, "any_of": list(fault.ends_as)} and entry["subband"] == 7
        at_once = 7 in truth["groups"][0]["subbands_at_once"]
        assert at_once == (name in {"late", "half_written", "duplicate", "short", "nan", "reverse", "width_sign", "replace"}), name


def test_a_missing_file_is_not_there(tmp_path: Path) -> None:
    with_fault(tmp_path, "missing")
    assert len(names(tmp_path)) == 15 and not any("_sb07" in name for name in names(tmp_path))


@pytest.mark.slow
def test_a_late_file_comes_after_the_rest(tmp_path: Path) -> None:
    truth = with_fault(tmp_path, "late", 0.3)
    [late] = [entry for entry in truth["files"] if entry["late_s"]]
    others = [path.stat().st_ctime_ns for path in (tmp_path / "incoming").iterdir() if "_sb07" not in path.name]
    assert late["subband"] == 7 and truth["groups"][0]["subbands_late"] == [7]
    assert (faulty(tmp_path).stat().st_ctime_ns - max(others)) / 1e9 > 0.25


@pytest.mark.slow
def test_cut_and_empty_files_have_their_size(tmp_path: Path) -> None:
    with_fault(tmp_path / "cut", "truncate", 0.4)
    with_fault(tmp_path / "empty", "zero_byte")
    whole = next((tmp_path / "cut" / "incoming").glob("*_sb06*")).stat().st_size
    assert abs(faulty(tmp_path / "cut").stat().st_size / whole - 0.4) < 0.001
    assert faulty(tmp_path / "empty").stat().st_size == 0


@pytest.mark.slow
def test_a_corrupt_header_keeps_its_signature_and_size_and_cannot_be_read(tmp_path: Path) -> None:
    with_fault(tmp_path, "corrupt")
    path = faulty(tmp_path)
    assert path.read_bytes()[:8] == b"\x89HDF\r\n\x1a\n" and path.stat().st_size > 100_000
    with pytest.raises((OSError, KeyError, RuntimeError)), h5py.File(path) as file:
        file["Header/time_array"][()]


@pytest.mark.slow
def test_names_of_unfinished_and_marked_files(tmp_path: Path) -> None:
    with_fault(tmp_path / "open", "incomplete")
    with_fault(tmp_path / "marked", "corrupted_name")
    assert faulty(tmp_path / "open").name.endswith("_sb07_incomplete.hdf5")
    assert faulty(tmp_path / "marked").name.endswith("_sb07.hdf5.corrupted")


@pytest.mark.slow
@pytest.mark.parametrize("content", ["same", "other"])
def test_a_duplicate_has_another_name_and_the_content_it_says(tmp_path: Path, content: str) -> None:
    with_fault(tmp_path, "duplicate", content)
    digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "incoming").glob("*_sb07*")}
    assert len(names(tmp_path)) == 17 and len(digests) == (1 if content == "same" else 2)


def test_a_short_file_ends_early_with_a_half_sampled_integration(tmp_path: Path) -> None:
    with_fault(tmp_path, "short", 2, ntimes=4)
    with h5py.File(faulty(tmp_path)) as file:
        assert file["Header/Ntimes"][()] == 2 and file["Data/visdata"].shape[0] == 600 == file["Header/Nblts"][()]
        assert np.unique(file["Data/nsamples"][300:]).tolist() == [48] and np.unique(file["Data/nsamples"][:300]).tolist() == [96]


def test_nan_blocks_have_their_share(tmp_path: Path) -> None:
    with_fault(tmp_path, "nan", 0.3)
    with h5py.File(faulty(tmp_path)) as file:
        lost = np.isnan(file["Data/visdata"][()]).mean()
    # 600 rows: 1σ is 1.9 %.
    assert abs(lost - 0.3) < 0.08


def test_reversed_pairs_hold_the_conjugate_of_the_same_samples(tmp_path: Path) -> None:
    run(tiny_request(tmp_path / "plain", noise=True))
    with_fault(tmp_path / "reversed", "reverse", subbands="*", noise=True)
    with h5py.File(faulty(tmp_path / "plain")) as plain, h5py.File(faulty(tmp_path / "reversed")) as turned:
        np.testing.assert_array_equal(plain["Data/visdata"][()], turned["Data/visdata"][()].conj())
        np.testing.assert_array_equal(plain["Header/ant_1_array"][()], turned["Header/ant_2_array"][()])
        np.testing.assert_array_equal(plain["Header/uvw_array"][()], -turned["Header/uvw_array"][()])


@pytest.mark.slow
def test_labels_channels_and_pointing_go_wrong_as_asked(tmp_path: Path) -> None:
    for name, value in (("width_sign", -1), ("wrong_dec", 16.27), ("wrong_slot", 3), ("stale_clock", 4.0), ("mjd55000", None)):
        with_fault(tmp_path / name, name, value)
    plain = next((tmp_path / "width_sign" / "incoming").glob("*_sb06*"))
    assert header(faulty(tmp_path / "width_sign"), "channel_width") == -header(plain, "channel_width")
    assert header(faulty(tmp_path / "wrong_dec"), "extra_keywords/phase_center_dec") == np.radians(16.27)
    np.testing.assert_array_equal(header(faulty(tmp_path / "wrong_slot"), "freq_array")[0], subband_frequencies_hz(3, 6))
    hours = (header(plain, "time_array")[0] - header(faulty(tmp_path / "stale_clock"), "time_array")[0]) * 24
    assert abs(hours - 4) < 1e-6
    assert header(faulty(tmp_path / "mjd55000"), "time_array")[0] == 2455000.5


@pytest.mark.slow
def test_a_replaced_file_keeps_its_name_and_changes_inode_and_content(tmp_path: Path) -> None:
    truth = with_fault(tmp_path, "replace", 0.2)
    first, second = [entry for entry in truth["files"] if entry["subband"] == 7]
    assert len(names(tmp_path)) == 16 and first["name"] == second["name"] and first["sha256"] != second["sha256"]
    assert hashlib.sha256(faulty(tmp_path).read_bytes()).hexdigest() == second["sha256"]


@pytest.mark.slow
def test_files_that_must_not_or_cannot_be_opened(tmp_path: Path) -> None:
    for name in ("unreadable", "bad_name", "link_out"):
        with_fault(tmp_path / name, name)
    assert faulty(tmp_path / "unreadable").stat().st_mode & 0o777 == 0
    assert faulty(tmp_path / "bad_name", "*_sb0\n7.hdf5").is_file()
    link = faulty(tmp_path / "link_out")
    assert link.is_symlink() and link.resolve().parent == tmp_path / "link_out" / "truth" / "linked-out"


def test_a_bomb_is_small_and_claims_terabytes(tmp_path: Path) -> None:
    with_fault(tmp_path, "bomb")
    plain = next((tmp_path / "incoming").glob("*_sb06*"))
    assert abs(faulty(tmp_path).stat().st_size / plain.stat().st_size - 1) < 0.01
    with h5py.File(faulty(tmp_path)) as file:
        assert file["Data/visdata"].nbytes > 2.9e12


@pytest.mark.slow
def test_only_files_that_are_good_members_are_promised_a_group(tmp_path: Path) -> None:
    for name, value in (("wrong_dec", 16.27), ("stale_clock", 4.0), ("zero_byte", None)):
        truth = with_fault(tmp_path / name, name, value)
        promised = {entry["subband"]: entry["group_id"] for entry in truth["files"]}
        assert promised[7] is None and promised[6] == truth["groups"][0]["group_id"]


@pytest.mark.parametrize(
    ("name", "value", "group"), [("truncate", 2.0, 0), ("truncate", None, 0), ("missing", 1.0, 0), ("duplicate", 3.0, 0), ("missing", None, 9)]
)
def test_a_fault_that_makes_no_sense_is_refused(tmp_path: Path, name: str, value: Any, group: int) -> None:
    request = tiny_request(tmp_path, faults={name: [{"group": group, "subbands": [7], "value": value}]})
    with pytest.raises(StepFailure) as refused:
        run(request)
    assert refused.value.type == "BadInput"
    assert not list((tmp_path / "incoming").iterdir())
