"""The peer of bench/convert.py, a process of its own: one group to one Measurement Set with pyuvdata, each stage timed.

The fastest way it offers without leaving out work: every file read once and unchecked, joined along frequency in one go, the
whole band phased at once and written by one write_ms; no part sets, no second reading.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from astropy.utils import iers
from conversion_reference import UNCHECKED, meridian_places_rad, read_member

seconds: dict[str, float] = {}


@contextmanager
def stage(name: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - start


def main() -> None:
    warnings.simplefilter("ignore")
    iers.conf.auto_download = False
    order = json.loads(Path(sys.argv[1]).read_text())
    with stage("read"):
        whole, *others = [read_member(Path(path)) for path in order["files"]]
    with stage("combine"):
        whole.fast_concat(others, axis="freq", inplace=True, **UNCHECKED)
        del others
    with stage("phase"):
        times_jd, integration = np.unique(whole.time_array, return_inverse=True)
        for k, (ra, dec) in enumerate(meridian_places_rad(whole, times_jd, order["dec_rad"])):
            place = {"cat_type": "sidereal", "cat_lon": ra, "cat_lat": dec, "cat_frame": "icrs"}
            whole.phase_center_id_array[integration == k] = whole._add_phase_center(cat_name=f"integration {k}", **place)
        whole._clear_unused_phase_centers()
        whole.set_lsts_from_time_array()
        whole._set_app_coords_helper()
        whole.set_uvws_from_antenna_positions(update_vis=False)
        lon, lat = np.radians(order["centre_deg"])
        whole.phase(lon=lon, lat=lat, phase_frame="icrs", cat_name="centre")
        whole.conjugate_bls("ant1<ant2")
        whole.reorder_freqs(channel_order="freq", run_check=False)
    with stage("write"):
        whole.vis_units = "uncalib"
        whole.write_ms(order["ms"], run_check=False, clobber=True)
    print(json.dumps(seconds))


main()
