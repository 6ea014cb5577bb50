"""`science/.venv/bin/python bench/calibrator_field.py`: what sources near a calibrator lose when its model leaves them out.

Solves one simulated transit of 3C286 (24 antennas) three times: with the calibrator alone, with sources above 5 % of it, with
those above 0.3 %; then with the brightest of these twice as bright as its catalogue says. Prints for each source the part of its true
flux that is left once the solutions are applied.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

SCIENCE = Path(__file__).parents[1] / "science"
sys.path[:0] = [str(SCIENCE), str(SCIENCE / "tests")]

from made_group import MadeGroup  # noqa: E402
from test_solve import FIELD, recovered, solve, transit  # noqa: E402

from contimg_science.calibrators import power_law  # noqa: E402


def main() -> None:
    fluxes = " ".join(f"{name:>9}" for name in ("3C286", *(source.name for source in FIELD)))
    print(f"{'in the model':22}{'sources':>8} {fluxes}")
    with tempfile.TemporaryDirectory(prefix="bench-field-") as folder:
        steady = transit(offset_deg=0.2, minutes_late=0, seed=25, field=FIELD)
        for label, fraction in (("the calibrator alone", 1.0), ("above 5 % of it", 0.05), ("above 0.3 % of it", 0.003)):
            say(label, steady, Path(folder) / str(fraction), fraction)
        brightest, *others = FIELD
        doubled = power_law("A", brightest.ra_deg, brightest.dec_deg, 2 * float(brightest.flux_jy(1.4e9)), brightest.coefficients[1])
        say("A doubled", transit(offset_deg=0.2, minutes_late=0, seed=25, field=[doubled, *others]), Path(folder) / "doubled", 0.003)


def say(label: str, made: MadeGroup, work: Path, fraction: float) -> None:
    work.mkdir()
    status, event = solve(made.write(work / "transit.ms"), work, catalogue=FIELD, min_field_fraction=fraction)
    if status != 0:
        raise SystemExit(event)
    parts = " ".join(f"{part:9.4f}" for part in recovered(made, event["result"]["tables"]))
    qa = event["result"]["qa"]
    print(f"{label:22}{qa['field_sources']:8d} {parts}  {'; '.join(qa['field_fluxes_changed'])}", flush=True)


main()
