"""Frequencies against values read from headers of real files."""

import numpy as np
import pytest

from contimg_science import channels


@pytest.mark.parametrize(
    ("subband", "channel", "expected_mhz"),
    [
        (0, 0, 1498.6431884765625),
        (0, 47, 1487.1685791015625),
        (1, 0, 1486.9244384765625),
        (7, 47, 1405.1373291015625),
        (8, 0, 1404.8931884765625),
        (15, 0, 1322.8619384765625),
        (15, 47, 1311.3873291015625),
    ],
)
def test_a_channel_has_the_frequency_of_the_real_header(subband: int, channel: int, expected_mhz: float) -> None:
    # The header's numbers are exact in a double; MHz × 10⁶ may round in the last bit.
    assert abs(channels.subband_frequencies_hz(subband, 48)[channel] - expected_mhz * 1e6) < 1e-6


@pytest.mark.parametrize("nfreqs", [6, 48, 384])
def test_the_16_subbands_are_one_contiguous_falling_grid(nfreqs: int) -> None:
    grid = np.concatenate([channels.subband_frequencies_hz(subband, nfreqs) for subband in range(16)])
    # Centres of odd multiples of δ/2 below 2³¹ Hz keep 2⁻²² Hz: rounding of a double, not a gap.
    np.testing.assert_allclose(np.diff(grid), -channels.channel_width_hz(nfreqs), rtol=0, atol=1e-6)
    half = channels.channel_width_hz(nfreqs) / 2
    np.testing.assert_allclose((grid[0] + half, grid[-1] - half), (channels.BAND_UPPER_EDGE_HZ, channels.BAND_LOWER_EDGE_HZ), rtol=0, atol=1e-6)
    assert channels.BAND_UPPER_EDGE_HZ - channels.BAND_LOWER_EDGE_HZ == 187.5e6


def test_a_coarse_channel_is_the_mean_of_its_fine_channels() -> None:
    fine = channels.subband_frequencies_hz(3, 384).reshape(6, 64).mean(axis=1)
    np.testing.assert_array_equal(channels.subband_frequencies_hz(3, 6), fine)


@pytest.mark.parametrize("call", [lambda: channels.subband_frequencies_hz(16, 48), lambda: channels.fine_channels_per_channel(7)])
def test_subbands_and_widths_that_do_not_exist_are_refused(call) -> None:
    with pytest.raises(ValueError):
        call()
