"""CASA's own tclean and exportfits: a plan in, an answer out (see contimg_science.casa_session). For bench/imaging.py."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from casatasks import exportfits, tclean

plan = json.loads(Path(sys.argv[1]).read_text())
tclean(
    vis=plan["ms"],
    imagename=plan["name"],
    spw=plan["spw"],
    datacolumn="data",
    imsize=plan["width_px"],
    cell=f"{plan['cell_arcsec']}arcsec",
    gridder="standard",
    specmode="mfs",
    deconvolver="hogbom",
    weighting="briggs",
    robust=plan["robust"],
    uvtaper=[f"{plan['taper_arcsec']}arcsec"],
    niter=plan["niter"],
    threshold=f"{plan['threshold_jy']}Jy",
    stokes="I",
    pblimit=-1,
    pbcor=False,
    calcres=True,
)
for plane in ("image", "residual"):
    exportfits(imagename=f"{plan['name']}.{plane}", fitsimage=f"{plan['name']}-{plane}.fits", overwrite=True)
Path(sys.argv[2]).write_text(json.dumps({}))
