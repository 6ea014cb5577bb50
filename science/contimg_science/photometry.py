"""Step `photometry`: the flux of every monitored position on one image, and of sources nobody knew of, as JSON lines.

Forced: each position inside the primary beam is measured, bright or not; what is not significant is marked as an upper
limit and kept. Sources of a survey that nobody monitors are fitted where they blend, are not new, and leave no line. Blind: new
sources are looked for on images that passed every quality check. Fits are made on the image whose noise is even and divided by
the primary beam afterwards. An image that failed its checks is refused, never measured.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from pydantic import Field

from contimg_science.calibrators import CALIBRATORS
from contimg_science.imaging.fits_headers import read_plane
from contimg_science.imaging.known_sources import SHOWN_SIGMA
from contimg_science.measurement_set import describe
from contimg_science.measuring.blind_finding import KnownHere, Searched, find_new
from contimg_science.measuring.blind_lines import blind_lines
from contimg_science.measuring.forced_fit import Beam, FittedFlux, NoiseMap, companions, fit_companions, fully_inside
from contimg_science.measuring.measurement_lines import BlindLine, ForcedLine, SkyFlux, sky_flux, write_lines
from contimg_science.measuring.positions import ImageFrame, image_frame, pixel_positions
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step

Array = NDArray[np.float64]
# Of a file that tells other steps more. Lines without a source_id are not measured; those have a flux_jy.
POSITION_COLUMNS = ["source_id", "name", "ra_deg", "dec_deg"]
NOT_MEASURED = -1
# An image and the Measurement Set it was made from agree far better; a neighbouring group is 309 s and 1° away.
SAME_TIME_D = 1 / 86400
# Quiet images have 0.95 to 1.1; one of a 22 Jy calibrator had 1.54, passed its checks, and its artefacts made 27 sources.
QUIET_OVER_THERMAL = 1.3
SAME_PLACE_RAD = np.radians(1 / 3600)


class PhotometryInputs(Record):
    image: Path
    beam: Path
    residual: Path
    model: Path
    positions: Path
    ms: Path | None


class PhotometryParameters(Record):
    pb_cut: float = Field(gt=0, lt=1)
    snr_limit_sigma: float = Field(gt=0)
    neighbour_beams: float = Field(ge=0)
    systematic_fraction: float = Field(ge=0, lt=1)
    blind: bool
    blind_sigma: float = Field(gt=0)


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
    blind_found: int | None  # none: nobody looked, and the note says why
    blind_note: str | None
    timings_s: dict[str, float]


@dataclass(frozen=True)
class Positions:
    """Of what is measured, and of what is only known to be there."""

    source_id: NDArray[np.int64]
    ra_rad: Array
    dec_rad: Array
    flux_jy: Array  # NaN where nobody knows it

    @property
    def measured(self) -> NDArray[np.bool_]:
        return self.source_id != NOT_MEASURED

    def take(self, chosen: NDArray[np.bool_]) -> Positions:
        return Positions(self.source_id[chosen], self.ra_rad[chosen], self.dec_rad[chosen], self.flux_jy[chosen])


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
        residual, model, beam_response = (read_plane(path)[0] for path in (inputs.residual, inputs.model, inputs.beam))
        shapes = [plane.shape for plane in (image, residual, model, beam_response)]
        if len(set(shapes)) > 1:
            raise StepFailure("BadInput", "ForeignPlane", f"{shapes}: not of one image", "name planes of one image", "none")
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
        shown = positions.flux_jy * response > SHOWN_SIGMA * float(header["NOISE"])  # type: ignore[arg-type]
        index = np.flatnonzero(inside & (positions.measured | shown))
    with timings.phase("fit"):
        progress(0.3, f"{index.size} positions")
        # Images of before it was measured have none.
        noise = NoiseMap(residual, beam, float(header.get("CLNOISE", 1.0)))  # type: ignore[arg-type]
        fitted: dict[int, FittedFlux] = {}
        for members in companions(x[index], y[index], parameters.neighbour_beams * beam.major_px):
            chosen = index[members]
            fitted |= dict(zip(chosen.tolist(), fit_companions(image, x[chosen], y[chosen], beam, noise), strict=True))
    mjd, degraded = frame.mid_mjd, bool(header.get("DEGRADED", False))

    def on_the_sky(one: FittedFlux, seen_through: float) -> SkyFlux:
        return sky_flux(mjd, one, seen_through, parameters.systematic_fraction, parameters.snr_limit_sigma, degraded)

    forced = [
        ForcedLine(**on_the_sky(fitted[number], float(response[number])).model_dump(), source_id=int(positions.source_id[number]))
        for number in index.tolist()
        if positions.measured[number]
    ]
    blind_note = _why_not_blind(parameters, header)
    found: list[BlindLine] = []
    if blind_note is None:
        with timings.phase("blind"):
            progress(0.6, "new sources")
            allowed = beam_response >= parameters.pb_cut
            searched = Searched(residual, model, allowed, beam, NoiseMap(residual, beam))
            known = known_here(image, frame, positions.take(positions.measured | shown))
            finds = find_new(searched, known, parameters.blind_sigma, request.work_dir)
            through = _between_pixels(beam_response, np.array([find.x for find in finds]), np.array([find.y for find in finds]))
            fluxes = [on_the_sky(find.fitted, float(one)) for find, one in zip(finds, through, strict=True)]
            found = blind_lines(finds, fluxes, beam, frame)
    with timings.phase("write"):
        progress(0.95, "measurements")
        write_lines(request.outputs.measurements, [*forced, *found])
    return PhotometryResult(
        measured=len(forced),
        upper_limits=sum(line.upper_limit for line in forced),
        outside=int(positions.measured.sum()) - len(forced),
        median_rms_jy=float(np.median([line.local_rms_jy for line in forced])) if forced else None,
        blind_found=len(found) if blind_note is None else None,
        blind_note=blind_note,
        timings_s=timings.seconds,
    )


def _why_not_blind(parameters: PhotometryParameters, header: fits.Header) -> str | None:
    if not parameters.blind:
        return "switched off"
    if header.get("QAVERD") != "pass":
        return f"artefacts would be found: the image is of doubtful quality ({header.get('QAFAIL')})"
    over_thermal = float(header["NOISE"]) / float(header["THERMAL"])  # type: ignore[arg-type]
    if over_thermal > QUIET_OVER_THERMAL:
        return f"artefacts would be found: the noise is {over_thermal:.2f} times the thermal one"
    return None


def known_here(image: NDArray[np.float32], frame: ImageFrame, positions: Positions) -> KnownHere:
    """The known sources, and built-in calibrators, which need not be among them."""
    calibrators = np.radians([(calibrator.ra_deg, calibrator.dec_deg) for calibrator in CALIBRATORS.values()]).T
    ra_rad, dec_rad = (np.concatenate(parts) for parts in zip((positions.ra_rad, positions.dec_rad), calibrators, strict=True))
    x, y = pixel_positions(frame, ra_rad, dec_rad)
    seen = np.isfinite(x) & np.isfinite(y)
    x, y = x[seen], y[seen]
    column, row = np.round(x).astype(np.int64), np.round(y).astype(np.int64)
    inside = (column >= 0) & (row >= 0) & (column < image.shape[1]) & (row < image.shape[0])
    flux_jy = np.zeros(x.size)
    flux_jy[inside] = image[row[inside], column[inside]]
    return KnownHere(x, y, flux_jy)


def read_positions(path: Path) -> Positions:
    with path.open(newline="", encoding="utf-8") as opened:
        reader = csv.DictReader(opened)
        if not set(POSITION_COLUMNS) <= set(reader.fieldnames or []):
            raise StepFailure(
                "BadInput", "BadPositions", f"columns {reader.fieldnames}", f"write the columns {','.join(POSITION_COLUMNS)}", "none"
            )
        try:
            rows = [_position(row) for row in reader]
        except (TypeError, ValueError) as error:
            raise StepFailure(
                "BadInput", "BadPositions", f"line {reader.line_num}: {error}", "correct this line of the positions", "none"
            ) from error
    source_id, ra_deg, dec_deg, flux_jy = np.array(rows, np.float64).reshape(-1, 4).T
    return Positions(source_id.astype(np.int64), np.radians(ra_deg), np.radians(dec_deg), flux_jy)


def _position(row: dict[str, str]) -> tuple[int, float, float, float]:
    measured = row["source_id"].strip() != ""
    flux_jy = (row.get("flux_jy") or "").strip()
    if not measured and not flux_jy:
        raise ValueError(f"{row['name']} has neither a source_id nor a flux_jy")
    return int(row["source_id"]) if measured else NOT_MEASURED, float(row["ra_deg"]), float(row["dec_deg"]), float(flux_jy or "nan")


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


if __name__ == "__main__":
    run_step(PhotometryRequest, photometry)
