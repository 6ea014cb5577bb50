"""`science/.venv/bin/python bench/imaging.py`: step `image` beside plain WSClean and CASA's tclean on the same group, unaveraged.

Makes a perfectly calibrated, noisy group of full size (96 antennas, 768 channels, 24 integrations: 4 GB) with 12 sources of 0.15 to 3 Jy
and 30 fainter ones. The step has it with three channels averaged, as `calibrate` hands it over; the others have it unaveraged, with
the same width, cell, weights and taper, and look for sources on their own; CASA has `--casa-channels` of the 768 and stops at 5 sigma
(the others go to 0.5 inside their masks). Each is a process of its own. Options: `--size mini`, `--keep DIR`, `--no-casa`. Prints seconds,
peak memory, noise, peak, fluxes against truth, ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science"), str(ROOT / "science" / "tests"), str(ROOT / "bench")]

from calibrated_ms import PointSource, place_rad, write_calibrated_ms, write_known_sources  # noqa: E402
from floor import PARAMETERS, SIZES, TIMES, sky  # noqa: E402

from contimg_science.imaging.averaged_sets import write_averaged_sets  # noqa: E402
from contimg_science.imaging.averaging import Share  # noqa: E402
from contimg_science.imaging.fits_headers import read_plane  # noqa: E402
from contimg_science.imaging.image_quality import robust_sigma  # noqa: E402
from contimg_science.imaging.visibilities import read_visibilities  # noqa: E402
from contimg_science.measurement_set import describe, open_table  # noqa: E402
from contimg_science.measuring.forced_fit import NoiseMap, fit_companions, fully_inside  # noqa: E402
from contimg_science.measuring.positions import ImageFrame, image_frame, pixel_positions  # noqa: E402
from contimg_science.photometry import restoring_beam  # noqa: E402

# Of the real part of one visibility of one channel and product: SEFD 5800 Jy, 70 % efficient, 12.885 s, 244 kHz.
NOISE_JY = 3.3
AVERAGED = 3
CHANNELS = {"mini": 288, "full": 768}
ACCURATE_SNR = 50
# Without a mask it would clean the noise, down to half of which the others go, for hours.
CASA_SIGMA, CASA_NITER = 5, 3000
# CASA and python-casacore do not live in one process.
RUN_CASA = """
import json, pathlib, sys
from contimg_science.casa_session import run_casa
run_casa("casa_tclean", json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2]), 2)
"""


@dataclass(frozen=True)
class Cost:
    wall_s: float
    cpu_s: float
    peak_gib: float

    def __str__(self) -> str:
        return f"{self.wall_s:7.1f} s wall {self.cpu_s:7.1f} s processor {self.peak_gib:5.2f} GiB"


def measured(command: list[str], log: Path, **environment: str) -> Cost:
    started = time.perf_counter()
    with log.open("w") as output:
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **environment})
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {child.returncode}; its log is {log}: {log.read_text()[-500:]}")
    return Cost(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20)


@dataclass(frozen=True)
class Truth:
    """All images have one grid: frame and primary beam are those of the step."""

    sources: list[PointSource]
    frame: ImageFrame
    response: np.ndarray
    freq_hz: float


def quality(image_path: Path, residual_path: Path, truth: Truth) -> str:
    """Fluxes are fitted with the beam of the image and divided by the step's primary beam, for all alike."""
    image, header = read_plane(image_path)
    residual = read_plane(residual_path)[0]
    frame, sources = truth.frame, truth.sources
    beam = restoring_beam(header, frame)
    noise = NoiseMap(residual, beam)
    x, y = pixel_positions(frame, *np.array([place_rad(source, TIMES) for source in sources]).T)
    ratios = []
    for number in np.flatnonzero(fully_inside(image.shape, x, y, beam)):
        through, source = float(truth.response[round(y[number]), round(x[number])]), sources[number]
        true_jy = source.flux_jy * (truth.freq_hz / 1.4e9) ** source.spectral_index * through
        fit = fit_companions(image, x[[number]], y[[number]], beam, noise)[0]
        if through > 0.2 and true_jy > ACCURATE_SNR * fit.error_jy:
            ratios.append(fit.flux_jy / true_jy)
    middle = float(np.median(ratios)) if ratios else float("nan")
    scatter = 1.4826 * float(np.median(np.abs(np.array(ratios) - middle))) if ratios else float("nan")
    deepest_jy = float(np.nanmax(np.abs(residual)))
    return (
        f"noise {robust_sigma(residual) * 1e3:.3f} mJy, peak {np.nanmax(image):.3f} Jy, largest residual {deepest_jy * 1e3:.1f} mJy, "
        f"{len(ratios)} fluxes above {ACCURATE_SNR} sigma {middle:.4f} +- {scatter:.4f} of the truth"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", choices=sorted(SIZES), default="full")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--casa-channels", type=int, default=96)
    parser.add_argument("--no-casa", action="store_true")
    given = parser.parse_args()
    base: Path = given.keep or Path(tempfile.mkdtemp(prefix="contimg-imaging-"))
    base.mkdir(parents=True, exist_ok=True)
    try:
        compare(given, base)
    finally:
        if given.keep is None:
            shutil.rmtree(base)
    return 0


