"""Where a source lies on an image: the restoring beam fitted with its place free, by Gauss-Newton.

Starts at the expected place and stays within a beam of it: what runs away was never there, and is answered as the farthest place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contimg_science.measuring.forced_fit import KERNEL_FLOOR, Beam

Pixels = NDArray[np.float32]
ITERATIONS = 20
CONVERGED_PX = 1e-5
STEP_PX = 1e-3


def fitted_place_px(image: Pixels, x: float, y: float, beam: Beam) -> tuple[float, float]:
    reach = beam.reach_px
    top, left = max(0, round(y) - reach), max(0, round(x) - reach)
    data = image[top : round(y) + reach + 1, left : round(x) + reach + 1].astype(np.float64)
    grid_y, grid_x = np.mgrid[top : top + data.shape[0], left : left + data.shape[1]].astype(np.float64)
    used = (beam(grid_x - x, grid_y - y) >= KERNEL_FLOOR) & np.isfinite(data)
    shift = np.zeros(2)
    for _ in range(ITERATIONS):
        dx, dy = grid_x[used] - x - shift[0], grid_y[used] - y - shift[1]
        kernel = beam(dx, dy)
        slope_x = (beam(dx - STEP_PX, dy) - kernel) / STEP_PX
        slope_y = (beam(dx, dy - STEP_PX) - kernel) / STEP_PX
        amplitude, along_x, along_y = np.linalg.lstsq(np.stack([kernel, slope_x, slope_y], axis=1), data[used], rcond=None)[0]
        if amplitude == 0:
            break
        move = np.array([along_x, along_y]) / amplitude
        shift = np.clip(shift + move, -beam.major_px, beam.major_px)
        if np.abs(move).max() < CONVERGED_PX:
            break
    return x + float(shift[0]), y + float(shift[1])
