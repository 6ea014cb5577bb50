"""Visibilities averaged by baseline length: the same weight in fewer samples, and a loss of flux that is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from calibrated_ms import PointSource, place_rad, write_calibrated_ms
from casacore.tables import table

from contimg_science.imaging.averaged_sets import write_averaged_sets
from contimg_science.imaging.averaging import Averaging, averaging_plan
from contimg_science.imaging.known_sources import KnownSources
from contimg_science.imaging.sky_model import sky_model
from contimg_science.imaging.visibilities import Visibilities, read_visibilities
from contimg_science.measurement_set import describe
from contimg_science.meridian import SPEED_OF_LIGHT_M_S, direction_cosines, site_from_itrf

TIMES, CHANNELS = 24, 192
FAR_OUT = PointSource("far out", 0.7, -0.8, 1.0, 0.0)


@pytest.fixture(scope="module")
def ms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without noise; one integration flagged in a channel, and what is flagged is no number."""
    path = write_calibrated_ms(tmp_path_factory.mktemp("averaging") / "group.ms", [FAR_OUT], 0.0, TIMES, CHANNELS)
    with table(str(path), readonly=False, ack=False) as main:
        rows = main.nrows() // TIMES
        data, flag = main.getcol("DATA", 2 * rows, rows), main.getcol("FLAG", 2 * rows, rows)
        data[:, 5], flag[:, 5] = np.nan, True
        main.putcol("DATA", data, 2 * rows, rows)
        main.putcol("FLAG", flag, 2 * rows, rows)
    return path


@pytest.fixture(scope="module")
def vis(ms: Path) -> Visibilities:
    return read_visibilities(ms)


@pytest.fixture(scope="module")
def plan(ms: Path, vis: Visibilities) -> Averaging:
    return averaging_plan(ms, describe(ms), vis, vis.weight)


def known(source: PointSource) -> KnownSources:
    ra, dec = place_rad(source, TIMES)
    return KnownSources([source.name], np.array([ra]), np.array([dec]), np.array([source.flux_jy]), np.array([source.spectral_index]))


def written(ms: Path, folder: Path, vis: Visibilities, plan: Averaging, subtract: PointSource | None = None) -> list[Path]:
    bright = None if subtract is None else sky_model(vis, known(subtract))
    return write_averaged_sets(ms, folder, describe(ms), vis, plan.shares, bright, threads=2)


def offset(vis: Visibilities, source: PointSource) -> tuple[np.ndarray, ...]:
    ra, dec = place_rad(source, TIMES)
    return direction_cosines(site_from_itrf(vis.site_itrf_m), vis.mid_mjd, vis.centre_rad, np.array([ra]), np.array([dec]))


def in_the_image(sets: list[Path], vis: Visibilities, source: PointSource) -> tuple[float, float, int]:
    """Flux at the place of the source with natural weights; the sum of these; and how many samples there are."""
    l, m, n = (float(part[0]) for part in offset(vis, source))  # noqa: E741
    total, weights, samples = 0.0, 0.0, 0
    for path in sets:
        with table(str(path), ack=False) as main:
            uvw, flag = main.getcol("UVW"), main.getcol("FLAG")
            data, weight = np.where(flag, 0, main.getcol("DATA")), np.where(flag, 0, main.getcol("WEIGHT_SPECTRUM"))
        freq_hz = describe(path).frequencies_hz
        turns = (uvw @ np.array([l, m, n - 1]))[:, None] * freq_hz / SPEED_OF_LIGHT_M_S
        total += float((weight * data * np.exp(-2j * np.pi * turns)[:, :, None]).real.sum())
        weights += float(weight.sum())
        samples += data.size
    return total / weights, weights, samples


@pytest.mark.slow
def test_few_samples_weigh_what_all_weighed_and_their_loss_is_the_one_foretold(ms, vis, plan, tmp_path):
    sets = written(ms, tmp_path, vis, plan)
    before_jy, weights_before, samples_before = in_the_image([ms], vis, FAR_OUT)
    after_jy, weights_after, samples_after = in_the_image(sets, vis, FAR_OUT)
    l, m, _ = offset(vis, FAR_OUT)  # noqa: E741
    lost, foretold = 1 - after_jy / before_jy, 1 - float(plan.kept(l, m)[0])
    assert weights_after == pytest.approx(weights_before, rel=1e-6)
    assert samples_after < 0.7 * samples_before
    # More than is lost by nothing, and known to a fifth of itself: what is left of 2 % after it is made good.
    assert 1e-3 < lost < 0.02
    assert lost == pytest.approx(foretold, rel=0.2)


@pytest.mark.slow
def test_bright_sources_leave_before_anything_is_averaged(ms, vis, plan, tmp_path):
    sets = written(ms, tmp_path, vis, plan, subtract=FAR_OUT)
    for path in sets:
        with table(str(path), ack=False) as main:
            left = np.abs(np.where(main.getcol("FLAG"), 0, main.getcol("DATA")))
        # Of 1 Jy: single precision of a sample, and what the beam of the simulator has otherwise.
        assert left.max() < 2e-3


def test_one_long_integration_or_one_channel_leaves_nothing_to_average(vis, ms):
    group, weight = describe(ms), vis.weight
    coarse = Visibilities(**{**vis.__dict__, "channels_averaged": 1, "interval_s": 2000.0, "freq_hz": vis.freq_hz[:1]})
    few = vis.channel_index == 0
    narrow = {name: getattr(vis, name)[few] for name in ("u_lambda", "v_lambda", "weight", "noise_power", "time_index", "channel_index")}
    assert averaging_plan(ms, group, Visibilities(**{**coarse.__dict__, **narrow}), weight[few]).shares == []
