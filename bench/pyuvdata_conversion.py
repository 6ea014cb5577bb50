"""The peers of bench/convert.py, a process of their own: one group to one Measurement Set with pyuvdata, each stage timed.

`parts`: the way of earlier pipelines, a Measurement Set a subband and CASA's concat of all sixteen. `whole`: the shortest way
pyuvdata offers: files joined along frequency in memory, phased at once, one write_ms. Every file is read once, unchecked.
"""

from __future__ import annotations

import json
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from astropy.utils import iers
from conversion_reference import UNCHECKED, phase_to, read_member

seconds: dict[str, float] = {}


@contextmanager
def stage(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = seconds.get(name, 0.0) + time.perf_counter() - start


def main() -> None:
    warnings.simplefilter("ignore")
    iers.conf.auto_download = False
    order = json.loads(Path(sys.argv[1]).read_text())
    files, out = [Path(path) for path in order["files"]], Path(order["ms"])
    if order["way"] == "parts":
        convert_parts(files, order, out)
    else:
        convert_whole(files, order, out)
    print(json.dumps(seconds))


def convert_whole(files: list[Path], order: dict[str, Any], out: Path) -> None:
    with stage("read"):
        whole, *others = [read_member(path) for path in files]
    with stage("combine"):
        whole.fast_concat(others, axis="freq", inplace=True, **UNCHECKED)
        del others
    phase(whole, order)
    write(whole, out)


def convert_parts(files: list[Path], order: dict[str, Any], out: Path) -> None:
    from contimg_science.casa_session import run_casa

    # From the lowest frequency up, as a spectral window after the other is expected.
    parts = [out.with_name(f"{out.stem}.{number:02d}.ms") for number in range(len(files))]
    for path, part in zip(reversed(files), parts, strict=True):
        with stage("read"):
            member = read_member(path)
        phase(member, order)
        write(member, part)
    with stage("concat"):
        os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ["PYTHONPATH"]])
        run_casa("casa_concat", {"parts": [str(part) for part in parts], "ms": str(out)}, out.with_suffix(".casa"), 2)


def phase(data: Any, order: dict[str, Any]) -> None:
    with stage("phase"):
        lon, lat = np.radians(order["centre_deg"])
        phase_to(data, (lon, lat), order["dec_rad"])


def write(data: Any, path: Path) -> None:
    with stage("write"):
        data.vis_units = "uncalib"
        data.write_ms(str(path), run_check=False, clobber=True)


main()
