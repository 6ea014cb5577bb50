"""Defects of earlier converters in the order of the band: each test fails on the one that it is named after."""

from pathlib import Path

import h5py
import numpy as np
from converted import convert
from raw_changes import copied

from contimg_science.channels import subband_frequencies_hz
from contimg_science.concat import ConcatResult
from contimg_science.measurement_set import describe, open_table

LOUD = np.complex64(1e6)


def test_a_tone_comes_out_at_its_own_frequency_whatever_the_order_of_subbands(small_group: list[Path], tmp_path: Path) -> None:
    def add_tone(file: h5py.File, subband: int) -> None:
        if subband in (0, 3, 15):
            file["Data/visdata"][:, 0, 2, :] = LOUD

    result = convert(copied(small_group, tmp_path / "tones", add_tone), tmp_path / "group.ms")
    with open_table(result.ms) as main:
        loud = np.flatnonzero((np.abs(main.getcol("DATA")) > 1e5).all(axis=(0, 2)))
    expected = sorted(subband_frequencies_hz(subband, 6)[2] for subband in (0, 3, 15))
    assert describe(result.ms).frequencies_hz[loud].tolist() == expected


def test_subbands_missing_at_the_edges_keep_their_own_frequencies(small_group: list[Path], small_set: ConcatResult, tmp_path: Path) -> None:
    result = convert(small_group[1:15], tmp_path / "group.ms")
    assert np.array_equal(describe(result.ms).frequencies_hz, describe(small_set.ms).frequencies_hz)
    with open_table(result.ms) as main:
        data, flag = main.getcol("DATA"), main.getcol("FLAG")
    for channels in (slice(0, 6), slice(90, 96)):
        assert not data[:, channels].any() and flag[:, channels].all()
    assert data[:, 6:90].any(axis=(0, 2)).all()


def test_the_sign_of_channel_width_is_not_believed(small_group: list[Path], small_set: ConcatResult, tmp_path: Path) -> None:
    def turn(file: h5py.File, _subband: int) -> None:
        file["Header/channel_width"][()] = -file["Header/channel_width"][()]

    result = convert(copied(small_group, tmp_path / "turned", turn), tmp_path / "group.ms")
    assert result.column_digests == small_set.column_digests
    with open_table(result.ms, subtable="SPECTRAL_WINDOW") as window:
        for column in ("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION"):
            assert (window.getcell(column, 0) == 1953125.0).all()


def test_all_rows_share_one_window_of_the_whole_band(small_set: ConcatResult) -> None:
    with open_table(small_set.ms, subtable="SPECTRAL_WINDOW") as window, open_table(small_set.ms, subtable="DATA_DESCRIPTION") as description:
        assert (window.nrows(), description.nrows()) == (1, 1)
        assert window.getcell("NUM_CHAN", 0) == 96 == window.getcell("CHAN_FREQ", 0).size
    with open_table(small_set.ms) as main:
        assert not main.getcol("DATA_DESC_ID").any() and main.getcell("DATA", 0).shape == (96, 2)
