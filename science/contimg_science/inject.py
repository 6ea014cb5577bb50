"""Step `inject`: puts synthetic sources of known flux into a copy of a group's visibilities, before anything was done to them.

The copy then walks the line like any group, and what comes out is held against what went in. The original is only read; the
copy is marked. Sources are steady, at several strengths, and one varies by a law of time alone. The image is told of them as it
is of catalogue sources; of the varying one it is told the mean, so that a line which measures its own catalogue is found out.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from contimg_science.calibrate import CalibrationSet, load_set
from contimg_science.calibration.field_phase import no_field_phase
from contimg_science.calibration.field_sample import find_field_phase
from contimg_science.calibrators import power_law
from contimg_science.canary.injection import add_sources
from contimg_science.canary.places import free_places
from contimg_science.imaging.fits_headers import read_plane
from contimg_science.imaging.known_sources import COLUMNS, read_known_sources
from contimg_science.measurement_set import describe, require_set
from contimg_science.measuring.positions import image_frame
from contimg_science.protocol import Record, StepFailure, StepRequest, Timings, progress, run_step

HOURS_PER_DAY = 24


class InjectInputs(Record):
    ms: Path
    sets: list[CalibrationSet]
    # Catalogue sources around the group, as `image` takes them.
    sources: Path
    # Of the group itself: what is there already, and the noise beside it.
    image: Path
    noise_jy: float = Field(gt=0)
    beam_major_arcsec: float = Field(gt=0)


class InjectParameters(Record):
    steady_snr: list[float]
    varying_snr: float = Field(gt=0)
    varying_amplitude: float = Field(ge=0, lt=1)
    varying_period_h: float = Field(gt=0)
    min_response: float = Field(gt=0, lt=1)
    clearance_arcmin: float = Field(ge=0)
    field_phase: bool


class InjectOutputs(Record):
    ms: Path
    # What `image` is to know: the catalogue and the synthetic sources.
    sources: Path
    # What `photometry` is to measure: the synthetic sources alone.
    positions: Path


class InjectRequest(StepRequest):
    inputs: InjectInputs
    parameters: InjectParameters
    outputs: InjectOutputs


class InjectedSource(Record):
    """`source_id` is that of the positions file; `catalogue_jy` what the image is told, `injected_jy` what is in the data."""

    source_id: int
    name: str
    kind: Literal["steady", "varying"]
    ra_deg: float
    dec_deg: float
    response: float
    catalogue_jy: float
    injected_jy: float


class InjectResult(Record):
    ms: Path
    sources: list[InjectedSource]
    field_phase_kept: bool
    bytes_written: int
    timings_s: dict[str, float]


def inject(request: InjectRequest) -> InjectResult:
    timings = Timings()
    inputs, parameters, outputs = request.inputs, request.parameters, request.outputs
    require_set(inputs.ms, "convert the group again")
    with timings.phase("choose"):
        group = describe(inputs.ms)
        sets = sorted((load_set(entry, group) for entry in inputs.sets), key=lambda entry: entry.mid_mjd)
        if not sets:
            raise StepFailure("NoCalibration", "NoSet", "no calibration set is named", "name the sets of the group's image", "none")
        sources = _sources(request, group.mid_mjd)
    with timings.phase("field_phase"):
        if parameters.field_phase:
            field = find_field_phase(inputs.ms, inputs.sources, group, sets, request.threads)
        else:
            field = no_field_phase(len(group.antenna_names), group.shape.correlations, "switched off")
    with timings.phase("copy"):
        progress(0.1, "copy of the visibilities")
        shutil.rmtree(outputs.ms, ignore_errors=True)
        shutil.copytree(inputs.ms, outputs.ms)
    with timings.phase("inject"):
        truth = [power_law(source.name, source.ra_deg, source.dec_deg, source.injected_jy, 0.0) for source in sources]
        add_sources(outputs.ms, group, truth, sets, field.phase_rad)
    _write_lists(request, sources)
    return InjectResult(
        ms=outputs.ms,
        sources=sources,
        field_phase_kept=field.kept,
        bytes_written=sum(path.stat().st_size for path in outputs.ms.rglob("*") if path.is_file()),
        timings_s=timings.seconds,
    )


def _sources(request: InjectRequest, mid_mjd: float) -> list[InjectedSource]:
    inputs, parameters = request.inputs, request.parameters
    pixels, header = read_plane(inputs.image)
    phase = 2 * np.pi * ((mid_mjd * HOURS_PER_DAY / parameters.varying_period_h) % 1.0)
    varied = 1 + parameters.varying_amplitude * float(np.sin(phase))
    wanted: list[tuple[str, Literal["steady", "varying"], float, float]] = [
        *((f"canary-{snr:g}", "steady", snr, 1.0) for snr in parameters.steady_snr),
        ("canary-varying", "varying", parameters.varying_snr, varied),
    ]
    places = free_places(
        request.group_id,
        len(wanted),
        describe(inputs.ms),
        read_known_sources(inputs.sources),
        (pixels, image_frame(header)),
        inputs.noise_jy,
        float(np.radians(inputs.beam_major_arcsec / 3600)),
        float(np.radians(parameters.clearance_arcmin / 60)),
        parameters.min_response,
    )
    made = []
    for number, ((name, kind, snr, factor), (ra_deg, dec_deg, response)) in enumerate(zip(wanted, places, strict=True), start=1):
        flux_jy = snr * inputs.noise_jy / response
        made.append(
            InjectedSource(
                source_id=number,
                name=name,
                kind=kind,
                ra_deg=ra_deg,
                dec_deg=dec_deg,
                response=response,
                catalogue_jy=flux_jy,
                injected_jy=flux_jy * factor,
            )
        )
    return made


def _write_lists(request: InjectRequest, sources: list[InjectedSource]) -> None:
    lines = [[source.source_id, source.name, source.ra_deg, source.dec_deg, source.catalogue_jy, 0.0] for source in sources]
    shutil.copyfile(request.inputs.sources, request.outputs.sources)
    with request.outputs.sources.open("a", newline="", encoding="utf-8") as known:
        # Ids of the catalogue are not theirs: the image knows sources by name and place.
        csv.writer(known, lineterminator="\n").writerows(lines)
    with request.outputs.positions.open("w", newline="", encoding="utf-8") as positions:
        csv.writer(positions, lineterminator="\n").writerows([COLUMNS, *lines])


if __name__ == "__main__":
    run_step(InjectRequest, inject)
