"""`science/.venv/bin/python bench/mosaic_tiles.py DATABASE NAME`: fluxes in a mosaic that the line made, against those in its tiles.

For example after `make demo`, while it is up: `contimg mosaic --start 2025-10-02T12:00:00 --end 2025-10-02T14:00:00 --name demo
--config .demo/contimg.json`, then this with `.demo/state/db/pipeline.sqlite3 demo`. Fits the beam at every catalogue place with S/N above
100 in the mosaic and in each tile, takes the mean of the tiles with the weights of the mosaic, and prints the ratio. Ends with 1 when
one is off by more than 0.3 %.
"""

from __future__ import annotations

import sqlite3
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science")]

import numpy as np  # noqa: E402
from astropy.io import fits  # noqa: E402
from contimg_science.imaging.fits_headers import read_plane  # noqa: E402
from contimg_science.measuring.forced_fit import KERNEL_FLOOR, Beam  # noqa: E402
from contimg_science.measuring.positions import image_frame, pixel_positions  # noqa: E402
from contimg_science.mosaicking.grid import SkyGrid  # noqa: E402

BAR, SNR_AT_LEAST = 0.003, 100
FILES = "SELECT f.kind, l.root || '/' || f.path FROM {} f JOIN storage_locations l ON l.name = f.location WHERE f.product_id = ?"


@dataclass(frozen=True)
class Plane:
    pixels: np.ndarray
    header: fits.Header

    @staticmethod
    def read(path: str) -> Plane:
        return Plane(*read_plane(Path(path)))

    def fitted_jy(self, x: float, y: float) -> float:
        cell = self.header["CDELT2"]
        beam = Beam(self.header["BMAJ"] / cell, self.header["BMIN"] / cell, float(np.radians(self.header["BPA"])))
        reach, row, column = beam.reach_px, round(y), round(x)
        if min(row, column) < reach or row + reach >= self.pixels.shape[0] or column + reach >= self.pixels.shape[1]:
            return float("nan")
        grid_y, grid_x = np.mgrid[row - reach : row + reach + 1, column - reach : column + reach + 1].astype(float)
        kernel = beam(grid_x - x, grid_y - y)
        used = kernel > KERNEL_FLOOR
        data = self.pixels[row - reach : row + reach + 1, column - reach : column + reach + 1].astype(float)
        return float((data * kernel)[used].sum() / (kernel**2)[used].sum())


def main(path: str, name: str) -> int:
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    made = "SELECT m.product_id FROM mosaics m JOIN products p ON p.id = m.product_id WHERE m.name = ? AND p.status IN ('current', 'stale')"
    (mosaic_id,) = database.execute(made, (name,)).fetchone()
    files = dict(database.execute(FILES.format("mosaic_files"), (mosaic_id,)).fetchall())
    mosaic, noise = Plane.read(files["image"]), Plane.read(files["noise"])
    members = database.execute("SELECT image_product_id, noise_jy FROM mosaic_members WHERE product_id = ? AND is_tile = 1", (mosaic_id,))
    tiles = []
    for image_id, noise_jy in members.fetchall():
        planes = dict(database.execute(FILES.format("image_files"), (image_id,)).fetchall())
        tiles.append((Plane.read(planes["image"]), Plane.read(planes["beam"]), noise_jy))
    height, width = mosaic.pixels.shape
    head = mosaic.header
    grid = SkyGrid(
        centre_ra_deg=head["CRVAL1"], centre_dec_deg=head["CRVAL2"], cell_arcsec=head["CDELT2"] * 3600, width_px=width, height_px=height
    )
    worst = 0.0
    for source, ra_deg, dec_deg in database.execute("SELECT name, ra_deg, dec_deg FROM sources ORDER BY name"):
        ra, dec = np.radians([ra_deg]), np.radians([dec_deg])
        x, y = (float(place[0]) for place in grid.pixels(ra, dec))
        flux = mosaic.fitted_jy(x, y) if np.isfinite(x) else float("nan")
        if not np.isfinite(flux) or flux / noise.pixels[round(y), round(x)] < SNR_AT_LEAST:
            continue
        sums = np.zeros(2)
        for image, beam, noise_jy in tiles:
            tile_x, tile_y = (float(place[0]) for place in pixel_positions(image_frame(image.header), ra, dec))
            measured = image.fitted_jy(tile_x, tile_y)
            response = beam.pixels[round(tile_y), round(tile_x)] if np.isfinite(measured) else 0.0
            if response >= head["PBCUT"]:
                sums += (response / noise_jy) ** 2 * np.array([measured / response, 1])
        ratio = flux / (sums[0] / sums[1])
        worst = max(worst, abs(ratio - 1))
        print(f"{source}: {flux:.4f} Jy, S/N {flux / noise.pixels[round(y), round(x)]:.0f}, mosaic over tiles {ratio:.4f}")
    print(f"{len(tiles)} tiles, largest difference {worst:.2%}, bar {BAR:.1%}")
    return 0 if worst <= BAR else 1


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
