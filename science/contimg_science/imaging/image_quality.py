"""Is this image good enough to measure? Numbers against limits, and one verdict.

A failed check is reported, never raised: the image is kept so that a person can look at it, and later steps read the
verdict. Noise is robust (median absolute deviation), so that sources do not count as noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from contimg_science.imaging.catalogue_check import CatalogueComparison
from contimg_science.protocol import Record

Verdict = Literal["pass", "warn", "fail"]
Pixels = NDArray[np.float32]

MAD_TO_SIGMA = 1.4826
# Limits: (warn, fail). Sources that drift through the beam leave a floor: 1.3–1.9 in simulated science groups of up to 4 Jy, 2.4–3.1
# around a 22 Jy calibrator, where faint sources come out several per cent low.
NOISE_OVER_THERMAL = (2.0, 5.0)
# The main lobe of the image's own point spread function against the one that the weights predict.
BEAM_DEVIATION = (0.2, 0.5)
# A converged clean leaves peaks of about 5σ; artefacts of bright sources reach some tens.
RESIDUAL_PEAK_SIGMA = (15.0, 100.0)
PSF_PEAK_DEVIATION = (0.01, 0.1)
PSF_SIDELOBE = (0.5, 0.9)
FLAGGED_FRACTION = (0.5, 0.95)
# Cleaning that adds noise has diverged; where the bright sources were subtracted there is little left to take away.
RESIDUAL_OVER_DIRTY = (1.05, 1.5)
# Against the catalogue. Bright sources vary by some per cent, the median of five or more by less; positions of a good image scatter
# by a tenth of a beam.
FLUX_RATIO_DEVIATION = (0.2, 0.5)
ASTROMETRY_RMS_ARCSEC = (5.0, 20.0)
UNSEEN_FRACTION = (0.2, 0.5)


class QualityCheck(Record):
    name: str
    value: float
    limit: float
    passed: bool


class ImageQuality(Record):
    verdict: Verdict
    checks: list[QualityCheck]


@dataclass(frozen=True)
class ImageNumbers:
    noise_jy: float
    peak_jy: float
    residual_peak_jy: float
    dirty_noise_jy: float
    thermal_noise_jy: float
    beam_arcsec: tuple[float, float]
    expected_beam_arcsec: tuple[float, float]
    psf_peak: float
    psf_sidelobe: float
    flagged_fraction: float
    finite_fraction: float
    diverged: bool
    catalogue: CatalogueComparison | None  # none: too few known sources to say anything


def robust_sigma(pixels: Pixels) -> float:
    values = pixels[np.isfinite(pixels)]
    return float(MAD_TO_SIGMA * np.median(np.abs(values - np.median(values)))) if values.size else 0.0


def largest_sidelobe(psf: Pixels, beam_px: float) -> float:
    """Largest |response| outside two beams of the peak."""
    y, x = np.ogrid[: psf.shape[0], : psf.shape[1]]
    outside = np.hypot(y - psf.shape[0] // 2, x - psf.shape[1] // 2) > 2 * beam_px
    return float(np.abs(psf[outside]).max())


def catalogue_checks(catalogue: CatalogueComparison) -> list[tuple[str, float, tuple[float, float]]]:
    """Name, value and limits; of astrometry only where it was measured."""
    checks = [
        ("flux_ratio_deviation", abs(catalogue.flux_ratio - 1), FLUX_RATIO_DEVIATION),
        ("catalogue_unseen_fraction", 1 - catalogue.seen_fraction, UNSEEN_FRACTION),
    ]
    if catalogue.astrometry_rms_arcsec is not None:
        checks.append(("astrometry_rms_arcsec", catalogue.astrometry_rms_arcsec, ASTROMETRY_RMS_ARCSEC))
    return checks


def judge(numbers: ImageNumbers) -> ImageQuality:
    beam_off = max(abs(fitted / expected - 1) for fitted, expected in zip(numbers.beam_arcsec, numbers.expected_beam_arcsec, strict=True))
    noise = numbers.noise_jy
    # An all-zero image has no noise; its other ratios would divide by zero and say nothing more.
    blank = noise == 0 or numbers.finite_fraction < 1
    checks: list[tuple[str, float, tuple[float, float]]] = [("blank", float(blank), (0.0, 0.0))]
    if not blank:
        checks += [
            ("noise_over_thermal", noise / numbers.thermal_noise_jy if numbers.thermal_noise_jy > 0 else 1.0, NOISE_OVER_THERMAL),
            ("beam_deviation", beam_off, BEAM_DEVIATION),
            ("residual_peak_sigma", numbers.residual_peak_jy / noise, RESIDUAL_PEAK_SIGMA),
            ("residual_noise_over_dirty", noise / numbers.dirty_noise_jy, RESIDUAL_OVER_DIRTY),
            ("psf_peak_deviation", abs(numbers.psf_peak - 1), PSF_PEAK_DEVIATION),
            ("psf_sidelobe", numbers.psf_sidelobe, PSF_SIDELOBE),
            ("flagged_fraction", numbers.flagged_fraction, FLAGGED_FRACTION),
            # After gentler gains, too: nobody knows what is left in such an image.
            ("clean_diverged", float(numbers.diverged), (0.0, 0.0)),
        ]
        if (catalogue := numbers.catalogue) is not None:
            checks += catalogue_checks(catalogue)
    failed = any(not value <= fail for _, value, (_, fail) in checks)
    warned = any(not value <= warn for _, value, (warn, _) in checks)
    return ImageQuality(
        verdict="fail" if failed else "warn" if warned else "pass",
        checks=[QualityCheck(name=name, value=value, limit=warn, passed=value <= warn) for name, value, (warn, _) in checks],
    )
