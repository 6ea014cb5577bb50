"""Versions of the packages a step ran with, for the products it makes. Only what it loaded: what it did not use changed nothing."""

from __future__ import annotations

import importlib.metadata
import sys

from contimg_science import __version__

# Module to distribution, of all whose version can change a number.
DISTRIBUTIONS = {
    "astropy": "astropy",
    "bdsf": "bdsf",
    "casacore": "python-casacore",
    # CASA runs in a process of its own; who can start one has loaded this.
    "contimg_science.casa_session": "casatools",
    "erfa": "pyerfa",
    "h5py": "h5py",
    "numba": "numba",
    "numpy": "numpy",
    "pyuvdata": "pyuvdata",
    "scipy": "scipy",
}


def software_in_use() -> dict[str, str]:
    loaded = {name: importlib.metadata.version(name) for module, name in DISTRIBUTIONS.items() if module in sys.modules}
    return {"contimg-science": __version__, "python": sys.version.split()[0], **loaded}
