"""The Gaussian that stands for the main lobe of a point spread function: the restoring beam.

Least squares over the lobe alone, down to half of its peak. The shoulders of an array of two arms reach 0.4 beside the lobe:
a fit over a box takes them for the lobe, and sources that are too faint to be cleaned are then measured with a beam that is
not theirs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label

LOBE_CUT = 0.5
# The fit of three numbers converges in five to ten steps; a step below this share changes no beam by 0.001″.
FIT_STEPS, FIT_STEP_LEAST = 60, 1e-7

Array = NDArray[np.float64]


def main_lobe(spread: NDArray[np.floating], east: Array, north: Array) -> tuple[float, float, float]:
    """Full widths at half maximum in the unit of `east` and `north`, and the angle (rad, north through east) of the wide one.

    `spread` is 1 where `east` and `north` are 0.
    """
    lobes, _ = label(spread > LOBE_CUT)
    lobe = lobes == lobes[np.unravel_index(np.argmin(east**2 + north**2), spread.shape)]
    x, y = east[lobe], north[lobe]
    xx, yy, xy = _exponent(np.stack([x * x, y * y, x * y], axis=-1), np.asarray(spread[lobe], np.float64))
    sharp, axes = np.linalg.eigh([[xx, xy / 2], [xy / 2, yy]])
    major, minor = 2 * np.sqrt(np.log(2) / np.maximum(sharp, 1e-6 * sharp.max()))
    # The first axis is the least sharp one: (east, north) of the major axis.
    return float(major), float(minor), float(np.arctan2(axes[0, 0], axes[1, 0]))


def _exponent(terms: Array, spread: Array) -> Array:
    """q of exp(−terms · q) nearest to `spread`, by least squares: Levenberg–Marquardt from a round beam."""
    unit = terms[:, :2].sum(axis=1).max()
    at: Array = np.array([1.0, 1.0, 0.0])
    damping, scaled = 1e-3, terms / unit
    model = np.exp(-scaled @ at)
    for _ in range(FIT_STEPS):
        slope = -scaled * model[:, None]
        normal = slope.T @ slope
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slope.T @ (spread - model))
        # A step into negative exponents would overflow; bounded, it is merely refused.
        moved = np.exp(np.minimum(-scaled @ (at + step), 50.0))
        if ((spread - moved) ** 2).sum() > ((spread - model) ** 2).sum():
            damping *= 10
            continue
        at, model, damping = np.asarray(at + step, np.float64), moved, damping / 10
        if np.abs(step).max() < FIT_STEP_LEAST * np.abs(at).max():
            break
    return at / unit
