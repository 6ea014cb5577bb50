"""One subband file, open: what was read of it for one purpose is kept for the others, so that each byte is read once.

The HDF5 library sees the file through `library_view` and keeps the pages it asked for; the hash goes front to back and lets
go what it has passed. `bytes_read` counts every byte that came from the file, also those read again after `rewind`. Opened
read-only, never locked.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from bisect import bisect_left, insort
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from contimg_science.conversion.file_signature import bad_input

PAGE_BYTES = 4096
# In the second-level cache of a processor: hashed and copied from there.
BLOCK_BYTES = 1 << 20


class SourceFile:
    def __init__(self, path: Path):
        self.path = path
        try:
            # O_NONBLOCK: opening a pipe must not wait for its writer.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            remedy = "fix the rights or the disk, then validate the file again"
            raise bad_input("Unreadable", path, os.strerror(error.errno or 0), remedy) from error
        self.status = os.fstat(self._descriptor)
        if not stat.S_ISREG(self.status.st_mode):
            self.close()
            raise bad_input("UnsafePath", path, "is not a regular file", "move the file itself into the input directory")
        self.bytes_read = 0
        self.rewind()

    def __enter__(self) -> SourceFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)

    @property
    def size(self) -> int:
        return self.status.st_size

    def rewind(self) -> None:
        """Begin again: nothing is kept, nothing hashed."""
        self._sha256, self._hashed = hashlib.sha256(), 0
        self._starts: list[int] = []
        self._kept: dict[int, tuple[int, memoryview]] = {}
        self._longest = 0
        self._block = np.empty(0, np.uint8)

    def is_unchanged(self) -> bool:
        """Whether the path still leads to the file that was opened, as it was."""

        def identity(status: os.stat_result) -> tuple[int, int, int]:
            return status.st_ino, status.st_size, status.st_mtime_ns

        return identity(os.fstat(self._descriptor)) == identity(self.path.stat()) == identity(self.status)

    def library_view(self, *, keep: bool) -> LibraryView:
        """The file for the HDF5 library; `keep`: what it reads is not read again by the hash."""
        return LibraryView(self, keep)

    def read_kept(self, start: int, end: int) -> memoryview:
        """Bytes [start, end) as far as the file has them, with the pages around them kept for the hash."""
        end = min(end, self.size)
        low = start // PAGE_BYTES * PAGE_BYTES
        high = min(-(-end // PAGE_BYTES) * PAGE_BYTES, self.size)
        if low >= high:
            return memoryview(b"")
        pages = memoryview(bytearray(high - low))
        self.fill(pages, low)
        for at in range(low, high, PAGE_BYTES):
            if at >= self._hashed and at not in self._kept:
                self.keep(at, pages[at - low : at - low + PAGE_BYTES])
        return pages[start - low : end - low]

    def keep(self, start: int, view: memoryview) -> None:
        """`view` holds the file's bytes from `start` on until the hash has passed them; the caller leaves it as it is."""
        known = self._kept.get(start)
        if known is None:
            insort(self._starts, start)
        if known is None or known[0] < start + len(view):
            self._kept[start] = (start + len(view), view)
        self._longest = max(self._longest, len(view))

    def fill(self, target: memoryview, start: int) -> None:
        """Fill `target` with the bytes from `start` on: what is kept from memory, the rest from the file."""
        at, end = start, start + len(target)
        for position in range(bisect_left(self._starts, start - self._longest), bisect_left(self._starts, end)):
            first = self._starts[position]
            stop, view = self._kept[first]
            if stop <= at:
                continue
            if first > at:
                self._read(target[at - start : first - start], at)
                at = first
            upto = min(stop, end)
            target[at - start : upto - start] = view[at - first : upto - first]
            at = upto
            if at == end:
                return
        self._read(target[at - start :], at)

    def read_again(self, target: memoryview, start: int) -> None:
        """Fill `target` from the file, whatever is kept."""
        self._read(target, start)

    def hash_to(self, end: int, passing: Callable[[NDArray[np.uint8], int], None] | None = None) -> None:
        """Hash on up to byte `end`; `passing` sees each piece and where it starts, before it is let go."""
        if self._block.size == 0:
            self._block = np.empty(min(BLOCK_BYTES, self.size), np.uint8)
        while self._hashed < end:
            piece = self._block[: end - self._hashed]
            self.fill(piece.data, self._hashed)
            self._sha256.update(piece.data)
            if passing is not None:
                passing(piece, self._hashed)
            self._hashed += piece.size
        passed = bisect_left(self._starts, self._hashed)
        left = [start for start in self._starts[:passed] if self._kept[start][0] > self._hashed]
        for start in set(self._starts[:passed]) - set(left):
            del self._kept[start]
        self._starts[:passed] = left

    def digest(self) -> str:
        """sha256 of the whole file."""
        self.hash_to(self.size)
        return self._sha256.hexdigest()

    def _read(self, target: memoryview, position: int) -> None:
        while len(target):
            count = os.preadv(self._descriptor, [target], position)
            if count == 0:
                raise OSError(f"ends at byte {position}")
            self.bytes_read += count
            position += count
            target = target[count:]


class LibraryView(io.RawIOBase):
    """Read-only and seekable, for the HDF5 library's driver for Python files."""

    def __init__(self, source: SourceFile, keep: bool):
        self._source, self._keep, self._at = source, keep, 0
        self._seen: xxhash.xxh3_128 | None = None

    def seen_since(self) -> bytes | None:
        """A digest of what was read, and where, since this was asked before; None when nothing was."""
        seen, self._seen = self._seen, None
        return None if seen is None else seen.digest()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._source.size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        target = memoryview(buffer).cast("B")
        count = max(0, min(len(target), self._source.size - self._at))
        if self._keep:
            target[:count] = self._source.read_kept(self._at, self._at + count)
        else:
            self._source.read_again(target[:count], self._at)
        if self._seen is None:
            self._seen = xxhash.xxh3_128()
        self._seen.update(self._at.to_bytes(8, "little"))
        self._seen.update(target[:count])
        self._at += count
        return count
