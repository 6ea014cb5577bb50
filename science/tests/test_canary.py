"""Synthetic sources in the visibilities of a group: what the line makes of them, and whether a line that is wrong shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from casacore.tables import table
from made_group import MINI_STATIONS, MadeGroup, SkySource
from made_solutions import write_tables
from step_process import run_step_process
from test_calibrate import DEC_RAD, MID_MJD
from test_field_phase import DRIFT_DEG, FIELD
from test_photometry import IMAGE_PARAMETERS
from test_solve import positions

from contimg_science.canary.injection import SYNTHETIC_KEY

pytestmark = pytest.mark.slow

INJECTION = {
    "steady_snr": [10, 30, 100],
    "varying_snr": 30,
    "varying_amplitude": 0.5,
    "varying_period_h": 7,
    "min_response": 0.5,
    "clearance_arcmin": 4,
    "field_phase": True,
}
PHOTOMETRY = {
    "pb_cut": 0.2,
    "snr_limit_sigma": 3,
    "neighbour_beams": 1.5,
    "systematic_fraction": 0.01,
    "blind": False,
    "blind_sigma": 5,
}


def run(step: str, folder: Path, inputs: dict[str, Any], parameters: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    status, events = run_step_process(step, {"inputs": inputs, "parameters": parameters, "outputs": outputs}, folder)
    assert status == 0, events[-1]
    return events[-1]["result"]


def line(ms: Path, folder: Path, solved: dict[str, Any], sources: Path) -> dict[str, Any]:
    """Flags, calibrates and images a set; answers the image."""
    flagging = {"mad_sigma": 7, "dead_antenna_fraction": 0.95, "aoflagger": False, "aoflagger_threshold": 1.2}
    run("flag", folder, {"ms": ms, "published_ms": None}, flagging, {"statistics": folder / "flags.json"})
    calibrating = {"average_channels": 1, "max_smearing_loss": 0.01, "field_phase": True}
    run("calibrate", folder, {"ms": ms, "sets": [solved], "positions": sources}, calibrating, {"ms": folder / "calibrated.ms"})
    inputs = {"ms": folder / "calibrated.ms", "calibration_set": "1", "degraded_reasons": [], "subbands_missing": []}
    outputs = {"directory": folder / "image", "name": "group.img"}
    return run("image", folder, {**inputs, "sources": sources, "memory_gb": None}, IMAGE_PARAMETERS | {"tier": "quicklook"}, outputs)


def measure(image: dict[str, Any], at: Path, target: Path) -> Path:
    inputs = {kind: image["files"][kind] for kind in ("image", "beam", "residual", "model")}
    run("photometry", target.parent, {**inputs, "positions": at, "ms": None}, PHOTOMETRY, {"measurements": target})
    return target


class Canary:
    """A group that the line has finished, and its copy with synthetic sources."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        empty = MadeGroup(MID_MJD, DEC_RAD, [], seed=47)
        sky = [SkySource(source.ra_deg, source.dec_deg, source.flux_jy(empty.freq_hz)) for source in FIELD]
        made = MadeGroup(MID_MJD, DEC_RAD, sky, seed=47)
        self.ms = made.write(folder / "group.ms")
        drift = np.radians(DRIFT_DEG) * np.random.default_rng(5).standard_normal((len(MINI_STATIONS), 2, 1))
        gains = made.gains * np.exp(-1j * drift)
        self.solved = write_tables(folder, "drifted", MID_MJD - 0.1, gains, self.ms)
        self.too_large = write_tables(folder, "too-large", MID_MJD - 0.1, 1.06 * gains, self.ms)
        self.catalogue = positions(folder / "catalogue.csv", FIELD)
        self.image = line(self.ms, folder / "science", self.solved, self.catalogue)
        self.before = self.samples()
        self.injected = run(
            "inject",
            folder / "inject",
            {
                "ms": self.ms,
                "sets": [self.solved],
                "sources": self.catalogue,
                "image": self.image["files"]["image"],
                "noise_jy": self.image["noise_jy"],
                "beam_major_arcsec": self.image["beam_major_arcsec"],
            },
            INJECTION,
            {name: folder / "inject" / path for name, path in (("ms", "copy.ms"), ("sources", "sources.csv"), ("positions", "positions.csv"))},
        )

    def samples(self) -> list[np.ndarray]:
        with table(str(self.ms), ack=False) as main:
            return [main.getcol("DATA"), main.getcol("FLAG")]

    def recovered(self, name: str, solved: dict[str, Any]) -> list[dict[str, float]]:
        work, injection = self.folder / name, self.folder / "inject"
        image = line(injection / "copy.ms", work, solved, injection / "sources.csv")
        inputs = {
            "image": image["files"]["image"],
            "measurements": measure(image, injection / "positions.csv", work / "measured.jsonl"),
            "before": measure(self.image, injection / "positions.csv", work / "before.jsonl"),
            "sources": self.injected["sources"],
        }
        found = run("recover", work, inputs, {}, {})["sources"]
        truth = [source["injected_jy"] for source in self.injected["sources"]]
        return [{**one, "ratio": (one["measured_jy"] - one["before_jy"]) / jy} for one, jy in zip(found, truth, strict=True)]


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory) -> Canary:
    return Canary(tmp_path_factory.mktemp("canary"))


