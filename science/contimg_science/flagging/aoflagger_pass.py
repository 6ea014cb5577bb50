"""AOFlagger on each baseline, with the strategy in strategies/dsa110.lua.

Samples flagged before are given to it as its input mask and stay flagged. Deterministic: baselines are independent, so
the number of threads changes nothing in the answer.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aoflagger
import numpy as np

from contimg_science.flagging.reasons import Reason
from contimg_science.flagging.visibility_cube import Cube

STRATEGY = Path(__file__).parent.parent / "strategies" / "dsa110.lua"


def version() -> str:
    return str(aoflagger.AOFlagger().get_version_string())


def mark_baseline_interference(cube: Cube, threads: int) -> None:
    """Each thread loads the strategy for itself: one Lua interpreter serves one thread."""
    baselines = np.flatnonzero(cube.is_cross & (cube.reasons == Reason.GOOD).any(axis=(0, 2, 3)))
    shares = [share for share in np.array_split(baselines, threads) if share.size]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        list(pool.map(lambda share: _flag_share(cube, share), shares))


def _flag_share(cube: Cube, baselines: np.ndarray) -> None:
    times, _, channels, products = cube.data.shape
    flagger = aoflagger.AOFlagger()
    strategy = flagger.load_strategy_file(str(STRATEGY))
    images = flagger.make_image_set(times, channels, 2)
    mask = flagger.make_flag_mask(times, channels, False)
    for baseline in baselines:
        for product in range(products):
            reasons = cube.reasons[:, baseline, :, product]
            before = reasons != Reason.GOOD
            if before.all():
                continue
            values = np.asarray(np.where(before, 0, cube.data[:, baseline, :, product]), np.complex64)
            # The binding takes arrays of channels × times although its documentation says times × channels.
            images.set_image_buffer(0, np.ascontiguousarray(values.real.T, np.float64))
            images.set_image_buffer(1, np.ascontiguousarray(values.imag.T, np.float64))
            mask.set_buffer(np.ascontiguousarray(before.T))
            found = np.asarray(strategy.run(images, mask).get_buffer()).T
            reasons[found & ~before] = Reason.AOFLAGGER
