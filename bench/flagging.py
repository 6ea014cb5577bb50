"""`science/.venv/bin/python bench/flagging.py`: what step `flag` finds of injected interference, what it loses, and what it costs.

Simulates and converts one group, flags it clean, then with array-coherent interference of 2σ a visibility, then with interference of 10σ
to 15σ on single baselines, each time in a process of its own on the same set. Options: `--size mini`; `--group DIR` keeps the converted
group there, or takes the one that is (2.3 GB at full size); `--only CASE`. Prints the bars beside what was reached, seconds by phase, processor
seconds and peak memory of whole processes, and ends with 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests")]

import numpy as np  # noqa: E402
from casacore.tables import table  # noqa: E402
from converted_group import converted_group  # noqa: E402
from injected_interference import inject_coherent, inject_local, read_group  # noqa: E402
from step_process import run_step_process  # noqa: E402

from contimg_science.flagging.array_statistic import is_outlier_channel  # noqa: E402

PARAMETERS = {"mad_sigma": 7, "dead_antenna_fraction": 0.95, "aoflagger": True, "aoflagger_threshold": 1.2}
COHERENT_SIGMA, LOCAL_SIGMA = 2.0, (10.0, 15.0)
CASES = ("clean", "coherent", "local")
COHERENT_FOUND, LOCAL_FOUND, LOST = 0.99, 0.95, 0.015


def flagged(ms: Path, work: Path) -> tuple[np.ndarray, dict[str, Any]]:
    """The FLAG column as (time, baseline, channel, product), and the event of the step."""
    request = {"inputs": {"ms": ms, "published_ms": None}, "parameters": PARAMETERS, "outputs": {"statistics": work / "flags.json"}}
    status, events = run_step_process("flag", request, work, timeout_s=1800)
    if status != 0:
        raise SystemExit(events[-1])
    with table(str(ms), ack=False) as main:
        flags = main.getcol("FLAG")
        times = np.unique(main.getcol("TIME")).size
    return flags.reshape(times, -1, *flags.shape[1:]), events[-1]


def report(name: str, event: dict[str, Any]) -> None:
    result, used = event["result"], event["resources"]
    phases = ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in result["timings_s"].items())
    print(
        f"{name:9} {used['wall_s']:6.1f} s wall {used['cpu_s']:6.1f} s processor {used['max_rss_bytes'] / 2**30:5.2f} GiB   {phases}   "
        f"load {os.getloadavg()[0]:.1f}"
    )
    print(f"          {', '.join(f'{reason} {count}' for reason, count in result['flagged_by_reason'].items() if count)}", flush=True)


def held(what: str, value: float, sign: str, bar: float) -> bool:
    good = value >= bar if sign == ">=" else value <= bar
    print(f"{what:66} {value:8.4f} (bar {sign} {bar}){'' if good else '  MISSED'}", flush=True)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", choices=("mini", "full"), default="full")
    parser.add_argument("--group", type=Path)
    parser.add_argument("--only", choices=CASES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-flagging-") as folder:
        work = Path(folder)
        if options.group is not None:
            options.group.mkdir(parents=True, exist_ok=True)
        clean = converted_group(options.group or work, options.size)
        good: list[bool] = []
        for name in CASES if options.only is None else (options.only,):
            ms = work / f"{name}.ms"
            shutil.copytree(clean, ms)
            group = read_group(ms)
            cross, usual = group.cross, ~is_outlier_channel(group.freq_hz)
            cells = inject_coherent(group, COHERENT_SIGMA, seed=3) if name == "coherent" else np.zeros((group.data.shape[0], usual.size), bool)
            touched = inject_local(group, *LOCAL_SIGMA, boxes=2000, seed=4) if name == "local" else None
            if name != "clean":
                group.write()
            del group
            flags, event = flagged(ms, work)
            report(name, event)
            flags = flags[:, cross]
            untouched = np.broadcast_to(~cells[:, None, :, None], flags.shape)
            if touched is not None:
                touched = touched[:, cross]
                good.append(held("interference of single baselines, 10σ and more: part found", float(flags[touched].mean()), ">=", LOCAL_FOUND))
                untouched = ~touched
            if cells.any():
                good.append(
                    held(
                        "array-coherent interference, 2σ a visibility: part found",
                        float(flags.mean(axis=(1, 3))[cells].mean()),
                        ">=",
                        COHERENT_FOUND,
                    )
                )
            lost = float(flags[:, :, usual][untouched[:, :, usual]].mean())
            good.append(held(f"clean samples lost outside outlier channels ({name})", lost, "<=", LOST))
            shutil.rmtree(ms)
    return 0 if all(good) else 1


raise SystemExit(main())
