"""Simulated visibilities against the sky, computed independently with astropy, and against the truth that is written."""

from pathlib import Path
from typing import Any

import astropy.units as u
import h5py
import numpy as np
import pytest
from astropy.coordinates import AltAz, EarthLocation, HADec, SkyCoord
from astropy.time import Time
from astropy.utils import iers
from simulated import run, tiny_request

from contimg_science.beam import airy_power
from contimg_science.channels import subband_frequencies_hz
from contimg_science.meridian import meridian_centre
from contimg_science.simulation.array_layout import SITE_HEIGHT_M, SITE_LAT_DEG, SITE_LON_DEG, baselines_m, header_site, make_layout
from contimg_science.simulation.instrument import MEDIAN_GAIN, SEFD_JY, noise_jy

LAYOUT = make_layout("mini", "correlator")
CROSS = LAYOUT.first != LAYOUT.second
STEADY = {"kind": "steady", "group": 0, "factor": 1.0, "length": 1}


def read(base: Path, subband: int, times: int = 2) -> np.ndarray:
    """(times, baselines, channels, products) of one subband."""
    with h5py.File(next((base / "incoming").glob(f"*_sb{subband:02d}.hdf5"))) as file:
        return file["Data/visdata"][()].reshape(times, LAYOUT.baselines, 6, 2)


def sky_of(ra_deg: float, dec_deg: float, flux_jy: float = 2.0, index: float = 0.0) -> dict[str, Any]:
    source = {"name": "ONE", "ra_deg": ra_deg, "dec_deg": dec_deg, "flux_jy": flux_jy, "spectral_index": index, "light_curve": STEADY}
    return {
        "count": 0, "flux_min_jy": 0.1, "flux_max_jy": 1.0, "radius_deg": 0.5, "separation_arcmin": 3.0, "doubling": 0,
        "calibrator_in": "transit", "explicit": [source],
    }  # fmt: skip


def centre_of_first_integration(tmp_path: Path) -> tuple[float, float, dict[str, Any]]:
    _, truth = run(tiny_request(tmp_path / "where"))
    mjd = truth["groups"][0]["t0_jd"] - 2400000.5
    ra, dec = meridian_centre(header_site(), mjd, truth["dec_app_rad"])
    return float(np.degrees(ra)), float(np.degrees(dec)), truth


def unit_vector_itrf(frame: SkyCoord) -> np.ndarray:
    """Direction in ITRF axes from azimuth and altitude at the site."""
    azimuth, altitude = frame.az.rad, frame.alt.rad  # pyright: ignore
    east, north, up = np.cos(altitude) * np.sin(azimuth), np.cos(altitude) * np.cos(azimuth), np.sin(altitude)
    lat, lon = np.radians(SITE_LAT_DEG), np.radians(SITE_LON_DEG)
    axes = np.array(
        [
            [-np.sin(lon), np.cos(lon), 0],
            [-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)],
            [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)],
        ]
    )
    return np.array([east, north, up]) @ axes


def test_a_source_at_the_phase_centre_has_no_phase_and_full_flux(tmp_path: Path) -> None:
    ra_deg, dec_deg, _ = centre_of_first_integration(tmp_path)
    run(tiny_request(tmp_path, sources=sky_of(ra_deg, dec_deg)))
    first = read(tmp_path, 5)[0][CROSS]
    # 0.01 mas of rounding on 2.6 km is 1e-6 rad; float32 keeps 6e-8.
    np.testing.assert_allclose(first, 2.0 * MEDIAN_GAIN**2, rtol=2e-6, atol=1e-8)


@pytest.mark.parametrize(("east_deg", "north_deg"), [(0.0, 0.6), (0.9, -0.4), (-0.7, 0.2)])
def test_phase_and_amplitude_of_an_offset_source_are_those_of_astropy(tmp_path: Path, east_deg: float, north_deg: float) -> None:
    iers.conf.auto_download = False
    ra_deg, dec_deg, truth = centre_of_first_integration(tmp_path)
    ra_deg, dec_deg = ra_deg + east_deg / np.cos(np.radians(dec_deg)), dec_deg + north_deg
    run(tiny_request(tmp_path, sources=sky_of(ra_deg, dec_deg, index=-0.8)))
    place = EarthLocation.from_geodetic(SITE_LON_DEG, SITE_LAT_DEG, SITE_HEIGHT_M)
    when = Time(truth["groups"][0]["t0_jd"] + 320256 * 2.0**-31, format="jd", scale="utc")
    horizon = AltAz(obstime=when, location=place)
    source = unit_vector_itrf(SkyCoord(ra_deg, dec_deg, unit="deg").transform_to(horizon))
    pointing_dec = truth["dec_app_rad"] * u.rad
    pointing = unit_vector_itrf(SkyCoord(HADec(ha=0 * u.deg, dec=pointing_dec, obstime=when, location=place)).transform_to(horizon))
    freq_hz = subband_frequencies_hz(5, 6)
    delay_s = baselines_m(LAYOUT) @ (source - pointing) / 299792458.0
    theta = np.arccos(np.clip(source @ pointing, -1, 1))
    flux = 2.0 * (freq_hz / 1.4e9) ** -0.8 * airy_power(theta, freq_hz) * MEDIAN_GAIN**2
    expected = flux * np.exp(2j * np.pi * delay_s[:, None] * freq_hz)
    seen = read(tmp_path, 5)[1]
    # The vertical of the site and polar motion (0.3″) differ between the two ways: 1.5e-6 × 2.6 km × 1° is 2e-3 rad of phase.
    for product in range(2):
        np.testing.assert_allclose(seen[CROSS][..., product], expected[CROSS], rtol=0, atol=5e-3 * flux.max())


