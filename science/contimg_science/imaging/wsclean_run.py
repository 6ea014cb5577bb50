"""One run of the WSClean program: its command, its progress, and proof that it did what was asked.

WSClean can leave with status 0 and without an image, so both are checked. Its whole output goes to this process's
stderr, which is the log of the attempt; the last lines travel with a failure. It dies when this process dies.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from contimg_science.imaging.image_size import ImageSize
from contimg_science.protocol import StepFailure, die_with_parent, progress

PROGRAM = "wsclean"
PLANES = ("image", "residual", "psf", "model", "dirty")
# Major cycles a tier may spend; the thresholds usually stop it first.
MAJOR_CYCLES = {"quicklook": 2, "standard": 12, "deep": 30}
LAST_LINES = 15
UNITS_JY = {"M": 1e6, "K": 1e3, "": 1.0, "m": 1e-3, "µ": 1e-6, "n": 1e-9, "p": 1e-12}


@dataclass(frozen=True)
class CleanPlan:
    tier: str
    robust: float
    niter: int
    auto_threshold_sigma: float
    auto_mask_sigma: float
    gain: float | None  # none: WSClean's own
    mgain: float
    gridding_accuracy: float
    taper_arcsec: float
    # Full widths and angle, north through east.
    beam_arcsec: tuple[float, float]
    beam_pa_deg: float
    mask: Path | None  # none: what is found above `auto_mask_sigma`
    threads: int
    memory_gb: float


def wsclean_version() -> str:
    try:
        said = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except FileNotFoundError as missing:
        raise StepFailure("ToolFailed", "WSCleanMissing", "there is no wsclean program", "install wsclean 3.1 or newer", "none") from missing
    found = re.search(r"WSClean version (\S+)", said)
    if found is None:
        raise StepFailure("ToolFailed", "WSCleanUnknown", f"wsclean --version said {said[:80]!r}", "install wsclean 3.1 or newer", "none")
    return found.group(1)


def wsclean_command(sets: list[Path], prefix: Path, work_dir: Path, size: ImageSize, plan: CleanPlan) -> list[str]:
    return [
        PROGRAM,
        *("-j", str(plan.threads), "-abs-mem", f"{plan.memory_gb:.3g}", "-temp-dir", str(work_dir), "-name", str(prefix)),
        *("-no-update-model-required", "-data-column", "DATA", "-field", "all", "-pol", "I", "-use-wgridder"),
        *("-wgridder-accuracy", f"{plan.gridding_accuracy:g}"),
        *("-size", str(size.width_px), str(size.width_px), "-scale", f"{size.cell_arcsec:.4f}asec"),
        *("-weight", "briggs", f"{plan.robust:g}"),
        *(("-taper-gaussian", f"{plan.taper_arcsec:g}asec") if plan.taper_arcsec > 0 else ()),
        *("-beam-shape", *(f"{axis:.4f}asec" for axis in plan.beam_arcsec), f"{plan.beam_pa_deg:.4f}deg"),
        *("-niter", str(plan.niter), "-nmiter", str(MAJOR_CYCLES[plan.tier]), "-mgain", f"{plan.mgain:g}"),
        *(("-gain", f"{plan.gain:g}") if plan.gain is not None else ()),
        *("-auto-threshold", f"{plan.auto_threshold_sigma:g}"),
        *(("-fits-mask", str(plan.mask)) if plan.mask is not None else ("-auto-mask", f"{plan.auto_mask_sigma:g}")),
        *(str(one) for one in sets),
    ]


def run_wsclean(command: list[str], prefix: Path, progress_from: float, progress_to: float) -> list[float]:
    """Run to the end; `<prefix>-image.fits`, `-residual`, `-psf`, `-model`, `-dirty` are there afterwards.

    Answers the largest residual (Jy) that each major cycle began with; NaN where WSClean saw none.
    """
    for plane in PLANES:
        prefix.with_name(f"{prefix.name}-{plane}.fits").unlink(missing_ok=True)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        preexec_fn=die_with_parent,
    ) as child:
        assert child.stdout is not None
        last, peaks_jy = _follow(child.stdout, progress_from, progress_to)
    tail = "\n".join(last)
    if child.returncode > 0 and "bad_alloc" in tail:
        raise StepFailure("ToolKilled", "WSCleanMemory", f"wsclean found no memory\n{tail}", "give the step more memory, or fewer threads")
    if child.returncode < 0:
        name = signal.Signals(-child.returncode).name
        raise StepFailure(
            "ToolKilled", "WSCleanKilled", f"wsclean was ended by {name}\n{tail}", "give it more memory, or look who sent the signal"
        )
    if child.returncode != 0:
        raise StepFailure("ToolFailed", "WSCleanFailed", f"wsclean left with status {child.returncode}\n{tail}", "read the log of this attempt")
    missing = [plane for plane in PLANES if not prefix.with_name(f"{prefix.name}-{plane}.fits").is_file()]
    if missing:
        raise StepFailure(
            "ToolFailed", "WSCleanNoImage", f"wsclean left with status 0 but without {missing}\n{tail}", "read the log of this attempt"
        )
    return peaks_jy


def _follow(lines, progress_from: float, progress_to: float) -> tuple[deque[str], list[float]]:
    """Pass the log on; each major cycle takes half of the way that is left, for nobody knows how many there will be."""
    last: deque[str] = deque(maxlen=LAST_LINES)
    here, peaks_jy = progress_from, list[float]()
    for line in lines:
        sys.stderr.write(line)
        if not line.strip():
            continue
        last.append(line.rstrip())
        if (iteration := re.search(r"== Deconvolving \((\d+)\) ==", line)) is not None:
            here += (progress_to - here) / 2
            progress(here, f"clean, major cycle {iteration.group(1)}")
        elif "Initial peak:" in line:
            peaks_jy.append(_flux_jy(line))
        elif "== Constructing PSF ==" in line:
            progress(progress_from, "point spread function")
        elif "== Constructing image ==" in line:
            progress(here, "visibilities to image")
    sys.stderr.flush()
    return last, peaks_jy


def _flux_jy(line: str) -> float:
    """WSClean writes 1.36 Jy, 86.62 mJy, 458.04 µJy."""
    found = re.search(r"Initial peak: (\S+) (K|M|m|µ|n|p|)Jy", line)
    return abs(float(found.group(1))) * UNITS_JY[found.group(2)] if found is not None else float("nan")
