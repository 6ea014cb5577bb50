"""What the columns of each published catalogue mean: names, unit of the flux, frequency of the survey.

Of several names for one thing the first that the file has is taken, capitals or not: the publisher's own and that of VizieR. A unit
that a file states wins over the one here. Sources: NVSS Condon et al. 1998 (AJ 115, 1693); FIRST Helfand et al. 2015 (ApJ 801, 26);
RACS-low Hale et al. 2021 (PASA 38, e058); RACS-mid Duchesne et al. 2024 (PASA 41, e003); VLASS Gordon et al. 2021 (ApJS 255, 30).
"""

from __future__ import annotations

from dataclasses import dataclass

from contimg_science.calibrators import REFERENCE_GHZ


@dataclass(frozen=True)
class Survey:
    name: tuple[str, ...]
    ra: tuple[str, ...]
    dec: tuple[str, ...]
    flux: tuple[str, ...]
    flux_unit: str
    frequency_hz: float
    # Where a file names no sources, they are named by their places, after this.
    prefix: str | None
    # Empty: the catalogue states none.
    spectral_index: tuple[str, ...] = ()


RA = ("RAJ2000", "RA", "RA_ICRS", "_RAJ2000")
DEC = ("DEJ2000", "DEC", "DE_ICRS", "_DEJ2000")

SURVEYS: dict[str, Survey] = {
    "nvss": Survey(("NVSS", "name"), RA, DEC, ("S1.4", "flux_20_cm"), "mJy", 1.4e9, "NVSS J"),
    "first": Survey(("FIRST", "name"), RA, DEC, ("FINT", "int_flux"), "mJy", 1.4e9, "FIRST J"),
    "racs-low": Survey(("source_name", "name"), RA, DEC, ("total_flux_source", "Ftot"), "mJy", 887.5e6, "RACS J"),
    "racs-mid": Survey(("name", "source_name"), RA, DEC, ("total_flux", "Ftot"), "mJy", 1367.5e6, "RACS J"),
    "vlass": Survey(("Component_name", "CompName"), RA, DEC, ("Total_flux", "Ftot"), "mJy", 3e9, "VLASS J"),
    "csv": Survey(("name",), ("ra_deg",), ("dec_deg",), ("flux_jy",), "Jy", REFERENCE_GHZ * 1e9, None, ("spectral_index",)),
}
