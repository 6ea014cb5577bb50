"""CASA's share of step `solve`: phase, bandpass and gain tables of a Measurement Set whose model is 1, a sample an interval.

Run as `python -m contimg_science.calibration.casa_solve PLAN.json ANSWER.json` by casa_session, alone in its process.
Order: phase by interval (never given to targets: it only keeps the bandpass average coherent) → bandpass a channel →
outlier channels out → gain of the whole group → gain by interval. Solutions are never normalised: the flux scale is in them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from casatools import calibrater, table  # type: ignore[import-untyped]

from contimg_science.calibration.bandpass_envelope import outlier_channels
from contimg_science.protocol import die_with_parent

WHOLE_GROUP, EACH_INTERVAL = "inf", "int"


class NoSolutions(Exception):
    """Not one sample of a table could be solved."""


def solve(plan: dict[str, Any]) -> dict[str, Any]:
    tables: dict[str, str] = plan["tables"]
    try:
        return {"clipped_channels": _solve_all(plan, tables), "without_solutions": None}
    except NoSolutions as without:
        return {"clipped_channels": 0, "without_solutions": str(without)}


def _solve_all(plan: dict[str, Any], tables: dict[str, str]) -> int:
    """Answers how many channels of the bandpass were clipped."""
    _solve_one(
        plan, tables["phase"], [], type="G", t=EACH_INTERVAL, apmode="p", minsnr=plan["min_phase_snr"], uvrange=f">{plan['uv_min_lambda']}lambda"
    )
    _solve_one(plan, tables["BP"], [tables["phase"]], type="B", t=WHOLE_GROUP, minsnr=plan["min_snr"], fillgaps=plan["fill_gaps"])
    clipped = _clip_bandpass(tables["BP"], plan["bandpass_outlier_fraction"])
    _solve_one(plan, tables["GP"], [tables["BP"]], type="G", t=WHOLE_GROUP, apmode="ap", minsnr=plan["min_snr"])
    _solve_one(plan, tables["2G"], [tables["BP"], tables["GP"]], type="G", t=EACH_INTERVAL, apmode="ap", minsnr=plan["min_phase_snr"])
    return clipped


def _solve_one(plan: dict[str, Any], caltable: str, apply: list[str], uvrange: str = "", **solver: Any) -> None:
    tool = calibrater()
    try:
        tool.open(filename=plan["ms"], compress=False, addcorr=False, addmodel=False)
        tool.reset()
        tool.selectvis(
            time="",
            spw="",
            scan="",
            field="",
            intent="",
            observation="",
            baseline="",
            uvrange=uvrange,
            chanmode="none",
            msselect="ANTENNA1!=ANTENNA2",
        )
        tool.setcorrdepflags(True)  # otherwise a dead receptor takes the living one of its antenna with it
        for path in apply:
            tool.setapply(t=0.0, table=path, field="", calwt=False, spwmap=[-1], interp="linear,linearflag")
        tool.setsolve(
            combine="scan,field",
            refant=plan["reference_antenna"],
            minblperant=plan["min_baselines_per_antenna"],
            solnorm=False,
            table=caltable,
            append=False,
            **solver,
        )
        solved = tool.solve()
    finally:
        tool.close()
    if not (solved and (Path(caltable) / "table.dat").is_file()):
        raise NoSolutions(Path(caltable).name)


def _clip_bandpass(caltable: str, fraction: float) -> int:
    """Flags bandpass channels far off their antenna's envelope; answers how many (antenna, receptor, channel)."""
    solutions = table()
    solutions.open(caltable, nomodify=False)
    try:
        gains, flags = solutions.getcol("CPARAM"), solutions.getcol("FLAG")  # (receptor, channel, row) in casatools
        outlier = outlier_channels(np.abs(gains), flags, fraction)
        solutions.putcol("FLAG", flags | outlier)
        return int(np.count_nonzero(outlier))
    finally:
        solutions.close()


if __name__ == "__main__":
    die_with_parent()
    Path(sys.argv[2]).write_text(json.dumps(solve(json.loads(Path(sys.argv[1]).read_bytes()))))
