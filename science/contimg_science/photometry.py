"""Step `photometry`: the flux of every monitored position on one image, as JSON lines.

Forced: each position inside the primary beam is measured, bright or not; what is not significant is marked as an upper
limit and kept. Fits are made on the image whose noise is even and divided by the primary beam afterwards. An image that
failed its quality checks is refused, never measured.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from pydantic import Field

from contimg_science.imaging.fits_headers import read_plane
from contimg_science.measurement_set import describe
from contimg_science.measuring.forced_fit import Beam, FittedFlux, NoiseMap, companions, fit_companions, fully_inside
from contimg_science.measuring.positions import ImageFrame, image_frame, pixel_positions
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step

Array = NDArray[np.float64]
# Of a file that tells other steps more.
POSITION_COLUMNS = ["source_id", "name", "ra_deg", "dec_deg"]
# An image and the Measurement Set it was made from agree far better; a neighbouring group is 309 s and 1° away.
SAME_TIME_D = 1 / 86400
SAME_PLACE_RAD = np.radians(1 / 3600)


class PhotometryInputs(Record):
    image: Path
    beam: Path
    residual: Path
    positions: Path
    ms: Path | None


class PhotometryParameters(Record):
    pb_cut: float = Field(gt=0, lt=1)
    snr_limit_sigma: float = Field(gt=0)
    neighbour_beams: float = Field(ge=0)
    systematic_fraction: float = Field(ge=0, lt=1)


class PhotometryOutputs(Record):
    measurements: Path


class PhotometryRequest(StepRequest):
    inputs: PhotometryInputs
    parameters: PhotometryParameters
    outputs: PhotometryOutputs


class PhotometryResult(Record):
    measured: int
    upper_limits: int
    outside: int
    median_rms_jy: float | None
    timings_s: dict[str, float]


class Measurement(Record):
    """One line of the output."""

    source_id: int
    mjd: float
    flux_jy: float
    error_jy: float
    local_rms_jy: float
    snr: float
    pb_response: float
    chi2: float | None
    kind: str
    upper_limit: bool
    flags: list[str]


@dataclass(frozen=True)
class Positions:
    source_id: NDArray[np.int64]
    ra_rad: Array
    dec_rad: Array


def photometry(request: PhotometryRequest) -> PhotometryResult:
    timings = Timings()
    inputs, parameters = request.inputs, request.parameters
    with timings.phase("read"):
        progress(0.05, "image")
        image, header = read_plane(inputs.image)
        if header.get("QAVERD") == "fail":
            raise StepFailure(
                "QualityRejected",
                "ImageFailed",
                f"this image failed {header.get('QAFAIL')}",
                "look at the image; make it again or leave it",
                "none",
            )
        residual, beam_response = read_plane(inputs.residual)[0], read_plane(inputs.beam)[0]
        if not image.shape == residual.shape == beam_response.shape:
            raise StepFailure(
                "BadInput",
                "ForeignPlane",
                f"{image.shape}, {residual.shape}, {beam_response.shape}: not of one image",
                "name planes of one image",
                "none",
            )
        frame = image_frame(header)
        positions = read_positions(inputs.positions)
        if inputs.ms is not None:
            _same_observation(inputs.ms, frame)
    beam = restoring_beam(header, frame)
    with timings.phase("place"):
        x, y = pixel_positions(frame, positions.ra_rad, positions.dec_rad)
        inside = fully_inside(image.shape, x, y, beam)
        response = np.zeros(x.size)
        response[inside] = _between_pixels(beam_response, x[inside], y[inside])
        inside &= response >= parameters.pb_cut
        index = np.flatnonzero(inside)
    with timings.phase("fit"):
        progress(0.3, f"{index.size} positions")
        noise = NoiseMap(residual, beam)
        fitted: dict[int, FittedFlux] = {}
        for members in companions(x[index], y[index], parameters.neighbour_beams * beam.major_px):
            chosen = index[members]
            fitted |= dict(zip(chosen.tolist(), fit_companions(image, x[chosen], y[chosen], beam, noise), strict=True))
    degraded = bool(header.get("DEGRADED", False))
    lines = [
        _measurement(int(positions.source_id[number]), frame.mid_mjd, fitted[number], float(response[number]), parameters, degraded)
        for number in index.tolist()
    ]
    with timings.phase("write"):
        progress(0.95, "measurements")
        _write_lines(request.outputs.measurements, lines)
    return PhotometryResult(
        measured=len(lines),
        upper_limits=sum(line.upper_limit for line in lines),
        outside=x.size - len(lines),
        median_rms_jy=float(np.median([line.local_rms_jy for line in lines])) if lines else None,
        timings_s=timings.seconds,
    )


def read_positions(path: Path) -> Positions:
    with path.open(newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        if not set(POSITION_COLUMNS) <= set(reader.fieldnames or []):
            raise StepFailure(
                "BadInput", "BadPositions", f"columns {reader.fieldnames}", f"write the columns {','.join(POSITION_COLUMNS)}", "none"
            )
        try:
            rows = [(int(row["source_id"]), float(row["ra_deg"]), float(row["dec_deg"])) for row in reader]
        except (TypeError, ValueError) as error:
            raise StepFailure(
                "BadInput", "BadPositions", f"line {reader.line_num}: {error}", "correct this line of the positions", "none"
            ) from error
    source_id, ra_deg, dec_deg = (np.array(column) for column in zip(*rows, strict=True)) if rows else (np.empty(0), np.empty(0), np.empty(0))
    return Positions(source_id.astype(np.int64), np.radians(ra_deg), np.radians(dec_deg))


def _between_pixels(plane: NDArray[np.float32], x: Array, y: Array) -> Array:
    """Bilinear; every place has four pixels around it."""
    left, low = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right_part, top_part = x - left, y - low
    bottom = plane[low, left] * (1 - right_part) + plane[low, left + 1] * right_part
    top = plane[low + 1, left] * (1 - right_part) + plane[low + 1, left + 1] * right_part
    return bottom * (1 - top_part) + top * top_part


def _same_observation(ms: Path, frame: ImageFrame) -> None:
    seen = describe(ms)
    apart = np.abs(np.exp(1j * np.array(seen.centre_rad)) - np.exp(1j * np.array(frame.centre_rad))).max()
    if abs(seen.mid_mjd - frame.mid_mjd) > SAME_TIME_D or apart > SAME_PLACE_RAD:
        raise StepFailure(
            "BadInput",
            "ForeignImage",
            f"the image is of MJD {frame.mid_mjd:.5f}, {ms.name} of {seen.mid_mjd:.5f}",
            "name image and MS of one group",
            "none",
        )


def restoring_beam(header: fits.Header, frame: ImageFrame) -> Beam:
    major, minor, angle = (np.radians(float(header[key])) for key in ("BMAJ", "BMIN", "BPA"))  # type: ignore[arg-type]
    return Beam(float(major / frame.cell_rad), float(minor / frame.cell_rad), float(angle))


def _measurement(
    source_id: int, mjd: float, fitted: FittedFlux, response: float, parameters: PhotometryParameters, degraded: bool
) -> Measurement:
    flux_jy = fitted.flux_jy / response
    snr = fitted.flux_jy / fitted.error_jy
    flags = [name for name, is_set in (("joint", fitted.joint), ("unresolved", fitted.unresolved), ("degraded", degraded)) if is_set]
    return Measurement(
        source_id=source_id,
        mjd=mjd,
        flux_jy=flux_jy,
        error_jy=float(np.hypot(fitted.error_jy / response, parameters.systematic_fraction * flux_jy)),
        local_rms_jy=fitted.local_rms_jy,
        snr=snr,
        pb_response=response,
        chi2=fitted.chi2,
        kind="forced",
        upper_limit=snr < parameters.snr_limit_sigma,
        flags=flags,
    )


def _write_lines(path: Path, lines: list[Measurement]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8") as out:
        for line in lines:
            out.write(json.dumps(line.model_dump(), allow_nan=False) + "\n")
    part.replace(path)


if __name__ == "__main__":
    run_step(PhotometryRequest, photometry)
