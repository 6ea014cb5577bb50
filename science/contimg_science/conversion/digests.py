"""Digests of what a Measurement Set says, independent of how casacore lays it out on disk.

A column's digest is XXH3-128 over the digests of its windows, each over its values in row order, little-endian and C-ordered,
FLAG as one byte a sample. DATA and FLAG have a window a subband, so that members can be hashed side by side; other columns
have one. It tells accidents, at the speed of memory; raw files, which others wrote, have sha256. The content digest covers
the column and subtable digests; FLAG and FLAG_ROW are apart from it, because step `flag` may change them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

from contimg_science.measurement_set import SUBTABLES, open_table

CHANGED_LATER = ("FLAG", "FLAG_ROW")


class ColumnDigests:
    """The digest of each column, each of its windows fed in row order; windows may be fed from threads of their own."""

    def __init__(self) -> None:
        self._digests: dict[tuple[str, int], xxhash.xxh3_128] = {}

    def add(self, name: str, values: Any, window: int = 0) -> None:
        _update(self._digests.setdefault((name, window), xxhash.xxh3_128()), values)

    def finished(self) -> dict[str, str]:
        whole: dict[str, xxhash.xxh3_128] = {}
        for (name, _), digest in sorted(self._digests.items()):
            whole.setdefault(name, xxhash.xxh3_128()).update(digest.digest())
        return {name: digest.hexdigest() for name, digest in whole.items()}


def _update(digest: xxhash.xxh3_128, values: Any) -> None:
    array = np.asarray(values)
    if array.dtype.kind in "UOS":
        digest.update(json.dumps(array.tolist(), ensure_ascii=False).encode())
    else:
        array = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(array.reshape(-1).view(np.uint8).data)


def subtable_digest(path: Path, name: str) -> str:
    digest = xxhash.xxh3_128()
    with open_table(path, subtable=name) as table:
        for column in sorted(table.colnames()):
            digest.update(f"{column}\0{table.nrows()}\0".encode())
            for row in range(table.nrows()):
                if table.iscelldefined(column, row):
                    value = table.getcell(column, row)
                    # A string array comes back as a record of shape and values.
                    _update(digest, value["array"] if isinstance(value, dict) else value)
    return digest.hexdigest()


def subtable_digests(path: Path) -> dict[str, str]:
    return {name: subtable_digest(path, name) for name in SUBTABLES}


def content_digest(parts: Iterable[tuple[str, str]]) -> str:
    """One digest of all named parts that may never change after publishing."""
    lines = sorted(f"{name} {value}\n" for name, value in parts if name not in CHANGED_LATER)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
