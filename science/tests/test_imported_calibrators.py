"""Calibrators of an imported list: which count, which group they serve, and that a group is solved with one when no primary transits."""

import json
from pathlib import Path

import numpy as np
import pytest
from converted import convert, simulate_group, validate_set
from simulated import START
from step_process import run_step_process
from test_classify import SITE, around, transit_mjd
from test_solve import solve

from contimg_science.calibrators import CALIBRATORS
from contimg_science.classify import classify
from contimg_science.imported_calibrators import COLUMNS, ImportedCalibrator, calibrator_named, read_imported
from contimg_science.meridian import meridian_centre
from contimg_science.protocol import StepFailure
from contimg_science.simulation.array_layout import header_site

DEC_DEG = 50.5
MID_MJD = 60950.0 + (5 * 60 + 18 + 154.6) / 86400


def listed(path: Path, *rows: str) -> Path:
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    return path


def test_a_built_in_calibrator_keeps_its_own_spectrum_whatever_a_list_calls_it(tmp_path: Path):
    known = CALIBRATORS["3C147"]
    rows = (f"J0542+498,{known.ra_deg + 5e-4},{known.dec_deg},22.5,,vla version 1", "J0555+398,88.878,39.814,1.6,,vla version 1")
    assert [entry.name for entry in read_imported(listed(tmp_path / "list.csv", *rows))] == ["J0555+398"]


@pytest.mark.parametrize("flux", ["", "0", "-3", "nan", "inf"])
def test_a_calibrator_without_a_flux_is_refused_and_never_given_one(flux: str, tmp_path: Path):
    with pytest.raises(StepFailure, match="line 3 of") as refused:
        read_imported(listed(tmp_path / "list.csv", "A,1,2,6,,vla version 1", f"B,1,2,{flux},,vla version 1"))
    assert refused.value.code == "BadCalibrators"


def test_a_name_leads_to_its_source_and_catalogue_or_to_those_that_are_known():
    entry = ImportedCalibrator(name="J0001+505", ra_deg=0.3, dec_deg=50.5, flux_jy=7.0, spectral_index=-0.5, catalogue="vla version 3")
    source, catalogue = calibrator_named("J0001+505", [entry])
    assert (float(source.flux_jy(1.4e9)), catalogue) == (pytest.approx(7.0), "vla version 3")
    assert calibrator_named("3C286", [entry]) == (CALIBRATORS["3C286"], None)
    with pytest.raises(KeyError, match="3C147"):
        calibrator_named("J9999+999", [entry])


def test_across_0_h_the_strip_gets_its_own_primary_first_and_bright_sources_where_none_transits(tmp_path: Path):
    rows = [
        "EAST,0.2,50.4,6.0,,vla version 1",
        "WEST,359.8,50.6,9.0,,vla version 1",
        "OTHER-STRIP,0.0,53.5,90.0,,vla version 1",
        "OTHER-HOUR,180.0,50.5,90.0,,vla version 1",
        "FAINT,0.1,50.5,4.9,,vla version 1",
    ]
    imported = [entry.calibrator() for entry in read_imported(listed(tmp_path / "list.csv", *rows))]
    found = classify(SITE, around(transit_mjd(0.0, 50.5)), np.radians(50.5), [*CALIBRATORS.values(), *imported])
    assert [(one.name, one.kind) for one in found.candidates] == [("WEST", "bright_fallback"), ("EAST", "bright_fallback")]


def simulated_transit(base: Path) -> tuple[list[Path], str]:
    """A group whose beam centre crosses a 9 Jy source that no built-in table knows, and its name in the VLA list."""
    ra, dec = meridian_centre(header_site(), MID_MJD, float(np.radians(DEC_DEG)))
    place = {"name": "BRIGHT", "ra_deg": float(np.degrees(ra)) % 360, "dec_deg": float(np.degrees(dec)) + 0.2}
    curve = {"kind": "steady", "group": 0, "factor": 1.0, "length": 1}
    sources = {"count": 3, "flux_min_jy": 0.2, "flux_max_jy": 0.45, "radius_deg": 0.8, "separation_arcmin": 10.0, "doubling": 0}
    explicit = [{**place, "flux_jy": 9.0, "spectral_index": -0.7, "light_curve": curve}]
    files = simulate_group(
        base, ntimes=24, dec_app_deg=DEC_DEG, catalogues=True, sources={**sources, "calibrator_in": "transit", "explicit": explicit}
    )
    assert START == "2025-10-02T00:05:18Z"
    return files, f"J{int(place['ra_deg'] * 4) // 60:02d}{int(place['ra_deg'] * 4) % 60:02d}+{int(place['dec_deg'] * 10):03d}"


@pytest.mark.slow
def test_a_bright_source_of_the_imported_list_is_chosen_and_solved_when_no_primary_transits(tmp_path: Path):
    files, name = simulated_transit(tmp_path)
    inputs = {"file": tmp_path / "truth" / "catalogues" / "vla.txt", "format": "vla", "sha256": None}
    request = {"inputs": inputs, "parameters": {}, "outputs": {"sources": tmp_path / "sources.jsonl"}}
    status, events = run_step_process("read_catalogue", request, tmp_path / "read")
    assert status == 0, events
    assert (events[-1]["result"]["sources"], events[-1]["result"]["left_out"]) == (1, 3)
    _, listed_name, ra_deg, dec_deg, flux_jy, _, _ = json.loads((tmp_path / "sources.jsonl").read_text())
    assert listed_name == name
    calibrators = listed(tmp_path / "calibrators.csv", f"{name},{ra_deg},{dec_deg},{flux_jy},,vla version 1")

    result = convert(files, tmp_path / "group.ms", calibrators=calibrators)
    assert [entry.name for entry in result.calibrators] == [name]
    classified = validate_set(files, result).classification
    assert (classified.kind, classified.calibrator) == ("calibrator", name)
    assert [one.kind for one in classified.candidates] == ["bright_fallback"]

    status, event = solve(result.ms, tmp_path / "solve", calibrator=name, calibrators=calibrators)
    assert status == 0, event
    solved = event["result"]
    assert solved["passed"], solved["reasons"]
    assert (solved["calibrator"], solved["calibrator_kind"], solved["calibrator_catalogue"]) == (name, "bright_fallback", "vla version 1")
    # The list has 9 Jy at 1.4 GHz; mid-band is at 1.405 GHz, and the usual index is the true one.
    assert solved["flux_jy"] == pytest.approx(9.0 * (1.405 / 1.4) ** -0.7, rel=2e-4)
