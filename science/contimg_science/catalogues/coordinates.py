"""Right ascension and declination from what catalogues write: degrees, or hours and degrees in sexagesimal text."""

from __future__ import annotations

import re
from typing import Any

# Hours or degrees, minutes, seconds between blanks, colons or the letters and marks of the VLA list.
_SEXAGESIMAL = re.compile(r"""\s*([+-]?)\s*(\d{1,3})\s*[hd°:\s]\s*(\d{1,2})\s*[m':\s]\s*(\d{1,2}(?:\.\d*)?)\s*(?:s|"|'')?\s*""")


def right_ascension_deg(value: Any) -> float:
    """0 ≤ α < 360; text with three parts is in hours. ValueError says what is wrong."""
    degrees = _degrees(value, 15)
    if not 0 <= degrees < 360:
        raise ValueError(f"{value} is not a right ascension: wanted 0 to 360 degrees, or hours, minutes, seconds")
    return degrees


def declination_deg(value: Any) -> float:
    """-90 ≤ δ ≤ 90."""
    degrees = _degrees(value, 1)
    if not -90 <= degrees <= 90:
        raise ValueError(f"{value} is not a declination: wanted -90 to 90 degrees, or degrees, minutes, seconds")
    return degrees


def _degrees(value: Any, degrees_a_unit: int) -> float:
    if not isinstance(value, str):
        return float(value)
    if (parts := _SEXAGESIMAL.fullmatch(value)) is None:
        return float(value)
    sign, whole, minutes, seconds = parts.groups()
    if int(minutes) >= 60 or float(seconds) >= 60:
        raise ValueError(f"{value.strip()} has 60 minutes or seconds, or more")
    degrees = degrees_a_unit * (int(whole) + int(minutes) / 60 + float(seconds) / 3600)
    return -degrees if sign == "-" else degrees


def name_of_place(prefix: str, ra_deg: float, dec_deg: float) -> str:
    """IAU style, cut and not rounded: hours to 0.01 s, degrees to 0.1″."""
    hundredths = int(ra_deg / 15 * 360_000)
    tenths = int(abs(dec_deg) * 36_000)
    hours, ra_rest = divmod(hundredths, 360_000)
    degrees, dec_rest = divmod(tenths, 36_000)
    ra = f"{hours:02d}{ra_rest // 6000:02d}{ra_rest % 6000 / 100:05.2f}"
    dec = f"{'-' if dec_deg < 0 else '+'}{degrees:02d}{dec_rest // 600:02d}{dec_rest % 600 / 10:04.1f}"
    return f"{prefix}{ra}{dec}"
