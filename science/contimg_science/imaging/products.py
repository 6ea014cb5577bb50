"""Writes what an image consists of: planes with headers, the corrected image, pictures; and judges it on the way.

The sources that were subtracted from the visibilities are put back before anything is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import astropy
import numpy as np
from numpy.typing import NDArray

from contimg_science import __version__
from contimg_science.imaging import fits_headers, image_quality, picture
from contimg_science.imaging.averaging import Averaging
from contimg_science.imaging.bright_sources import Subtracted, restore
from contimg_science.imaging.catalogue_check import CatalogueComparison, Plane, compare
from contimg_science.imaging.contract import ImageFiles, ImageRequest, ImageResult, SubtractedSource, WSCleanUse
from contimg_science.imaging.control_places import ControlPlaces, cleaning_noise
from contimg_science.imaging.drift_beam import beam_image
from contimg_science.imaging.image_size import ImageSize
from contimg_science.imaging.known_sources import KnownSources
from contimg_science.imaging.main_lobe import main_lobe
from contimg_science.imaging.sky_model import places_px
from contimg_science.imaging.visibilities import Visibilities
from contimg_science.imaging.weighting import ImagingWeights
from contimg_science.imaging.wsclean_run import PLANES
from contimg_science.measuring.forced_fit import Beam
from contimg_science.protocol import Timings, progress

Pixels = NDArray[np.float32]
# The main lobe ends well inside.
FIT_HALF_PX = 50


@dataclass(frozen=True)
class Cleaned:
    """All that is known of an image when WSClean has ended; its planes are `<prefix>-<plane>.fits`."""

    vis: Visibilities
    weights: ImagingWeights
    size: ImageSize
    prefix: Path
    known: KnownSources | None
    subtracted: Subtracted | None
    controls: ControlPlaces | None
    wsclean: WSCleanUse
    averaging: Averaging

    @property
    def centre_deg(self) -> tuple[float, float]:
        return (float(np.degrees(self.vis.centre_rad[0]) % 360), float(np.degrees(self.vis.centre_rad[1])))

    def plane(self, name: str) -> Path:
        return self.prefix.with_name(f"{self.prefix.name}-{name}.fits")


def finish(request: ImageRequest, cleaned: Cleaned, timings: Timings) -> ImageResult:
    vis, weights, size = cleaned.vis, cleaned.weights, cleaned.size
    with timings.phase("beam"):
        progress(0.86, "primary beam")
        response = beam_image(vis.centre_rad, vis.pointing_rad, weights.share, vis.freq_hz[weights.channels], size.width_px, size.cell_arcsec)
        # Averaging takes flux from sources as the beam does, the more the farther out; so it is made good with the beam.
        response *= cleaned.averaging.kept_image(size)
    with timings.phase("quality"):
        progress(0.9, "quality")
        planes = {plane: fits_headers.read_plane(cleaned.plane(plane))[0] for plane in PLANES}
        restoring = fits_headers.beam_keywords(fits_headers.read_plane(cleaned.plane("image"))[1])
        major_deg, minor_deg, pa_deg = (float(restoring[key][0]) for key in ("BMAJ", "BMIN", "BPA"))
        cell_deg = size.cell_arcsec / 3600
        beam = Beam(major_deg / cell_deg, minor_deg / cell_deg, float(np.radians(pa_deg)))
        if cleaned.subtracted is not None:
            restore(planes["image"], planes["model"], cleaned.subtracted, beam)
        noise_jy = image_quality.robust_sigma(planes["residual"])
        fit_noise = cleaning_noise(cleaned.controls, planes["image"], planes["residual"], beam)
        catalogue = _against_catalogue(cleaned, Plane(planes["image"], response, beam, noise_jy, size.cell_arcsec), request.parameters.pb_cut)
        numbers = _numbers(cleaned, planes, noise_jy, catalogue)
        quality = image_quality.judge(numbers)
    files = _files(request)
    with timings.phase("write"):
        progress(0.92, "products")
        keywords = {
            **fits_headers.sky_keywords(cleaned.centre_deg, size.width_px, size.cell_arcsec),
            **fits_headers.apparent_keywords(vis.centre_rad, vis.site_itrf_m, vis.mid_mjd),
            **restoring,
            **fits_headers.time_keywords(vis.start_mjd, vis.mid_mjd, vis.end_mjd, vis.site_itrf_m),
            **_provenance(request, cleaned, numbers, quality),
            "CLNOISE": (fit_noise.factor, "noise of fitted fluxes over that of the residual"),
            "NCONTROL": (fit_noise.controls, "blank places it was measured at"),
        }
        _write_planes(request, files, planes, response, keywords, cleaned)
    with timings.phase("picture"):
        progress(0.96, "picture")
        caption = picture.Caption(
            request.group_id, cleaned.centre_deg, size.cell_arcsec, (major_deg * 3600, minor_deg * 3600), pa_deg, numbers.noise_jy
        )
        picture.draw(np.where(response >= request.parameters.pb_cut, planes["image"], np.nan), caption, files.png, files.thumbnail)
    for plane in PLANES:
        cleaned.plane(plane).unlink()
    return ImageResult(
        files=files,
        beam_major_arcsec=major_deg * 3600,
        beam_minor_arcsec=minor_deg * 3600,
        beam_pa_deg=pa_deg,
        noise_jy=numbers.noise_jy,
        thermal_noise_jy=numbers.thermal_noise_jy,
        peak_jy=numbers.peak_jy,
        dynamic_range=numbers.peak_jy / numbers.noise_jy if numbers.noise_jy > 0 else 0.0,
        centre_ra_deg=cleaned.centre_deg[0],
        centre_dec_deg=cleaned.centre_deg[1],
        width_px=size.width_px,
        cell_arcsec=size.cell_arcsec,
        freq_hz=weights.freq_hz,
        bandwidth_hz=vis.bandwidth_hz,
        start_mjd=vis.start_mjd,
        mid_mjd=vis.mid_mjd,
        end_mjd=vis.end_mjd,
        subtracted=_listed(cleaned.subtracted),
        catalogue=catalogue,
        cleaning_noise=fit_noise.factor,
        qa=quality,
        wsclean=cleaned.wsclean,
        bytes_written=sum(path.stat().st_size for path in files.model_dump().values()),
        timings_s=timings.seconds,
    )


def _against_catalogue(cleaned: Cleaned, plane: Plane, pb_cut: float) -> CatalogueComparison | None:
    if cleaned.known is None or plane.noise_jy == 0:
        return None
    x, y = places_px(cleaned.vis, cleaned.known, cleaned.size)
    return compare(plane, cleaned.known, x, y, cleaned.weights.freq_hz, pb_cut)


def _numbers(cleaned: Cleaned, planes: dict[str, Pixels], noise_jy: float, catalogue: CatalogueComparison | None) -> image_quality.ImageNumbers:
    weights = cleaned.weights
    return image_quality.ImageNumbers(
        noise_jy=noise_jy,
        peak_jy=float(np.nanmax(planes["image"])),
        residual_peak_jy=float(np.nanmax(np.abs(planes["residual"]))),
        dirty_noise_jy=image_quality.robust_sigma(planes["dirty"]),
        thermal_noise_jy=weights.thermal_noise_jy,
        beam_arcsec=_fitted_beam(planes["psf"], cleaned.size.cell_arcsec),
        expected_beam_arcsec=(weights.beam_major_arcsec, weights.beam_minor_arcsec),
        psf_peak=float(planes["psf"].max()),
        psf_sidelobe=image_quality.largest_sidelobe(planes["psf"], weights.beam_major_arcsec / cleaned.size.cell_arcsec),
        flagged_fraction=cleaned.vis.flagged_fraction,
        finite_fraction=float(np.isfinite(planes["image"]).mean()),
        diverged=cleaned.wsclean.diverged,
        catalogue=catalogue,
    )


def _fitted_beam(psf: Pixels, cell_arcsec: float) -> tuple[float, float]:
    """Of the point spread function as WSClean made it, at its pixels."""
    half = min(FIT_HALF_PX, psf.shape[0] // 2)
    middle = psf.shape[0] // 2
    around = psf[middle - half : middle + half, middle - half : middle + half]
    north, east = np.mgrid[-half:half, -half:half] * cell_arcsec
    major, minor, _ = main_lobe(around / psf[middle, middle], -east, north)
    return major, minor


def _files(request: ImageRequest) -> ImageFiles:
    directory, name = request.outputs.directory, request.outputs.name
    directory.mkdir(parents=True, exist_ok=True)
    return ImageFiles(
        image=directory / f"{name}-image.fits",
        image_pb=directory / f"{name}-image-pb.fits",
        residual=directory / f"{name}-residual.fits",
        psf=directory / f"{name}-psf.fits",
        model=directory / f"{name}-model.fits",
        beam=directory / f"{name}-beam.fits",
        png=directory / f"{name}.png",
        thumbnail=directory / f"{name}-thumbnail.png",
    )


def _write_planes(
    request: ImageRequest, files: ImageFiles, planes: dict[str, Pixels], response: Pixels, keywords: fits_headers.Keywords, cleaned: Cleaned
) -> None:
    history = [f"wsclean {' '.join(_reproducible(cleaned.wsclean.command, request))}"]
    history += [f"subtracted and restored: {one.name} {one.image_jy:.6g} Jy" for one in _listed(cleaned.subtracted)]
    corrected = np.where(response >= request.parameters.pb_cut, planes["image"] / np.maximum(response, 1e-6), np.nan)
    for path, pixels, unit in (
        (files.image, planes["image"], "JY/BEAM"),
        (files.image_pb, corrected, "JY/BEAM"),
        (files.residual, planes["residual"], "JY/BEAM"),
        (files.psf, planes["psf"], ""),
        (files.model, planes["model"], "JY/PIXEL"),
        (files.beam, response, ""),
    ):
        fits_headers.write_plane(path, pixels, unit, keywords, history)


def _listed(subtracted: Subtracted | None) -> list[SubtractedSource]:
    if subtracted is None:
        return []
    return [
        SubtractedSource(
            name=name,
            catalogue_jy=float(subtracted.sources.flux_jy[number]),
            fitted_jy=float(subtracted.fitted_jy[number]),
            image_jy=float(subtracted.image_jy[number]),
        )
        for number, name in enumerate(subtracted.sources.name)
    ]


def _provenance(
    request: ImageRequest, cleaned: Cleaned, numbers: image_quality.ImageNumbers, quality: image_quality.ImageQuality
) -> fits_headers.Keywords:
    inputs, parameters = request.inputs, request.parameters
    software = f"contimg-science {__version__}, WSClean {cleaned.wsclean.version}, astropy {astropy.__version__}, numpy {np.__version__}"
    return {
        "RESTFRQ": (cleaned.weights.freq_hz, "[Hz] weighted mean frequency"),
        "BANDWID": (cleaned.vis.bandwidth_hz, "[Hz]"),
        "GROUPID": (request.group_id, "observation group"),
        "CALSET": (inputs.calibration_set, "calibration set"),
        "DEGRADED": (bool(inputs.degraded_reasons or inputs.subbands_missing), ""),
        "DEGRWHY": ("; ".join(inputs.degraded_reasons), ""),
        "SBMISS": (",".join(f"sb{subband:02d}" for subband in inputs.subbands_missing), "subbands missing"),
        "PBCUT": (parameters.pb_cut, "the corrected image is blank below this"),
        "TIER": (parameters.tier, ""),
        "SURVEY": (inputs.survey or "", "of the model, with the monitored sources"),
        "CLMASK": (cleaned.wsclean.mask, "where cleaning was allowed"),
        "NSUBTR": (0 if cleaned.subtracted is None else len(cleaned.subtracted.sources), "sources subtracted, restored"),
        "NOISE": (numbers.noise_jy, "[Jy/beam] robust, of the residual"),
        "THERMAL": (numbers.thermal_noise_jy, "[Jy/beam] expected from the weights and XX-YY"),
        "QAVERD": (quality.verdict, "quality verdict"),
        "QAFAIL": (",".join(check.name for check in quality.checks if not check.passed), "checks beyond their limit"),
        "SOFTWARE": (software, ""),
    }


def _reproducible(command: list[str], request: ImageRequest) -> list[str]:
    """The command without paths and threads: those differ between machines and attempts, the image does not."""
    words, skip = [], 0
    for word in command[1:-1]:
        if skip:
            skip -= 1
        elif word in ("-j", "-temp-dir", "-name", "-abs-mem"):
            skip = 1
        elif word == "-fits-mask":
            words, skip = [*words, word, "catalogue"], 1
        else:
            words.append(word)
    return [*words, request.inputs.ms.name]
