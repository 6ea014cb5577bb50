"""Small groups that many tests look at and none changes: made once a session."""

from pathlib import Path

import pytest
from converted import convert, simulate_group

from contimg_science.concat import ConcatResult


@pytest.fixture(scope="session")
def small_group(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixteen files of three integrations, noisy, real gains. To change one, take `copied`."""
    return simulate_group(tmp_path_factory.mktemp("small-group"), ntimes=3)


@pytest.fixture(scope="session")
def small_set(small_group: list[Path], tmp_path_factory: pytest.TempPathFactory) -> ConcatResult:
    """The Measurement Set of `small_group`."""
    return convert(small_group, tmp_path_factory.mktemp("small-set") / "group.ms")
