"""The image step on a simulated calibrated group: what it makes, what it says of its quality, what it refuses."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from calibrated_ms import PointSource, centre_rad, times_mjd, write_calibrated_ms
from casacore.tables import table
from step_process import run_step_process

from contimg_science.imaging.catalogue_check import CatalogueComparison
from contimg_science.imaging.image_quality import ImageNumbers, judge
from contimg_science.imaging.image_size import fourier_friendly
from contimg_science.imaging.visibilities import read_visibilities
from contimg_science.imaging.weighting import imaging_weights

TIMES = 12
SOURCES = [PointSource("centre", 0, 0, 1.0), PointSource("north-east", 0.3, 0.25, 2.0), PointSource("south-west", -0.5, -0.3, 0.5)]
PARAMETERS = {
    "tier": "standard",
    "extent_deg": 1.5,
    "cell_arcsec": 8,
    "robust": 0,
    "niter": 20000,
    "auto_threshold_sigma": 1,
    "auto_mask_sigma": 5,
    "mgain": 0.8,
    "pb_cut": 0.85,  # high, so that a small image has a blank border too
    "subtract_bright": True,
    "bright_sigma": 50,
    "catalogue_mask": True,
}


def make_image(ms: Path, directory: Path, threads: int = 2, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    request = {
        "threads": threads,
        "inputs": {
            "ms": ms,
            "calibration_set": "set-7",
            "survey": "survey nvss version 2",
            "degraded_reasons": ["subbands_missing"],
            "subbands_missing": [3, 11],
            "sources": None,
            "memory_gb": None,
        },
        "parameters": PARAMETERS,
        "outputs": {"directory": directory / "products", "name": "group.img"},
    }
    return run_step_process("image", request, directory / "work", **environment)


@pytest.fixture(scope="module")
def ms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_calibrated_ms(tmp_path_factory.mktemp("ms") / "calibrated.ms", SOURCES, noise_jy=1.0, times=TIMES)


@pytest.fixture(scope="module")
def events(ms: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    status, events = make_image(ms, tmp_path_factory.mktemp("first"))
    assert status == 0
    return events


@pytest.fixture(scope="module")
def result(events: list[dict[str, Any]]) -> dict[str, Any]:
    return events[-1]["result"]


def pixels(result: dict[str, Any], plane: str) -> np.ndarray:
    return fits.getdata(result["files"][plane])


@pytest.mark.slow
def test_all_products_exist_and_are_named_after_the_group(result):
    names = {kind: Path(path).name for kind, path in result["files"].items()}
    assert names["image"] == "group.img-image.fits"
    assert names["image_pb"] == "group.img-image-pb.fits"
    assert names["png"] == "group.img.png"
    assert all(Path(path).stat().st_size > 500 for path in result["files"].values())


@pytest.mark.slow
def test_progress_never_goes_back(events):
    fractions = [event["fraction"] for event in events if event["event"] == "progress"]
    assert len(fractions) > 5
    assert fractions == sorted(fractions)


@pytest.mark.slow
def test_the_header_says_where_when_and_from_what_the_image_was_made(result):
    header = fits.getheader(result["files"]["image_pb"])
    ra, dec = centre_rad(TIMES)
    assert (header["CRVAL1"], header["CRVAL2"]) == pytest.approx((np.degrees(ra), np.degrees(dec)), abs=1e-9)
    assert header["MJD-AVG"] == pytest.approx(times_mjd(TIMES).mean(), abs=1e-9)
    assert header["RADESYS"] == "ICRS"
    assert (header["GROUPID"], header["CALSET"], header["SURVEY"]) == ("2025-10-02T11:48:58", "set-7", "survey nvss version 2")
    assert (header["DEGRADED"], header["DEGRWHY"], header["SBMISS"]) == (True, "subbands_missing", "sb03,sb11")
    assert header["BMAJ"] * 3600 == pytest.approx(result["beam_major_arcsec"])
    assert header["QAVERD"] == result["qa"]["verdict"]
    assert "WSClean 3" in header["SOFTWARE"]


@pytest.mark.slow
def test_a_clean_group_passes_near_its_thermal_noise(result):
    assert result["qa"]["verdict"] == "pass", result["qa"]["checks"]
    # Half of what the reference tiles showed; the drift of the sky through the beam leaves a floor that cannot be cleaned.
    assert 0.9 < result["noise_jy"] / result["thermal_noise_jy"] < 1.3


@pytest.mark.slow
def test_sources_stand_where_they_were_put(result):
    image, cell_deg = pixels(result, "image"), result["cell_arcsec"] / 3600
    for source in SOURCES:
        x = image.shape[1] // 2 - round(np.degrees(np.radians(source.east_deg)) / cell_deg)
        y = image.shape[0] // 2 + round(source.north_deg / cell_deg)
        box = image[y - 3 : y + 4, x - 3 : x + 4]
        assert box.max() == pytest.approx(box[2:5, 2:5].max())
        assert box.max() > 0.7 * source.flux_jy


@pytest.mark.slow
def test_the_corrected_image_is_the_image_over_the_beam_and_blank_outside(result):
    image, corrected, beam = pixels(result, "image"), pixels(result, "image_pb"), pixels(result, "beam")
    inside = beam >= PARAMETERS["pb_cut"]
    assert 0.05 < inside.mean() < 0.95
    assert np.isnan(corrected[~inside]).all()
    np.testing.assert_allclose(corrected[inside], image[inside] / beam[inside], rtol=1e-5)


@pytest.mark.slow
def test_the_same_input_gives_the_same_bytes_on_one_thread_and_rounding_on_two(ms, result, tmp_path):
    made = []
    for attempt in ("first", "second"):
        status, events = make_image(ms, tmp_path / attempt, threads=1)
        assert status == 0
        made.append(events[-1]["result"])
    digests = [{kind: hashlib.sha256(Path(path).read_bytes()).hexdigest() for kind, path in one["files"].items()} for one in made]
    assert digests[0] == digests[1]
    # Single-precision sums in another order; a real difference would be of the order of the noise, 2e-3 of the peak.
    assert np.abs(pixels(made[0], "image") - pixels(result, "image")).max() < 1e-5 * result["peak_jy"]


@pytest.mark.slow
def test_an_image_of_nothing_is_made_and_fails_its_checks(tmp_path):
    blank = write_calibrated_ms(tmp_path / "blank.ms", [], noise_jy=0.0, times=2)
    status, events = make_image(blank, tmp_path)
    assert status == 0
    assert events[-1]["result"]["qa"]["verdict"] == "fail"
    assert Path(events[-1]["result"]["files"]["image"]).is_file()


@pytest.mark.slow
def test_a_group_without_a_good_visibility_is_rejected(tmp_path):
    ms = write_calibrated_ms(tmp_path / "flagged.ms", SOURCES, noise_jy=1.0, times=2)
    with table(str(ms), readonly=False, ack=False) as main:
        main.putcol("FLAG", np.ones_like(main.getcol("FLAG")))
    status, events = make_image(ms, tmp_path)
    assert status == 1
    assert (events[-1]["type"], events[-1]["code"]) == ("QualityRejected", "NothingToImage")


@pytest.mark.slow
def test_two_fields_are_refused_not_half_imaged(tmp_path):
    ms = write_calibrated_ms(tmp_path / "two.ms", SOURCES, noise_jy=1.0, times=2)
    with table(str(ms / "FIELD"), readonly=False, ack=False) as field:
        field.addrows(1)
    status, events = make_image(ms, tmp_path)
    assert (status, events[-1]["code"]) == (1, "NotOneField")


@pytest.mark.slow
def test_a_machine_without_wsclean_says_so(ms, tmp_path):
    status, events = make_image(ms, tmp_path, PATH=str(tmp_path))
    assert (status, events[-1]["code"]) == (1, "WSCleanMissing")


@pytest.mark.slow
def test_coarse_cells_widen_the_beam_instead_of_losing_flux(ms):
    vis = read_visibilities(ms)
    fine, wide = imaging_weights(vis, 0, 1.5, 0), imaging_weights(vis, 0, 1.5, 28.0)
    assert fine.taper_arcsec == 0
    # The halvings of the search leave a thousandth of the beam.
    assert wide.beam_minor_arcsec == pytest.approx(28.0, rel=0.01)
    assert fine.share.sum() == pytest.approx(1)


@pytest.mark.parametrize(("at_least", "friendly"), [(64, 64), (65, 72), (1799, 1800), (1801, 1920), (7, 8)])
def test_widths_are_even_and_made_of_small_primes(at_least, friendly):
    assert fourier_friendly(at_least) == friendly


GOOD = ImageNumbers(
    noise_jy=1e-3,
    peak_jy=1.0,
    residual_peak_jy=5e-3,
    dirty_noise_jy=5e-3,
    thermal_noise_jy=0.9e-3,
    beam_arcsec=(20.0, 15.0),
    expected_beam_arcsec=(20.0, 16.0),
    psf_peak=1.0,
    psf_sidelobe=0.3,
    flagged_fraction=0.02,
    finite_fraction=1.0,
    diverged=False,
    catalogue=None,
)
MATCHED = CatalogueComparison(
    compared=7,
    seen_fraction=1.0,
    flux_ratio=1.01,
    flux_ratio_error=0.004,
    offset_east_arcsec=0.1,
    offset_north_arcsec=0.0,
    astrometry_rms_arcsec=0.5,
)


@pytest.mark.parametrize(
    ("change", "verdict", "named"),
    [
        ({}, "pass", None),
        ({"noise_jy": 2e-3}, "warn", "noise_over_thermal"),
        ({"noise_jy": 6e-3}, "fail", "noise_over_thermal"),
        ({"noise_jy": 0.0}, "fail", "blank"),
        ({"finite_fraction": 0.9}, "fail", "blank"),
        ({"beam_arcsec": (32.0, 15.0)}, "fail", "beam_deviation"),
        ({"residual_peak_jy": 0.05}, "warn", "residual_peak_sigma"),
        ({"dirty_noise_jy": 0.9e-3}, "warn", "residual_noise_over_dirty"),
        ({"diverged": True}, "fail", "clean_diverged"),
        ({"catalogue": MATCHED}, "pass", None),
        ({"catalogue": MATCHED.model_copy(update={"flux_ratio": 0.75})}, "warn", "flux_ratio_deviation"),
        ({"catalogue": MATCHED.model_copy(update={"flux_ratio": 0.06})}, "fail", "flux_ratio_deviation"),
        ({"catalogue": MATCHED.model_copy(update={"astrometry_rms_arcsec": 7.0})}, "warn", "astrometry_rms_arcsec"),
        ({"catalogue": MATCHED.model_copy(update={"seen_fraction": 0.4})}, "fail", "catalogue_unseen_fraction"),
    ],
)
def test_the_verdict_follows_the_worst_check(change, verdict, named):
    quality = judge(ImageNumbers(**{**GOOD.__dict__, **change}))
    assert quality.verdict == verdict
    failed = [check.name for check in quality.checks if not check.passed]
    assert (named in failed) if named else failed == []
