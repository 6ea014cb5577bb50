"""The running sums of a mosaic on disk: Σ weight and Σ weight·image of every tile so far, and which tiles those are.

Adding a tile touches the tile's own rows and columns only. Weights are 1/Jy² as they come, never normalised: the effective noise is
1/√Σ weight. A tile is named before its sums are changed, so that a crash half-way is seen and the sums are made afresh; two
processes never add at once.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from contimg_science.mosaicking.contract import Member, MosaicParameters, Place, Tile
from contimg_science.mosaicking.grid import SkyGrid, Window
from contimg_science.mosaicking.tile import Strip
from contimg_science.protocol import Record, StepFailure

Pixels = NDArray[np.float32]
STATE, WEIGHT, WEIGHTED, LOCK = "state.json", "sum-of-weights.f32", "sum-of-weighted.f32", "in-use"


class GridQuestion(Record):
    """What decides a grid; asked otherwise, other sums are needed."""

    covers: list[Place]
    half_tile_deg: float


class SumsState(Record):
    """What the sums hold. `adding`: a tile that may be in them half; they are then worth nothing."""

    grid: SkyGrid
    asked: GridQuestion
    parameters: MosaicParameters
    site_itrf_m: tuple[float, float, float]
    tiles: list[Tile]
    adding: str | None


class Accumulator:
    def __init__(self, folder: Path, state: SumsState):
        self.folder, self.state = folder, state
        self.weight, self.weighted = (np.memmap(folder / name, np.float32, "r+", shape=state.grid.shape) for name in (WEIGHT, WEIGHTED))

    def add(self, tile: Tile, window: Window, strips: Iterator[Strip]) -> Tile:
        """Answers the tile with the sum of its weights, as it was noted."""
        self._note(self.state.tiles, adding=tile.id)
        columns = slice(window.left, window.right)
        total = 0.0
        for strip in strips:
            self.weight[strip.rows, columns] += strip.weight
            self.weighted[strip.rows, columns] += strip.weighted
            total += float(strip.weight.sum(dtype=np.float64))
        added = tile.model_copy(update={"weight_sum": total})
        self._note([*self.state.tiles, added], adding=None)
        return added

    def _note(self, tiles: list[Tile], adding: str | None) -> None:
        self.weight.flush()
        self.weighted.flush()
        self.state = self.state.model_copy(update={"tiles": tiles, "adding": adding})
        _write_state(self.folder, self.state)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StepFailure(
                "ToolFailed", "SumsInUse", f"another process adds to {folder}", "wait until it has ended, then try again", "none"
            ) from error
        yield


def open_sums(folder: Path, members: list[Member], asked: GridQuestion, parameters: MosaicParameters) -> tuple[Accumulator | None, str | None]:
    """The sums that are there, if these members can be added to them; else why not (none: there are no sums yet)."""
    if not (folder / STATE).exists():
        return None, None
    try:
        state = SumsState.model_validate_json((folder / STATE).read_bytes())
    except ValidationError as error:
        return None, f"the note of what was summed cannot be read ({error.error_count()} faults)"
    now = {(member.id, member.content_hash) for member in members}
    gone = [tile.name for tile in state.tiles if (tile.id, tile.content_hash) not in now]
    if state.adding is not None:
        return None, f"adding tile {state.adding} was interrupted"
    if gone:
        return None, f"no longer members: {', '.join(gone)}"
    if state.asked != asked or state.parameters != parameters:
        return None, "other tiles or parameters decide the grid now"
    size = 4 * state.grid.width_px * state.grid.height_px
    if any(not (folder / name).is_file() or (folder / name).stat().st_size != size for name in (WEIGHT, WEIGHTED)):
        return None, "the sums are not of the size of their grid"
    return Accumulator(folder, state), None


def new_sums(
    folder: Path, grid: SkyGrid, asked: GridQuestion, parameters: MosaicParameters, site_itrf_m: tuple[float, float, float]
) -> Accumulator:
    (folder / STATE).unlink(missing_ok=True)
    for name in (WEIGHT, WEIGHTED):
        with (folder / name).open("wb") as made:
            made.truncate(4 * grid.width_px * grid.height_px)
    state = SumsState(grid=grid, asked=asked, parameters=parameters, site_itrf_m=site_itrf_m, tiles=[], adding=None)
    _write_state(folder, state)
    return Accumulator(folder, state)


def _write_state(folder: Path, state: SumsState) -> None:
    part = folder / f".{STATE}.part"
    with part.open("w", encoding="utf-8") as out:
        json.dump(state.model_dump(mode="json"), out, allow_nan=False)
        out.flush()
        os.fsync(out.fileno())
    part.replace(folder / STATE)
