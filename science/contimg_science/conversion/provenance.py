"""The facts that a Measurement Set keeps about its own making, one JSON line each in HISTORY."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from typing import Any

from contimg_science import __version__
from contimg_science.meridian import earth_orientation_version

SOFTWARE = ("h5py", "numba", "numpy", "pyerfa", "python-casacore", "xxhash")
WEIGHT_RULE = "WEIGHT = (nsamples / largest nsamples of the member's first integration) * 2 * channel width * integration time"


def software_versions() -> dict[str, str]:
    return {"contimg_science": __version__, **{name: importlib.metadata.version(name) for name in SOFTWARE}}


def history_messages(
    inputs: list[dict[str, Any]], parameters: dict[str, Any], missing: dict[int, tuple[int, ...]], unusable: dict[int, str]
) -> list[str]:
    """`missing`: subband to integrations; `unusable`: subband to the code of what was wrong with it."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
    keys = ("input", "subband", "bytes", "sha256", "t0_jd", "dec_rad")
    facts: list[dict[str, Any]] = [{key: file[key] for key in keys} for file in inputs]
    facts.append({"software": software_versions(), "iers": earth_orientation_version()})
    facts.append({"parameters": parameters, "parameters_sha256": digest})
    facts.extend({"missing_subband": subband, "integrations": list(cells)} for subband, cells in missing.items())
    facts.extend({"unusable_subband": subband, "code": code} for subband, code in unusable.items())
    facts.append({"weights": WEIGHT_RULE})
    return [json.dumps(fact, ensure_ascii=False) for fact in facts]
