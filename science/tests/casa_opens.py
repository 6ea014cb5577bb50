"""CASA's own reading and imaging of a set, for test_conversion_opens: `python -m casa_opens PLAN.json ANSWER.json`."""

import json
import sys
from pathlib import Path

from casatasks import exportfits, listobs, tclean
from casatools import measures, msmetadata, quanta
from casatools import ms as measurement_set

plan = json.loads(Path(sys.argv[1]).read_bytes())
tool = measurement_set()
tool.open(plan["ms"])
tool.msselect({"field": "meridian", "spw": "DSA110:0~3", "baseline": "DSA-103&DSA-104", "scanintent": "OBSERVE_TARGET#ON_SOURCE"})
selected = int(tool.nrow(True))
tool.close()


def angles(direction: dict) -> list[float]:
    return [direction["m0"]["value"], direction["m1"]["value"]]


metadata = msmetadata()
metadata.open(plan["ms"])
times = metadata.timesforscans(1)
place = measures().observatory(metadata.observatorynames()[0])
answer = {
    "observatory": metadata.observatorynames(),
    "fields": metadata.fieldnames(),
    "intents": list(metadata.intents()),
    "windows": metadata.nspw(),
    "channels": int(metadata.nchan(0)),
    "antennas": metadata.nantennas(),
    "selected_rows": selected,
    "centre_rad": angles(metadata.phasecenter(0)),
    "reference_rad": angles(metadata.refdir(0)),
    "observatory_rad": angles(place),
    "first_time_mjd": quanta().convert({"unit": "s", "value": float(times.min())}, "d")["value"],
    "interval_s": metadata.exposuretime(scan=1, spwid=0, polid=0)["value"],
}
metadata.close()

listing = Path(plan["image"]).with_suffix(".listobs")
listobs(vis=plan["ms"], listfile=str(listing), verbose=True)
answer["listobs"] = listing.read_text()

tclean(
    vis=plan["ms"],
    imagename=plan["image"],
    imsize=plan["pixels"],
    cell=f"{plan['cell_arcsec']}arcsec",
    specmode="mfs",
    gridder="wproject",
    wprojplanes=16,
    weighting="briggs",
    robust=0.0,
    niter=300,
    calcpsf=True,
)
exportfits(imagename=f"{plan['image']}.image", fitsimage=f"{plan['image']}.fits")
Path(sys.argv[2]).write_text(json.dumps(answer))
