"""The first look at a subband file: is it a whole HDF5 file? 52 bytes, no library, so that damage cannot crash a reader."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from contimg_science.protocol import StepFailure

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
COPY_AGAIN = "copy the file again from the node, or let the group go on without this subband"


def bad_input(code: str, path: Path, message: str, remedy: str) -> StepFailure:
    return StepFailure("BadInput", code, f"{path}: {message}", remedy, "none")


def check_signature(path: Path) -> os.stat_result:
    """The file's status, once it is known to be a regular, whole HDF5 file."""
    try:
        # O_NONBLOCK: opening a pipe must not wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise bad_input("Unreadable", path, os.strerror(error.errno or 0), "fix the rights or the disk, then validate the file again") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise bad_input("UnsafePath", path, "is not a regular file", "move the file itself into the input directory")
        head = os.pread(descriptor, 52, 0)
    finally:
        os.close(descriptor)
    if not head:
        raise bad_input("EmptyFile", path, "is empty", COPY_AGAIN)
    if head[:8] != HDF5_SIGNATURE:
        raise bad_input("NotHdf5", path, f"not HDF5: starts with {head[:8]!r}", COPY_AGAIN + "; look at the disk")
    # End-of-file address: HDF5 File Format Specification, superblock versions 0 and 1 (8-byte addresses), and 2 and 3.
    at = {0: 40, 1: 44, 2: 28, 3: 28}.get(head[8])
    if at is not None and len(head) == 52:
        end = int.from_bytes(head[at : at + 8], "little")
        if end > status.st_size:
            raise bad_input("Truncated", path, f"{status.st_size / 1e6:.1f} of {end / 1e6:.1f} MB", COPY_AGAIN)
    return status
