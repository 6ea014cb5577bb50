"""How finished files appear in the watched directory: by rename, by copy, growing, late or never whole.

Files are made elsewhere on the same disk and handed over here. With a rate, groups follow each other at that multiple of real
time; long gaps between nights are shortened to one cadence. A name that exists is replaced by request only.
"""

from __future__ import annotations

import random
import string
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contimg_science.protocol import StepFailure
from contimg_science.simulation.schedule import GROUP_S

Arrival = Literal["style", "half-written", "stays-incomplete", "marked-corrupt", "unreadable", "bad-name", "linked-out", "replacing"]
Style = Literal["rsync", "inplace", "at-once", "incomplete"]
GROWING_PIECES = 8
# The 16 files of a group grow one after the other, all together in half a cadence; none takes longer than half a second.
GROWING_SHARE, GROWING_LIMIT_S = 0.5 / 16, 0.5


class Stopped(Exception):
    """SIGTERM arrived: nothing more is delivered."""


@dataclass(frozen=True)
class Parcel:
    """A finished file, its name in the input directory, and how it arrives there."""

    made: Path
    name: str
    late_s: float
    arrival: Arrival


class Delivery:
    """Hands over groups in order; `stop` ends every wait. Files that only a link leads to go to `outside`."""

    def __init__(self, directory: Path, outside: Path, style: Style, rate: float | None, seed: int, stop: threading.Event) -> None:
        self._directory, self._outside, self._style, self._rate, self._stop = directory, outside, style, rate, stop
        self._random = random.Random(seed)
        self._started: float | None = None
        self._late: list[tuple[float, Parcel]] = []

    def deliver_group(self, index: int, parcels: list[Parcel]) -> None:
        """Wait for this group's turn, then hand over what is not late. Late files of earlier groups arrive meanwhile."""
        if self._started is None:
            self._started = time.monotonic()
        if self._rate is not None:
            self._deliver_late_until(self._started + index * GROUP_S / self._rate)
        for parcel in sorted(parcels, key=lambda parcel: parcel.name):
            if parcel.late_s > 0:
                self._late.append((time.monotonic() + parcel.late_s, parcel))
            else:
                self._hand_over(parcel)

    def finish(self) -> None:
        """Wait for the files that are late."""
        if self._late:
            self._deliver_late_until(max(due for due, _ in self._late))

    def _deliver_late_until(self, moment: float) -> None:
        for due, parcel in sorted(self._late, key=lambda entry: entry[0]):
            if due > moment:
                break
            self._wait_until(due)
            self._hand_over(parcel)
            self._late.remove((due, parcel))
        self._wait_until(moment)

    def _wait_until(self, moment: float) -> None:
        if self._stop.wait(max(0.0, moment - time.monotonic())):
            raise Stopped

    def _hand_over(self, parcel: Parcel) -> None:
        if self._stop.is_set():
            raise Stopped
        target = self._directory / parcel.name
        if target.exists() and parcel.arrival != "replacing":
            raise StepFailure("BadInput", "AlreadyThere", f"{target} exists", "simulate into an empty directory or another time", "published")
        incomplete = self._directory / f"{target.stem}_incomplete.hdf5"
        if parcel.arrival == "stays-incomplete":
            parcel.made.rename(incomplete)
        elif parcel.arrival == "marked-corrupt":
            parcel.made.rename(self._directory / f"{parcel.name}.corrupted")
        elif parcel.arrival == "unreadable":
            parcel.made.chmod(0)
            parcel.made.rename(target)
        elif parcel.arrival == "bad-name":
            parcel.made.rename(target.with_name(f"{target.stem[:-1]}\n{target.stem[-1]}.hdf5"))
        elif parcel.arrival == "linked-out":
            self._outside.mkdir(exist_ok=True)
            target.symlink_to(parcel.made.rename(self._outside / parcel.name))
        elif parcel.arrival == "replacing":
            parcel.made.replace(target)
        elif parcel.arrival == "half-written" or self._style == "inplace":
            self._grow(parcel.made, target)
        elif self._style == "rsync":
            suffix = "".join(self._random.choices(string.ascii_letters + string.digits, k=6))
            hidden = self._directory / f".{parcel.name}.{suffix}"
            parcel.made.rename(hidden)
            hidden.rename(target)
        elif self._style == "incomplete":
            parcel.made.rename(incomplete)
            incomplete.rename(target)
        else:
            parcel.made.rename(target)

    def _grow(self, made: Path, target: Path) -> None:
        total_s = GROWING_LIMIT_S if self._rate is None else min(GROWING_LIMIT_S, GROWING_SHARE * GROUP_S / self._rate)
        content = made.read_bytes()
        piece = max(1, -(-len(content) // GROWING_PIECES))
        try:
            with target.open("xb") as file:
                for begin in range(0, len(content), piece):
                    file.write(content[begin : begin + piece])
                    file.flush()
                    self._wait_until(time.monotonic() + total_s / GROWING_PIECES)
        except Stopped:
            target.unlink()
            raise
        made.unlink()
