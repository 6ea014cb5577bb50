"""What the conversion flagged, kept beside the column that step `flag` overwrites, so that a second run gives the same flags.

Zeros, non-finite samples and autocorrelations can be seen in DATA again; anything else the conversion flagged (a raw
flag, a sample count of 0) cannot. Those samples are stored as packed bits in the table keyword CONTIMG_CONVERSION_FLAGS
before FLAG is first overwritten, and are read from there ever after. Never derive them from FLAG once the keyword exists.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
from casacore.tables import table
from numpy.typing import NDArray

KEYWORD = "CONTIMG_CONVERSION_FLAGS"


def flagged_by_conversion(ms: Path, flag_column: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What was kept for this Measurement Set; before anything was, its FLAG column is what the conversion wrote."""
    with table(str(ms), ack=False) as main:
        if KEYWORD not in main.keywordnames():
            return flag_column
        packed = zlib.decompress(np.asarray(main.getkeyword(KEYWORD), np.uint8).tobytes())
    flags = np.zeros(flag_column.shape, np.bool_)
    # The last byte may hold more bits than there are samples; zeros at the end are not stored.
    stored = np.unpackbits(np.frombuffer(packed, np.uint8))[: flags.size]
    flags.reshape(-1)[: stored.size] = stored
    return flags


def store_conversion_flags(ms: Path, packed: NDArray[np.uint8]) -> None:
    """`packed` bits of what only the conversion knew, once for each copy of a group, before its FLAG column is overwritten."""
    with table(str(ms), readonly=False, ack=False) as main:
        if KEYWORD in main.keywordnames():
            return
        bits = packed.tobytes().rstrip(b"\0")
        main.putkeyword(KEYWORD, np.frombuffer(zlib.compress(bits, 1), np.uint8))
        main.flush()
