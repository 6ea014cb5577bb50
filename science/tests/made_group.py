"""A mini group made for the calibration tests: a Measurement Set of the documented layout, with its truth in hand.

24 antennas, 300 baselines, 96 channels, 24 integrations; sources drift through the fixed Airy beam; gains of known amplitude
and phase; noise of the radiometer equation. Written row for row as concat lays it out, without going through concat.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from casacore import tables as ct

from contimg_science.beam import airy_power, separation_from_pointing_rad
from contimg_science.channels import subband_frequencies_hz
from contimg_science.meridian import (
    Site,
    apparent_place,
    baseline_uvw,
    frame_angle_rad,
    hour_angle_rad,
    lst_rad,
    meridian_centre,
    site_from_header,
    turned_uvw,
)
from contimg_science.stations import load_stations

SPEED_OF_LIGHT_M_S = 299792458.0
INTEGRATION_S = 320256 * 2.0**-31 * 86400
MINI_STATIONS = (1, 5, 9, 14, 19, 26, 33, 40, 46, 51, 69, 76, 83, 90, 96, 101, 103, 104, 106, 108, 110, 112, 115, 116)
SITE: Site = site_from_header(37.2334051, -118.2830000, 1188.0519)


@dataclass(frozen=True)
class SkySource:
    ra_deg: float
    dec_deg: float
    flux_jy: np.ndarray  # by ascending channel


@dataclass
class MadeGroup:
    """What is in the sky, the instrument and the data, before and after writing."""

    mid_mjd: float
    dec_apparent_rad: float
    sources: list[SkySource]
    seed: int
    noise_jy: float = 1.17  # a real or imaginary part, mini channels
    gain_amplitude: float = 0.068
    freq_hz: np.ndarray = field(init=False)
    gains: np.ndarray = field(init=False)  # (antenna, product, channel), of stations in MINI_STATIONS
    data: np.ndarray = field(init=False)  # (time, baseline, channel, product)
    seen: np.ndarray = field(init=False)  # what each source alone gives, through the beam: (source, time, baseline, channel)
    times: int = 24
    dead: tuple[tuple[int, int], ...] = ()  # (position in MINI_STATIONS, product)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.freq_hz = np.sort(np.concatenate([subband_frequencies_hz(subband, 6) for subband in range(16)]))
        count, channels = len(MINI_STATIONS), self.freq_hz.size
        x = np.linspace(-1, 1, channels)
        edge = np.tile([0.93, 1.0, 1.0, 1.0, 1.0, 0.93], 16)
        amplitude = self.gain_amplitude * (1 + 0.1 * rng.standard_normal((count, 2, 1))) * edge
        amplitude = amplitude * (1 + 0.05 * np.sin(9 * x + rng.uniform(0, 6, (count, 2, 1))) + 0.05 * rng.standard_normal((count, 2, 1)) * x)
        phase = rng.uniform(-np.pi, np.pi, (count, 2, 1)) + 0.03 * rng.standard_normal((count, 2, 1)) * x
        self.gains = amplitude * np.exp(1j * phase)
        for antenna, product in self.dead:
            self.gains[antenna, product] = 0
        self._observe(rng)

    @property
    def mjd(self) -> np.ndarray:
        return self.mid_mjd + (np.arange(self.times) - (self.times - 1) / 2) * INTEGRATION_S / 86400

    def _observe(self, rng: np.random.Generator) -> None:
        positions = np.array([load_stations()[s - 1].itrf_m for s in MINI_STATIONS])
        self.first, self.second = np.triu_indices(len(MINI_STATIONS))
        baseline = positions[self.second] - positions[self.first]
        ra, dec = meridian_centre(SITE, self.mid_mjd, self.dec_apparent_rad)
        self.centre_rad = (float(ra), float(dec))
        cross = self.first != self.second
        shape = (self.times, self.first.size, self.freq_hz.size, 2)
        self.seen = np.zeros((len(self.sources), *shape[:3]), np.complex64)
        uvw = np.empty((self.times, self.first.size, 3))

        def towards(mjd: float, ra_rad: float, dec_rad: float) -> tuple[np.ndarray, float, float, float]:
            ra_app, dec_app = (float(v) for v in apparent_place(SITE, mjd, ra_rad, dec_rad))
            hour_angle = float(hour_angle_rad(SITE, mjd, ra_app))
            return baseline_uvw(baseline, SITE.lon_rad, hour_angle, dec_app), hour_angle, ra_app, dec_app

        for k, mjd in enumerate(self.mjd):
            centre_uvw, _, ra_app, dec_app = towards(mjd, *self.centre_rad)
            uvw[k] = -turned_uvw(centre_uvw, float(frame_angle_rad(SITE, mjd, ra_app, dec_app)))
            for index, source in enumerate(self.sources):
                source_uvw, hour_angle, _, source_dec = towards(mjd, np.radians(source.ra_deg), np.radians(source.dec_deg))
                delay_m = -(source_uvw[:, 2] - centre_uvw[:, 2])
                theta = float(separation_from_pointing_rad(hour_angle, source_dec, self.dec_apparent_rad))
                flux = source.flux_jy * airy_power(theta, self.freq_hz)
                self.seen[index, k] = flux * np.exp(2j * np.pi * delay_m[:, None] * self.freq_hz / SPEED_OF_LIGHT_M_S)
        sky = self.seen.sum(axis=0)
        noise = self.noise_jy * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape))
        response = np.moveaxis(self.gains[self.first] * np.conj(self.gains[self.second]), 1, 2)
        self.data = (response * (sky[..., None] + noise)).astype(np.complex64)
        self.data[:, ~cross] = (np.abs(response[~cross]) * 5800).astype(np.complex64)
        self.uvw = uvw

    def write(self, ms: Path, flags: np.ndarray | None = None) -> Path:
        stations = load_stations()
        channels, rows = self.freq_hz.size, self.times * self.first.size
        description = ct.required_ms_desc()
        for name, kind in (("DATA", 0j), ("FLAG", False)):
            column = ct.makearrcoldesc(name, kind, ndim=2, shape=[channels, 2], valuetype="complex" if name == "DATA" else "boolean", options=4)
            description.update(ct.maketabdesc(column))
        main = ct.default_ms(str(ms), description)
        main.addrows(rows)
        width = abs(self.freq_hz[1] - self.freq_hz[0])
        time_s = np.repeat(self.mjd * 86400, self.first.size)
        index = np.array(MINI_STATIONS) - 1
        cross = np.tile(self.first != self.second, self.times)
        flag = np.zeros((rows, channels, 2), bool) if flags is None else flags.reshape(rows, channels, 2).copy()
        flag |= (~cross)[:, None, None] | (self.data.reshape(rows, channels, 2) == 0)
        weight = np.full((rows, 2), 2 * width * INTEGRATION_S, np.float32)
        values = {
            "TIME": time_s, "TIME_CENTROID": time_s, "INTERVAL": np.full(rows, INTEGRATION_S), "EXPOSURE": np.full(rows, INTEGRATION_S),
            "ANTENNA1": np.tile(index[self.first], self.times), "ANTENNA2": np.tile(index[self.second], self.times),
            "UVW": self.uvw.reshape(rows, 3), "DATA": self.data.reshape(rows, channels, 2), "FLAG": flag, "FLAG_ROW": flag.all(axis=(1, 2)),
            "WEIGHT": weight, "SIGMA": 1 / np.sqrt(weight), "SCAN_NUMBER": np.ones(rows, np.int32),
        }  # fmt: skip
        for name in ("FIELD_ID", "DATA_DESC_ID", "OBSERVATION_ID", "STATE_ID", "PROCESSOR_ID", "ARRAY_ID", "FEED1", "FEED2"):
            values[name] = np.zeros(rows, np.int32)
        for name, column in values.items():
            main.putcol(name, column)
        main.close()

        count, day = len(stations), 86400.0
        centre = np.array(self.centre_rad).reshape(1, 1, 2)
        always, middle = np.finfo(np.float64).max, self.mid_mjd * day
        self._fill(ms, "ANTENNA", count, {
            "NAME": [f"DSA-{s.station:03d}" for s in stations], "STATION": [f"DSA-{s.station:03d}" for s in stations],
            "POSITION": np.array([s.itrf_m for s in stations]), "TYPE": ["GROUND-BASED"] * count, "MOUNT": ["ALT-AZ"] * count,
            "DISH_DIAMETER": np.full(count, 4.65), "OFFSET": np.zeros((count, 3)), "FLAG_ROW": ~np.isin(np.arange(count), index),
        })  # fmt: skip
        self._fill(ms, "SPECTRAL_WINDOW", 1, {
            "CHAN_FREQ": self.freq_hz[None], **{n: np.full((1, channels), width) for n in ("CHAN_WIDTH", "EFFECTIVE_BW", "RESOLUTION")},
            "NUM_CHAN": [channels], "TOTAL_BANDWIDTH": [width * channels],
            "REF_FREQUENCY": [self.freq_hz.mean()], "MEAS_FREQ_REF": [5], "NAME": ["DSA110"],
        })  # fmt: skip
        self._fill(ms, "POLARIZATION", 1, {"NUM_CORR": [2], "CORR_TYPE": np.array([[9, 12]]), "CORR_PRODUCT": np.array([[[0, 0], [1, 1]]])})
        self._fill(ms, "DATA_DESCRIPTION", 1, {"SPECTRAL_WINDOW_ID": [0], "POLARIZATION_ID": [0]})
        self._fill(
            ms,
            "FIELD",
            1,
            {"NAME": ["meridian"], "PHASE_DIR": centre, "DELAY_DIR": centre, "REFERENCE_DIR": centre, "TIME": [middle], "SOURCE_ID": [0]},
        )
        with ct.table(f"{ms}::FIELD", readonly=False, ack=False) as fields:
            for name in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
                fields.putcolkeyword(name, "MEASINFO", {"type": "direction", "Ref": "ICRS"})
        with ct.table(f"{ms}::SPECTRAL_WINDOW", readonly=False, ack=False) as windows:
            windows.putcolkeyword("CHAN_FREQ", "MEASINFO", {**windows.getcolkeyword("CHAN_FREQ", "MEASINFO")})
        self._fill(ms, "FEED", count, {
            "ANTENNA_ID": np.arange(count), "SPECTRAL_WINDOW_ID": np.full(count, -1), "BEAM_ID": np.full(count, -1),
            "NUM_RECEPTORS": np.full(count, 2), "POLARIZATION_TYPE": {"shape": [count, 2], "array": ["X", "Y"] * count},
            "POL_RESPONSE": np.tile(np.eye(2, dtype=np.complex64), (count, 1, 1)),
            "RECEPTOR_ANGLE": np.zeros((count, 2)), "BEAM_OFFSET": np.zeros((count, 2, 2)),
            "TIME": np.full(count, middle), "INTERVAL": np.full(count, always),
        })  # fmt: skip
        self._fill(ms, "STATE", 1, {"SIG": [True], "OBS_MODE": ["OBSERVE_TARGET#ON_SOURCE"]})
        span = np.array([[time_s[0] - INTEGRATION_S / 2, time_s[-1] + INTEGRATION_S / 2]])
        self._fill(ms, "OBSERVATION", 1, {"TELESCOPE_NAME": ["OVRO_MMA"], "TIME_RANGE": span, "OBSERVER": ["DSA-110"], "PROJECT": ["contimg"]})
        with ct.table(f"{ms}::OBSERVATION", readonly=False, ack=False) as observation:
            observation.addcols(ct.maketabdesc(ct.makearrcoldesc("TELESCOPE_LOCATION", 0.0, ndim=1, shape=[3])))
            observation.putcell("TELESCOPE_LOCATION", 0, SITE.itrf_m())
        ra, dec = meridian_centre(SITE, self.mjd, np.full(self.times, self.dec_apparent_rad))
        pointing = np.repeat(np.stack([ra, dec], axis=1), index.size, axis=0)[:, None, :]
        self._fill(ms, "POINTING", self.times * index.size, {
            "ANTENNA_ID": np.tile(index, self.times), "TIME": np.repeat(self.mjd * day, index.size), "DIRECTION": pointing, "TARGET": pointing,
            "INTERVAL": np.full(self.times * index.size, INTEGRATION_S), "NUM_POLY": np.zeros(self.times * index.size, np.int32),
        })  # fmt: skip
        return ms

    @staticmethod
    def _fill(ms: Path, name: str, rows: int, columns: dict) -> None:
        with ct.table(f"{ms}::{name}", readonly=False, ack=False) as subtable:
            subtable.addrows(rows)
            for column, values in columns.items():
                subtable.putcol(column, values)


def right_ascension_at_transit_deg(mid_mjd: float, dec_apparent_rad: float) -> tuple[float, float]:
    """ICRS place of the meridian at that time."""
    ra, dec = meridian_centre(SITE, mid_mjd, dec_apparent_rad)
    return float(np.degrees(ra)), float(np.degrees(dec))


def transit_mjd(ra_deg: float, dec_deg: float, day_mjd: float) -> tuple[float, float]:
    """(MJD, apparent Dec in radians) at which a source crosses the meridian on a day."""
    mjd = day_mjd
    for _ in range(4):
        ra_app, dec_app = apparent_place(SITE, mjd, np.radians(ra_deg), np.radians(dec_deg))
        offset = (float(ra_app) - float(lst_rad(SITE, mjd)) + np.pi) % (2 * np.pi) - np.pi
        mjd += offset / (2 * np.pi) * 0.9972695663
    return mjd, float(dec_app)
