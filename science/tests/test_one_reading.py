"""Each byte of the input is read once, in any layout that allows it, and a second reading is counted and named."""

import hashlib
from pathlib import Path

import h5py
import numpy as np
import pytest
from converted import concat_request, convert, simulate_group
from step_process import run_step_process

from contimg_science.concat import ConcatResult
from contimg_science.conversion.chunk_reader import MemberReader
from contimg_science.conversion.chunk_table import DATASETS, KnownTables
from contimg_science.conversion.digests import ColumnDigests
from contimg_science.conversion.group import assemble
from contimg_science.conversion.member_header import read_member_header
from contimg_science.conversion.open_member import open_member
from contimg_science.conversion.read_plan import Uses, assign_slots, plan_reading
from contimg_science.conversion.sample_columns import SampleColumns
from contimg_science.conversion.table_layout import TILE_ROWS, create_main_table

BASELINES = 300
MIB = 1 << 20


def process_io() -> dict[str, int]:
    """Bytes that the system calls of this process moved: the kernel's own count."""
    return {name: int(value) for name, value in (line.split(":") for line in Path("/proc/self/io").read_text().splitlines())}


def rewritten(old: Path, new: Path, **layout: object) -> Path:
    with h5py.File(old) as source, h5py.File(new, "w") as target:
        source.copy("Header", target)
        for name in DATASETS:
            target.create_dataset(name, data=source[name][()], **layout)
    return new


def lengthened(old: Path, new: Path, factor: int) -> Path:
    """The integrations of a file over and over at later times, appended one at a time as the correlator does."""
    with h5py.File(old) as source, h5py.File(new, "w", libver="earliest") as target:
        source.copy("Header", target)
        header = target["Header"]
        times, rows = source["Header/time_array"][()], source["Header/time_array"].size
        span = (times[-1] - times[0]) * 24 / 23
        for name, dataset in source["Header"].items():
            if getattr(dataset, "shape", ())[:1] == (rows,):
                del header[name]
                header[name] = np.concatenate([dataset[()]] * factor)
        header["time_array"][...] = np.concatenate([times + at * span for at in range(factor)])
        for name in DATASETS:
            like = source[name]
            shape = {"shape": (0, *like.shape[1:]), "maxshape": (None, *like.shape[1:])}
            target.create_dataset(name, dtype=like.dtype, chunks=like.chunks, **shape)
        for first in range(0, rows * factor, BASELINES):
            for name in DATASETS:
                target[name].resize(first + BASELINES, axis=0)
                target[name][first:] = source[name][first % rows : first % rows + BASELINES]
    return new


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return simulate_group(tmp_path_factory.mktemp("group"), ntimes=24)


