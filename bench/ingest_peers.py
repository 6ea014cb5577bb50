"""What bench/ingest.ts is compared with, in plain Python: `headers FOLDER N` reads with h5py what admission reads of N files,
`stats FOLDER` walks the tree and asks the size and time of each file. Prints seconds, seconds of processor, and files."""

import os
import sys
import time
from pathlib import Path

import h5py

SHAPES_ONLY = ("Data/visdata", "Data/flags", "Data/nsamples")


def read_header(path: Path) -> None:
    """Every dataset that admission reads, converted by nobody."""
    with h5py.File(path, "r") as file:
        for name in SHAPES_ONLY:
            _ = file[name].shape
        for name, item in file["Header"].items():
            if isinstance(item, h5py.Dataset) and name != "uvw_array":
                item[()]
        for item in file["Header/extra_keywords"].values():
            item[()]


def headers(folder: Path, count: int) -> int:
    paths = sorted(folder.rglob("*_sb*.hdf5"))
    for index in range(count):
        read_header(paths[index % len(paths)])
    return count


def stats(folder: Path) -> int:
    seen = 0
    for entry in os.scandir(folder):
        entry.stat(follow_symlinks=False)
        seen += 1
    return seen


started, busy = time.perf_counter(), time.process_time()
done = headers(Path(sys.argv[2]), int(sys.argv[3])) if sys.argv[1] == "headers" else stats(Path(sys.argv[2]))
print(time.perf_counter() - started, time.process_time() - busy, done)
