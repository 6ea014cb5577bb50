"""`science/.venv/bin/python bench/bright_limit.py`: what fluxes of 5 to 50 sigma lose, by the limit above which sources are subtracted.

Each seed is two groups of 24 antennas with one sky (12 sources of 60 to 1500 sigma, 48 fainter ones, none closer than 6 arcmin to another)
and the same noise with both signs: it leaves the mean of the two, so hundredths of the error of one point can be seen. Options: `--seeds`,
`--limits` (of `bright_sigma`).
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests"), str(ROOT / "bench")]

from calibrated_ms import PointSource, write_calibrated_ms, write_known_sources  # noqa: E402
from faint_end import BRIGHT, CHANNELS, IMAGE_NOISE_JY, NOISE_JY, REACH_DEG, TIMES, measured  # noqa: E402
from floor import image  # noqa: E402

APART_DEG = 0.1
# (sources, lowest and highest signal-to-noise): in equal steps of its logarithm.
CLASSES = ((2 * BRIGHT, 60, 1500), (24, 20, 49), (24, 5, 20))
BINS = ((5, 12), (12, 20), (20, 50), (50, 5000))


def sky(seed: int) -> list[PointSource]:
    random = np.random.default_rng(seed)
    made: list[PointSource] = []
    for count, low, high in CLASSES:
        for _ in range(count):
            east, north = random.uniform(-REACH_DEG, REACH_DEG, 2)
            while any(np.hypot(east - one.east_deg, north - one.north_deg) < APART_DEG for one in made):
                east, north = random.uniform(-REACH_DEG, REACH_DEG, 2)
            attenuation = np.exp(-4 * np.log(2) * (east**2 + north**2 + 0.13) / 2.7**2)
            flux_jy = float(np.exp(random.uniform(np.log(low), np.log(high))) * IMAGE_NOISE_JY / attenuation)
            made.append(PointSource(f"S{len(made):03d}", float(east), float(north), flux_jy, float(random.normal(-0.7, 0.2))))
    return made


def ratios(base: Path, sources: list[PointSource], seed: int, sign: int, limits: list[float]) -> dict[float, dict[int, tuple[float, float]]]:
    """(signal-to-noise without noise, measured over true flux) of each source, by limit."""
    base.mkdir()
    ms = write_calibrated_ms(base / "group.ms", sources, sign * NOISE_JY, TIMES, CHANNELS, seed=seed)
    catalogue = write_known_sources(base / "sources.csv", sources, TIMES)
    found = {}
    for limit in limits:
        work = base / f"limit-{limit:g}"
        result = image(ms, catalogue, work, "standard", subtract_bright=True, catalogue_mask=True, bright_sigma=limit)["result"]
        found[limit] = {}
        for number, line in measured(result, ms, sources, work).items():
            source = sources[number - 1]
            true_jy = source.flux_jy * (result["freq_hz"] / 1.4e9) ** source.spectral_index
            found[limit][number] = (true_jy * line["pb_response"] / result["thermal_noise_jy"], line["flux_jy"] / true_jy)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13, 14])
    parser.add_argument("--limits", type=float, nargs="+", default=[50, 20, 10])
    given = parser.parse_args()
    rows: dict[float, list[tuple[float, float]]] = {limit: [] for limit in given.limits}
    for seed in given.seeds:
        base = Path(tempfile.mkdtemp(prefix="contimg-limit-"))
        try:
            plus, minus = (ratios(base / f"{sign:+d}", sky(seed), seed, sign, given.limits) for sign in (1, -1))
        finally:
            shutil.rmtree(base)
        for limit in given.limits:
            for number in plus[limit].keys() & minus[limit].keys():
                snr, off = np.mean([plus[limit][number], minus[limit][number]], axis=0)
                rows[limit].append((float(snr), float(off) - 1))
    for limit in given.limits:
        snr, off = np.array(rows[limit]).T
        told = []
        for low, high in BINS:
            part = off[(snr >= low) & (snr < high)] * 100
            told.append(f"{low}-{high}: {part.mean():+.2f} ± {part.std() / part.size**0.5:.2f} % ({part.size})")
        print(f"subtracted above {limit:g}: SNR {'; '.join(told)}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
