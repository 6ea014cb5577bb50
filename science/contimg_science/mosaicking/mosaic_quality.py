"""Is this mosaic what its tiles promise? Against the catalogue, and its noise against the noise its weights stand for.

Each check runs or is named as not run with its reason; none is passed over in silence. The verdict is reported, never raised: a
failed mosaic is kept for people.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.catalogue_check import FEWEST_MATCHES, CatalogueComparison, Plane, compare
from contimg_science.imaging.image_quality import ImageQuality, QualityCheck, catalogue_checks, robust_sigma
from contimg_science.imaging.known_sources import KnownSources
from contimg_science.measuring.forced_fit import Beam
from contimg_science.mosaicking.contract import Tile
from contimg_science.mosaicking.grid import SkyGrid

Pixels = NDArray[np.float32]
Array = NDArray[np.float64]
# Limits: (warn, fail). Tiles whose artefacts agree add up to more than independent noise; sources add some per cent.
NOISE_OVER_EXPECTED = (1.3, 2.5)
# Neighbouring tiles have one beam; another one means another set of antennas, and a flux scale by peak that differs.
BEAM_SPREAD = (0.1, 0.5)
# So many pixels say what the noise is to a part in a thousand.
NOISE_SAMPLE = 2_000_000


def against_catalogue(
    image: Pixels, noise: Pixels, beam: Beam, grid: SkyGrid, known: KnownSources | None, freq_hz: float
) -> tuple[CatalogueComparison | None, str | None]:
    """The comparison, or why there is none. Made in units of the local noise, which differs across a mosaic."""
    if known is None:
        return None, "catalogue: none was given"
    x, y = grid.pixels(known.ra_rad, known.dec_rad)
    x, y = _covered(noise, x, y, beam.reach_px + 1)
    response = np.where(np.isfinite(noise), 1 / noise, np.float32(0))
    plane = Plane(np.where(np.isfinite(image), image, np.float32(0)) * response, response, beam, 1.0, grid.cell_arcsec)
    compared = compare(plane, known, x, y, freq_hz, 0.0)
    return compared, None if compared is not None else f"catalogue: fewer than {FEWEST_MATCHES} bright, isolated sources lie on the mosaic"


def _covered(noise: Pixels, x: Array, y: Array, reach: int) -> tuple[Array, Array]:
    """Places with pixels all around them; the others become NaN."""
    covered = np.zeros(x.size, bool)
    rows, columns = noise.shape
    for index in np.flatnonzero(np.isfinite(x) & np.isfinite(y)).tolist():
        top, left = round(y[index]) - reach, round(x[index]) - reach
        if top >= 0 and left >= 0 and top + 2 * reach < rows and left + 2 * reach < columns:
            covered[index] = np.isfinite(noise[top : top + 2 * reach + 1, left : left + 2 * reach + 1]).all()
    return np.where(covered, x, np.nan), np.where(covered, y, np.nan)


def judge(image: Pixels, noise: Pixels, tiles: list[Tile], catalogue: CatalogueComparison | None) -> ImageQuality:
    checks: list[tuple[str, float, tuple[float, float]]] = [
        ("noise_over_expected", _noise_ratio(image, noise), NOISE_OVER_EXPECTED),
        ("beam_spread", _beam_spread(tiles), BEAM_SPREAD),
    ]
    if catalogue is not None:
        checks += catalogue_checks(catalogue)
    failed = any(not value <= fail for _, value, (_, fail) in checks)
    warned = any(not value <= warn for _, value, (warn, _) in checks)
    return ImageQuality(
        verdict="fail" if failed else "warn" if warned else "pass",
        checks=[QualityCheck(name=name, value=value, limit=warn, passed=value <= warn) for name, value, (warn, _) in checks],
    )


def _noise_ratio(image: Pixels, noise: Pixels) -> float:
    step = max(1, int(np.sqrt(image.size / NOISE_SAMPLE)))
    return robust_sigma(image[::step, ::step] / noise[::step, ::step])


def _beam_spread(tiles: list[Tile]) -> float:
    axes = np.array([(tile.beam_major_arcsec, tile.beam_minor_arcsec) for tile in tiles])
    return float(np.abs(axes / np.median(axes, axis=0) - 1).max())
