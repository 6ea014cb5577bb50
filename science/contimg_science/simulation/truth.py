"""What was really put in: truth.json, truth.npz and the catalogue of injected sources.

Written before the first file is delivered and again after each group, always whole (temporary name, then rename), and never
inside the input directory. Tests and the demo judge results by it; the pipeline never reads it.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contimg_science import channels
from contimg_science.beam import DISH_DIAMETER_M
from contimg_science.meridian import earth_orientation_version, meridian_centre
from contimg_science.simulation.array_layout import SITE_HEIGHT_M, SITE_LAT_DEG, SITE_LON_DEG
from contimg_science.simulation.faults import FAULTS, Plan, plan_files, subbands_of
from contimg_science.simulation.group_files import Simulation, all_frequencies_hz
from contimg_science.simulation.instrument import EFFICIENCY, PRODUCTS, SEFD_JY, noise_jy
from contimg_science.simulation.rfi import Box
from contimg_science.simulation.schedule import GROUP_S, JD_OF_UNIX_ZERO, PlannedGroup
from contimg_science.simulation.sky import Source
from contimg_science.simulation.visibilities import SkyOfGroup

TRUTH_VERSION = 1
# A member with more NaN than this counts as missing.
MAX_BAD_FRACTION = 0.5


@dataclass(frozen=True)
class FileTruth:
    """`group_id` is the group the pipeline must put the file in, null when it must refuse or ignore it, or found another group."""

    name: str
    subband: int
    made_for: str
    group_id: str | None
    bytes: int
    sha256: str
    late_s: float


def is_good_member(plan: Plan) -> bool:
    """Whether the file, once whole, is a member of its own group."""
    whole = not (plan.absent or plan.random_header or plan.claims_terabytes) and plan.kept_fraction == 1
    honest = plan.in_channels_of == plan.subband and plan.label_shift_days == 0
    return whole and honest and plan.arrival in ("style", "half-written")


def group_truth(simulation: Simulation, group: PlannedGroup, sources: list[Source], sky: SkyOfGroup, boxes: list[Box]) -> dict[str, object]:
    """Times, centre and, a source, the beam and flux an image of this group must show."""
    dec_app_rad = simulation.dec_app_rad
    ra, dec = meridian_centre(simulation.site, group.mid_mjd, dec_app_rad)
    attenuated_jy = sky.attenuated_jy
    plans = plan_files(simulation.parameters, group)
    members = [p for p in plans if is_good_member(p) and p.dec_app_deg == simulation.parameters.dec_app_deg]
    present = [p.subband for p in members if p.late_s == 0 and p.nan_fraction <= MAX_BAD_FRACTION]
    return {
        "index": group.index,
        "group_id": group.group_id,
        "day": group.day,
        "kind": "science" if group.calibrator is None else "calibrator",
        "calibrator": group.calibrator,
        "start_utc": group.start.isoformat().replace("+00:00", "Z"),
        "t0_jd": group.t0_jd,
        "mid_mjd": group.mid_mjd,
        "ntimes": group.ntimes,
        "after_restart": group.after_restart,
        "centre_ra_deg": float(np.degrees(ra)),
        "centre_dec_deg": float(np.degrees(dec)),
        "subbands_at_once": present,
        "subbands_late": [p.subband for p in members if p.late_s > 0],
        "sources": [
            {
                "name": source.name,
                "flux_jy": source.flux_in_group_jy(group.index),
                "band_flux_jy": float(sky.spectrum_jy[s].mean()),
                "mean_beam": float(sky.response[s].mean()),
                "attenuated_flux_jy": float(attenuated_jy[s].mean()),
            }
            for s, source in enumerate(sources)
        ],
        "rfi": [box.as_truth() for box in boxes],
    }


def fault_truth(simulation: Simulation, groups: list[PlannedGroup]) -> list[dict[str, object]]:
    """Every fault asked for, one entry a file, with what it must end as."""
    entries: list[dict[str, object]] = []
    for name, targets in simulation.parameters.faults.items():
        for target in targets:
            for subband in subbands_of(target):
                must_end_as = {"kind": FAULTS[name].kind, "any_of": list(FAULTS[name].ends_as)}
                entries.append(
                    {
                        "fault": name,
                        "group": target.group,
                        "group_id": groups[target.group].group_id,
                        "subband": subband,
                        "value": target.value,
                        "must_end_as": must_end_as,
                    }
                )
    return entries


def source_truth(source: Source) -> dict[str, object]:
    """`flux_jy` and `spectral_index` are exact for a power law, and describe a calibrator whose polynomial is exact."""
    return {
        "name": source.name,
        "ra_deg": source.ra_deg,
        "dec_deg": source.dec_deg,
        "flux_jy": source.flux_jy,
        "spectral_index": source.spectral_index,
        "calibrator_polynomial": None if source.calibrator is None else list(source.calibrator.coefficients),
        "light_curve": source.light_curve.model_dump(),
    }


def write_truth(
    directory: Path,
    simulation: Simulation,
    groups: list[PlannedGroup],
    sources: list[Source],
    groups_truth: list[dict[str, object]],
    files: list[FileTruth],
    finished: bool,
) -> Path:
    parameters, nfreqs = simulation.parameters, simulation.layout.nfreqs
    truth = {
        "version": TRUTH_VERSION,
        "finished": finished,
        "seed": parameters.seed,
        "options": parameters.model_dump(mode="json"),
        "site": {"lat_deg": SITE_LAT_DEG, "lon_deg": SITE_LON_DEG, "height_m": SITE_HEIGHT_M},
        "earth_orientation": earth_orientation_version(),
        "dish_m": DISH_DIAMETER_M,
        "dec_app_rad": simulation.dec_app_rad,
        "stations": list(simulation.layout.order),
        "nfreqs": nfreqs,
        "subbands": channels.SUBBANDS,
        "cadence_s": GROUP_S,
        "noise": {
            "sefd_jy": SEFD_JY,
            "efficiency": EFFICIENCY,
            "visibility_sigma_jy": noise_jy(nfreqs) if parameters.noise else 0.0,
        },
        "dead_antennas": parameters.dead_antennas,
        "dead_receptors": parameters.dead_receptors,
        "sources": [source_truth(source) for source in sources],
        "groups": groups_truth,
        "faults": fault_truth(simulation, groups),
        "files": [vars(entry) for entry in files],
        "arrays": "truth.npz",
    }
    target = directory / "truth.json"
    _replace_text(target, json.dumps(truth, indent=1, allow_nan=False) + "\n")
    return target


def write_arrays(directory: Path, simulation: Simulation, groups: list[PlannedGroup]) -> Path:
    """gain (groups, times, antennas, products) times bandpass (antennas, products, channels from the top) is each receptor's gain."""
    unix_s = [(group.times_jd - JD_OF_UNIX_ZERO) * 86400 for group in groups]
    target = directory / "truth.npz"
    np.savez(
        target,
        stations=np.array(simulation.layout.order),
        products=np.array(PRODUCTS),
        times_mjd=np.array([group.times_mjd for group in groups]),
        freq_hz=all_frequencies_hz(simulation.layout.nfreqs),
        gain=np.array([simulation.instrument.gains(seconds) for seconds in unix_s]),
        bandpass=simulation.instrument.bandpass,
    )
    return target


def write_catalogue(directory: Path, sources: list[Source]) -> Path:
    """The injected sources at their reference level, the calibrators not among them."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", "ra_deg", "dec_deg", "flux_jy", "spectral_index"])
    for s in sources:
        if s.calibrator is None:
            table.writerow([s.name, f"{s.ra_deg:.8f}", f"{s.dec_deg:.8f}", f"{s.flux_jy:.6g}", f"{s.spectral_index:.4f}"])
    target = directory / "catalogue.csv"
    _replace_text(target, text.getvalue())
    return target


def _replace_text(target: Path, text: str) -> None:
    new = target.with_name(f".{target.name}.new")
    new.write_text(text)
    new.replace(target)
