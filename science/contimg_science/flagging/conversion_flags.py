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


def conversion_flags(ms: Path, flag_column: NDArray[np.bool_], seen_in_data: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Samples that only the conversion knew to be bad; stores them at the first call for this Measurement Set."""
    with table(str(ms), readonly=False, ack=False) as main:
        if KEYWORD in main.keywordnames():
            packed = zlib.decompress(np.asarray(main.getkeyword(KEYWORD), np.uint8).tobytes())
            bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=flag_column.size)
            return bits.astype(bool).reshape(flag_column.shape)
        only_conversion = flag_column & ~seen_in_data
        _store(main, only_conversion)
    return only_conversion


def store_conversion_flags(ms: Path, flags: NDArray[np.bool_]) -> None:
    """The same keyword in another copy of the group, before its FLAG column is overwritten too."""
    with table(str(ms), readonly=False, ack=False) as main:
        if KEYWORD not in main.keywordnames():
            _store(main, flags)


def _store(main: table, flags: NDArray[np.bool_]) -> None:
    main.putkeyword(KEYWORD, np.frombuffer(zlib.compress(np.packbits(flags.reshape(-1)).tobytes(), 1), np.uint8))
    main.flush()
