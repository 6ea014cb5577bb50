"""`science/.venv/bin/python bench/faint_end.py`: how far the fluxes of faint sources are off, with and without masks from the catalogue.

Each of three noisy groups of 24 antennas holds 6 sources of 0.5 to 3 Jy and 200 that stand at 5 to 20 times the noise of the image, none
closer than 3 arcmin to another. Each way of cleaning sees the same visibilities; fluxes are those of the photometry step.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests"), str(ROOT / "bench")]

from calibrated_ms import PointSource, write_calibrated_ms, write_known_sources  # noqa: E402
from floor import image, run  # noqa: E402

TIMES, CHANNELS, NOISE_JY = 24, 96, 1.17
# Of the image that these make at robust 0.
IMAGE_NOISE_JY = 1.3e-3
BRIGHT, FAINT, APART_DEG, REACH_DEG = 6, 200, 0.05, 1.1
BINS = ((5, 8), (8, 12), (12, 20))
PHOTOMETRY = {
    "pb_cut": 0.2, "snr_limit_sigma": 3, "neighbour_beams": 1.5, "systematic_fraction": 0.0, "blind": False, "blind_sigma": 5,
}  # fmt: skip


def sky(seed: int) -> list[PointSource]:
    random = np.random.default_rng(seed)
    made: list[PointSource] = []
    while len(made) < BRIGHT + FAINT:
        east, north = random.uniform(-REACH_DEG, REACH_DEG, 2)
        if any(np.hypot(east - one.east_deg, north - one.north_deg) < APART_DEG for one in made):
            continue
        if len(made) < BRIGHT:
            flux_jy = float(np.exp(random.uniform(np.log(0.5), np.log(3.0))))
        else:
            # 2.7° at half power, and 1.24° of drift: near enough to stand at the SNR that was drawn.
            attenuation = float(np.exp(-4 * np.log(2) * (east**2 + north**2 + 0.13) / 2.7**2))
            flux_jy = float(random.uniform(5, 20)) * IMAGE_NOISE_JY / attenuation
        made.append(PointSource(f"S{len(made):03d}", float(east), float(north), flux_jy, -0.7))
    return made


def measured(result: dict, ms: Path, sources: list[PointSource], work: Path) -> dict[int, dict]:
    positions = write_known_sources(work / "positions.csv", sources, TIMES)
    request = {
        "inputs": {**{kind: result["files"][kind] for kind in ("image", "beam", "residual", "model")}, "positions": positions, "ms": ms},
        "parameters": PHOTOMETRY,
        "outputs": {"measurements": work / "measurements.jsonl"},
    }
    run("photometry", request, work)
    return {line["source_id"]: line for line in map(json.loads, (work / "measurements.jsonl").read_text().splitlines())}


def misses(result: dict, lines: dict[int, dict], sources: list[PointSource]) -> np.ndarray:
    """A row a faint source: the SNR it has without noise (choosing by what was measured is a bias of its own), ratio, pull."""
    rows = []
    for number, source in enumerate(sources, 1):
        if number > BRIGHT and number in lines:
            line, true_jy = lines[number], source.flux_jy * (result["freq_hz"] / 1.4e9) ** source.spectral_index
            snr = true_jy * line["pb_response"] / result["thermal_noise_jy"]
            rows.append((snr, line["flux_jy"] / true_jy, (line["flux_jy"] - true_jy) / line["error_jy"]))
    return np.array(rows)


def report(way: str, results: list[dict], rows: np.ndarray) -> None:
    snr, ratio, pull = rows.T
    text = []
    for low, high in BINS:
        chosen = (snr >= low) & (snr < high)
        off = ratio[chosen] - 1
        text.append(
            f"SNR {low}-{high}: {off.mean() * 100:+.1f} ± {off.std() / off.size**0.5 * 100:.1f} %, "
            f"pulls {pull[chosen].mean():+.2f} ± {pull[chosen].std():.2f} ({off.size})"
        )
    chosen = (snr >= BINS[0][0]) & (snr < BINS[-1][1])
    cleaning = np.mean([result["cleaning_noise"] for result in results])
    over_thermal = np.mean([result["noise_jy"] / result["thermal_noise_jy"] for result in results])
    cycles, seconds = (
        np.mean(values) for values in zip(*[(r["wsclean"]["major_cycles"], r["timings_s"]["wsclean"]) for r in results], strict=True)
    )
    print(
        f"{way:12} noise {over_thermal:.2f} thermal, {cycles:.1f} major cycles, {seconds:.0f} s; {'; '.join(text)}; "
        f"all pulls {pull[chosen].mean():+.2f} ± {pull[chosen].std():.2f}; cleaning noise {cleaning:.2f}",
        flush=True,
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 6, 7])
    given = parser.parse_args()
    ways = {
        "plain": {"subtract_bright": False, "catalogue_mask": False},
        "subtracted": {"subtract_bright": True, "catalogue_mask": False},
        "and masked": {"subtract_bright": True, "catalogue_mask": True},
    }
    results: dict[str, list[dict]] = {way: [] for way in ways}
    rows: dict[str, list[np.ndarray]] = {way: [] for way in ways}
    for seed in given.seeds:
        sources, base = sky(seed), Path(tempfile.mkdtemp(prefix="contimg-faint-"))
        try:
            ms = write_calibrated_ms(base / "group.ms", sources, NOISE_JY, TIMES, CHANNELS, seed=seed)
            catalogue = write_known_sources(base / "sources.csv", sources, TIMES)
            for way, chosen in ways.items():
                work = base / way.replace(" ", "-")
                results[way].append(image(ms, catalogue, work, "standard", **chosen)["result"])
                rows[way].append(misses(results[way][-1], measured(results[way][-1], ms, sources, work), sources))
        finally:
            shutil.rmtree(base)
    for way in ways:
        report(way, results[way], np.concatenate(rows[way]))
    print(f"load {os.getloadavg()[0]:.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
