"""How far a converted set is from the reference set, column by column, by the rules that make the two comparable.

The reference holds sample counts where we hold absolute weights, has no opinion on samples without valid data, and lacks the
channels of missing subbands; everything else must be the same number. Measures only: limits belong to who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from casacore.tables import table
from conversion_reference import columns
from numpy.typing import NDArray

EXACT = ("INTERVAL", "EXPOSURE", "ANTENNA1", "ANTENNA2")
# Samples that the correlator averages for an integration: what the reference calls a weight of a whole sample.
WHOLE_COUNT = 96


@dataclass(frozen=True)
class Difference:
    """The worst of all rows; `unequal` names what must be exactly the same and is not."""

    time_s: float
    uvw_m: float
    # Of the row's largest amplitude.
    data: float
    weight: float
    sigma: float
    centre_mas: float
    antenna_m: float
    unequal: tuple[str, ...]


def difference(ms: Path, reference: Path) -> Difference:
    mine, theirs = columns(ms, ("TIME", "UVW", "WEIGHT", "SIGMA", *EXACT)), columns(reference, ("TIME", "UVW", *EXACT))
    place, same_frequencies = _channels(ms, reference)
    data, flag = (_channels_of(ms, name, place) for name in ("DATA", "FLAG"))
    their = columns(reference, ("DATA", "FLAG", "WEIGHT_SPECTRUM"))
    counts = their["WEIGHT_SPECTRUM"]
    auto = (mine["ANTENNA1"] == mine["ANTENNA2"])[:, None, None]
    invalid = ~np.isfinite(their["DATA"]) | (their["DATA"] == 0) | (counts == 0)
    right_data = np.where(np.isfinite(their["DATA"]), their["DATA"], 0)
    amplitude = np.abs(right_data).max(axis=(1, 2), keepdims=True)
    nothing_valid = (their["FLAG"] | invalid).all(axis=1)
    right_weight = np.where(nothing_valid, 0, np.median(counts, axis=1) / WHOLE_COUNT)
    weight = mine["WEIGHT"] / _whole_weight(ms)
    unequal = [name for name in EXACT if not np.array_equal(mine[name], theirs[name])]
    if not np.array_equal(flag, their["FLAG"] | invalid | auto):
        unequal.append("FLAG")
    if not same_frequencies:
        unequal.append("CHAN_FREQ, CHAN_WIDTH")
    if not _same_cell(ms, reference, "POLARIZATION", ("CORR_TYPE", "CORR_PRODUCT", "NUM_CORR")):
        unequal.append("POLARIZATION")
    if not _same_cell(ms, reference, "OBSERVATION", ("TELESCOPE_NAME",)):
        unequal.append("TELESCOPE_NAME")
    return Difference(
        time_s=float(np.abs(mine["TIME"] - theirs["TIME"]).max()),
        uvw_m=float(np.abs(mine["UVW"] - theirs["UVW"]).max()),
        data=float((np.abs(data - right_data) / np.where(amplitude > 0, amplitude, 1)).max()),
        weight=float(np.abs(weight - right_weight).max()),
        sigma=float(np.abs(mine["SIGMA"] - _sigma(mine["WEIGHT"].astype(np.float64))).max() * np.sqrt(_whole_weight(ms))),
        centre_mas=_centre_mas(ms, reference),
        antenna_m=float(np.abs(_cells(ms, "ANTENNA", "POSITION") - _cells(reference, "ANTENNA", "POSITION")).max()),
        unequal=tuple(unequal),
    )


def _sigma(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(weight > 0, 1 / np.sqrt(np.where(weight > 0, weight, 1)), 0)


def _cells(ms: Path, subtable: str, column: str) -> Any:
    with table(f"{ms}/{subtable}", ack=False) as opened:
        return opened.getcol(column)


def _same_cell(ms: Path, reference: Path, subtable: str, names: tuple[str, ...]) -> bool:
    return all(np.array_equal(_cells(ms, subtable, name), _cells(reference, subtable, name)) for name in names)


def _channels(ms: Path, reference: Path) -> tuple[NDArray[np.int64], bool]:
    """Where the reference's channels are in the set, and whether they are the same ones."""
    mine, theirs = (_cells(path, "SPECTRAL_WINDOW", "CHAN_FREQ")[0] for path in (ms, reference))
    widths, their_widths = (_cells(path, "SPECTRAL_WINDOW", "CHAN_WIDTH")[0] for path in (ms, reference))
    place = np.minimum(np.searchsorted(mine, theirs), mine.size - 1)
    # The reference keeps the sign that the file gives a width; here each is positive.
    return place, bool(np.array_equal(mine[place], theirs) and np.array_equal(widths[place], np.abs(their_widths)))


def _channels_of(ms: Path, column: str, place: NDArray[np.int64]) -> NDArray[Any]:
    first, last = int(place.min()), int(place.max())
    with table(str(ms), ack=False) as main:
        ordered = main.sort("TIME,ANTENNA1,ANTENNA2")
        products = main.getcell("DATA", 0).shape[1]
        return ordered.getcolslice(column, [first, 0], [last, products - 1])[:, place - first]


def _whole_weight(ms: Path) -> float:
    """2 Δν T: degrees of freedom of a sample that lacks nothing."""
    with table(str(ms), ack=False) as main:
        return 2 * float(_cells(ms, "SPECTRAL_WINDOW", "CHAN_WIDTH")[0, 0]) * float(main.getcell("INTERVAL", 0))


def _centre_mas(ms: Path, reference: Path) -> float:
    (ra, dec), (their_ra, their_dec) = (_cells(path, "FIELD", "PHASE_DIR")[0, 0] for path in (ms, reference))
    east = (ra - their_ra + np.pi) % (2 * np.pi) - np.pi
    return float(np.degrees(np.hypot(east * np.cos(dec), dec - their_dec)) * 3.6e6)