@pytest.fixture(scope="module")
def result(files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> ConcatResult:
    return convert(files, tmp_path_factory.mktemp("set") / "group.ms")


def test_the_kernel_counts_each_input_byte_once_and_each_output_byte_once(files: list[Path], result: ConcatResult, tmp_path: Path):
    size = sum(path.stat().st_size for path in files)
    before = process_io()
    again = convert(files, tmp_path / "group.ms")
    after = process_io()
    assert again.bytes_read == size and not again.read_twice
    # Beside the files: the small tables of the set, read back for their digests, and the Earth's rotation.
    assert size <= after["rchar"] - before["rchar"] < size + 4 * MIB
    # Beside the set: what casacore renews of its small tables and indices, and its zeros for new tiles, which go nowhere.
    tiles = sum((again.ms / f"table.f{number}_TSM0").stat().st_size for number in (0, 1))
    assert after["wchar"] - before["wchar"] < again.bytes_written + tiles + 4 * MIB
    assert again.content_digest == result.content_digest


def test_the_zeros_that_casacore_fills_new_tiles_with_do_not_reach_the_disk(files: list[Path], tmp_path: Path):
    group = assemble([read_member_header(path, subband) for subband, path in enumerate(files)], 16)
    with create_main_table(tmp_path / "group.ms", group) as main, SampleColumns(tmp_path / "group.ms", main, ColumnDigests()):
        assert [(tmp_path / "group.ms" / f"table.f{number}_TSM0").stat().st_size for number in (0, 1)] == [0, 0]


def test_a_block_that_ends_early_writes_no_tile_that_casacore_does_not_know(tmp_path: Path):
    few = simulate_group(tmp_path / "raw", ntimes=2)
    group = assemble([read_member_header(path, subband) for subband, path in enumerate(few)], 16)
    with create_main_table(tmp_path / "group.ms", group) as main, SampleColumns(tmp_path / "group.ms", main, ColumnDigests()) as columns:
        shape = (3 * TILE_ROWS, group.channels_per_subband, len(group.corr_types))
        columns.write(0, group.rows, 15, np.ones(shape, np.complex64), np.zeros(shape, np.bool_))
        # One row of tiles, a subband each, and this was the last.
        assert (tmp_path / "group.ms" / "table.f0_TSM0").stat().st_size == 16 * TILE_ROWS * shape[1] * shape[2] * 8


def test_members_laid_out_alike_share_one_chunk_table_and_others_have_their_own(files: list[Path], tmp_path: Path):
    other = rewritten(files[2], tmp_path / files[2].name, chunks=(128, 1, 4, 2))
    known = KnownTables()
    with open_member(files[0], 0, known) as first, open_member(files[1], 1, known) as second, open_member(other, 2, known) as third:
        assert not isinstance(third.layout, str)
        for mine, shared, own in zip(first.layout, second.layout, third.layout, strict=True):
            assert shared is mine and own is not mine
        with h5py.File(other) as file:
            assert third.layout[0].offset.ravel()[0] == file["Data/visdata"].id.get_chunk_info(0).byte_offset


def test_the_digests_are_those_of_the_files(files: list[Path], result: ConcatResult):
    assert [file.sha256 for file in result.inputs] == [hashlib.sha256(path.read_bytes()).hexdigest() for path in files]


@pytest.mark.parametrize("layout", [{}, {"chunks": (77, 1, 4, 2)}, {"compression": "gzip"}], ids=["contiguous", "other chunks", "compressed"])
def test_another_layout_gives_the_same_samples(layout: dict[str, object], files: list[Path], result: ConcatResult, tmp_path: Path):
    other = rewritten(files[4], tmp_path / files[4].name, **layout)
    made = convert([*files[:4], other, *files[5:]], tmp_path / "group.ms")
    assert made.column_digests == result.column_digests
    assert made.inputs[4].sha256 == hashlib.sha256(other.read_bytes()).hexdigest()
    assert [member.subband for member in made.read_twice] == ([4] if "compression" in layout else [])


def test_a_layout_that_would_fill_the_memory_is_read_twice_counted_and_named(files: list[Path], tmp_path: Path):
    contiguous = rewritten(files[0], tmp_path / files[0].name)
    ranges = [(k, k + BASELINES) for k in range(0, 24 * BASELINES, BASELINES)]
    seen = []
    for keep_bytes in (64 * MIB, MIB // 8):
        with open_member(contiguous, 0, KnownTables()) as member:
            reader = MemberReader(member, ranges, keep_bytes)
            blocks = []
            for _ in ranges:
                visibilities, _, _ = reader.read()
                first = visibilities.offset[0, 0, 0]
                blocks.append(visibilities.values[2 * first : 2 * first + 12].copy())
            assert reader.digest() == hashlib.sha256(contiguous.read_bytes()).hexdigest()
            reader.close()
            seen.append((np.concatenate(blocks), member.source.bytes_read, reader.read_twice))
    (kept, once, nothing), (again, twice, reason) = seen
    assert nothing is None and once == contiguous.stat().st_size
    # The samples again, but not the header.
    assert 1.5 * once < twice < 2 * once + MIB
    assert reason is not None and "keep" in reason
    assert np.array_equal(kept, again)


@pytest.mark.parametrize("seed", range(20))
def test_a_plan_serves_hash_and_rotation_in_any_order_of_chunks(seed: int):
    random = np.random.default_rng(seed)
    count, steps = 60, 7
    # From nearly in order to not at all.
    first = np.clip(np.arange(count) * steps // count + random.integers(-seed, seed + 1, count) // 3, 0, steps - 1)
    last = np.minimum(first + random.integers(0, 2, count), steps - 1)
    last[random.random(count) < 0.1] = -1
    uses = Uses(100 + 10 * np.arange(count), np.full(count, 10), first, last)
    plan = plan_reading(uses, steps, 1000)
    assert (np.diff(plan.hashed_to) >= 0).all() and plan.hashed_to[-1] == 1000
    used = last >= 0
    assert (plan.birth[used] <= first[used]).all() and (plan.death[used] >= last[used]).all()
    slot, slots = assign_slots(plan, np.full(count, True), steps)
    for step in range(steps):
        alive = slot[(plan.birth <= step) & (plan.death >= step)]
        assert np.unique(alive).size == alive.size <= slots
    assert slots * 10 <= plan.peak_bytes


@pytest.mark.slow
def test_memory_is_the_same_for_24_and_96_integrations(files: list[Path], tmp_path: Path):
    (tmp_path / "input").mkdir()
    long = [lengthened(path, tmp_path / "input" / path.name, 4) for path in files]
    most = []
    for name, group in (("short", files), ("long", long)):
        request = concat_request(group, tmp_path / name / "group.ms").model_dump(mode="json", include={"inputs", "parameters", "outputs"})
        status, events = run_step_process("concat", request, tmp_path / name)
        assert status == 0
        most.append(events[-1]["resources"]["max_rss_bytes"])
    # The input grows by 76 MB, the output by 61 MB; what 16 headers and chunk indexes say of each row by 25 to 27 MB.
    assert most[1] - most[0] < 35 * MIB
