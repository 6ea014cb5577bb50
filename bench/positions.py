"""`science/.venv/bin/python bench/positions.py NIGHT`: how far sources are from where they were injected, in the images of a night.

NIGHT is what `node bench/night.ts --keep` left. In each image a Gaussian of its own beam is fitted at every injected source
brighter than 20 times the noise there, place and height free, and its place is read with astropy from the header: an eye of its
own, not the pipeline's. Prints the distance by signal-to-noise, and east and north apart, so that a shift of a whole image shows.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from scipy.optimize import least_squares

HALF_PX = 3
BINS = ((20, 50), (50, 100), (100, 300), (300, np.inf), (50, np.inf))
FAINTEST = BINS[0][0]


def offsets(image: Path, sources: list[dict[str, Any]]) -> list[tuple[float, float, float]]:
    """Signal-to-noise, and arcseconds east and north of the injected place, of each source that is bright enough."""
    with fits.open(image) as opened:
        header, pixels = opened[0].header, np.squeeze(opened[0].data)
    response = np.squeeze(fits.getdata(str(image).replace("-image.fits", "-beam.fits")))
    cell, found = header["CDELT2"] * 3600, []
    places = WCS(header).all_world2pix([source["ra_deg"] for source in sources], [source["dec_deg"] for source in sources], 0)
    for x, y in zip(*places, strict=True):
        row, column = round(y), round(x)
        if not (HALF_PX <= row < pixels.shape[0] - HALF_PX and HALF_PX <= column < pixels.shape[1] - HALF_PX):
            continue
        snr = pixels[row, column] / header["NOISE"]
        if response[row, column] >= header["PBCUT"] and snr >= FAINTEST:
            rows, columns = np.mgrid[row - HALF_PX : row + HALF_PX + 1, column - HALF_PX : column + HALF_PX + 1]
            window = pixels[rows, columns]
            found.append((float(snr), *fitted(window, header, (x - columns) * cell, (rows - y) * cell)))
    return found


def fitted(window: np.ndarray, header: fits.Header, east: np.ndarray, north: np.ndarray) -> tuple[float, float]:
    """Arcseconds east and north of the injected place at which the image's beam fits best."""
    major, minor, pa = header["BMAJ"] * 3600, header["BMIN"] * 3600, np.radians(header["BPA"])

    def misfit(free: np.ndarray) -> np.ndarray:
        x, y = east - free[1], north - free[2]
        along, across = x * np.sin(pa) + y * np.cos(pa), x * np.cos(pa) - y * np.sin(pa)
        return (window - free[0] * np.exp(-4 * np.log(2) * ((along / major) ** 2 + (across / minor) ** 2))).ravel() / header["NOISE"]

    _, off_east, off_north = least_squares(misfit, [window.max(), 0.0, 0.0]).x
    return float(off_east), float(off_north)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("night", type=Path, nargs="+")
    options = parser.parse_args()
    found: list[tuple[float, float, float]] = []
    for night in options.night:
        sources = json.loads((night / "truth" / "truth.json").read_text())["sources"]
        for image in sorted((night / "products" / "images").glob("*/*/*-image.fits")):
            here = offsets(image, sources)
            found += here
            east, north = np.median([one[1] for one in here]), np.median([one[2] for one in here])
            print(f"{image.parent.name}  {len(here):3d} sources, in the median {east:+.2f}″ east, {north:+.2f}″ north")
    values = np.array(found)
    print("\nSNR             points  median distance   rms east, north")
    for low, high in BINS:
        inside = values[(values[:, 0] >= low) & (values[:, 0] < high)]
        if len(inside):
            rms = np.sqrt((inside[:, 1:] ** 2).mean(axis=0))
            print(f"{low:3g} to {high:<6g} {len(inside):9d}  {np.median(np.hypot(*inside[:, 1:].T)):14.2f}″   {rms[0]:.2f}″, {rms[1]:.2f}″")


main()
