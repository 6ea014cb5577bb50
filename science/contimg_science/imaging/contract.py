"""What the image step is asked for and what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from contimg_science.imaging.catalogue_check import CatalogueComparison
from contimg_science.imaging.image_quality import ImageQuality
from contimg_science.protocol import Record, StepRequest


class ImageInputs(Record):
    ms: Path
    calibration_set: str
    degraded_reasons: list[str]
    subbands_missing: list[int]
    sources: Path | None
    """The catalogue around the field as CSV (imaging/known_sources.py); none: nothing is known of this sky."""
    survey: str | None = None
    """What of it is neither monitored nor built in, with its version."""
    memory_gb: float | None
    """What one process may take; none: the memory of the host."""


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
    subtract_bright: bool
    bright_sigma: float = Field(gt=0)
    catalogue_mask: bool


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


class Retry(Record):
    """Why WSClean had to run again, and what was done about it."""

    reason: Literal["diverged", "memory", "source_outside_mask", "bright_source_left"]
    detail: str
    remedy: str


class WSCleanUse(Record):
    """`command` is that of the run whose image was kept; `mask` says what cleaning was held to: the catalogue, or what it found."""

    version: str
    command: list[str]
    major_cycles: int
    mask: Literal["catalogue", "found"]
    diverged: bool
    retries: list[Retry]


class SubtractedSource(Record):
    """A source taken out of the visibilities and put back into the image; fluxes at 1.4 GHz, `image_jy` as it stands there."""

    name: str
    catalogue_jy: float
    fitted_jy: float
    image_jy: float


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
    subtracted: list[SubtractedSource]
    catalogue: CatalogueComparison | None
    cleaning_noise: float
    qa: ImageQuality
    wsclean: WSCleanUse
    bytes_written: int
    timings_s: dict[str, float]