def compare(given: argparse.Namespace, base: Path) -> None:
    sources = sky()
    antennas, _ = SIZES[given.size]
    unaveraged = base / "unaveraged.ms"
    if not unaveraged.exists():
        write_calibrated_ms(unaveraged, sources, NOISE_JY, TIMES, CHANNELS[given.size], antennas=antennas)
        give_feeds(unaveraged)
    vis, group = read_visibilities(unaveraged), describe(unaveraged)
    everything = Share(AVERAGED, 1, np.flatnonzero(~group.autocorrelation))
    [averaged] = write_averaged_sets(unaveraged, base, group, vis, [everything], None, threads=2)
    print(f"{group.shape.rows} rows x {group.shape.channels} channels; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors", flush=True)

    inputs = {"ms": averaged, "calibration_set": "true gains", "degraded_reasons": [], "subbands_missing": [], "memory_gb": None}
    request = {
        "schema_version": 1, "step": "image", "group_id": "bench", "attempt_id": "1", "requested_at": "2025-10-02T12:00:00Z",
        "work_dir": base / "work", "threads": 2, "inputs": {**inputs, "sources": write_known_sources(base / "sources.csv", sources, TIMES)},
        "parameters": {**PARAMETERS, "tier": "standard", "subtract_bright": True, "catalogue_mask": True},
        "outputs": {"directory": base / "products", "name": "group.img"},
    }  # fmt: skip
    (base / "image.json").write_text(json.dumps(request, default=str))
    step = [sys.executable, "-m", "contimg_science.image", str(base / "image.json")]
    ours = measured(step, base / "image.log", PYTHONPATH=str(ROOT / "science"), OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="1")
    events = [line for line in (base / "image.log").read_text().splitlines() if line.startswith('{"event": "result"')]
    result = json.loads(events[-1])["result"]
    files = result["files"]
    frame = image_frame(read_plane(Path(files["image"]))[1])
    truth = Truth(sources, frame, read_plane(Path(files["beam"]))[0], result["freq_hz"])
    told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in result["timings_s"].items())
    print(f"step image  {ours}   {told}; thermal noise {result['thermal_noise_jy'] * 1e3:.3f} mJy")
    print(f"            {quality(Path(files['image']), Path(files['residual']), truth)}", flush=True)

    command = result["wsclean"]["command"]
    taper = command[command.index("-taper-gaussian") + 1] if "-taper-gaussian" in command else "0asec"
    size, cell_arcsec, plain_name = result["width_px"], result["cell_arcsec"], base / "plain"
    plain = [
        "wsclean", "-j", "2", "-name", str(plain_name), "-temp-dir", str(base), "-no-update-model-required", "-data-column", "DATA", "-pol", "I",
        "-use-wgridder", "-size", str(size), str(size), "-scale", f"{cell_arcsec}asec", "-weight", "briggs", f"{PARAMETERS['robust']}",
        "-taper-gaussian", taper, "-niter", str(PARAMETERS["niter"]), "-mgain", "0.8", "-auto-mask", "5", "-auto-threshold", "0.5",
        str(unaveraged),
    ]  # fmt: skip
    peer = measured(plain, base / "plain.log")
    compared("WSClean", peer, ours)
    residual = plain_name.with_name("plain-residual.fits")
    print(f"            {quality(plain_name.with_name('plain-image.fits'), residual, truth)}", flush=True)
    if given.no_casa:
        return
    name = str(base / "casa" / "tclean")
    plan = {
        "ms": str(unaveraged), "name": name, "spw": f"0:0~{given.casa_channels - 1}", "width_px": size,
        "cell_arcsec": cell_arcsec, "robust": PARAMETERS["robust"], "taper_arcsec": taper.removesuffix("asec"), "niter": CASA_NITER,
        "threshold_jy": CASA_SIGMA * result["noise_jy"] * (group.shape.channels / given.casa_channels) ** 0.5,
    }  # fmt: skip
    (base / "casa.json").write_text(json.dumps(plan))
    path = os.pathsep.join([str(ROOT / "science"), str(ROOT / "bench")])
    casa = [sys.executable, "-c", RUN_CASA, str(base / "casa.json"), str(base / "casa")]
    compared(f"tclean, {given.casa_channels} ch", measured(casa, base / "casa.log", PYTHONPATH=path), ours)
    print(f"            {quality(Path(f'{name}-image.fits'), Path(f'{name}-residual.fits'), truth)}")


def give_feeds(ms: Path) -> None:
    """CASA asks for the feeds of a set, which the tests that make such sets have no use for."""
    with open_table(ms, subtable="ANTENNA") as antennas:
        count = antennas.nrows()
    with open_table(ms, writable=True, subtable="FEED") as feeds:
        feeds.addrows(count)
        for row in range(count):
            for name, value in {
                "ANTENNA_ID": row,
                "SPECTRAL_WINDOW_ID": -1,
                "NUM_RECEPTORS": 2,
                "POLARIZATION_TYPE": ["X", "Y"],
                "POL_RESPONSE": np.eye(2, dtype=np.complex64),
                "RECEPTOR_ANGLE": np.zeros(2),
                "BEAM_OFFSET": np.zeros((2, 2)),
            }.items():
                feeds.putcell(name, row, value)


def compared(name: str, peer: Cost, ours: Cost) -> None:
    ratios = f"{peer.wall_s / ours.wall_s:.1f} times our wall time, {peer.cpu_s / ours.cpu_s:.1f} times our processor time"
    print(f"{name}  {peer}   {ratios}")


if __name__ == "__main__":
    raise SystemExit(main())
