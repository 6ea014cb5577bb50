"""A copy of a Measurement Set whose DATA may be changed: all other bulk columns are shared with the original, not copied.

Casacore keeps a tiled column in files of its own. Those of DATA are copied, those of flags and weights are hard links, which
nobody writes to: only DATA of the copy may be written, or the original changes with it.
"""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from contimg_science.measurement_set import open_table


def private_copy(ms: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    with open_table(ms) as main:
        manager = main.getdminfo("DATA")
    of_data = f"table.f{manager['SEQNR']}"

    def take(source: str, destination: str) -> str:
        path = Path(source)
        if path.parent == ms and "_TSM" in path.name and path.name.partition("_")[0] != of_data:
            try:
                os.link(source, destination)
                return destination
            except OSError as error:
                # Another file system, or one without links: a copy says the same and takes longer.
                if error.errno not in (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP):
                    raise
        return shutil.copyfile(source, destination)

    shutil.copytree(ms, target, copy_function=take)