def test_what_was_injected_comes_back_through_the_whole_line(canary: Canary) -> None:
    found = canary.recovered("right", canary.solved)
    print(json.dumps(found))
    assert [one["name"] for one in found] == ["canary-10", "canary-30", "canary-100", "canary-varying"]
    for one, snr in zip(found, (10, 30, 100, 30), strict=True):
        # The noise is the same before and after; what is left of it is cleaned differently, by less than half of it.
        assert abs(one["ratio"] - 1) < 0.02 + 0.5 / snr
        # A Gaussian is placed to 0.6 beams over its S/N; three times that, and a hundredth of a beam.
        assert one["offset_arcsec"] < canary.image["beam_major_arcsec"] * (0.01 + 1.8 / snr)


def test_a_flux_scale_that_is_off_by_a_tenth_shows(canary: Canary) -> None:
    found = canary.recovered("wrong", canary.too_large)
    assert np.mean([one["ratio"] for one in found[1:]]) == pytest.approx(1 / 1.06**2, abs=0.02)


def test_the_group_itself_is_left_as_it_was_and_the_copy_says_what_it_is(canary: Canary) -> None:
    for now, then in zip(canary.samples(), canary.before, strict=True):
        assert np.array_equal(now, then)
    with table(str(canary.folder / "inject" / "copy.ms"), ack=False) as copy:
        assert copy.getkeyword("CONTIMG")[SYNTHETIC_KEY] == 4


def test_the_varying_source_follows_its_law_and_the_image_is_told_its_mean(canary: Canary) -> None:
    varying = canary.injected["sources"][-1]
    with table(f"{canary.ms}::OBSERVATION", ack=False) as observation:
        mid_mjd = observation.getcell("TIME_RANGE", 0).mean() / 86400
    wanted = 1 + 0.5 * np.sin(2 * np.pi * mid_mjd * 24 / 7)
    assert varying["injected_jy"] / varying["catalogue_jy"] == pytest.approx(wanted, rel=1e-6)
    assert varying["catalogue_jy"] * varying["response"] == pytest.approx(30 * canary.image["noise_jy"])


def test_no_place_is_near_a_known_source_or_another(canary: Canary) -> None:
    places = [(source.ra_deg, source.dec_deg) for source in FIELD]
    for source in canary.injected["sources"]:
        here = np.array([source["ra_deg"], source["dec_deg"]])
        apart = (np.array(places) - here) * [np.cos(np.radians(here[1])), 1]
        assert np.hypot(*apart.T).min() > INJECTION["clearance_arcmin"] / 60 * 0.99
        assert source["response"] >= INJECTION["min_response"]
        places.append((here[0], here[1]))
