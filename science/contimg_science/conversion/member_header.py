"""The header of one subband file, read and checked: everything small that conversion needs to know about a member.

A file that says something impossible is refused with the name of the fault, what was found and what to do; nothing is
guessed. Never read here: the header's u, v, w (turned and rounded), its object name and phase type (they say nothing true).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from contimg_science.channels import FINE_CHANNEL_WIDTH_HZ, FINE_CHANNELS_PER_SUBBAND, subband_frequencies_hz
from contimg_science.conversion.file_signature import COPY_AGAIN, bad_input
from contimg_science.conversion.source_file import SourceFile
from contimg_science.measurement_set import CORR_TYPE_OF_POLARIZATION
from contimg_science.meridian import JD_OF_MJD_ZERO, Site, site_from_header

# What the correlator integrates: 96 × 0.134217728 s.
NOMINAL_INTEGRATION_S = 12.884901888
MAX_STEP_ERROR_S = 1e-3
MAX_ANTENNA_DISTANCE_M = 5e3
MJD_2015, MJD_2101 = 57023.0, 88434.0


@dataclass(frozen=True)
class MemberHeader:
    path: Path
    subband: int
    # In the order of the file.
    frequencies_hz: NDArray[np.float64]
    width_hz: float
    # casacore Stokes numbers in the order of the file.
    corr_types: tuple[int, ...]
    times_mjd: NDArray[np.float64]
    integration_s: float
    # (times, baselines): row of the file that holds it.
    file_row: NDArray[np.int64]
    # Antenna numbers (station − 1) of each baseline, in the file's order and sense.
    ant_1: NDArray[np.int64]
    ant_2: NDArray[np.int64]
    antenna_numbers: NDArray[np.int64]
    antenna_offsets_m: NDArray[np.float64]
    diameters_m: NDArray[np.float64]
    site: Site
    dec_apparent_rad: float


class _Header:
    """Datasets of one file by name, with the refusals that any of them may need."""

    def __init__(self, path: Path, file: h5py.File):
        self.path, self.file = path, file

    def refuse(self, code: str, message: str, remedy: str) -> Exception:
        return bad_input(code, self.path, message, remedy)

    def has(self, name: str) -> bool:
        return isinstance(self.file.get(f"Header/{name}"), h5py.Dataset)

    def numbers(self, name: str, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
        if not self.has(name):
            raise self.refuse("MissingDataset", f"Header/{name} is absent", "the file is damaged or of a new format")
        dataset = self.file[f"Header/{name}"]
        assert isinstance(dataset, h5py.Dataset)
        if dataset.dtype.kind not in "fiu":
            raise self.refuse("BadType", f"Header/{name} is {dataset.dtype}, not a number", "the file is damaged or of a new format")
        if dataset.size * dataset.dtype.itemsize > self.path.stat().st_size:
            raise self.refuse("HeaderTooLarge", f"Header/{name} claims {dataset.nbytes / 1e6:.1f} MB", COPY_AGAIN)
        if shape is not None and dataset.shape != shape:
            raise self.refuse("BadShape", f"Header/{name} has shape {dataset.shape}, not {shape}", "the file is damaged or of a new format")
        return np.asarray(dataset[()])

    def constant(self, name: str) -> float:
        """One number, given as a scalar or as an array of equal ones."""
        values = self.numbers(name)
        if values.size == 0 or not np.array_equal(values.min(), values.max(), equal_nan=True):
            raise self.refuse("BadShape", f"Header/{name} is not constant", "the file is damaged or of a new format")
        return float(values.flat[0])

    def text(self, name: str) -> str:
        dataset = self.file[f"Header/{name}"]
        assert isinstance(dataset, h5py.Dataset)
        value = dataset[()]
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def read_member_header(path: Path, subband: int, source: SourceFile | None = None) -> MemberHeader:
    """`source`: the file at `path` as it was opened for conversion, which then need not read the header again."""
    try:
        with h5py.File(path if source is None else source.library_view(keep=True), "r", locking=False) as file:
            return _parse(_Header(path, file), subband)
    except (OSError, KeyError, RuntimeError) as error:
        raise bad_input("Unreadable", path, f"the HDF5 library refuses it: {error}", COPY_AGAIN) from error


def _parse(header: _Header, subband: int) -> MemberHeader:
    ant_1_rows, ant_2_rows = header.numbers("ant_1_array").astype(np.int64), header.numbers("ant_2_array").astype(np.int64)
    row_count = ant_1_rows.size
    time_rows = header.numbers("time_array", (row_count,)).astype(np.float64) - JD_OF_MJD_ZERO
    if ant_2_rows.shape != (row_count,) or row_count == 0:
        raise header.refuse("BadShape", "ant_1_array and ant_2_array differ in length", "the file is damaged")
    file_row, times = _rectangle(header, time_rows, ant_1_rows, ant_2_rows)
    integration_s = _check_times(header, times)
    frequencies, width = _frequencies(header, subband)
    corr_types = _products(header)
    _check_data_shape(header, row_count, frequencies.size, len(corr_types))
    _check_phase_centre(header)
    numbers = header.numbers("antenna_numbers").astype(np.int64)
    offsets = header.numbers("antenna_positions", (numbers.size, 3)).astype(np.float64)
    diameters = header.numbers("antenna_diameters").astype(np.float64) if header.has("antenna_diameters") else np.full(numbers.size, 4.65)
    first = file_row[0]
    ant_1, ant_2 = ant_1_rows[first], ant_2_rows[first]
    _check_antennas(header, ant_1, ant_2, numbers, offsets)
    return MemberHeader(
        path=header.path,
        subband=subband,
        frequencies_hz=frequencies,
        width_hz=width,
        corr_types=corr_types,
        times_mjd=times,
        integration_s=integration_s,
        file_row=file_row,
        ant_1=ant_1,
        ant_2=ant_2,
        antenna_numbers=numbers,
        antenna_offsets_m=offsets,
        diameters_m=diameters,
        site=site_from_header(header.constant("latitude"), header.constant("longitude"), header.constant("altitude")),
        dec_apparent_rad=_declination(header),
    )


def _rectangle(
    header: _Header, time_rows: NDArray[np.float64], ant_1: NDArray[np.int64], ant_2: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows as (times, baselines) with the baselines in the order in which the file has them first."""
    if not np.isfinite(time_rows).all():
        at = int(np.flatnonzero(~np.isfinite(time_rows))[0])
        raise header.refuse("BadTimes", f"time_array[{at}] is not finite", "restart that node's writer")
    times, counts = np.unique(time_rows, return_counts=True)
    baselines = int(counts[0])
    not_rectangular = header.refuse(
        "BadShape", f"{time_rows.size} rows are not {times.size} times × {baselines} baselines", "the file is damaged"
    )
    if (counts != baselines).any():
        raise not_rectangular
    rows = np.argsort(time_rows, kind="stable").reshape(times.size, baselines)
    pairs = (ant_1 << 32) | ant_2
    if np.unique(pairs[rows[0]]).size != baselines:
        raise not_rectangular
    if not (pairs[rows] == pairs[rows[0]]).all():
        order = np.argsort(np.argsort(pairs[rows[0]], kind="stable"))
        for k in range(1, times.size):
            rows[k] = rows[k][np.argsort(pairs[rows[k]], kind="stable")][order]
        if not (pairs[rows] == pairs[rows[0]]).all():
            raise not_rectangular
    return rows, times