def test_autocorrelations_are_real_and_hold_the_system_and_the_sky(tmp_path: Path) -> None:
    _, truth = run(tiny_request(tmp_path))
    autos = read(tmp_path, 8)[:, ~CROSS]
    assert np.all(autos.imag == 0)
    in_beam_jy = sum(source["attenuated_flux_jy"] for source in truth["groups"][0]["sources"])
    # The truth is averaged over the band, this is one subband: within the spectral slope.
    np.testing.assert_allclose(autos.real, MEDIAN_GAIN**2 * (SEFD_JY + in_beam_jy), rtol=2e-4)


def test_noise_has_the_stated_level_and_no_mean(tmp_path: Path) -> None:
    assert abs(noise_jy(48) - 3.30) < 0.01 and abs(noise_jy(6) - 1.17) < 0.01
    quiet = sky_of(10.0, -30.0)
    run(tiny_request(tmp_path, noise=True, sources=quiet))
    samples = read(tmp_path, 0)[:, CROSS].ravel() / MEDIAN_GAIN**2
    # 6,624 samples: 1σ of a standard deviation is 0.9 %, of a mean 1.2 %; four of them.
    for part in (samples.real, samples.imag):
        assert abs(part.std() / noise_jy(6) - 1) < 0.036 and abs(part.mean() / noise_jy(6)) < 0.05


@pytest.mark.slow
def test_the_written_gains_explain_the_data(tmp_path: Path) -> None:
    ra_deg, dec_deg, _ = centre_of_first_integration(tmp_path)
    _, truth = run(tiny_request(tmp_path, instrument="real", sources=sky_of(ra_deg, dec_deg), dead_antennas=[40], dead_receptors=["9Y"]))
    arrays = np.load(tmp_path / "truth" / truth["arrays"])
    gains = arrays["gain"][0, 0][:, :, None] * arrays["bandpass"][:, :, 30:36]
    expected = 2.0 * np.conj(gains[LAYOUT.first]) * gains[LAYOUT.second]
    seen = read(tmp_path, 5)[0]
    np.testing.assert_allclose(seen[CROSS], expected[CROSS].transpose(0, 2, 1), rtol=0, atol=3e-6 * np.abs(expected).max())
    dead = {"40": (slice(None)), "9": 1}
    for station, product in dead.items():
        at = arrays["stations"].tolist().index(int(station))
        assert np.all(seen[(LAYOUT.first == at) | (LAYOUT.second == at)][..., product] == 0)
    alive = np.abs(gains[np.abs(gains).min(axis=-1) > 0])
    assert 0.055 < np.median(alive) < 0.08


@pytest.mark.slow
def test_smearing_lowers_long_baselines_away_from_the_centre_only(tmp_path: Path) -> None:
    ra_deg, dec_deg, _ = centre_of_first_integration(tmp_path)
    for name, smear in (("sharp", False), ("smeared", True)):
        run(tiny_request(tmp_path / name, smear=smear, sources=sky_of(ra_deg, dec_deg + 0.7)))
    ratio = np.abs(read(tmp_path / "smeared", 4)[0]) / np.abs(read(tmp_path / "sharp", 4)[0])
    length_m = np.linalg.norm(baselines_m(LAYOUT), axis=1)
    assert ratio[CROSS].max() <= 1.000001
    # 2.6 km seen 0.7° off: 32 m of path, 0.21 turns over a channel of 1.95 MHz, so sinc is 0.93 at most alignment.
    assert ratio[CROSS & (length_m < 100)].min() > 0.999 and 0.92 < ratio[CROSS & (length_m > 2000)].min() < 0.96


@pytest.mark.slow
def test_the_truth_states_the_mean_beam_that_the_data_have(tmp_path: Path) -> None:
    _, truth = run(tiny_request(tmp_path, sources=sky_of(*centre_of_first_integration(tmp_path)[:2])))
    [source] = truth["groups"][0]["sources"]
    mean = np.mean([np.abs(read(tmp_path, subband)[:, CROSS]).mean() for subband in range(16)]) / MEDIAN_GAIN**2
    np.testing.assert_allclose(source["attenuated_flux_jy"], mean, rtol=1e-5)


@pytest.mark.slow
def test_interference_is_where_its_boxes_are(tmp_path: Path) -> None:
    rfi = {"narrow": 1, "bursts": 1, "sweeps": 0, "baselines": 1, "amplitude_sigma": 50.0}
    for name, boxes in (("clean", {**rfi, "narrow": 0, "bursts": 0, "baselines": 0}), ("dirty", rfi)):
        _, truth = run(tiny_request(tmp_path / name, rfi=boxes))
    touched = np.zeros((2, LAYOUT.baselines, 96), bool)
    pairs = np.sort(np.array(LAYOUT.order)[np.stack([LAYOUT.first, LAYOUT.second])], axis=0)
    for box in truth["groups"][0]["rfi"]:
        rows = CROSS if box["stations"] is None else (pairs == np.array(box["stations"])[:, None]).all(axis=0)
        touched[slice(*box["times"]), rows, slice(*box["channels"])] = True
    differs = np.concatenate([np.any(read(tmp_path / "clean", s) != read(tmp_path / "dirty", s), axis=-1) for s in range(16)], axis=-1)
    np.testing.assert_array_equal(differs, touched)
