"""`science/.venv/bin/python bench/convert.py`: what converting one group costs, against pyuvdata on the same files, same run.

Options: `--size mini` for a quick look, `--files DIR` for 16 files that are there, `--work DIR` for the outputs (20 GB at full
size), `--no-peer`. Two peers: `parts` (a Measurement Set a subband, then CASA concat) and `whole` (all in memory). Prints wall
seconds, ratio, throughput, peak memory and bytes moved of whole processes, and their bars.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests")]
RUNS = 3
RAW_ROWS = 64
BARS = {"concat_s": 10.0, "organize_s": 5.0, "ratio": 10.0, "memory_gib": 1.5}


@dataclass(frozen=True)
class Run:
    wall_s: float
    cpu_s: float
    peak_gib: float
    answer: dict[str, Any]


def run(command: list[str]) -> Run:
    """A whole process, start-up included, with the resources of itself alone."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2]), "OMP_NUM_THREADS": "2", "HDF5_USE_FILE_LOCKING": "FALSE"}
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"{command} failed: {output[-2000:]}")
    return Run(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024**2, json.loads(output.splitlines()[-1]))


def step(name: str, request: Any, work: Path) -> Run:
    path = work / f"{name}.json"
    path.write_text(request.model_dump_json())
    done = run(["-m", f"contimg_science.{name}", str(path)])
    return Run(done.wall_s, done.cpu_s, done.peak_gib, done.answer["result"])


def pyuvdata(order: dict[str, Any], way: str, work: Path) -> Run:
    folder = work / way
    folder.mkdir()
    plan = folder / "order.json"
    plan.write_text(json.dumps({**order, "way": way, "ms": str(folder / "peer.ms")}))
    done = run([str(ROOT / "bench" / "pyuvdata_conversion.py"), str(plan)])
    shutil.rmtree(folder)
    return done


def simulated(size: str, base: Path) -> None:
    from simulated import run as simulate
    from simulated import tiny_request

    simulate(tiny_request(base, size=size, ntimes=24, noise=True, instrument="real"))


def warm(files: list[Path]) -> int:
    """Read everything once, so that all runs find it in the page cache."""
    total = 0
    for path in files:
        with path.open("rb", buffering=0) as file:
            while piece := file.read(1 << 24):
                total += len(piece)
    return total


def best(runs: list[Run]) -> Run:
    return min(runs, key=lambda one: one.wall_s)


def show(name: str, done: Run, stages: dict[str, float]) -> None:
    told = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in stages.items())
    print(f"{name:10s} {done.wall_s:8.2f} s wall {done.cpu_s:8.2f} s cpu {done.peak_gib:6.2f} GiB   ({told})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=("mini", "full"), default="full")
    parser.add_argument("--files", type=Path)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-convert-", dir=options.work) as folder:
        work = Path(folder)
        if options.files is None:
            simulated(options.size, work)
        measure(sorted((options.files or work / "incoming").glob("*.hdf5"), key=lambda path: path.stem[-2:]), work, not options.no_peer)


def measure(files: list[Path], work: Path, with_peer: bool) -> None:
    from converted import concat_request, validate_request

    from contimg_science.concat import ConcatResult

    # Kernels are compiled at set-up, not in the first group.
    subprocess.run([sys.executable, "-m", "contimg_science.warm_up"], cwd=ROOT / "science", check=True, stdout=subprocess.DEVNULL)
    size = warm(files)
    print(f"{len(files)} files, {size / 1e9:.3f} GB in the page cache; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    conversions = [step("concat", concat_request(files, work / f"{number}.ms"), work) for number in range(RUNS)]
    ours = best(conversions)
    show("concat", ours, ours.answer["timings_s"])
    result = ConcatResult.model_validate(ours.answer)
    request = validate_request(files, result)
    request = request.model_copy(update={"parameters": request.parameters.model_copy(update={"raw_rows_checked": RAW_ROWS})})
    checked = best([step("validate", request, work) for _ in range(RUNS)])
    show("validate", checked, checked.answer["timings_s"])
    if with_peer:
        order = {"files": [str(path) for path in files], "dec_rad": request.inputs.dec_rad, "centre_deg": [result.ra_deg, result.dec_deg]}
        for way, bar in (("parts", f"bar {BARS['ratio']:.0f}"), ("whole", "no bar")):
            peer = pyuvdata(order, way, work)
            show(way, peer, peer.answer)
            wall, processor = peer.wall_s / ours.wall_s, peer.cpu_s / ours.cpu_s
            print(f"ratio      {wall:8.1f} in wall time, {processor:.1f} in processor time ({bar})")
    print(f"wall       concat {ours.wall_s:.2f} s (bar {BARS['concat_s']:.0f}), validate {checked.wall_s:.2f} s (bar {BARS['organize_s']:.0f})")
    print(f"through    {size / ours.wall_s / 1e6:8.0f} MB of input a second")
    print(f"memory     {max(one.peak_gib for one in conversions):8.2f} GiB at most (bar {BARS['memory_gib']})")
    read, written = result.bytes_read / size, result.bytes_written / size
    print(f"bytes      {read:.4f} read and {written:.4f} written per input byte; read twice: {len(result.read_twice)} of {len(files)}")
    print(f"load after {os.getloadavg()[0]:.1f}")


main()
