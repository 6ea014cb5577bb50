"""The picture of an image that people look at, and its thumbnail: asinh stretch, sky axes, the beam in a corner.

Decoration only: no number is taken from a picture. Nothing in the file depends on when or where it was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.float32]
PICTURE_PX, THUMBNAIL_PX = 1100, 192
# Noise hardly compresses: the usual effort (6) makes files 2 % smaller in twice the time.
PNG_EFFORT = {"compress_level": 1}
# The stretch is linear up to a few times the noise and logarithmic above.
ASINH_KNEE_SIGMA = 3.0
LOW_SIGMA, HIGH_SIGMA_AT_LEAST = -3.0, 30.0


@dataclass(frozen=True)
class Caption:
    title: str
    centre_deg: tuple[float, float]
    cell_arcsec: float
    beam_arcsec: tuple[float, float]
    beam_pa_deg: float
    noise_jy: float


def shrink(pixels: Pixels, at_most_px: int) -> tuple[Pixels, int]:
    """Blocks' largest values, so that point sources stay visible; and how many pixels a block is wide."""
    block = max(1, int(np.ceil(max(pixels.shape) / at_most_px)))
    rows, columns = (side // block * block for side in pixels.shape)
    shrunk = pixels[:rows:block, :columns:block]
    for row, column in np.ndindex(block, block):
        shrunk = np.maximum(shrunk, pixels[row:rows:block, column:columns:block])
    return shrunk, block


def stretched(pixels: Pixels, noise_jy: float) -> NDArray[np.float64]:
    """0…1; limits as ZScale would have them for an image that is mostly noise: a little below zero to a high quantile."""
    scale = noise_jy if noise_jy > 0 else 1.0
    high = max(HIGH_SIGMA_AT_LEAST, float(np.nanquantile(pixels, 0.9995)) / scale)
    low_value, high_value = np.arcsinh(np.array([LOW_SIGMA, high]) / ASINH_KNEE_SIGMA)
    return np.clip((np.arcsinh(pixels / scale / ASINH_KNEE_SIGMA) - low_value) / (high_value - low_value), 0, 1)


def draw(pixels: Pixels, caption: Caption, picture: Path, thumbnail: Path) -> None:
    # Imported here: half a second of start-up that a failing run need not pay.
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.image import imsave
    from matplotlib.patches import Ellipse

    no_date: Any = {"Software": None}  # leaves matplotlib's version out; its type stub knows only text
    shrunk, _ = shrink(pixels, THUMBNAIL_PX)
    imsave(
        thumbnail,
        stretched(shrunk, caption.noise_jy),
        cmap="inferno",
        vmin=0,
        vmax=1,
        origin="lower",
        metadata=no_date,
        format="png",
        pil_kwargs=PNG_EFFORT,
    )

    shrunk, block = shrink(pixels, PICTURE_PX)
    cell_deg = caption.cell_arcsec / 3600
    half_deg, half_ra_deg = (side / 2 * cell_deg for side in pixels.shape)
    extent = (half_ra_deg, half_ra_deg - shrunk.shape[1] * block * cell_deg, -half_deg, shrunk.shape[0] * block * cell_deg - half_deg)
    figure = Figure(figsize=(9, 9), dpi=110)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.09, 0.07, 0.88, 0.88), facecolor="#202020")
    axes.imshow(stretched(shrunk, caption.noise_jy), extent=extent, origin="lower", cmap="inferno", vmin=0, vmax=1, interpolation="nearest")
    ra_deg, dec_deg = caption.centre_deg
    ra_places, ra_labels = _round_ticks(ra_deg, half_ra_deg, np.cos(np.radians(dec_deg)))
    dec_places, dec_labels = _round_ticks(dec_deg, half_deg, 1.0)
    axes.set_xticks(ra_places, [f"{float(label) % 360:g}°" for label in ra_labels])
    axes.set_yticks(dec_places, [f"{float(label):g}°" for label in dec_labels])
    axes.set_xlabel("RA (ICRS, along the centre line)")
    axes.set_ylabel("Dec (ICRS)")
    axes.set_title(f"{caption.title}   noise {caption.noise_jy * 1e3:.3g} mJy/beam", fontsize=10)
    axes.grid(color="white", alpha=0.15, linewidth=0.5)
    major, minor = caption.beam_arcsec
    # The true beam is a dot on a 3° picture: drawn ten times larger, and said so.
    magnified = 10
    inset = 0.75 * magnified * major / 3600
    corner_ra, corner = half_ra_deg - inset, half_deg - inset
    axes.add_patch(
        Ellipse(
            (corner_ra, -corner),
            magnified * minor / 3600,
            magnified * major / 3600,
            angle=-caption.beam_pa_deg,  # x grows eastwards, to the left: matplotlib turns from north to west
            facecolor="none",
            edgecolor="white",
        )
    )
    axes.text(
        corner_ra - magnified * major / 3600,
        -corner,
        f"beam {major:.1f}″ × {minor:.1f}″ (drawn ×{magnified})",
        color="white",
        va="center",
        fontsize=8,
    )
    figure.savefig(picture, metadata=no_date, format="png", pil_kwargs=PNG_EFFORT)


def _round_ticks(centre_deg: float, half_deg: float, offset_a_degree: float) -> tuple[list[float], list[float]]:
    """Offsets from the centre, and values there, of round coordinates; `offset_a_degree` is cos δ for right ascension."""
    reach_deg = half_deg / offset_a_degree
    step = next((step for step in (0.05, 0.1, 0.25, 0.5, 1.0, 2.0) if step >= reach_deg / 4), 5.0)
    values = [index * step for index in range(int(np.ceil((centre_deg - reach_deg) / step)), int((centre_deg + reach_deg) / step) + 1)]
    return [(value - centre_deg) * offset_a_degree for value in values], values
