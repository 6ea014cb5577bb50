"""CASA's reading of a set, for test_conversion_tools: `python -m casa_listobs PLAN.json ANSWER.json`."""

import json
import sys
from pathlib import Path

from casatools import ms as measurement_set
from casatools import msmetadata

plan = json.loads(Path(sys.argv[1]).read_bytes())
tool = measurement_set()
tool.open(plan["ms"])
tool.summary(verbose=True)
tool.msselect({"field": "meridian", "spw": "DSA110:0~3", "baseline": "DSA-103&DSA-104", "scanintent": "OBSERVE_TARGET#ON_SOURCE"})
selected = int(tool.nrow(True))
tool.close()
metadata = msmetadata()
metadata.open(plan["ms"])
answer = {
    "observatory": metadata.observatorynames(),
    "fields": metadata.fieldnames(),
    "intents": list(metadata.intents()),
    "windows": metadata.nspw(),
    "channels": int(metadata.nchan(0)),
    "antennas": metadata.nantennas(),
    "selected_rows": selected,
}
metadata.close()
Path(sys.argv[2]).write_text(json.dumps(answer))
