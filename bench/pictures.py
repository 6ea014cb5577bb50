"""`science/.venv/bin/python bench/pictures.py NIGHT [OUT]`: pictures of what the pipeline made of a simulated night, beside what was injected.

NIGHT is the folder of `make demo` (`.demo`) or of `node bench/night.ts --keep`; OUT takes gains.png, image.png and
light-curves.png. Prints how far the first calibration set of the night is from the true gains. Reads only.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from matplotlib.figure import Figure

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "science")]

from contimg_science.calibration.calibration_table import read_solutions  # noqa: E402
from contimg_science.imaging.picture import shrink  # noqa: E402

DRAWN_RECEPTORS = 4
DRAWN_SOURCES = 4
DRAWN_PX = 350
LOW_SIGMA, HIGH_SIGMA = -5, 15


def only(paths: list[Path], what: str) -> Path:
    if not paths:
        raise SystemExit(f"there is no {what}: has the night ended?")
    return paths[0]


def gains(night: Path, out: Path) -> None:
    tables = only(sorted((night / "products" / "caltables").glob("*/*/*.bp.cal")), "calibration set")
    bandpass, gain = read_solutions(tables), read_solutions(Path(str(tables).replace(".bp.cal", ".gp.cal")))
    truth: Any = np.load(night / "truth" / "truth.npz")
    stations = [int(station) for station in truth["stations"]]
    names = [f"DSA-{station:03d}" for station in stations]
    index = [bandpass.antenna_names.index(name) for name in names]
    nearest = int(np.argmin(np.abs(truth["times_mjd"].mean(axis=1) - gain.mjd[0])))
    # (antenna, channel upwards, receptor)
    at_transit = truth["gain"][nearest].mean(axis=0)[:, None] * np.moveaxis(truth["bandpass"], 1, 2)[:, ::-1]
    solved = (bandpass.gains[0] * gain.gains[0])[index]
    flags = (bandpass.flags[0] | gain.flags[0])[index]
    reference = next(k for k in reversed(range(len(index))) if not flags[k].any())
    ratio = solved / at_transit
    ratio = ratio * np.exp(-1j * np.angle(ratio[reference]))
    good = ratio[~flags]
    print(
        f"{tables.parent.name}: |g| over true |g| {np.median(np.abs(good)):.5f} (median), phases {np.degrees(np.angle(good)).std():.2f} deg rms"
    )
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    amplitude, phase = figure.subplots(1, 2)
    ghz = bandpass.freq_hz / 1e9
    whole = [k for k in range(len(index)) if not flags[k, :, 0].all()][:: max(1, len(index) // DRAWN_RECEPTORS)]
    for k in whole[:DRAWN_RECEPTORS]:
        shown = ~flags[k, :, 0]
        turn = np.exp(-1j * np.angle(solved[reference, :, 0]))
        true_turn = np.exp(-1j * np.angle(at_transit[reference, :, 0]))
        line = amplitude.plot(ghz, np.abs(at_transit[k, :, 0]), lw=0.8)[0]
        amplitude.plot(ghz[shown], np.abs(solved[k, shown, 0]), ".", ms=3, color=line.get_color(), label=names[k])
        phase.plot(ghz, np.degrees(np.angle(at_transit[k, :, 0] * true_turn)), lw=0.8, color=line.get_color())
        phase.plot(ghz[shown], np.degrees(np.angle((solved[k, :, 0] * turn)[shown])), ".", ms=3, color=line.get_color())
    amplitude.set(xlabel="GHz", ylabel="|gain|, receptor X", ylim=(0, None))
    phase.set(xlabel="GHz", ylabel=f"phase to {names[reference]}, degrees", ylim=(-190, 190))
    amplitude.legend(fontsize=7, ncols=2, title="dots solved, lines injected", title_fontsize=7)
    figure.savefig(out / "gains.png", dpi=90)


def image(night: Path, out: Path) -> None:
    made = only(sorted((night / "products" / "images").glob("*/*/*.img-image.fits"))[-1:], "image")
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    for axes, kind in zip(figure.subplots(1, 2, sharey=True), ("image", "residual"), strict=True):
        with fits.open(str(made).replace("-image.fits", f"-{kind}.fits")) as opened:
            header, pixels = opened[0].header, np.squeeze(opened[0].data)  # pyright: ignore[reportAttributeAccessIssue]
        if kind == "image":
            noise = 1.4826 * np.median(np.abs(pixels - np.median(pixels)))
        half = pixels.shape[0] * abs(header["CDELT2"]) / 2
        axes.imshow(
            shrink(pixels, DRAWN_PX)[0],
            origin="lower",
            cmap="gray_r",
            vmin=LOW_SIGMA * noise,
            vmax=HIGH_SIGMA * noise,
            extent=(half, -half, -half, half),
        )
        axes.set(title=f"{kind}: {LOW_SIGMA} to {HIGH_SIGMA} σ, σ = {noise * 1e3:.2f} mJy", xlabel="degrees east of the centre")
    figure.suptitle(made.name.removesuffix(".img-image.fits"), fontsize=9)
    figure.savefig(out / "image.png", dpi=90)


def light_curves(night: Path, out: Path) -> None:
    truth = json.loads((night / "truth" / "truth.json").read_text())
    database = sqlite3.connect(f"file:{night / 'state' / 'db' / 'pipeline.sqlite3'}?mode=ro", uri=True)
    rows = database.execute(
        "SELECT s.name, m.mjd, m.flux_jy, m.error_jy FROM measurements m JOIN sources s ON s.id = m.source_id"
        " WHERE m.superseded = 0 AND m.kind = 'forced' ORDER BY m.mjd"
    ).fetchall()
    database.close()
    injected = {(source["name"], group["mid_mjd"]): source["band_flux_jy"] for group in truth["groups"] for source in group["sources"]}
    vary = [source["name"] for source in truth["sources"] if source["light_curve"]["kind"] != "steady"]
    measured = {row[0] for row in rows}
    names = [name for name in [*vary, *(source["name"] for source in truth["sources"])] if name in measured]
    names = list(dict.fromkeys(names))[:DRAWN_SOURCES]
    start = min(row[1] for row in rows)
    figure = Figure(figsize=(9, 3.2), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(names)), names, strict=True):
        own = np.array([row[1:] for row in rows if row[0] == name])
        true = sorted((mjd, flux) for (known, mjd), flux in injected.items() if known == name)
        axes.plot([mjd - start for mjd, _ in true], [flux for _, flux in true], "_", color="tab:red", ms=14, label="injected")
        axes.errorbar(own[:, 0] - start, own[:, 1], own[:, 2], fmt="k.", ms=4, lw=0.8, label="measured")
        axes.set(title=name, xlabel="days", ylim=(0, None))
        axes.title.set_size(8)
    figure.axes[0].set_ylabel("Jy")
    figure.axes[0].legend(fontsize=7)
    figure.savefig(out / "light-curves.png", dpi=90)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("night", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=ROOT / "docs" / "explanation" / "pictures")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for draw in (gains, image, light_curves):
        draw(given.night, given.out)


if __name__ == "__main__":
    main()
