"""CASA's own program that joins part sets: a plan in, an answer out (see contimg_science.casa_session). For bench/convert.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from casatasks import concat

plan = json.loads(Path(sys.argv[1]).read_text())
concat(vis=plan["parts"], concatvis=plan["ms"])
Path(sys.argv[2]).write_text("{}")
