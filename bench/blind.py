"""`science/.venv/bin/python bench/blind.py`: what blind finding takes for sources in noise, what it misses, and what it costs.

Planes of full size (1800 pixels a side) whose noise is as smooth as the beam: `--images` without any source, and one with 200
sources of 5 to 20 times the noise. Prints finds in an image without sources, the share found by signal to noise, and seconds
with nothing to find and with something.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests")]

from test_blind_finding import BEAM, NOISE_JY, NOTHING_KNOWN, drawn, noise  # noqa: E402

from contimg_science.measuring.blind_finding import Find, Searched, find_new  # noqa: E402
from contimg_science.measuring.forced_fit import NoiseMap  # noqa: E402

SIDE, SOURCES, BINS = 1800, 200, ((5, 6), (6, 8), (8, 20))


def timed(plane: np.ndarray, sigma: float, work: Path) -> tuple[list[Find], float]:
    started = time.perf_counter()
    searched = Searched(plane, np.zeros_like(plane), np.ones(plane.shape, bool), BEAM, NoiseMap(plane, BEAM))
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        finds = find_new(searched, NOTHING_KNOWN, sigma, work)
    return finds, time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=int, default=30)
    parser.add_argument("--sigma", type=float, default=5.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="contimg-blind-") as folder:
        work, random = Path(folder), np.random.default_rng(1)
        y, x = np.meshgrid(np.arange(60, 1750, 110), np.arange(60, 1750, 110))
        places = np.stack([x, y], axis=-1).reshape(-1, 2)[:SOURCES] + random.uniform(0, 1, (SOURCES, 2))
        snr = random.uniform(5, 20, SOURCES)
        full = drawn(noise(SIDE, 1000), [(*place, ratio * NOISE_JY) for place, ratio in zip(places.tolist(), snr.tolist(), strict=True)])
        finds, first_s = timed(full, given.sigma, work)
        seen = np.array([any(np.hypot(find.x - px, find.y - py) < BEAM.major_px / 2 for find in finds) for px, py in places])
        shares = [f"{seen[chosen].mean():.2f} of SNR {low}-{high}" for low, high in BINS if (chosen := (snr >= low) & (snr < high)).any()]
        print(f"{SOURCES} sources: found {', '.join(shares)}; {first_s:.1f} s with the import of PyBDSF", flush=True)
        runs = [timed(noise(SIDE, seed), given.sigma, work) for seed in range(given.images)]
    spurious, at_best_s = sum(len(found) for found, _ in runs), min(seconds for _, seconds in runs)
    print(f"{spurious / given.images:.2f} finds in an image without sources ({spurious} in {given.images}); {at_best_s:.2f} s at best")
    print(f"load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
