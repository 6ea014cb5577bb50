"""Catalogues in every format the simulator writes come back as the sky that was injected, or are refused with the place of the fault."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from simulated import run, tiny_request

from contimg_science.calibrators import USUAL_SPECTRAL_INDEX
from contimg_science.catalogues.coordinates import name_of_place, right_ascension_deg
from contimg_science.catalogues.surveys import SURVEYS
from contimg_science.protocol import StepFailure
from contimg_science.read_catalogue import ReadCatalogueRequest, ReadCatalogueResult, read_catalogue
from contimg_science.simulation.catalogue_files import LISTED_AT_L_JY, iau_name, write_catalogue_files
from contimg_science.simulation.sky import STEADY, Source

# Files keep positions to 1 µs of right ascension, 0.1 mas; fluxes in single digits of 1e-9, those of the VLA list to 0.1 mJy.
POSITION_DEG = 1e-8

# Both sides of 0 h, south, seconds that round up to a full minute, a source too faint for the VLA list.
SKY = [
    Source("A", 0.0, 50.1, 6.0, -0.4, STEADY, None),
    Source("B", 359.99999999, -12.999999999, 1.5, -1.1, STEADY, None),
    Source("C", 81.2345678, 29.5, 0.75, 0.2, STEADY, None),
    Source("D", 200.5, -0.00001, 0.02, -0.7, STEADY, None),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_catalogue_files(tmp_path_factory.mktemp("catalogues"), SKY)


def read(path: Path, kind: str, out: Path, sha256: str | None = None) -> tuple[ReadCatalogueResult, list[list[Any]]]:
    request = {
        **{"schema_version": 1, "step": "read_catalogue", "group_id": "catalogue", "attempt_id": "1", "requested_at": "2025-10-02T00:00:00Z"},
        **{"work_dir": out, "threads": 1, "inputs": {"file": path, "format": kind, "sha256": sha256}},
        **{"parameters": {}, "outputs": {"sources": out / "sources.jsonl"}},
    }
    result = read_catalogue(ReadCatalogueRequest.model_validate(request))
    return result, [json.loads(line) for line in result.sources_file.read_text().splitlines()]


@pytest.mark.parametrize("kind", ["nvss", "first", "racs-low", "racs-mid", "vlass"])
def test_a_survey_comes_back_as_the_injected_sky_with_its_fluxes_at_1_4_ghz(kind: str, files: dict[str, Path], tmp_path: Path):
    result, lines = read(files[kind], kind, tmp_path)
    assert (result.sources, result.without_flux, result.left_out) == (len(SKY), 0, 0)
    frequency_hz = SURVEYS[kind].frequency_hz
    assert result.frequency_hz == frequency_hz
    assert result.assumed_spectral_index == (None if frequency_hz == 1.4e9 else USUAL_SPECTRAL_INDEX)
    for source, (_, name, ra_deg, dec_deg, flux_jy, catalogued_jy, index) in zip(SKY, lines, strict=True):
        assert name == (name_of_place("FIRST J", ra_deg, dec_deg) if kind == "first" else source.name)
        assert abs((ra_deg - source.ra_deg + 180) % 360 - 180) < POSITION_DEG
        assert abs(dec_deg - source.dec_deg) < POSITION_DEG
        there = source.flux_jy * (frequency_hz / 1.4e9) ** source.spectral_index
        assert catalogued_jy == pytest.approx(there, rel=1e-8)
        assert flux_jy == pytest.approx(there * (1.4e9 / frequency_hz) ** USUAL_SPECTRAL_INDEX, rel=1e-8)
        assert index is None


def test_the_vla_list_gives_its_l_band_fluxes_and_leaves_out_who_has_none(files: dict[str, Path], tmp_path: Path):
    result, lines = read(files["vla"], "vla", tmp_path)
    listed = [source for source in SKY if source.flux_jy >= LISTED_AT_L_JY]
    assert (result.sources, result.left_out, result.left_out_because) == (len(listed), 1, "no flux at L band")
    assert [line[1] for line in lines] == [f"J{iau_name(source)}" for source in listed]
    np.testing.assert_allclose([line[4] for line in lines], [source.flux_jy for source in listed], atol=5e-5)
    for source, line in zip(listed, lines, strict=True):
        assert abs((line[2] - source.ra_deg + 180) % 360 - 180) < POSITION_DEG
        assert abs(line[3] - source.dec_deg) < POSITION_DEG


LIST_OF_OLD = """\
<PRE>IAU NAME  EQUINOX PC RA(hh,mm,ss)    DEC(ddd,mm,ss)   POS.REF ALT.NAME
<A NAME="x">0003-174   J2000  T 00h03m21.9969s   -17d27'11.781"
0000-177   B1950  T 00h00m48.4200s   -17d43'54.000"
BAND        A B C D    FLUX(Jy)    UVMIN(kL)  UVMAX(kL)
 90cm    P  X S S S          7                        7
 20cm    L  X X X S        2.2                        7
0038-213   J2000  C 00h38m29.9524s   -21d20'04.027''
BAND        A B C D    FLUX(Jy)    UVMIN(kL)  UVMAX(kL)
 20cm    L  ? ? X X                     10
 6cm     C  S S S S       0.34                      200   visplot
