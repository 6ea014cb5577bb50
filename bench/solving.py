"""`science/.venv/bin/python bench/solving.py NIGHT`: step solve on the transit of a simulated night, against CASA on every integration.

NIGHT is a folder that `node bench/night.ts --size full --keep` left. Both solve on the same set in the same run: the step on
sums of a minute, CASA with the same plan on all integrations. Prints seconds, how far each is from the true gains and from the other, and
the load. Reads the night only; needs 4 GB in the temporary folder (`--work DIR` names another) and as much memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests")]

import numpy as np  # noqa: E402
from step_process import run_step_process  # noqa: E402
from test_solve import PARAMETERS  # noqa: E402

from contimg_science.calibration.calibration_table import read_solutions  # noqa: E402
from contimg_science.calibration.field_sources import choose_field, read_sources  # noqa: E402
from contimg_science.calibration.sky_model import site_of, track  # noqa: E402
from contimg_science.calibration.solving_set import write_solving_set  # noqa: E402
from contimg_science.calibration.transit_sums import sum_transit  # noqa: E402
from contimg_science.calibrators import CALIBRATORS  # noqa: E402
from contimg_science.casa_session import run_casa  # noqa: E402
from contimg_science.measurement_set import describe  # noqa: E402

# The channels that the simulator sets off their neighbours are clipped or filled in; they say nothing of a solution.
OUTLIER = 0.1


def cost(label: str, run: Callable[[], Any]) -> Any:
    """What `run` answers; prints what it took, the processes that it waited for included."""

    def processor_s() -> float:
        own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime

    started, before = time.perf_counter(), processor_s()
    answer = run()
    print(f"{label:34} {time.perf_counter() - started:6.1f} s wall {processor_s() - before:6.1f} s processor  load {os.getloadavg()[0]:.1f}")
    return answer


def solved_gains(bandpass: Path, gain: Path, truth: Any) -> tuple[np.ndarray, np.ndarray]:
    """Gains (antenna, channel, receptor) and those over the true ones, phases relative to an antenna; NaN where there is none."""
    one, other = read_solutions(bandpass), read_solutions(gain)
    index = [one.antenna_names.index(f"DSA-{station:03d}") for station in truth["stations"]]
    gains = np.where(one.flags[0] | other.flags[0], np.nan, one.gains[0] * other.gains[0])[index]
    nearest = int(np.argmin(np.abs(truth["times_mjd"].mean(axis=1) - other.mjd[0])))
    true = truth["gain"][nearest].mean(axis=0)[:, None] * np.moveaxis(truth["bandpass"], 1, 2)[:, ::-1]
    ratio = gains / np.where(true == 0, np.nan, true)
    return gains, ratio * np.exp(-1j * np.angle(ratio[-1]))


def say(label: str, ratio: np.ndarray) -> None:
    good = ratio[np.isfinite(ratio) & (np.abs(np.abs(ratio) - 1) < OUTLIER)]
    amplitude, phase_deg = np.abs(good), np.degrees(np.angle(good))
    print(f"{label:34} flux scale {np.median(amplitude) ** 2 - 1:+.5f}  |g| {amplitude.std():.4f} rms  phase {phase_deg.std():.3f}° rms")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("night", type=Path)
    arguments.add_argument("--work", type=Path, default=None)
    asked = arguments.parse_args()
    os.environ["PYTHONPATH"] = str(ROOT / "science")  # of CASA's process
    truth: Any = np.load(asked.night / "truth" / "truth.npz")
    groups = json.loads((asked.night / "truth" / "truth.json").read_text())["groups"]
    [(ms, calibrator), *_] = [
        (path, group["calibrator"])
        for group in groups
        if group["calibrator"] is not None
        for path in (asked.night / "products" / "ms" / "calibrators").glob(f"*/{group['group_id']}.ms")
    ]
    with tempfile.TemporaryDirectory(prefix="bench-solving-", dir=asked.work) as folder:
        work = Path(folder)
        header, *lines = (asked.night / "truth" / "catalogue.csv").read_text().splitlines()
        positions = work / "positions.csv"
        positions.write_text("\n".join([f"source_id,{header}", *(f"{number},{line}" for number, line in enumerate(lines, start=1))]) + "\n")
        request = {
            "inputs": {"ms": ms, "calibrator": calibrator, "positions": positions, "previous": None, "calibrators": None},
            "parameters": PARAMETERS,
            "outputs": {"directory": work / "tables"},
        }
        status, events = cost("step solve, on sums of a minute", lambda: run_step_process("solve", request, work))
        if status != 0:
            raise SystemExit(events[-1])
        result = events[-1]["result"]
        print("  " + ", ".join(f"{phase} {seconds:.1f}" for phase, seconds in result["timings_s"].items()) + f"; passed: {result['passed']}")

        group = describe(ms)
        known = CALIBRATORS[calibrator]
        around = choose_field(read_sources(positions), known, group, PARAMETERS["min_field_fraction"])
        at, *field = (track(group, site_of(ms), source) for source in (known, *around))
        whole = work / "whole.ms"
        cost("  all integrations written", lambda: write_solving_set(ms, whole, group, known, at, sum_transit(ms, group, [at, *field], 1, 2)))
        tables = {kind: work / f"whole.{kind}" for kind in ("phase", "BP", "GP", "2G")}
        plan = {**PARAMETERS, "ms": whole, "reference_antenna": result["reference_antenna"], "tables": tables}
        cost("CASA alone, on all integrations", lambda: run_casa("contimg_science.calibration.casa_solve", plan, work, 2))

        ours, ours_over_true = solved_gains(*(Path(table["path"]) for table in result["tables"][:2]), truth)
        every, every_over_true = solved_gains(tables["BP"], tables["GP"], truth)
        say("step solve", ours_over_true)
        say("CASA on all integrations", every_over_true)
        unequal = np.count_nonzero(np.isnan(ours) != np.isnan(every))
        print(f"largest difference of a gain: {np.nanmax(np.abs(ours / every - 1)):.1e}; flags differ in {unequal}")


main()
