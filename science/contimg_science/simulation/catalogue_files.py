"""The injected sky as files in the formats that published catalogues come in: what `contimg catalog import` reads.

Positions are written to 0.1 mas or better, fluxes at the frequency and in the unit of each survey. In the VLA list a source below
`LISTED_AT_L_JY` has no line for L band, as many of the real list have none. Written whole, beside the truth, never into the input.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.io.votable import from_table, writeto
from astropy.table import Table

from contimg_science.catalogues.surveys import SURVEYS
from contimg_science.simulation.sky import REFERENCE_HZ, Source

LISTED_AT_L_JY = 0.5
C_BAND_HZ = 4.86e9


def write_catalogue_files(directory: Path, sources: list[Source]) -> dict[str, Path]:
    """One file a format, by its name: two FITS tables, two VOTables, a CSV and the VLA list."""
    directory.mkdir(parents=True, exist_ok=True)
    files = {
        "nvss": directory / "nvss.fits",
        "first": directory / "first.fits",
        "racs-low": directory / "racs-low.xml",
        "racs-mid": directory / "racs-mid.xml",
        "vlass": directory / "vlass.csv",
        "vla": directory / "vla.txt",
    }
    ra, dec = np.array([source.ra_deg for source in sources]), np.array([source.dec_deg for source in sources])
    names = [source.name for source in sources]
    mjy = {name: [1e3 * flux_at(source, survey.frequency_hz) for source in sources] for name, survey in SURVEYS.items()}
    hours, degrees = [_hours(one, " ") for one in ra], [_degrees(one, " ") for one in dec]
    nvss = Table({"NVSS": names, "RAJ2000": hours, "DEJ2000": degrees, "S1.4": mjy["nvss"]})
    nvss["S1.4"].unit = "mJy"
    fits.BinTableHDU(nvss).writeto(files["nvss"], overwrite=True)
    fits.BinTableHDU(Table({"RA": ra, "DEC": dec, "FINT": mjy["first"]})).writeto(files["first"], overwrite=True)
    for name, flux, title in (("racs-low", "total_flux_source", "source_name"), ("racs-mid", "total_flux", "name")):
        table = Table({title: names, "ra": ra, "dec": dec, flux: mjy[name]})
        table[flux].unit = "mJy"
        writeto(from_table(table), str(files[name]))
    rows = [f"{name},{ra:.9f},{dec:.9f},{flux:.9g}\n" for name, ra, dec, flux in zip(names, ra, dec, mjy["vlass"], strict=True)]
    files["vlass"].write_text("Component_name,RA,DEC,Total_flux\n" + "".join(rows))
    files["vla"].write_text("".join(_listed(source) for source in sources))
    return files


def flux_at(source: Source, frequency_hz: float) -> float:
    """Of its steady level: a catalogue knows nothing of its light curve."""
    return source.flux_jy * (frequency_hz / REFERENCE_HZ) ** source.spectral_index


def iau_name(source: Source) -> str:
    """hhmm±ddd, the last digit tenths of a degree, both cut."""
    tenths = int(abs(source.dec_deg) * 10)
    minutes = int(source.ra_deg * 4)
    return f"{minutes // 60:02d}{minutes % 60:02d}{'-' if source.dec_deg < 0 else '+'}{tenths:03d}"


def _listed(source: Source) -> str:
    ra, dec = _hours(source.ra_deg, "hms"), _degrees(source.dec_deg, "d'\"")
    bands = [f"  6cm    C  S S S S  {flux_at(source, C_BAND_HZ):9.4f}"]
    if source.flux_jy >= LISTED_AT_L_JY:
        bands.insert(0, f" 20cm    L  P P P P  {source.flux_jy:9.4f}                  40")
    name = iau_name(source)
    return "\n".join(
        [
            f"{name}   J2000  A {ra}  {dec}  Aug01  {source.name}",
            f"{name}   B1950  A {ra}  {dec}",
            "-----------------------------------------------------",
            "BAND        A B C D    FLUX(Jy)    UVMIN(kL)  UVMAX(kL)",
            "=====================================================",
            *bands,
            "\n",
        ]
    )


def _hours(ra_deg: float, marks: str) -> str:
    microseconds = round(ra_deg / 15 * 3600 * 10**6)
    return _sexagesimal(microseconds % (24 * 3600 * 10**6), marks, 6)


def _degrees(dec_deg: float, marks: str) -> str:
    return ("-" if dec_deg < 0 else "+") + _sexagesimal(round(abs(dec_deg) * 3600 * 10**5), marks, 5)


def _sexagesimal(ticks: int, marks: str, decimals: int) -> str:
    """Of a number of ticks that was rounded once, so that no part ever reads 60. One mark stands between the parts, three after them."""
    minutes, rest = divmod(ticks, 60 * 10**decimals)
    whole, minute = divmod(minutes, 60)
    after = (marks, marks, "") if len(marks) == 1 else tuple(marks)
    return f"{whole:02d}{after[0]}{minute:02d}{after[1]}{rest / 10**decimals:0{decimals + 3}.{decimals}f}{after[2]}"
