"""Step `image`: a calibrated Measurement Set in Jy becomes an image, its primary-beam corrected copy and a picture.

WSClean makes and cleans the planes; the primary beam, the headers, the quality verdict and the pictures are made here.
An image that fails its checks is still written, with verdict `fail`: the caller decides that nobody measures it. The
Measurement Set is never changed. On one thread the same input gives the same bytes; on several, WSClean adds in the order
its threads finish, and pixels differ by a millionth of the peak.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import astropy
import numpy as np
from pydantic import Field

from contimg_science import __version__
from contimg_science.imaging import fits_headers, image_quality, picture
from contimg_science.imaging.drift_beam import beam_image
from contimg_science.imaging.image_size import ImageSize, beam_for_cell_arcsec, image_size
from contimg_science.imaging.visibilities import Visibilities, read_visibilities
from contimg_science.imaging.weighting import ImagingWeights, imaging_weights
from contimg_science.imaging.wsclean_run import CleanParameters, run_wsclean, wsclean_command, wsclean_version
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step


class ImageInputs(Record):
    ms: Path
    calibration_set: str
    degraded_reasons: list[str]
    subbands_missing: list[int]


class ImageParameters(Record):
    tier: Literal["quicklook", "standard", "deep"]
    extent_deg: float = Field(gt=0, le=10)
    cell_arcsec: float | None = Field(gt=0)
    robust: float = Field(ge=-2, le=2)
    niter: int = Field(ge=0)
    auto_threshold_sigma: float = Field(gt=0)
    auto_mask_sigma: float = Field(gt=0)
    mgain: float = Field(gt=0, lt=1)
    pb_cut: float = Field(ge=0, lt=1)


class ImageOutputs(Record):
    directory: Path
    name: str = Field(pattern=r"^[^/]+$")


class ImageRequest(StepRequest):
    inputs: ImageInputs
    parameters: ImageParameters
    outputs: ImageOutputs


class ImageFiles(Record):
    image: Path
    image_pb: Path
    residual: Path
    psf: Path
    model: Path
    beam: Path
    png: Path
    thumbnail: Path


class WSCleanUse(Record):
    version: str
    command: list[str]


class ImageResult(Record):
    files: ImageFiles
    beam_major_arcsec: float
    beam_minor_arcsec: float
    beam_pa_deg: float
    noise_jy: float
    thermal_noise_jy: float
    peak_jy: float
    dynamic_range: float
    centre_ra_deg: float
    centre_dec_deg: float
    width_px: int
    cell_arcsec: float
    freq_hz: float
    bandwidth_hz: float
    start_mjd: float
    mid_mjd: float
    end_mjd: float
    qa: image_quality.ImageQuality
    wsclean: WSCleanUse
    bytes_written: int
    timings_s: dict[str, float]


def image(request: ImageRequest) -> ImageResult:
    timings = Timings()
    inputs, parameters = request.inputs, request.parameters
    if not (inputs.ms / "table.dat").is_file():
        raise StepFailure(
            "BadInput", "NoMeasurementSet", f"{inputs.ms} is not a Measurement Set", "run the calibrate step of this group", "none"
        )
    version = wsclean_version()
    with timings.phase("weights"):
        progress(0.01, "weights and beam")
        vis = read_visibilities(inputs.ms)
        weights = imaging_weights(vis, parameters.robust, parameters.extent_deg, beam_for_cell_arcsec(parameters.tier, parameters.cell_arcsec))
    size = image_size(parameters.tier, parameters.extent_deg, parameters.cell_arcsec, weights.beam_minor_arcsec)
    request.work_dir.mkdir(parents=True, exist_ok=True)
    prefix = request.work_dir / "wsclean"
    clean = CleanParameters(
        tier=parameters.tier,
        robust=parameters.robust,
        niter=parameters.niter,
        auto_threshold_sigma=parameters.auto_threshold_sigma,
        auto_mask_sigma=parameters.auto_mask_sigma,
        mgain=parameters.mgain,
        taper_arcsec=weights.taper_arcsec,
    )
    command = wsclean_command(inputs.ms, prefix, request.work_dir, request.threads, size, clean)
    with timings.phase("wsclean"):
        run_wsclean(command, prefix, 0.1, 0.85)
    return _products(request, vis, weights, size, prefix, WSCleanUse(version=version, command=command), timings)


def _products(
    request: ImageRequest,
    vis: Visibilities,
    weights: ImagingWeights,
    size: ImageSize,
    prefix: Path,
    wsclean: WSCleanUse,
    timings: Timings,
) -> ImageResult:
    directory, name = request.outputs.directory, request.outputs.name
    directory.mkdir(parents=True, exist_ok=True)
    with timings.phase("beam"):
        progress(0.86, "primary beam")
        beam = beam_image(vis.centre_rad, vis.pointing_rad, weights.share, vis.freq_hz[weights.channels], size.width_px, size.cell_arcsec)
    with timings.phase("quality"):
        progress(0.9, "quality")
        planes = {
            plane: fits_headers.read_plane(prefix.with_name(f"wsclean-{plane}.fits"))[0]
            for plane in ("image", "residual", "psf", "model", "dirty")
        }
        _, made = fits_headers.read_plane(prefix.with_name("wsclean-image.fits"))
        restoring = fits_headers.beam_keywords(made)
        major, minor, pa_deg = (float(restoring[key][0]) for key in ("BMAJ", "BMIN", "BPA"))
        numbers = image_quality.ImageNumbers(
            noise_jy=image_quality.robust_sigma(planes["residual"]),
            peak_jy=float(np.nanmax(planes["image"])),
            residual_peak_jy=float(np.nanmax(np.abs(planes["residual"]))),
            dirty_noise_jy=image_quality.robust_sigma(planes["dirty"]),
            thermal_noise_jy=weights.thermal_noise_jy,
            beam_arcsec=(major * 3600, minor * 3600),
            expected_beam_arcsec=(weights.beam_major_arcsec, weights.beam_minor_arcsec),
            psf_peak=float(planes["psf"].max()),
            psf_sidelobe=image_quality.largest_sidelobe(planes["psf"], major * 3600 / size.cell_arcsec),
            flagged_fraction=vis.flagged_fraction,
            finite_fraction=float(np.isfinite(planes["image"]).mean()),
        )
        quality = image_quality.judge(numbers)
    centre_deg = (float(np.degrees(vis.centre_rad[0]) % 360), float(np.degrees(vis.centre_rad[1])))
    files = ImageFiles(
        image=directory / f"{name}-image.fits",
        image_pb=directory / f"{name}-image-pb.fits",
        residual=directory / f"{name}-residual.fits",
        psf=directory / f"{name}-psf.fits",
        model=directory / f"{name}-model.fits",
        beam=directory / f"{name}-beam.fits",
        png=directory / f"{name}.png",
        thumbnail=directory / f"{name}-thumbnail.png",
    )
    with timings.phase("write"):
        progress(0.92, "products")
        keywords = {
            **fits_headers.sky_keywords(centre_deg, size.width_px, size.cell_arcsec),
            **restoring,
            **fits_headers.time_keywords(vis.start_mjd, vis.mid_mjd, vis.end_mjd, vis.site_itrf_m),
            **_provenance(request, vis, weights, wsclean.version, numbers, quality),
        }
        history = [f"wsclean {' '.join(_reproducible(wsclean.command, request))}"]
        corrected = np.where(beam >= request.parameters.pb_cut, planes["image"] / np.maximum(beam, 1e-6), np.nan)
        for path, pixels, unit in (
            (files.image, planes["image"], "JY/BEAM"),
            (files.image_pb, corrected, "JY/BEAM"),
            (files.residual, planes["residual"], "JY/BEAM"),
            (files.psf, planes["psf"], ""),
            (files.model, planes["model"], "JY/PIXEL"),
            (files.beam, beam, ""),
        ):
            fits_headers.write_plane(path, pixels, unit, keywords, history)
    with timings.phase("picture"):
        progress(0.96, "picture")
        caption = picture.Caption(request.group_id, centre_deg, size.cell_arcsec, numbers.beam_arcsec, pa_deg, numbers.noise_jy)
        picture.draw(np.where(beam >= request.parameters.pb_cut, planes["image"], np.nan), caption, files.png, files.thumbnail)
    for plane in planes:
        prefix.with_name(f"wsclean-{plane}.fits").unlink()
    return ImageResult(
        files=files,
        beam_major_arcsec=major * 3600,
        beam_minor_arcsec=minor * 3600,
        beam_pa_deg=pa_deg,
        noise_jy=numbers.noise_jy,
        thermal_noise_jy=numbers.thermal_noise_jy,
        peak_jy=numbers.peak_jy,
        dynamic_range=numbers.peak_jy / numbers.noise_jy if numbers.noise_jy > 0 else 0.0,
        centre_ra_deg=centre_deg[0],
        centre_dec_deg=centre_deg[1],
        width_px=size.width_px,
        cell_arcsec=size.cell_arcsec,
        freq_hz=weights.freq_hz,
        bandwidth_hz=vis.bandwidth_hz,
        start_mjd=vis.start_mjd,
        mid_mjd=vis.mid_mjd,
        end_mjd=vis.end_mjd,
        qa=quality,
        wsclean=wsclean,
        bytes_written=sum(path.stat().st_size for path in files.model_dump().values()),
        timings_s=timings.seconds,
    )


def _provenance(
    request: ImageRequest,
    vis: Visibilities,
    weights: ImagingWeights,
    wsclean: str,
    numbers: image_quality.ImageNumbers,
    quality: image_quality.ImageQuality,
) -> fits_headers.Keywords:
    inputs, parameters = request.inputs, request.parameters
    return {
        "RESTFRQ": (weights.freq_hz, "[Hz] weighted mean frequency"),
        "BANDWID": (vis.bandwidth_hz, "[Hz]"),
        "GROUPID": (request.group_id, "observation group"),
        "CALSET": (inputs.calibration_set, "calibration set"),
        "DEGRADED": (bool(inputs.degraded_reasons or inputs.subbands_missing), ""),
        "DEGRWHY": ("; ".join(inputs.degraded_reasons), ""),
        "SBMISS": (",".join(f"sb{subband:02d}" for subband in inputs.subbands_missing), "subbands missing"),
        "PBCUT": (parameters.pb_cut, "the corrected image is blank below this"),
        "TIER": (parameters.tier, ""),
        "NOISE": (numbers.noise_jy, "[Jy/beam] robust, of the residual"),
        "THERMAL": (numbers.thermal_noise_jy, "[Jy/beam] expected from the weights and XX-YY"),
        "QAVERD": (quality.verdict, "quality verdict"),
        "QAFAIL": (",".join(check.name for check in quality.checks if not check.passed), "checks beyond their limit"),
        "SOFTWARE": (f"contimg-science {__version__}, WSClean {wsclean}, astropy {astropy.__version__}, numpy {np.__version__}", ""),
    }


def _reproducible(command: list[str], request: ImageRequest) -> list[str]:
    """The command without paths and threads: those differ between machines and attempts, the image does not."""
    words, skip = [], 0
    for word in command[1:-1]:
        if skip:
            skip -= 1
        elif word in ("-j", "-temp-dir", "-name"):
            skip = 1
        else:
            words.append(word)
    return [*words, request.inputs.ms.name]


if __name__ == "__main__":
    run_step(ImageRequest, image)