</PRE>
"""


def test_a_limit_of_the_uv_range_is_never_taken_for_the_flux_that_is_missing(tmp_path: Path):
    path = tmp_path / "list.txt"
    path.write_text(LIST_OF_OLD)
    result, lines = read(path, "vla", tmp_path)
    assert [(line[1], line[4]) for line in lines] == [("J0003-174", 2.2)]
    assert lines[0][3] == pytest.approx(-(17 + 27 / 60 + 11.781 / 3600), rel=1e-12)
    assert result.left_out == 1


def test_an_own_catalogue_keeps_its_indices_and_no_flux_is_made_up(tmp_path: Path):
    path = tmp_path / "own.csv"
    path.write_text("# of today\nname,flux_jy,ra_deg,dec_deg,spectral_index\nA,2,10,20,-1\nB,,11,20,\nC,0,12,20,\nD,-1,13,20,\nE,nan,14,20,\n")
    result, lines = read(path, "csv", tmp_path)
    assert [(line[0], line[4], line[6]) for line in lines] == [
        (3, 2.0, -1.0),
        (4, None, None),
        (5, None, None),
        (6, None, None),
        (7, None, None),
    ]
    assert (result.sources, result.without_flux, result.assumed_spectral_index) == (5, 4, None)


def test_a_unit_that_the_file_states_wins_and_an_empty_cell_is_no_flux(tmp_path: Path):
    columns = [
        fits.Column("NVSS", "8A", array=["A", "B"]),
        fits.Column("RAJ2000", "D", array=[10.0, 11.0]),
        fits.Column("DEJ2000", "D", array=[1.0, 2.0]),
        fits.Column("S1.4", "D", unit="uJy", array=[5e6, np.nan]),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "micro.fits")
    result, lines = read(tmp_path / "micro.fits", "nvss", tmp_path)
    assert [line[4] for line in lines] == [5.0, None]
    assert result.without_flux == 1


def test_another_file_than_the_one_that_was_meant_is_refused(files: dict[str, Path], tmp_path: Path):
    right = hashlib.sha256(files["vlass"].read_bytes()).hexdigest()
    assert read(files["vlass"], "vlass", tmp_path, right.upper())[0].sha256 == right
    with pytest.raises(StepFailure, match=right) as refused:
        read(files["vlass"], "vlass", tmp_path, "0" * 64)
    assert (refused.value.code, refused.value.side_effects) == ("ChecksumMismatch", "none")


HEADER = "name,ra_deg,dec_deg,flux_jy\n"


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("csv", "name,ra_deg,flux_jy\nA,1,2\n", "no column for the declination: wanted dec_deg, there are name, ra_deg, flux_jy"),
        ("csv", HEADER + "A,1,2,3\nB,1,95,3\n", "line 3, column dec_deg: 95 is not a declination"),
        ("csv", HEADER + "A,1h,2,3\n", "line 2, column ra_deg: could not convert"),
        ("csv", HEADER + "A,360,2,3\n", "line 2, column ra_deg: 360 is not a right ascension"),
        ("csv", HEADER + "A,1,2,bright\n", "line 2, column flux_jy: 'bright' is not a number"),
        ("csv", HEADER + "A,1,2\n", "line 2, column flux_jy: the line has 3 cells, the header 4"),
        ("csv", HEADER + "A,1,2,3\nA,4,2,3\n", "line 3, column name: A is there twice"),
        ("csv", HEADER + ",1,2,3\n", "line 2, column name: the source has no name"),
        ("csv", HEADER, "it holds no source"),
        ("nvss", "NVSS,RAJ2000,DEJ2000,S1.4\nA,1 61 0.0,2,3\n", "line 2, column RAJ2000: 1 61 0.0 has 60 minutes"),
        ("vla", "0001+192   J2000  A 00h01m08.6s  99d14'33.8\"\n", r"line 1, column DEC\(ddd,mm,ss\): .* not a declination"),
        ("vla", "0001+192   J2000  A 00h01m08.6s  9d14'33.8\"\n 20cm    L  P P P P   bright\n", r"line 2, column FLUX\(Jy\): 'bright'"),
        ("vla", "nothing of the kind\n", "no column for the place of a calibrator"),
        ("racs-low", '<?xml version="1.0"?><VOTABLE><RESOURCE/></VOTABLE>', "there are none"),
    ],
)
def test_one_bad_line_refuses_the_file_and_names_line_and_column(kind: str, text: str, says: str, tmp_path: Path):
    path = tmp_path / "bad"
    path.write_text(text)
    with pytest.raises(StepFailure, match=says) as refused:
        read(path, kind, tmp_path)
    assert (refused.value.type, refused.value.side_effects) == ("BadInput", "none")
    assert refused.value.remedy
    assert not (tmp_path / "sources.jsonl").exists()


def test_hours_minutes_and_seconds_are_read_however_they_are_parted():
    for text in ("13 31 08.287984", "13:31:08.287984", "13h31m08.287984s", " 13h 31m 08.287984s"):
        assert right_ascension_deg(text) == pytest.approx(202.784533267, abs=1e-9)


def test_the_simulator_writes_its_sky_in_all_formats_when_it_is_asked(tmp_path: Path):
    run(tiny_request(tmp_path, catalogues=True))
    truth = (tmp_path / "truth" / "catalogue.csv").read_text().splitlines()[1:]
    _, lines = read(tmp_path / "truth" / "catalogues" / "nvss.fits", "nvss", tmp_path)
    assert [line[1] for line in lines] == [row.split(",")[0] for row in truth]
    np.testing.assert_allclose([line[4] for line in lines], [float(row.split(",")[3]) for row in truth], rtol=1e-5)
