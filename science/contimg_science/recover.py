"""Step `recover`: holds what the line measured of synthetic sources against what was injected.

The same places are measured on the group's own image, without the sources: noise and confusion are the same in both, so
the difference of the two fluxes is what the line made of the source. Judges nothing and writes nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel

from contimg_science.imaging.catalogue_check import fit_near
from contimg_science.imaging.fits_headers import read_plane
from contimg_science.inject import InjectedSource
from contimg_science.measuring.positions import image_frame, pixel_positions
from contimg_science.photometry import restoring_beam
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, run_step

ARCSEC_PER_RAD = 180 / np.pi * 3600


class RecoverInputs(Record):
    image: Path
    measurements: Path
    # Of the group's own image, at the same places.
    before: Path
    sources: list[InjectedSource]


class RecoverParameters(Record):
    pass


class RecoverOutputs(Record):
    pass


class RecoverRequest(StepRequest):
    inputs: RecoverInputs
    parameters: RecoverParameters
    outputs: RecoverOutputs


class RecoveredSource(Record):
    """`error_jy` and `snr` as photometry quotes them; the offset is of a beam fitted to the image, from the place injected."""

    source_id: int
    name: str
    measured_jy: float
    error_jy: float
    before_jy: float
    snr: float
    offset_arcsec: float


class RecoverResult(Record):
    sources: list[RecoveredSource]
    beam_major_arcsec: float
    timings_s: dict[str, float]


class MeasuredLine(BaseModel):
    """What is needed of a line that photometry wrote."""

    source_id: int
    flux_jy: float
    error_jy: float
    snr: float


def recover(request: RecoverRequest) -> RecoverResult:
    timings = Timings()
    inputs = request.inputs
    with timings.phase("read"):
        pixels, header = read_plane(inputs.image)
        frame = image_frame(header)
        beam = restoring_beam(header, frame)
        measured, before = _measurements(inputs.measurements), _measurements(inputs.before)
    recovered = []
    with timings.phase("fit"):
        for source in inputs.sources:
            x, y = (float(part[0]) for part in pixel_positions(frame, np.radians([source.ra_deg]), np.radians([source.dec_deg])))
            _, moved_x, moved_y = fit_near(pixels, beam, x, y)
            now = _of(measured, source, inputs.measurements)
            recovered.append(
                RecoveredSource(
                    source_id=source.source_id,
                    name=source.name,
                    measured_jy=now.flux_jy,
                    error_jy=now.error_jy,
                    before_jy=_of(before, source, inputs.before).flux_jy,
                    snr=now.snr,
                    offset_arcsec=float(np.hypot(moved_x, moved_y) * frame.cell_rad * ARCSEC_PER_RAD),
                )
            )
    return RecoverResult(sources=recovered, beam_major_arcsec=float(beam.major_px * frame.cell_rad * ARCSEC_PER_RAD), timings_s=timings.seconds)


def _measurements(path: Path) -> dict[int, MeasuredLine]:
    lines = [MeasuredLine.model_validate_json(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {line.source_id: line for line in lines}


def _of(measurements: dict[int, MeasuredLine], source: InjectedSource, path: Path) -> MeasuredLine:
    if source.source_id not in measurements:
        raise StepFailure(
            "QualityRejected",
            "NotMeasured",
            f"{source.name} was injected and is not in {path.name}",
            "look at the image of the canary: photometry measured nothing at this place",
            "none",
        )
    return measurements[source.source_id]


if __name__ == "__main__":
    run_step(RecoverRequest, recover)
