"""Each check of `validate` fails on the defect that it is there for."""

from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from casacore.tables import table
from converted import convert, simulate_group, validate_set

from contimg_science.concat import ConcatResult
from contimg_science.protocol import StepFailure

BASELINES = 300


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [path for path in simulate_group(tmp_path_factory.mktemp("group"), ntimes=3) if not path.stem.endswith("sb07")]


@pytest.fixture(scope="module")
def result(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> ConcatResult:
    return convert(files, tmp_path_factory.mktemp("set") / "group.ms")


def test_a_sound_set_passes_all_twelve(files: list[Path], result: ConcatResult):
    verdict = validate_set(files, result)
    assert [check.code for check in verdict.checks] == [f"V{number:02d}" for number in range(1, 13)]
    assert verdict.classification.kind == "science"


def change(column: str, row: int, how: Callable, subtable: str = "") -> Callable[[Path], None]:
    def spoil(ms: Path) -> None:
        with table(f"{ms}/{subtable}" if subtable else str(ms), readonly=False, ack=False) as opened:
            opened.putcell(column, row, how(opened.getcell(column, row)))

    return spoil


def add_a_row(name: str) -> Callable[[Path], None]:
    def spoil(ms: Path) -> None:
        with table(f"{ms}/{name}" if name else str(ms), readonly=False, ack=False) as opened:
            opened.addrows(1)

    return spoil


def set_flag(value: bool, channel: int) -> Callable:
    def how(flag: np.ndarray) -> np.ndarray:
        flag[channel] = value
        return flag

    return how


# A row at the end of the last integration. Rows 1 and 1 + BASELINES hold the same pair.
LAST = 3 * BASELINES - 2
DEFECTS = {
    "V01 a row too many": add_a_row(""),
    "V01 another pair": change("ANTENNA2", LAST, lambda value: value - 1),
    "V02 an odd time": change("TIME", LAST, lambda value: value + 0.01),
    "V02 another interval": change("INTERVAL", LAST, lambda value: value * 2),
    "V03 two windows": add_a_row("SPECTRAL_WINDOW"),
    "V03 descending": change("CHAN_FREQ", 0, lambda value: value[::-1], "SPECTRAL_WINDOW"),
    "V03 negative width": change("CHAN_WIDTH", 0, lambda value: -value, "SPECTRAL_WINDOW"),
    "V03 another band": change("CHAN_FREQ", 0, lambda value: value + 10, "SPECTRAL_WINDOW"),
    "V04 two fields": add_a_row("FIELD"),
    "V04 another reference direction": change("REFERENCE_DIR", 0, lambda value: value + 1e-6, "FIELD"),
    "V05 doubled uvw": change("UVW", LAST, lambda value: value * 2),
    "V05 turned uvw": change("UVW", LAST, lambda value: value[[1, 0, 2]]),
    "V05 infinite uvw": change("UVW", LAST, lambda value: value * np.inf),
    "V07 not finite": change("DATA", LAST, lambda value: value * np.nan),
    "V07 something where nothing was": change("DATA", LAST, lambda value: value + 1),
    "V07 an unflagged missing channel": change("FLAG", LAST, set_flag(False, 50)),
    "V08 a flag without reason": change("FLAG", LAST, set_flag(True, 3)),
    "V08 a row flag without flags": change("FLAG_ROW", LAST, lambda _: True),
    "V09 another weight": change("WEIGHT", LAST, lambda value: value * 2),
    "V09 negative sigma": change("SIGMA", LAST, lambda value: -value),
    "V10 no state": add_a_row("STATE"),
    "V10 an antenna elsewhere": change("POSITION", 5, lambda value: value + 1e-3, "ANTENNA"),
    "V10 a pointer past its table": change("OBSERVATION_ID", LAST, lambda _: -1),
    "V11 no time range": change("TIME_RANGE", 0, lambda value: value * 0, "OBSERVATION"),
    "V11 an unknown telescope": change("TELESCOPE_NAME", 0, lambda _: "DSA_110", "OBSERVATION"),
    "V11 pointing at the zenith": change("DIRECTION", 0, lambda value: value * 0, "POINTING"),
    "V12 another weight of the same kind": lambda ms: (
        change("WEIGHT", LAST, lambda value: value * 4)(ms),
        change("SIGMA", LAST, lambda value: value / 2)(ms),
    ),
    "V12 another history": change("MESSAGE", 0, lambda _: "{}", "HISTORY"),
}


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_defect_is_rejected_under_its_code(defect: str, files: list[Path], result: ConcatResult, tmp_path: Path):
    copy = tmp_path / "copy.ms"
    copytree(result.ms, copy)
    DEFECTS[defect](copy)
    with pytest.raises(StepFailure) as rejected:
        validate_set(files, result.model_copy(update={"ms": copy}))
    assert (rejected.value.type, rejected.value.code) == ("QualityRejected", defect[:3])
    assert rejected.value.remedy


def test_centre_fed_back_as_if_it_were_apparent_is_rejected(files: list[Path], result: ConcatResult, tmp_path: Path):
    copy = tmp_path / "copy.ms"
    copytree(result.ms, copy)
    for column in ("PHASE_DIR", "DELAY_DIR", "REFERENCE_DIR"):
        change(column, 0, lambda value: value + np.array([[0, 2e-3]]), "FIELD")(copy)
    with pytest.raises(StepFailure) as rejected:
        validate_set(files, result.model_copy(update={"ms": copy}))
    assert rejected.value.code == "V04"


def test_data_that_are_not_conjugated_are_rejected(files: list[Path], result: ConcatResult, tmp_path: Path):
    copy = tmp_path / "copy.ms"
    copytree(result.ms, copy)
    with table(str(copy), readonly=False, ack=False) as main:
        main.putcol("DATA", np.conj(main.getcol("DATA")))
    with pytest.raises(StepFailure) as rejected:
        validate_set(files, result.model_copy(update={"ms": copy}))
    assert rejected.value.code == "V06"


def test_a_set_of_another_group_or_year_is_rejected(files: list[Path], result: ConcatResult):
    for group_id in ("2025-10-02T00:10:27", "2166-10-02T00:05:18"):
        with pytest.raises(StepFailure) as rejected:
            validate_set(files, result, group_id)
        assert rejected.value.code in ("V02", "V12")


def test_a_list_of_missing_cells_that_is_not_true_is_rejected(files: list[Path], result: ConcatResult):
    with pytest.raises(StepFailure) as rejected:
        validate_set(files, result.model_copy(update={"missing": [cells.model_copy(update={"integrations": [0]}) for cells in result.missing]}))
    assert rejected.value.code == "V07"
