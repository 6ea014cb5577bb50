"""Small groups that many tests look at and none changes: made once a session."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from converted import convert, simulate_group
from simulated import NIGHT, run, tiny_request

from contimg_science.concat import ConcatResult


@pytest.fixture(scope="session")
def small_group(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixteen files of three integrations, noisy, real gains. To change one, take `copied`."""
    return simulate_group(tmp_path_factory.mktemp("small-group"), ntimes=3)


@pytest.fixture(scope="session")
def small_set(small_group: list[Path], tmp_path_factory: pytest.TempPathFactory) -> ConcatResult:
    """The Measurement Set of `small_group`."""
    return convert(small_group, tmp_path_factory.mktemp("small-set") / "group.ms")


@dataclass(frozen=True)
class LoneSource:
    """A group without noise whose sky holds one source at (+0.2°, +0.1°) from the centre, and where the truth has it."""

    files: list[Path]
    result: ConcatResult
    place: SkyCoord
    centre: SkyCoord


@pytest.fixture(scope="session")
def lone_source(tmp_path_factory: pytest.TempPathFactory) -> LoneSource:
    base = tmp_path_factory.mktemp("lone-source")
    centre = centre_of_group(base / "centre", ntimes=24)
    place = centre.spherical_offsets_by(0.2 * u.deg, 0.1 * u.deg)
    steady = {"kind": "steady", "group": 0, "factor": 1.0, "length": 1}
    source = {"name": "ONE", "ra_deg": place.ra.deg, "dec_deg": place.dec.deg, "flux_jy": 5.0, "spectral_index": 0.0, "light_curve": steady}
    sky = {**NIGHT["parameters"]["sources"], "count": 0, "explicit": [source]}
    files = simulate_group(base, ntimes=24, sources=sky, noise=False, instrument="ideal")
    truth = json.loads((base / "truth" / "truth.json").read_text())
    [known] = truth["sources"]
    result = convert(files, base / "group.ms")
    return LoneSource(files, result, SkyCoord(known["ra_deg"], known["dec_deg"], unit="deg"), centre)


def centre_of_group(base: Path, ntimes: int) -> SkyCoord:
    """Where the truth of a group without sources has its centre."""
    sky = {**NIGHT["parameters"]["sources"], "count": 0, "explicit": []}
    _, truth = run(
        tiny_request(base, ntimes=ntimes, sources=sky, faults={"missing": [{"group": 0, "subbands": list(range(1, 16)), "value": None}]})
    )
    [group] = truth["groups"]
    return SkyCoord(group["centre_ra_deg"], group["centre_dec_deg"], unit="deg")
