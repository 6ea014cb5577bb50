"""CASA's own application of calibration tables, the reference of test_calibrate: `python -m casa_applycal PLAN.json ANSWER.json`."""

import json
import sys
from pathlib import Path

from casatools import calibrater

plan = json.loads(Path(sys.argv[1]).read_bytes())
tool = calibrater()
tool.open(filename=plan["ms"], compress=False, addcorr=True, addmodel=False)
tool.selectvis(time="", spw="", scan="", field="", intent="", observation="", baseline="", uvrange="", chanmode="none", msselect="")
for path in plan["tables"]:
    tool.setapply(t=0.0, table=path, field="", calwt=False, spwmap=[-1], interp=plan["interp"])
tool.correct("calflag")
tool.close()
Path(sys.argv[2]).write_text("{}")
