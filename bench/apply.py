"""`science/.venv/bin/python bench/apply.py`: calibrating one group, against CASA's applycal and split on the same set, same run.

Simulates a full-size group, converts it, and gives each receptor a gain with flagged channels. Both programs divide by the same
tables and leave a new Measurement Set of the cross-correlations; every sample and flag is compared. Options: `--size mini`; `--work DIR`
(8 GB at full size); `--group DIR` keeps the converted group there, or takes the one that is. Prints wall and processor seconds of whole
processes, start-up included, best of two for ours, and the load. Where a machine is shared, processor seconds say more.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests")]

import numpy as np  # noqa: E402
from casacore.tables import table  # noqa: E402
from converted_group import converted_group  # noqa: E402
from made_solutions import write_tables  # noqa: E402
from step_process import run_step_process  # noqa: E402

from contimg_science.casa_session import run_casa  # noqa: E402
from contimg_science.measurement_set import Description, describe  # noqa: E402

HEADER = "source_id,name,ra_deg,dec_deg,flux_jy,spectral_index\n"
SOURCES = 8
BAR_RATIO, BAR_DIFFERENCE = 3.0, 1e-5


def solved(ms: Path, group: Description, work: Path) -> dict[str, Any]:
    random = np.random.default_rng(7)
    stations = tuple(int(index) + 1 for index in np.flatnonzero(group.antenna_present))
    shape = (len(stations), 2, group.shape.channels)
    gains = 0.068 * (1 + 0.1 * random.standard_normal(shape[:2]))[..., None] * np.exp(2j * np.pi * random.random(shape[:2]))[..., None]
    flags = random.random(shape) < 0.005
    return write_tables(work, "bench", group.mid_mjd - 0.1, gains * np.ones(shape), ms, flags=flags, stations=stations)


@dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float
    answer: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.wall_s:7.1f} s wall {self.cpu_s:7.1f} s processor"


def measured(run: Callable[[], dict[str, Any]]) -> Cost:
    """Of the processes that `run` starts and waits for."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    answer = run()
    wall_s, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, answer)


def ours(ms: Path, target: Path, tables: dict[str, Any], positions: Path, **changed: Any) -> dict[str, Any]:
    request = {
        "inputs": {"ms": ms, "sets": [tables], "positions": positions},
        "parameters": {"average_channels": None, "max_smearing_loss": 0.01, "field_phase": True, **changed},
        "outputs": {"ms": target},
    }
    status, events = run_step_process("calibrate", request, target.parent)
    if status != 0:
        raise SystemExit(events[-1])
    return events[-1]["result"]


def largest_difference(one: Path, other: Path) -> tuple[float, int]:
    """Relative, over samples that neither flags; and how many flags differ."""
    worst, flags_differ, rows = 0.0, 0, 50_000
    with table(str(one), ack=False) as first, table(str(other), ack=False) as second:
        if first.nrows() != second.nrows():
            raise SystemExit(f"{first.nrows()} rows against {second.nrows()}")
        for start in range(0, first.nrows(), rows):
            mine, theirs = (opened.getcol("DATA", start, rows) for opened in (first, second))
            my_flags, their_flags = (opened.getcol("FLAG", start, rows) for opened in (first, second))
            flags_differ += int((my_flags != their_flags).sum())
            good = ~(my_flags | their_flags)
            worst = max(worst, float((np.abs(mine - theirs)[good] / np.abs(theirs)[good]).max(initial=0.0)))
    return worst, flags_differ


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", choices=("mini", "full"), default="full")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--group", type=Path)
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-apply-", dir=options.work) as folder:
        work = Path(folder)
        ms = converted_group(options.group or work, options.size)
        group = describe(ms)
        tables = solved(ms, group, work)
        ra_deg, dec_deg = np.degrees(group.centre_rad)
        lines = [f"{n},S{n},{ra_deg + 0.2 * n - 0.7},{dec_deg + 0.1 * n - 0.3},0.5,-0.7\n" for n in range(SOURCES)]
        positions = work / "positions.csv"
        positions.write_text(HEADER + "".join(lines))
        print(f"{group.shape.rows} rows x {group.shape.channels} channels; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        alike = {"average_channels": 1, "field_phase": False}
        runs = [measured(lambda: ours(ms, work / "ours.ms", tables, positions, **alike)) for _ in range(2)]
        best = min(runs, key=lambda run: run.wall_s)
        print(f"ours        {best}   {rounded(best.answer['timings_s'])}", flush=True)
        shipped = measured(lambda: ours(ms, work / "whole.ms", tables, positions))
        print(f"as shipped  {shipped}   {shipped.answer['channels']} channels; {rounded(shipped.answer['timings_s'])}", flush=True)
        if options.no_peer:
            return 0
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "science"), str(ROOT / "bench")])
        plan = {"ms": str(ms), "tables": [str(entry["path"]) for entry in tables["tables"]], "target": str(work / "casa.ms")}
        peer = measured(lambda: run_casa("casa_apply", plan, work / "casa", 2))
        print(f"CASA        {peer}   {rounded(peer.answer)}", flush=True)
        difference, flags_differ = largest_difference(work / "ours.ms", work / "casa.ms")
    ratio = peer.wall_s / best.wall_s
    print(f"ratio       {ratio:7.1f} in wall time, {peer.cpu_s / best.cpu_s:.1f} in processor time (bar {BAR_RATIO:.0f})")
    print(f"difference  {difference:7.1e} (bar {BAR_DIFFERENCE:.0e}), {flags_differ} flags differ; load {os.getloadavg()[0]:.1f}")
    return 0 if difference <= BAR_DIFFERENCE and flags_differ == 0 and ratio >= BAR_RATIO else 1


def rounded(timings_s: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.1f}" for name, seconds in timings_s.items())


raise SystemExit(main())
