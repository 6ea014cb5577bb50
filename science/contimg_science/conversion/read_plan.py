"""When each chunk of a file is read, so that every byte is read once although hash and rotation want another order each.

The hash takes the file front to back; the rotation takes rows in order, and the writer's cache let their chunks go in an order
of its own. A chunk is read by whichever comes first and kept until the other has had it. How far the hash runs with each
block of rows is chosen so that as few bytes as can be are kept. Plans only: touches no file.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Uses:
    """Chunks in the order of the file, and the first and last step that wants each; NEVER and −1 where none does."""

    offset: NDArray[np.int64]
    bytes: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


@dataclass(frozen=True)
class ReadPlan:
    # End of what the hash has had after each step.
    hashed_to: NDArray[np.int64]
    # By chunk: the step that hashes it, and the first and last step during which it is in memory (birth > death: not at all).
    hashed_at: NDArray[np.int64]
    birth: NDArray[np.int64]
    death: NDArray[np.int64]
    # The most bytes in memory at one step: chunks for the rotation, and what waits for the hash.
    peak_bytes: int


def plan_reading(uses: Uses, steps: int, file_bytes: int) -> ReadPlan:
    """`steps` blocks of rows; after the last the whole file is hashed."""
    count = uses.offset.size
    cut = np.full(steps, count, np.int64)
    for step in range(steps - 1):
        # By place of the cut: bytes hashed and still wanted, and bytes wanted already and not yet hashed.
        waiting = np.concatenate([[0], np.cumsum(np.where(uses.last >= step, uses.bytes, 0))])
        ahead = np.concatenate([np.cumsum(np.where(uses.first <= step, uses.bytes, 0)[::-1])[::-1], [0]])
        kept = waiting + ahead
        cut[step] = count - int(kept[::-1].argmin())
    cut = np.maximum.accumulate(cut)
    hashed_at = np.searchsorted(cut, np.arange(count), side="right").astype(np.int64)
    used = uses.last >= 0
    birth = np.where(used, np.minimum(uses.first, hashed_at), NEVER)
    # What the hash alone wants goes by.
    death = np.where(used, uses.last, -1)
    ends = np.append(uses.offset, file_bytes)
    hashed_to = ends[cut]
    hashed_to[-1] = file_bytes
    alive = [uses.bytes[(birth <= step) & (death >= step)].sum() for step in range(steps)]
    # What was read ahead of the hash waits for it, as it was read.
    waiting_for_hash = [uses.bytes[(birth <= step) & (hashed_at > step)].sum() for step in range(steps)]
    peak = max((int(a + b) for a, b in zip(alive, waiting_for_hash, strict=True)), default=0)
    return ReadPlan(hashed_to, hashed_at, birth, death, peak)


def assign_slots(plan: ReadPlan, chosen: NDArray[np.bool_], steps: int) -> tuple[NDArray[np.int64], int]:
    """A slot for each of the `chosen` chunks (−1 for the others), free again after its death; and how many slots that takes."""
    slot = np.full(chosen.size, -1, np.int64)
    free = np.empty(0, np.int64)
    made = 0
    for step in range(steps):
        born = np.flatnonzero(chosen & (plan.birth == step))
        lacking = max(0, born.size - free.size)
        free = np.concatenate([free, np.arange(made, made + lacking)])
        made += lacking
        slot[born], free = free[: born.size], free[born.size :]
        free = np.concatenate([free, slot[chosen & (plan.death == step)]])
    return slot, made
