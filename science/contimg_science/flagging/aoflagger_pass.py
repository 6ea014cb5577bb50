"""AOFlagger on each baseline on which anything stands out (baseline_scan.py), with the strategy in strategies/dsa110.lua.

Samples flagged before are given to it as its input mask and stay flagged. It holds the interpreter, so threads would not share
its work: forked processes do. Deterministic: baselines are independent, so their number changes nothing in the answer.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import aoflagger
import numpy as np
from numpy.typing import NDArray

from contimg_science.flagging.baseline_scan import fill_suspicious
from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube
from contimg_science.protocol import die_with_parent

STRATEGY = Path(__file__).parent.parent / "strategies" / "dsa110.lua"


def version() -> str:
    return str(aoflagger.AOFlagger().get_version_string())


def write_strategy(folder: Path, threshold: float) -> Path:
    """The strategy with its base threshold, where AOFlagger can load it: it loads files only."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "flag-strategy.lua"
    path.write_text(STRATEGY.read_text().replace("= BASE_THRESHOLD", f"= {threshold!r}"))
    return path


def mark_baseline_interference(cube: Cube, array_power: NDArray[np.float64], strategy: Path) -> float:
    """Answers the part of the baselines that was searched."""
    suspicious = np.zeros((len(cube.antenna1), len(cube.products)), bool)
    level = np.sqrt(array_power)
    cube.in_shares(lambda share: fill_suspicious(cube.data, cube.reasons, level, share, suspicious), cube.crosses)
    pairs = np.argwhere(suspicious)
    others, own = pairs[len(pairs) // cube.threads :], pairs[: len(pairs) // cube.threads]
    shares = [share for share in np.array_split(others, max(cube.threads - 1, 1)) if share.size]
    # Processes of their own see the cube as it is now, without a copy; only what is found is handed back.
    with ProcessPoolExecutor(max(len(shares), 1), mp_context=get_context("fork"), initializer=_begin, initargs=(cube, strategy)) as pool:
        answers = [pool.submit(_search_inherited, share) for share in shares]
        found = [_search(cube, strategy, own), *(answer.result() for answer in answers)]
    for share, packed in zip([own, *shares], found, strict=True):
        for (baseline, product), bits in zip(share, packed, strict=True):
            reasons = cube.reasons[:, baseline, :, product]
            reasons[np.unpackbits(bits, count=reasons.size).view(np.bool_).reshape(reasons.shape)] = Reason.AOFLAGGER
    return len(pairs) / max(cube.crosses.size * len(cube.products), 1)


@dataclass
class _Inherited:
    """What a forked process searches, set as it begins."""

    cube: Cube
    strategy: Path


_inherited: list[_Inherited] = []


def _begin(cube: Cube, strategy: Path) -> None:
    die_with_parent()
    _inherited.append(_Inherited(cube, strategy))


def _search_inherited(pairs: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    return _search(_inherited[0].cube, _inherited[0].strategy, pairs)


def _search(cube: Cube, path: Path, pairs: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """For each of `pairs` (…, 2) of baseline and product the (time, channel) samples found, as packed bits."""
    if not pairs.size:
        return []
    times, _, channels, _ = cube.data.shape
    flagger = aoflagger.AOFlagger()
    strategy = flagger.load_strategy_file(str(path))
    images = flagger.make_image_set(times, channels, 2)
    mask = flagger.make_flag_mask(times, channels, False)
    answers: list[NDArray[np.uint8]] = []
    for baseline, product in pairs:
        before = cube.reasons[:, baseline, :, product] != Reason.GOOD
        values = np.asarray(np.where(before, 0, cube.data[:, baseline, :, product]), np.complex64)
        # The binding takes arrays of channels × times although its documentation says times × channels.
        images.set_image_buffer(0, np.ascontiguousarray(values.real.T, np.float64))
        images.set_image_buffer(1, np.ascontiguousarray(values.imag.T, np.float64))
        mask.set_buffer(np.ascontiguousarray(before.T))
        found = np.asarray(strategy.run(images, mask).get_buffer()).T
        answers.append(np.packbits(found & ~before))
    return answers
