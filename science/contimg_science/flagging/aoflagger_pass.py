"""AOFlagger on each baseline on which anything stands out (baseline_scan.py), with the strategy in strategies/dsa110.lua.

Samples flagged before are given to it as its input mask and stay flagged. Deterministic: baselines are independent, so
the number of threads changes nothing in the answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aoflagger
import numpy as np
from numpy.typing import NDArray

from contimg_science.flagging.baseline_scan import fill_suspicious
from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube

STRATEGY = Path(__file__).parent.parent / "strategies" / "dsa110.lua"


def version() -> str:
    return str(aoflagger.AOFlagger().get_version_string())


def write_strategy(folder: Path, threshold: float) -> Path:
    """The strategy with its base threshold, where AOFlagger can load it: it loads files only."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "flag-strategy.lua"
    path.write_text(STRATEGY.read_text().replace("= BASE_THRESHOLD", f"= {threshold!r}"))
    return path


def mark_baseline_interference(cube: Cube, array_power: NDArray[np.float64], strategy: Path, threads: int) -> float:
    """Each thread loads the strategy for itself: one Lua interpreter serves one thread. Answers the part of the baselines that was searched."""
    suspicious = np.zeros((len(cube.antenna1), len(cube.products)), bool)
    crosses = np.flatnonzero(cube.is_cross)
    level = np.sqrt(array_power)
    with ThreadPoolExecutor(max_workers=threads) as pool:
        for _ in pool.map(lambda share: fill_suspicious(cube.data, cube.reasons, level, share, suspicious), np.array_split(crosses, threads)):
            pass
        found = np.argwhere(suspicious)
        for _ in pool.map(lambda share: _flag_share(cube, share, strategy), [share for share in np.array_split(found, threads) if share.size]):
            pass
    return len(found) / max(len(crosses) * len(cube.products), 1)


def _flag_share(cube: Cube, pairs: NDArray[np.int64], path: Path) -> None:
    """`pairs` (…, 2) of baseline and product."""
    times, _, channels, _ = cube.data.shape
    flagger = aoflagger.AOFlagger()
    strategy = flagger.load_strategy_file(str(path))
    images = flagger.make_image_set(times, channels, 2)
    mask = flagger.make_flag_mask(times, channels, False)
    for baseline, product in pairs:
        reasons = cube.reasons[:, baseline, :, product]
        before = reasons != Reason.GOOD
        values = np.asarray(np.where(before, 0, cube.data[:, baseline, :, product]), np.complex64)
        # The binding takes arrays of channels × times although its documentation says times × channels.
        images.set_image_buffer(0, np.ascontiguousarray(values.real.T, np.float64))
        images.set_image_buffer(1, np.ascontiguousarray(values.imag.T, np.float64))
        mask.set_buffer(np.ascontiguousarray(before.T))
        found = np.asarray(strategy.run(images, mask).get_buffer()).T
        reasons[found & ~before] = Reason.AOFLAGGER
