"""A full-size group against pyuvdata: all sixteen subbands, every row, every channel.

`cd science && .venv/bin/python ../bench/fidelity.py [--keep DIRECTORY]` simulates the group (2.3 GB), converts it, validates
every row, then has pyuvdata read, phase and write each subband by itself and compares. Phasing works channel by channel, so
one subband at a time is the same reference with a sixteenth of the memory. Ends with 1 when a promised tolerance is missed.
"""

import argparse
import contextlib
import io
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

SCIENCE = Path(__file__).parents[1] / "science"
sys.path[:0] = [str(SCIENCE), str(SCIENCE / "tests")]

from conversion_reference import write_reference_ms  # noqa: E402
from converted import convert, key_of, simulate_group, validate_set  # noqa: E402
from reference_difference import Difference, difference  # noqa: E402

from contimg_science.measurement_set import describe  # noqa: E402

# What docs/explanation/measurement-set.md promises.
PROMISED = {"time_s": 2e-6, "uvw_m": 1e-6, "data": 1e-6, "weight": 1e-6, "sigma": 1e-6, "centre_mas": 1.0, "antenna_m": 1e-6}


def compare(base: Path) -> dict[str, float]:
    """Worst differences over all subbands."""
    started = time.perf_counter()
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet):
        files = simulate_group(base, size="full", ntimes=24, dec_app_deg=54.5734)
        simulated = time.perf_counter()
        result = convert(files, base / "group.ms")
        converted = time.perf_counter()
        verdict = validate_set(files, result)
    validated = time.perf_counter()
    print(
        f"{result.rows} rows x {result.channels} channels; simulated in {simulated - started:.0f} s, "
        f"converted in {converted - simulated:.1f} s, validated in {validated - converted:.1f} s ({len(verdict.checks)} checks)"
    )
    centre, worst = describe(result.ms).centre_rad, dict.fromkeys(PROMISED, 0.0)
    print("subband " + " ".join(f"{name:>10}" for name in PROMISED) + "  pyuvdata and comparison")
    for path in files:
        begun = time.perf_counter()
        reference = write_reference_ms([path], centre, key_of(path)[1], base / "reference.ms")
        found: Difference = difference(result.ms, reference)
        shutil.rmtree(reference)
        values = {name: getattr(found, name) for name in PROMISED}
        worst = {name: max(worst[name], value) for name, value in values.items()}
        if found.unequal:
            raise SystemExit(f"{path.name}: not equal: {', '.join(found.unequal)}")
        seconds = time.perf_counter() - begun
        print(f"{path.stem[-4:]:7} " + " ".join(f"{value:10.2g}" for value in values.values()) + f"  {seconds:.0f} s", flush=True)
    return worst


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--keep", type=Path, help="an empty folder to work in and leave as it is")
    keep: Path | None = arguments.parse_args().keep
    base = keep or Path(tempfile.mkdtemp(prefix="contimg-fidelity-"))
    base.mkdir(parents=True, exist_ok=True)
    try:
        worst = compare(base)
    finally:
        if keep is None:
            shutil.rmtree(base)
    print("worst   " + " ".join(f"{value:10.2g}" for value in worst.values()))
    print("promised" + " ".join(f"{value:10.2g}" for value in PROMISED.values()))
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {peak_gib:.1f} GiB, load {os.getloadavg()[0]:.1f}")
    missed = [name for name, value in worst.items() if not value <= PROMISED[name]]
    print(f"missed: {', '.join(missed)}" if missed else "within every tolerance; flags, pairs, intervals, channels and products equal")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
