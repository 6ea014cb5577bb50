"""The reference that conversion is held against: pyuvdata 3.2 reads the same files, phases them and writes its own MS.

Its baselines are rebuilt from the antenna positions without "correcting" the data by the rounding of the header's float32 w,
which would be an error of the reference of up to 1e-3.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units as u
from astropy.coordinates import HADec, SkyCoord
from astropy.time import Time
from astropy.utils import iers
from casacore.tables import table

if TYPE_CHECKING:
    from pyuvdata import UVData

UNCHECKED = {"run_check": False, "check_extra": False, "run_check_acceptability": False}


def read_member(path: Path) -> UVData:
    from pyuvdata import UVData  # takes seconds to import: not while tests are collected

    member = UVData()
    member.read(str(path), file_type="uvh5", **UNCHECKED)
    member.uvw_array = member.uvw_array.astype(np.float64)
    return member


def write_reference_ms(paths: list[Path], centre_rad: tuple[float, float], dec_apparent_rad: float, out: Path) -> Path:
    """Members of equal length, any subset of the band; descending files come out ascending."""
    iers.conf.auto_download = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = read_member(paths[0])
        if len(paths) > 1:
            whole.fast_concat([read_member(path) for path in paths[1:]], axis="freq", inplace=True, **UNCHECKED)
        phase_to(whole, centre_rad, dec_apparent_rad)
        whole.vis_units = "uncalib"
        whole.write_ms(str(out), run_check=False, clobber=True)
    return out


def phase_to(data: UVData, centre_rad: tuple[float, float], dec_apparent_rad: float) -> None:
    """From the meridian of each integration to one centre; ascending frequencies, each pair in its own order."""
    times_jd, integration = np.unique(data.time_array, return_inverse=True)
    for k, (ra, dec) in enumerate(meridian_places_rad(data, times_jd, dec_apparent_rad)):
        place = {"cat_type": "sidereal", "cat_lon": ra, "cat_lat": dec, "cat_frame": "icrs"}
        data.phase_center_id_array[integration == k] = data._add_phase_center(cat_name=f"integration {k}", **place)
    data._clear_unused_phase_centers()
    data.set_lsts_from_time_array()
    data._set_app_coords_helper()
    data.set_uvws_from_antenna_positions(update_vis=False)
    data.phase(lon=centre_rad[0], lat=centre_rad[1], phase_frame="icrs", cat_name="centre")
    data.conjugate_bls("ant1<ant2")
    data.reorder_freqs(channel_order="freq", run_check=False)


def meridian_places_rad(whole: UVData, times_jd: np.ndarray, dec_apparent_rad: float) -> np.ndarray:
    """(times, 2): where (hour angle 0, apparent Dec) is in ICRS, as astropy has it."""
    seen = HADec(
        np.zeros(times_jd.size) * u.rad,
        np.full(times_jd.size, dec_apparent_rad) * u.rad,
        obstime=Time(times_jd, format="jd"),
        location=whole.telescope.location,
    )
    places = SkyCoord(seen).icrs
    return np.stack([places.ra.rad, places.dec.rad], axis=-1)


def columns(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """Columns of a main table sorted by time and pair."""
    with table(str(path), ack=False) as main:
        ordered = main.sort("TIME,ANTENNA1,ANTENNA2")
        return {name: ordered.getcol(name) for name in names}
