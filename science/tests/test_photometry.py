"""Fluxes of known and of new sources against what was put in, through WSClean for a whole group."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from calibrated_ms import PointSource, place_rad, write_calibrated_ms, write_known_sources
from step_process import run_step_process

from contimg_science.calibrators import CALIBRATORS
from contimg_science.imaging.fits_headers import read_plane
from contimg_science.measuring.positions import image_frame, pixel_positions
from contimg_science.photometry import Positions, known_here, read_positions
from contimg_science.protocol import StepFailure

TIMES = 12
SOURCES = [
    PointSource("centre", 0.0, 0.0, 1.0),
    PointSource("half a degree", 0.43, 0.31, 2.5),
    PointSource("edge of the drift", -0.91, 0.12, 1.5),
    PointSource("far south", 0.17, -0.93, 1.2),
    PointSource("pair, first", -0.3, -0.4, 0.9),
    PointSource("pair, second", -0.3 + 30 / 3600, -0.4 + 8 / 3600, 0.6),
    PointSource("faint", 0.61, -0.52, 0.3),
    PointSource("not there", -0.55, 0.55, 0.0),
    PointSource("outside", 1.4, 0.0, 3.0),
]
IN_THE_SKY = [source for source in SOURCES if source.name != "outside"]
UNKNOWN = "faint"
IMAGE_PARAMETERS = {
    "tier": "standard",
    "extent_deg": 2.2,
    "cell_arcsec": 7,
    "robust": 0,
    "niter": 50000,
    "auto_threshold_sigma": 1,
    "auto_mask_sigma": 5,
    "mgain": 0.8,
    "pb_cut": 0.2,
    "subtract_bright": True,
    "bright_sigma": 50,
    "catalogue_mask": True,
}


def write_positions(path: Path, unknown: list[str], survey_jy: dict[str, float]) -> Path:
    """`survey_jy`: who stands in the survey only, and how bright it says they are."""
    degrees = [np.degrees(place_rad(source, TIMES)) for source in SOURCES]
    rows = [
        f'{"" if source.name in survey_jy else number},"{source.name}",{float(ra)!r},{float(dec)!r},{survey_jy.get(source.name, "")}'
        for number, (source, (ra, dec)) in enumerate(zip(SOURCES, degrees, strict=True), 1)
        if source.name not in unknown
    ]
    path.write_text("\n".join(["source_id,name,ra_deg,dec_deg,flux_jy", *rows]) + "\n")
    return path


def measure(
    files: dict[str, str],
    ms: Path | None,
    directory: Path,
    blind: bool = False,
    unknown: list[str] | None = None,
    survey_jy: dict[str, float] | None = None,
) -> tuple[int, list[dict[str, Any]]]:
    request = {
        "inputs": {
            **{kind: files[kind] for kind in ("image", "beam", "residual", "model")},
            "positions": write_positions(directory / "positions.csv", unknown or [], survey_jy or {}),
            "ms": ms,
        },
        "parameters": {
            "pb_cut": 0.2,
            "snr_limit_sigma": 3,
            "neighbour_beams": 1.5,
            "systematic_fraction": 0.01,
            "blind": blind,
            "blind_sigma": 5,
        },
        "outputs": {"measurements": directory / "measurements.jsonl"},
    }
    return run_step_process("photometry", request, directory)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("group")


@pytest.fixture(scope="module")
def ms(directory: Path) -> Path:
    return write_calibrated_ms(directory / "calibrated.ms", IN_THE_SKY, noise_jy=0.6, times=TIMES, channels=24)


@pytest.fixture(scope="module")
def files(ms: Path, directory: Path) -> dict[str, str]:
    request = {
        "inputs": {
            "ms": ms,
            "calibration_set": "true gains",
            "degraded_reasons": [],
            "subbands_missing": [],
            "sources": write_known_sources(
                directory / "catalogue.csv", [source for source in IN_THE_SKY if source.flux_jy > 0 and source.name != UNKNOWN], TIMES
            ),
            "memory_gb": None,
        },
        "parameters": IMAGE_PARAMETERS,
        "outputs": {"directory": directory / "products", "name": "group.img"},
    }
    status, events = run_step_process("image", request, directory)
    assert status == 0
    return events[-1]["result"]["files"]


@pytest.fixture(scope="module")
def result(files: dict[str, str], ms: Path, directory: Path) -> dict[str, Any]:
    status, events = measure(files, ms, directory)
    assert status == 0
    return events[-1]["result"]


@pytest.fixture(scope="module")
def measured(result: dict[str, Any], directory: Path) -> dict[str, dict[str, Any]]:
    lines = [json.loads(line) for line in (directory / "measurements.jsonl").read_text().splitlines()]
    return {SOURCES[line["source_id"] - 1].name: line for line in lines}


@pytest.mark.slow
def test_steady_sources_come_back_with_their_flux(measured):
    bright = [source for source in SOURCES if source.name in measured and measured[source.name]["snr"] > 50]
    assert len(bright) >= 5
    for source in bright:
        # The bar for SNR > 50 is a scatter of 3 %; half of these are noise-limited below 1 %.
        bar = max(0.03, 3 / measured[source.name]["snr"])
        assert measured[source.name]["flux_jy"] == pytest.approx(source.flux_jy, rel=bar), source.name


@pytest.mark.slow
def test_quoted_errors_cover_the_misses(measured):
    pulls = [(line["flux_jy"] - source.flux_jy) / line["error_jy"] for source in SOURCES if (line := measured.get(source.name))]
    # Eight pulls of which none may exceed 4: less than one chance in a thousand if errors are honest.
    assert max(abs(pull) for pull in pulls) < 4


@pytest.mark.slow
def test_close_neighbours_are_fitted_together(measured):
    assert [name for name, line in measured.items() if "joint" in line["flags"]] == ["pair, first", "pair, second"]


@pytest.mark.slow
def test_a_source_that_is_not_there_is_kept_as_an_upper_limit(measured, result):
    line = measured["not there"]
    assert line["upper_limit"] is True
    assert abs(line["snr"]) < 3
    assert (result["measured"], result["upper_limits"]) == (len(SOURCES) - 1, 1)


@pytest.mark.slow
def test_positions_outside_the_image_are_counted_not_measured(measured, result):
    assert "outside" not in measured
    assert result["outside"] == 1


@pytest.mark.slow
def test_every_line_carries_the_middle_of_the_group(measured, files):
    assert {line["mjd"] for line in measured.values()} == {fits.getheader(files["image"])["MJD-AVG"]}


def centroid(image: np.ndarray, x: float, y: float) -> tuple[float, float]:
    """Peak of the paraboloid through the 3 × 3 logarithms around the nearest pixel, cross term included: exact for a tilted Gaussian."""
    column, row = round(x), round(y)
    dy, dx = np.mgrid[-1:2, -1:2].reshape(2, -1).astype(float)
    logs = np.log(image[row - 1 : row + 2, column - 1 : column + 2].astype(float)).ravel()
    terms = np.stack([np.ones(9), dx, dy, dx * dx, dx * dy, dy * dy], axis=1)
    _, x1, y1, xx, xy, yy = np.linalg.lstsq(terms, logs, rcond=None)[0]
    shift = np.linalg.solve([[2 * xx, xy], [xy, 2 * yy]], [-x1, -y1])
    return column + shift[0], row + shift[1]


@pytest.mark.slow
def test_sources_are_where_the_apparent_transform_and_the_header_put_them(files):
    image, header = fits.getdata(files["image"]), fits.getheader(files["image"])
    far = [source for source in SOURCES if source.name in ("half a degree", "edge of the drift", "far south")]
    ra, dec = np.array([place_rad(source, TIMES) for source in far]).T
    apparent = np.column_stack(pixel_positions(image_frame(header), ra, dec))
    by_header = np.column_stack(WCS(header).all_world2pix(np.degrees(ra), np.degrees(dec), 0))
    for key in ("PC1_1", "PC1_2", "PC2_1", "PC2_2"):
        del header[key]
    plain = np.column_stack(WCS(header).all_world2pix(np.degrees(ra), np.degrees(dec), 0))
    seen = np.array([centroid(image, x, y) for x, y in apparent])
    cell_arcsec = IMAGE_PARAMETERS["cell_arcsec"]
    apparent_miss, plain_miss = (np.hypot(*(places - seen).T) * cell_arcsec for places in (apparent, plain))
    # The bar for bright sources is 0.3″ rms; noise alone gives beam / (2 SNR) ≈ 0.05″.
    assert apparent_miss.max() < 0.15
    assert np.hypot(*(by_header - apparent).T).max() * cell_arcsec < 0.01
    # Without the linear map: aberration differs over the field.
    assert np.hypot(*(plain - apparent).T).max() * cell_arcsec > 0.1
    assert plain_miss.max() > apparent_miss.max()


@pytest.mark.slow
def test_a_source_that_nobody_knew_of_is_found_once_in_its_place_with_its_flux_and_nothing_else_is(files, ms, tmp_path):
    status, events = measure(files, ms, tmp_path, blind=True, unknown=[UNKNOWN])
    assert (status, events[-1]["result"]["blind_found"]) == (0, 1)
    (line,) = [line for line in map(json.loads, (tmp_path / "measurements.jsonl").read_text().splitlines()) if line["kind"] == "blind"]
    source = next(source for source in SOURCES if source.name == UNKNOWN)
    ra, dec = place_rad(source, TIMES)
    off_arcsec = np.degrees([(np.radians(line["ra_deg"]) - ra) * np.cos(dec), np.radians(line["dec_deg"]) - dec]) * 3600
    assert np.hypot(*off_arcsec) < 4 * np.sqrt(2) * line["position_error_arcsec"]
    assert abs(line["flux_jy"] - source.flux_jy) < 4 * line["error_jy"]


@pytest.mark.slow
def test_a_source_of_the_survey_is_neither_measured_nor_new_but_fitted_where_it_blends(files, ms, tmp_path):
    in_survey = {"pair, second": 0.6, UNKNOWN: 0.3}
    status, events = measure(files, ms, tmp_path, blind=True, survey_jy=in_survey)
    result = events[-1]["result"]
    assert (status, result["blind_found"], result["measured"], result["outside"]) == (0, 0, len(SOURCES) - 3, 1)
    lines = {line["source_id"]: line for line in map(json.loads, (tmp_path / "measurements.jsonl").read_text().splitlines())}
    names = [source.name for source in SOURCES]
    assert not {names.index(name) + 1 for name in in_survey} & set(lines)
    first = lines[names.index("pair, first") + 1]
    assert "joint" in first["flags"]
    assert abs(first["flux_jy"] - 0.9) < 4 * first["error_jy"]


@pytest.mark.slow
def test_a_source_that_the_survey_has_too_faint_to_be_shown_hides_no_new_one(files, ms, tmp_path):
    status, events = measure(files, ms, tmp_path, blind=True, survey_jy={UNKNOWN: 0.001})
    assert (status, events[-1]["result"]["blind_found"]) == (0, 1)


@pytest.mark.slow
def test_a_built_in_calibrator_that_is_not_monitored_is_not_new(files):
    image, header = read_plane(Path(files["image"]))
    place = next(calibrator for calibrator in CALIBRATORS.values())
    frame = replace(image_frame(header), centre_rad=(float(np.radians(place.ra_deg)), float(np.radians(place.dec_deg))))
    known = known_here(image, frame, Positions(np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0)))
    nearest = np.hypot(known.x - frame.middle_px[0], known.y - frame.middle_px[1]).argmin()
    assert (known.x[nearest], known.y[nearest]) == (pytest.approx(frame.middle_px[0]), pytest.approx(frame.middle_px[1]))
    assert known.flux_jy[nearest] == image[round(frame.middle_px[1]), round(frame.middle_px[0])]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda header: {"QAVERD": "warn"}, "doubtful quality"),
        # 1.3 times the thermal noise is where cleaning artefacts begin to be found.
        (lambda header: {"THERMAL": header["NOISE"] / 1.35}, "the noise is 1.35 times the thermal one"),
    ],
    ids=["that its checks doubt", "with more noise than that of the receivers"],
)
def test_nothing_new_is_looked_for_on_an_image(change, reason, files, ms, tmp_path):
    doubtful = tmp_path / "doubtful.fits"
    doubtful.write_bytes(Path(files["image"]).read_bytes())
    for name, value in change(fits.getheader(doubtful)).items():
        fits.setval(doubtful, name, value=value)
    status, events = measure({**files, "image": str(doubtful)}, ms, tmp_path, blind=True, unknown=[UNKNOWN])
    assert (status, events[-1]["result"]["blind_found"]) == (0, None)
    assert reason in events[-1]["result"]["blind_note"]


@pytest.mark.slow
def test_an_image_of_another_group_is_refused(files, tmp_path):
    other = tmp_path / "other.fits"
    other.write_bytes(Path(files["image"]).read_bytes())
    fits.setval(other, "MJD-AVG", value=fits.getheader(other)["MJD-AVG"] + 309 / 86400)
    ms = write_calibrated_ms(tmp_path / "other.ms", [], noise_jy=0.1, times=TIMES, channels=2)
    status, events = measure({**files, "image": str(other)}, ms, tmp_path)
    assert (status, events[-1]["code"]) == (1, "ForeignImage")


@pytest.mark.slow
def test_an_image_that_failed_its_checks_is_not_measured(files, tmp_path):
    failed = tmp_path / "failed.fits"
    failed.write_bytes(Path(files["image"]).read_bytes())
    fits.setval(failed, "QAVERD", value="fail")
    status, events = measure({**files, "image": str(failed)}, None, tmp_path)
    assert (status, events[-1]["type"]) == (1, "QualityRejected")


def test_positions_may_say_more_than_photometry_needs_but_not_less(tmp_path):
    path = tmp_path / "positions.csv"
    path.write_text('source_id,name,ra_deg,dec_deg,flux_jy,spectral_index\n7,"one",10.5,54.0,1.2,\n')
    assert np.degrees(read_positions(path).ra_rad) == pytest.approx([10.5])
    path.write_text("source_id,name,ra_deg\n7,one,10.5\n")
    with pytest.raises(StepFailure, match="columns"):
        read_positions(path)
    path.write_text("source_id,name,ra_deg,dec_deg,flux_jy\n,two,10.5,54,\n")
    with pytest.raises(StepFailure, match="line 2: two has neither a source_id nor a flux_jy"):
        read_positions(path)