def _check_times(header: _Header, times: NDArray[np.float64]) -> float:
    remedy = "restart that node's writer"
    integration_s = header.constant("integration_time")
    if abs(integration_s / NOMINAL_INTEGRATION_S - 1) > 0.01:
        raise header.refuse("BadTimes", f"integration_time is {integration_s} s, not {NOMINAL_INTEGRATION_S} s", remedy)
    if not (times[0] >= MJD_2015 and times[-1] < MJD_2101):
        raise header.refuse("BadTimes", f"time_array[0] is MJD {times[0]:.5f}, outside 2015–2100", remedy)
    steps_s = np.diff(times) * 86400.0
    wrong = np.flatnonzero(np.abs(steps_s - integration_s) > MAX_STEP_ERROR_S)
    if wrong.size:
        raise header.refuse("BadTimes", f"integrations {wrong[0]} and {wrong[0] + 1} are {steps_s[wrong[0]]:.6f} s apart", remedy)
    return integration_s


def _frequencies(header: _Header, subband: int) -> tuple[NDArray[np.float64], float]:
    remedy = "node table of the correlator: the file is never re-labelled here"
    frequencies = header.numbers("freq_array").astype(np.float64)
    if frequencies.ndim == 2 and frequencies.shape[0] == 1:
        frequencies = frequencies[0]
    if frequencies.ndim != 1 or frequencies.size < 1 or FINE_CHANNELS_PER_SUBBAND % frequencies.size:
        raise header.refuse("BadFrequencies", f"freq_array has shape {frequencies.shape}", remedy)
    width = FINE_CHANNELS_PER_SUBBAND // frequencies.size * FINE_CHANNEL_WIDTH_HZ
    # The sign of channel_width differs between writers and means nothing.
    if abs(abs(header.constant("channel_width")) - width) > 1:
        raise header.refuse("BadFrequencies", f"channel_width is not ±{width} Hz for {frequencies.size} channels", remedy)
    expected = subband_frequencies_hz(subband, frequencies.size)
    ascending = frequencies.size > 1 and frequencies[1] > frequencies[0]
    if not np.all(np.abs(frequencies - (expected[::-1] if ascending else expected)) <= 1e3):
        raise header.refuse("BadFrequencies", f"its channels start at {frequencies[0] / 1e6:.4f} MHz, not where sb{subband:02d} does", remedy)
    return frequencies, width


