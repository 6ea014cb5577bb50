"""A gate has one threshold: no limit is written down in two modules, where one of them would be forgotten."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "contimg_science"
LIMIT = ("MIN_", "MAX_", "MINIMUM_", "MAXIMUM_", "PLAUSIBLE_")


def limits(path: Path) -> list[tuple[str, str]]:
    """Names without the word for least or most, and values, of the limits a module defines."""
    found = []
    for statement in ast.parse(path.read_text()).body:
        if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name) and target.id.startswith(LIMIT):
            found.append((target.id.split("_", 1)[1], ast.unparse(statement.value)))
    return found


def test_no_limit_is_defined_in_two_modules() -> None:
    where: dict[str, list[str]] = defaultdict(list)
    for path in sorted(SOURCE.rglob("*.py")):
        for name, value in limits(path):
            where[name].append(f"{path.relative_to(SOURCE)}: {value}")
    assert where, "the modules have limits"
    assert {name: places for name, places in where.items() if len(places) > 1} == {}
