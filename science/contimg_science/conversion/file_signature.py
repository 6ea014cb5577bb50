"""The first look at a subband file: is it a whole HDF5 file? 52 bytes, no library, so that damage cannot crash a reader."""

from __future__ import annotations

from pathlib import Path

from contimg_science.protocol import StepFailure

SIGNATURE_BYTES = 52
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
COPY_AGAIN = "copy the file again from the node, or let the group go on without this subband"


def bad_input(code: str, path: Path, message: str, remedy: str) -> StepFailure:
    return StepFailure("BadInput", code, f"{path}: {message}", remedy, "none")


def check_signature(path: Path, head: bytes, size: int) -> None:
    """`head`: the first 52 bytes, or all of a smaller file. Refuses what is not a whole HDF5 file."""
    if not head:
        raise bad_input("EmptyFile", path, "is empty", COPY_AGAIN)
    if head[:8] != HDF5_SIGNATURE:
        raise bad_input("NotHdf5", path, f"not HDF5: starts with {head[:8]!r}", COPY_AGAIN + "; look at the disk")
    # End-of-file address: HDF5 File Format Specification, superblock versions 0 and 1 (8-byte addresses), and 2 and 3.
    at = {0: 40, 1: 44, 2: 28, 3: 28}.get(head[8]) if len(head) == SIGNATURE_BYTES else None
    if at is not None:
        end = int.from_bytes(head[at : at + 8], "little")
        if end > size:
            raise bad_input("Truncated", path, f"{size / 1e6:.1f} of {end / 1e6:.1f} MB", COPY_AGAIN)
