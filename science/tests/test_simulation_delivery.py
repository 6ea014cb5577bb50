"""How files arrive, and that a simulation is repeatable and well-behaved as a process."""

import hashlib
import json
import signal
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from simulated import START, night_request, run, start_process, tiny_request

from contimg_science.protocol import StepFailure


def digests(base: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (base / "incoming").iterdir()}


@pytest.mark.slow
def test_the_shipped_night_request_runs_as_a_process(tmp_path: Path) -> None:
    process = start_process(night_request(tmp_path, ntimes=2), tmp_path)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    *progress, last = [json.loads(line) for line in output.splitlines()]
    assert all(event["event"] == "progress" for event in progress) and last["event"] == "result"
    result, truth = last["result"], json.loads((tmp_path / "truth" / "truth.json").read_text())
    assert [group["files"] for group in result["groups"]] == [16, 16, 15, 16, 16, 16, 16, 16]
    assert {entry["name"]: entry["sha256"] for entry in truth["files"]} == digests(tmp_path)
    assert sorted(path.name for path in (tmp_path / "truth").iterdir()) == ["catalogue.csv", "truth.json", "truth.npz"]
    for entry in truth["files"]:
        with h5py.File(tmp_path / "incoming" / entry["name"]) as file:
            start_s = (file["Header/time_array"][0] - 2440587.5) * 86400 - 6.442451
        assert np.datetime64(entry["group_id"]) == np.datetime64(round(start_s), "s")


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed, threads in (("one", 5, 1), ("two", 5, 2), ("three", 6, 1)):
        request = tiny_request(tmp_path / name, seed=seed, noise=True, instrument="real")
        run(request | {"threads": threads})
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert set(digests(tmp_path / "one").values()).isdisjoint(digests(tmp_path / "three").values())


@pytest.mark.slow
@pytest.mark.parametrize("style", ["rsync", "inplace", "at-once", "incomplete"])
def test_every_style_ends_with_the_same_files(tmp_path: Path, style: str) -> None:
    run(tiny_request(tmp_path / "reference"))
    run(tiny_request(tmp_path, deliver=style, rate=10000.0))
    assert digests(tmp_path) == digests(tmp_path / "reference")


def watch(process: Any, directory: Path) -> set[str]:
    seen: set[str] = set()
    while process.poll() is None:
        if directory.exists():
            seen |= {f"{path.name}:{path.stat().st_size}" for path in directory.iterdir() if path.exists()}
        time.sleep(0.005)
    return seen


@pytest.mark.slow
def test_a_file_that_grows_in_place_is_seen_half_written(tmp_path: Path) -> None:
    request = tiny_request(tmp_path, faults={"half_written": [{"group": 0, "subbands": [7], "value": None}]})
    process = start_process(request, tmp_path)
    sizes = {int(entry.rpartition(":")[2]) for entry in watch(process, tmp_path / "incoming") if "_sb07.hdf5" in entry}
    assert process.wait() == 0 and len(sizes) > 2
    _, errors = process.communicate()
    assert errors == ""


@pytest.mark.slow
def test_a_rate_paces_the_groups(tmp_path: Path) -> None:
    schedule = {"kind": "run", "start_utc": START, "count": 3}
    # 309.24 s / 400 is 0.77 s a group.
    _, truth = run(tiny_request(tmp_path, schedule=schedule, rate=400.0))
    arrivals = [
        min((tmp_path / "incoming" / entry["name"]).stat().st_ctime for entry in truth["files"] if entry["made_for"] == group["group_id"])
        for group in truth["groups"]
    ]
    # A busy machine may deliver a group late but never early; 0.05 s is the spread of 16 renames.
    assert arrivals[1] - arrivals[0] > 0.7 and arrivals[2] - arrivals[0] > 1.45


def test_truth_inside_the_input_directory_is_refused(tmp_path: Path) -> None:
    request = tiny_request(tmp_path)
    request["outputs"]["truth_directory"] = str(tmp_path / "incoming" / "truth")
    with pytest.raises(StepFailure, match="lies in"):
        run(request)


@pytest.mark.slow
def test_files_that_are_there_are_never_replaced(tmp_path: Path) -> None:
    run(tiny_request(tmp_path))
    before = digests(tmp_path)
    again = tiny_request(tmp_path, seed=9)
    with pytest.raises(StepFailure) as same_truth:
        run(again)
    again["outputs"]["truth_directory"] = str(tmp_path / "truth-2")
    again["parameters"]["seed"] = 110
    with pytest.raises(StepFailure) as same_names:
        run(again)
    assert (same_truth.value.code, same_names.value.code) == ("AlreadyThere", "AlreadyThere")
    assert digests(tmp_path) == before


@pytest.mark.slow
def test_sigterm_ends_the_run_cleanly(tmp_path: Path) -> None:
    schedule = {"kind": "run", "start_utc": START, "count": 50}
    process = start_process(tiny_request(tmp_path, schedule=schedule, rate=100.0), tmp_path)
    deadline = time.monotonic() + 60
    while not list((tmp_path / "incoming").glob("*.hdf5")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=20)
    last = json.loads(output.splitlines()[-1])
    assert process.returncode == 1 and (last["event"], last["code"]) == ("failure", "Stopped")
    assert not (tmp_path / "truth" / "staging").exists()
    for path in (tmp_path / "incoming").iterdir():
        with h5py.File(path) as file:
            assert file["Header/Ntimes"][()] == 2


def test_a_request_without_a_parameter_is_refused_by_name(tmp_path: Path) -> None:
    request = tiny_request(tmp_path)
    del request["parameters"]["noise"]
    process = start_process(request, tmp_path)
    output, _ = process.communicate(timeout=60)
    failure = json.loads(output)
    assert (failure["type"], failure["code"]) == ("BadInput", "BadRequest") and "noise" in failure["message"]
