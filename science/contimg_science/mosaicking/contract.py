"""What the mosaic step is asked for and what it answers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from contimg_science.imaging.catalogue_check import CatalogueComparison
from contimg_science.imaging.image_quality import ImageQuality
from contimg_science.protocol import Record, StepRequest


class Place(Record):
    ra_deg: float = Field(ge=0, lt=360)
    dec_deg: float = Field(ge=-90, le=90)


class Member(Record):
    """An image that shall be a tile, by the three of its planes that are needed."""

    id: str
    name: str
    content_hash: str
    image: Path
    beam: Path
    residual: Path


class MosaicInputs(Record):
    members: list[Member] = Field(min_length=1)
    covers: list[Place] = Field(min_length=1)
    """Centres of all tiles the grid must hold, those that may come later too: they decide the grid."""
    half_tile_deg: float = Field(gt=0, le=5)
    sources: Path | None
    """The catalogue of the area as CSV (imaging/known_sources.py); none: fluxes and places are not checked."""


class MosaicParameters(Record):
    tier: Literal["quicklook", "science", "deep"]
    cell_arcsec: float = Field(gt=0)
    spline_order: Literal[3, 5]
    pb_cut: float = Field(gt=0, lt=1)


class MosaicOutputs(Record):
    directory: Path
    name: str = Field(pattern=r"^[^/]+$")
    accumulator: Path
    """Folder of the running sums; kept, so that a further tile costs one tile."""


class MosaicRequest(StepRequest):
    inputs: MosaicInputs
    parameters: MosaicParameters
    outputs: MosaicOutputs


class MosaicFiles(Record):
    image: Path
    weight: Path
    noise: Path
    png: Path
    thumbnail: Path


class Tile(Record):
    """A member as it went into the sums; `noise_jy` is that before correction for the primary beam, measured here."""

    id: str
    name: str
    content_hash: str
    noise_jy: float
    beam_major_arcsec: float
    beam_minor_arcsec: float
    beam_pa_deg: float
    freq_hz: float
    start_mjd: float
    end_mjd: float
    degraded: bool
    weight_sum: float
    """Of its pixels, 1/Jy²."""


class LeftOut(Record):
    id: str
    name: str
    reason: str


class MosaicResult(Record):
    files: MosaicFiles
    tiles: list[Tile]
    left_out: list[LeftOut]
    added: int
    """Tiles read and reprojected now; the others were in the sums already."""
    restarted_because: str | None
    """Why sums that were there could not be added to."""
    centre_ra_deg: float
    centre_dec_deg: float
    width_px: int
    height_px: int
    cell_arcsec: float
    area_deg2: float
    noise_jy: float
    """The median of the effective noise."""
    best_noise_jy: float
    beam_major_arcsec: float
    beam_minor_arcsec: float
    beam_pa_deg: float
    freq_hz: float
    start_mjd: float
    end_mjd: float
    catalogue: CatalogueComparison | None
    qa: ImageQuality
    unchecked: list[str]
    """What could not be judged, and why."""
    bytes_written: int
    timings_s: dict[str, float]
