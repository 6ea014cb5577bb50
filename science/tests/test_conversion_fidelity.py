"""A converted set against pyuvdata's own conversion of the same files."""

from pathlib import Path

import numpy as np
import pytest
from casacore.tables import table
from conversion_reference import columns, write_reference_ms
from converted import convert, faulty_group, key_of, simulate_group, validate_set

from contimg_science.measurement_set import describe

pytestmark = pytest.mark.slow

COLUMNS = ("TIME", "INTERVAL", "EXPOSURE", "ANTENNA1", "ANTENNA2", "UVW", "DATA", "FLAG", "WEIGHT")
# Sidereal time of the reference is good to some 3e-11 rad: 0.1 µm of uvw, 3e-6 rad of phase at 1.5 GHz on the longest baseline.
REFERENCE_PHASE = 3e-6

CASES = {
    "plain": lambda base: simulate_group(base, ntimes=3),
    "reversed": lambda base: faulty_group(base, "reverse", "*", ntimes=3),
    "negative width": lambda base: simulate_group(base, ntimes=3, width_sign=-1),
    "missing subbands": lambda base: faulty_group(base, "missing", [0, 7, 15], ntimes=3),
    "low declination": lambda base: simulate_group(base, ntimes=3, dec_app_deg=16.27),
    "high declination": lambda base: simulate_group(base, ntimes=3, dec_app_deg=65.7),
    "0 h and midnight": lambda base: simulate_group(base, ntimes=3, schedule={"kind": "run", "start_utc": "2025-10-09T06:59:50Z", "count": 1}),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_the_set_is_the_references(case: str, tmp_path: Path) -> None:
    files = CASES[case](tmp_path)
    result = convert(files, tmp_path / "group.ms")
    validate_set(files, result)
    ours = describe(result.ms)
    reference = write_reference_ms(files, ours.centre_rad, key_of(files[0])[1], tmp_path / "reference.ms")
    mine, theirs = columns(result.ms, COLUMNS), columns(reference, COLUMNS)
    with table(f"{reference}/SPECTRAL_WINDOW", ack=False) as window:
        frequencies = window.getcell("CHAN_FREQ", 0)
    place = np.searchsorted(ours.frequencies_hz, frequencies)

    assert np.array_equal(ours.frequencies_hz[place], frequencies)
    for name in ("INTERVAL", "EXPOSURE", "ANTENNA1", "ANTENNA2"):
        assert np.array_equal(mine[name], theirs[name]), name
    assert np.abs(mine["TIME"] - theirs["TIME"]).max() < 2e-6
    assert np.abs(mine["UVW"] - theirs["UVW"]).max() < 1e-6
    amplitude = np.abs(theirs["DATA"]).max(axis=(1, 2), keepdims=True)
    assert (np.abs(mine["DATA"][:, place] - theirs["DATA"]) / amplitude).max() < REFERENCE_PHASE
    # Reference flags, or autocorrelations; missing subbands besides.
    auto = (mine["ANTENNA1"] == mine["ANTENNA2"])[:, None, None]
    assert np.array_equal(mine["FLAG"][:, place], theirs["FLAG"] | auto)
    missing = np.setdiff1d(np.arange(ours.frequencies_hz.size), place)
    assert mine["FLAG"][:, missing].all() and not mine["DATA"][:, missing].any()
    whole_sample = 2 * ours.channel_width_hz * ours.interval_s
    assert np.allclose(mine["WEIGHT"] * 96 / whole_sample, theirs["WEIGHT"], rtol=1e-6)


def test_a_short_member_gives_the_references_set_for_the_times_it_has(tmp_path: Path) -> None:
    files = faulty_group(tmp_path, "short", [4], 2, ntimes=3)
    result = convert(files, tmp_path / "group.ms")
    validate_set(files, result)
    assert [(cells.subband, cells.integrations) for cells in result.missing] == [(4, [2])]
    ours = describe(result.ms)
    reference = write_reference_ms([files[4]], ours.centre_rad, key_of(files[4])[1], tmp_path / "reference.ms")
    mine, theirs = columns(result.ms, ("DATA", "FLAG")), columns(reference, ("DATA",))
    channels = slice((15 - 4) * 6, (16 - 4) * 6)
    rows = len(theirs["DATA"])
    amplitude = np.abs(theirs["DATA"]).max(axis=(1, 2), keepdims=True)
    assert (np.abs(mine["DATA"][:rows, channels] - theirs["DATA"]) / amplitude).max() < REFERENCE_PHASE
    assert mine["FLAG"][rows:, channels].all() and not mine["DATA"][rows:, channels].any()
