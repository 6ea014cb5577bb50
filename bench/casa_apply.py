"""CASA's own applycal and split: a plan in, seconds of each out (see contimg_science.casa_session). For bench/apply.py."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from casatasks import applycal, split

plan = json.loads(Path(sys.argv[1]).read_text())
started = time.perf_counter()
applycal(vis=plan["ms"], gaintable=plan["tables"], interp=["nearest,linearflag", "nearest"], calwt=False, applymode="calflag", flagbackup=False)
applied = time.perf_counter()
split(vis=plan["ms"], outputvis=plan["target"], datacolumn="corrected", antenna="*&*", keepflags=True)
Path(sys.argv[2]).write_text(json.dumps({"applycal_s": applied - started, "split_s": time.perf_counter() - applied}))
