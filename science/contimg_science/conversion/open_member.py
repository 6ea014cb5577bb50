"""One member of a group, open for its one reading: header known, chunks located, the bytes in front of them hashed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import h5py

from contimg_science.conversion.chunk_table import ChunkTable, KnownTables, chunk_tables
from contimg_science.conversion.file_signature import SIGNATURE_BYTES, bad_input, check_signature
from contimg_science.conversion.member_header import MemberHeader, read_member_header
from contimg_science.conversion.source_file import SourceFile


@dataclass(frozen=True)
class OpenMember:
    source: SourceFile
    header: MemberHeader
    # Where the samples lie, or why only the HDF5 library can read them.
    layout: list[ChunkTable] | str

    def __enter__(self) -> OpenMember:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.source.close()


def open_member(path: Path, subband: int, known: KnownTables) -> OpenMember:
    """The caller closes it; a file that is refused is closed here. `known`: one for all members of a group."""
    source = SourceFile(path)
    try:
        try:
            check_signature(path, bytes(source.read_kept(0, SIGNATURE_BYTES)), source.size)
        except OSError as error:
            raise bad_input("Unreadable", path, str(error), "fix the disk, then validate the file again") from error
        header = read_member_header(path, subband, source)
        layout = _layout(source, known)
        if not isinstance(layout, str):
            # The header is kept no longer than this: sixteen of them grow with the number of integrations.
            source.hash_to(min(int(table.offset.min()) for table in layout))
    except BaseException:
        source.close()
        raise
    return OpenMember(source, header, layout)


def _layout(source: SourceFile, known: KnownTables) -> list[ChunkTable] | str:
    try:
        view = source.library_view(keep=True)
        with h5py.File(view, "r") as file:
            return chunk_tables(file, view, source.size, known)
    except OSError as error:
        return f"the places of its chunks cannot be read: {error}"
