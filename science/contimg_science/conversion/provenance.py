"""The facts that a Measurement Set keeps about its own making, one JSON line each in HISTORY."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from datetime import datetime
from typing import Any

from contimg_science import __version__
from contimg_science.measurement_set import SECONDS_PER_DAY
from contimg_science.meridian import earth_orientation_version
from contimg_science.protocol import StepFailure

UNIX_EPOCH_MJD = 40587.0
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


def requested_mjd(requested_at: str) -> float:
    try:
        moment = datetime.fromisoformat(requested_at)
    except ValueError as error:
        raise StepFailure("BadInput", "BadRequest", f"requested_at: {error}", "give an ISO 8601 time with its zone", "none") from error
    if moment.tzinfo is None:
        raise StepFailure("BadInput", "BadRequest", "requested_at has no time zone", "give an ISO 8601 time with its zone", "none")
    return UNIX_EPOCH_MJD + moment.timestamp() / SECONDS_PER_DAY