def _products(header: _Header) -> tuple[int, ...]:
    codes = header.numbers("polarization_array").astype(int)
    types = tuple(CORR_TYPE_OF_POLARIZATION.get(int(code), 0) for code in codes)
    if sorted(types) not in ([9, 12], [9, 10, 11, 12]):
        raise header.refuse("BadShape", f"polarization_array is {codes.tolist()}, neither XX,YY nor all four", "the file is of a new format")
    return types


def _check_data_shape(header: _Header, rows: int, channels: int, products: int) -> None:
    for name in ("visdata", "flags", "nsamples"):
        dataset = header.file.get(f"Data/{name}")
        if not isinstance(dataset, h5py.Dataset):
            raise header.refuse("MissingDataset", f"Data/{name} is absent", "the file is damaged or of a new format")
        if dataset.shape not in ((rows, 1, channels, products), (rows, channels, products)):
            raise header.refuse(
                "BadShape", f"Data/{name} has shape {dataset.shape}, header says {(rows, channels, products)}", "the file is damaged"
            )


def _check_phase_centre(header: _Header) -> None:
    remedy = "only a converter written for this phase centre may read it"
    for name in ("extra_keywords/ha_phase_center", "ha_phase_center"):
        if header.has(name) and header.constant(name) != 0.0:
            raise header.refuse("UnknownPhaseCentre", f"{name} is {header.constant(name)}, not 0", remedy)
    for name in ("extra_keywords/phase_center_epoch", "phase_center_epoch"):
        if header.has(name) and header.text(name).strip("\0 ").upper() != "HADEC":
            raise header.refuse("UnknownPhaseCentre", f"{name} is {header.text(name)!r}, not HADEC", remedy)
    if header.has("phase_type") and header.text("phase_type").strip("\0 ") == "phased":
        raise header.refuse("UnknownPhaseCentre", "phase_type is phased", remedy)


def _declination(header: _Header) -> float:
    remedy = "pointing monitor of the correlator"
    places = ("extra_keywords/phase_center_dec", "phase_center_app_dec", "phase_center_dec")
    found = {place: header.constant(place) for place in places if header.has(place)}
    if not found:
        raise header.refuse("BadPointing", "no declination in the header", remedy)
    values = list(found.values())
    if len(values) > 1 and abs(values[0] - values[1]) > 1e-9:
        raise header.refuse("BadPointing", f"declinations disagree: {found}", remedy)
    if not np.radians(-40) <= values[0] <= np.radians(90):
        raise header.refuse("BadPointing", f"declination {np.degrees(values[0]):.4f}° is outside −40…90°", remedy)
    return values[0]


def _check_antennas(
    header: _Header, ant_1: NDArray[np.int64], ant_2: NDArray[np.int64], numbers: NDArray[np.int64], offsets: NDArray[np.float64]
) -> None:
    remedy = "station table of the correlator"
    used = np.union1d(ant_1, ant_2)
    unknown = np.setdiff1d(used, numbers)
    if unknown.size or np.unique(numbers).size != numbers.size or numbers.min() < 0:
        raise header.refuse("BadAntennas", f"antenna numbers {unknown.tolist()} are not in antenna_numbers, or those repeat", remedy)
    if used.size < 2 or (ant_1 == ant_2).all():
        raise header.refuse("BadAntennas", "fewer than two antennas, or autocorrelations only", remedy)
    positions = offsets[np.isin(numbers, used)]
    # Written so that a NaN is far away too.
    if not (np.linalg.norm(positions, axis=1) <= MAX_ANTENNA_DISTANCE_M).all():
        raise header.refuse("BadAntennas", "an antenna is more than 5 km from the site or nowhere", remedy)
