"""How a catalogue that cannot be read is refused: where in the file, which column, what was wanted. Nothing of it is imported then."""

from __future__ import annotations

from pathlib import Path

from contimg_science.protocol import StepFailure


def bad_cell(path: Path, where: str, column: str, problem: str) -> StepFailure:
    """`where` is a line of text or a row of a table, counted from 1."""
    return StepFailure(
        "BadInput",
        "BadCatalogue",
        f"{path.name}, {where}, column {column}: {problem}",
        "correct it, or leave the line out; nothing of the file was imported",
        "none",
    )


def missing_column(path: Path, meaning: str, accepted: tuple[str, ...], there: list[str]) -> StepFailure:
    return StepFailure(
        "BadInput",
        "MissingColumn",
        f"{path.name} has no column for the {meaning}: wanted {' or '.join(accepted)}, there are {', '.join(there) or 'none'}",
        "name another --format, or rename the column; nothing of the file was imported",
        "none",
    )


def unreadable(path: Path, problem: str) -> StepFailure:
    return StepFailure(
        "BadInput",
        "UnreadableCatalogue",
        f"{path.name}: {problem}",
        "give a FITS table, a VOTable, a CSV with a header line, or the VLA list",
        "none",
    )
