"""Cell and width of an image: fine enough for the beam, and a length that Fourier transforms like."""

from __future__ import annotations

from dataclasses import dataclass

# Coarser cells lost 2–6 % of the flux of a fitted source.
CELLS_A_BEAM = 3.5
# Where the request leaves the cell to us, a tier does not spend pixels on finer ones: the outriggers' resolution costs
# four times the time and, with few of them, more noise than it is worth. 0: as fine as the array can see.
FINEST_CELL_ARCSEC = {"quicklook": 8.0, "standard": 6.0, "deep": 0.0}


@dataclass(frozen=True)
class ImageSize:
    cell_arcsec: float
    width_px: int


def fourier_friendly(at_least: int) -> int:
    """The smallest even 2ᵃ·3ᵇ·5ᶜ that is not below `at_least`."""
    candidate = at_least + at_least % 2
    while True:
        rest = candidate
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return candidate
        candidate += 2


def beam_for_cell_arcsec(tier: str, cell_arcsec: float | None) -> float:
    """The narrowest beam the cells can carry: the visibilities are tapered to it, so that coarse cells never cost flux."""
    return CELLS_A_BEAM * (cell_arcsec if cell_arcsec is not None else FINEST_CELL_ARCSEC[tier])


def image_size(tier: str, extent_deg: float, cell_arcsec: float | None, beam_minor_arcsec: float) -> ImageSize:
    """`cell_arcsec` as asked, else the narrow axis of the beam over 3.5, cut to 0.1″: one number for header and command."""
    from_beam = max(0.1, int(beam_minor_arcsec / CELLS_A_BEAM * 10 + 1e-6) / 10, FINEST_CELL_ARCSEC[tier])
    cell = cell_arcsec if cell_arcsec is not None else from_beam
    return ImageSize(cell, fourier_friendly(max(64, round(extent_deg * 3600 / cell))))
