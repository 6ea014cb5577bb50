"""Fluxes at given places of an image: the restoring beam fitted to the pixels around them.

One source: S = Σ d K / Σ K² with the kernel K centred on its sub-pixel place (Kaplan et al. 2019, eq. 1, with even noise).
Sources whose beams overlap are solved together. Errors are those the same fit makes on the residual image around the
source: pixels of an image are correlated, so the textbook 1/√ΣK² would be too small by the beam's area.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.image_size import fourier_friendly

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
MAD_TO_SIGMA = 1.4826
# The kernel is cut where it falls below this: 1.04 full widths from its centre, 99 % of ΣK² inside.
KERNEL_FLOOR = 0.05
# Noise is measured in a square of this many beams: 600 independent places, 3 % in σ.
NOISE_BOX_BEAMS = 24
# Closer than this the two kernels are one: each is measured alone, contains the other's flux, and says so.
UNRESOLVED_BEAMS = 0.4


@dataclass(frozen=True)
class Beam:
    """Restoring beam in pixels: full widths at half maximum, position angle north through east; east is −x."""

    major_px: float
    minor_px: float
    pa_rad: float

    def __call__(self, dx: Array, dy: Array) -> Array:
        along = -dx * np.sin(self.pa_rad) + dy * np.cos(self.pa_rad)
        across = -dx * np.cos(self.pa_rad) - dy * np.sin(self.pa_rad)
        return np.exp(-4 * np.log(2) * ((along / self.major_px) ** 2 + (across / self.minor_px) ** 2))

    @property
    def reach_px(self) -> int:
        """Half a window that holds the kernel down to its floor, whatever the sub-pixel place."""
        return self._reach_px(KERNEL_FLOOR)

    def _reach_px(self, floor: float) -> int:
        return int(np.ceil(self.major_px / 2 * np.sqrt(np.log(1 / floor) / np.log(2)))) + 1

    def kernel(self, floor: float) -> Pixels:
        """Centred on the middle of a square of odd width, 0 where it is below the floor."""
        reach = self._reach_px(floor)
        dy, dx = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
        kernel = self(dx, dy)
        kernel[kernel < floor] = 0
        return kernel.astype(np.float32)


@dataclass(frozen=True)
class FittedFlux:
    flux_jy: float
    error_jy: float
    local_rms_jy: float
    chi2: float
    joint: bool
    unresolved: bool


class NoiseMap:
    """Local noise of pixels, and of fitted fluxes, from the residual image."""

    def __init__(self, residual: Pixels, beam: Beam, cleaning: float = 1.0):
        """`cleaning`: by how much fluxes scatter more where clean worked than fits on the residual do."""
        kernel = beam.kernel(KERNEL_FLOOR)
        self.residual, self.cleaning = residual, cleaning
        # The kernel is symmetric about its centre, so convolving is fitting.
        self.fitted = convolved(residual, kernel) / (kernel**2).sum()
        self.half = max(8, round(NOISE_BOX_BEAMS * beam.major_px / 2))

    def at(self, x: float, y: float) -> tuple[float, float]:
        """(σ of a pixel, σ of the flux of a single source) around a place."""
        rows, columns = self._around(y), self._around(x)
        return _robust_sigma(self.residual[rows, columns]), self.cleaning * _robust_sigma(self.fitted[rows, columns])

    def _around(self, place: float) -> slice:
        return slice(max(0, round(place) - self.half), round(place) + self.half + 1)

    def plane(self) -> Pixels:
        """σ of a pixel everywhere: measured every half box, linear in between."""
        rows, columns = (np.arange(0, side + self.half, self.half) for side in self.residual.shape)
        nodes = np.array([[_robust_sigma(self.residual[self._around(y), self._around(x)]) for x in columns] for y in rows])
        along = np.stack([np.interp(np.arange(self.residual.shape[1]), columns, row) for row in nodes])
        low, part = np.divmod(np.arange(self.residual.shape[0]) / self.half, 1)
        low = low.astype(np.int64)
        return (along[low] * (1 - part[:, None]) + along[low + 1] * part[:, None]).astype(np.float32)


def convolved(pixels: Pixels, kernel: Pixels) -> Pixels:
    """As if there were zeros around the image; the kernel is square, of odd width."""
    half = kernel.shape[0] // 2
    rows, columns = (fourier_friendly(side + 2 * half) for side in pixels.shape)
    product = np.fft.rfft2(pixels, (rows, columns)) * np.fft.rfft2(kernel, (rows, columns))
    whole = np.fft.irfft2(product, (rows, columns)).astype(np.float32, copy=False)
    return whole[half : half + pixels.shape[0], half : half + pixels.shape[1]]


def _robust_sigma(values: NDArray[np.floating]) -> float:
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values))))


def fully_inside(shape: tuple[int, ...], x: Array, y: Array, beam: Beam) -> NDArray[np.bool_]:
    reach = beam.reach_px
    return (x >= reach) & (y >= reach) & (x <= shape[1] - 1 - reach) & (y <= shape[0] - 1 - reach)


def companions(x: Array, y: Array, closer_px: float) -> list[NDArray[np.int64]]:
    """Sets of sources linked by distances below `closer_px`, each in ascending order; every source is in one set."""
    label = np.arange(x.size)
    by_x = np.argsort(x, kind="stable")
    for rank, here in enumerate(by_x):
        for there in by_x[rank + 1 :]:
            if x[there] - x[here] >= closer_px:
                break
            if np.hypot(x[there] - x[here], y[there] - y[here]) < closer_px:
                label[label == label[there]] = label[here]
    return [np.flatnonzero(label == name) for name in dict.fromkeys(label.tolist())]


def fit_companions(image: Pixels, x: Array, y: Array, beam: Beam, noise: NoiseMap) -> list[FittedFlux]:
    """Fluxes of sources that overlap (or of one alone), all inside the image; in the order given."""
    distance = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    np.fill_diagonal(distance, np.inf)
    unresolved = distance.min(axis=1) < UNRESOLVED_BEAMS * beam.minor_px
    if unresolved.any() and x.size > 1:
        alone = [fit_companions(image, x[i : i + 1], y[i : i + 1], beam, noise)[0] for i in range(x.size)]
        return [replace(fitted, unresolved=bool(merged)) for fitted, merged in zip(alone, unresolved, strict=True)]
    reach = beam.reach_px
    top, left = max(0, int(y.min()) - reach), max(0, int(x.min()) - reach)
    data = image[top : int(y.max()) + reach + 2, left : int(x.max()) + reach + 2].astype(np.float64)
    grid_y, grid_x = np.mgrid[top : top + data.shape[0], left : left + data.shape[1]].astype(np.float64)
    kernels = np.stack([beam(grid_x - source_x, grid_y - source_y) for source_x, source_y in zip(x, y, strict=True)])
    used = (kernels >= KERNEL_FLOOR).any(axis=0) & np.isfinite(data)
    kernel, pixels = kernels[:, used], data[used]
    gram = kernel @ kernel.T
    inverse = np.linalg.inv(gram)
    fluxes = inverse @ (kernel @ pixels)
    left_over = pixels - fluxes @ kernel
    fitted = []
    for index, flux in enumerate(fluxes):
        pixel_sigma, flux_sigma = noise.at(float(x[index]), float(y[index]))
        # Fitting neighbours at the same time costs precision: the ratio of the joint to the lone variance.
        widening = np.sqrt(inverse[index, index] * gram[index, index])
        chi2 = float((left_over**2).sum() / pixel_sigma**2 / max(1, pixels.size - x.size))
        fitted.append(FittedFlux(float(flux), float(flux_sigma * widening), pixel_sigma, chi2, x.size > 1, False))
    return fitted
