"""Fits the flux of each source around a calibrator, and the calibrator's beside them, to calibrated visibilities.

A sample of integrations and channels is enough: all sources are fitted together, so that none takes what is another's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from contimg_science.calibration.sky_model import SourceTrack, source_visibilities
from contimg_science.measurement_set import Description

EVERY, CHANNELS, MAX_SOURCES = 4, 96, 12
MAX_ERROR = 0.1


class FieldFluxes:
    def __init__(self, calibrator: SourceTrack, field: list[SourceTrack], group: Description) -> None:
        self._calibrator, self._sources = calibrator, [calibrator, *field]
        self._channels = slice(None, None, max(1, group.shape.channels // CHANNELS))
        self._frequencies_hz = group.frequencies_hz[self._channels]
        self._normal = np.zeros((len(self._sources), len(self._sources)))
        self._moment = np.zeros(len(self._sources))
        self._power, self._samples = 0.0, 0

    def add(self, time: int, corrected: NDArray[np.complexfloating], good: NDArray[np.bool_]) -> None:
        """(baseline, channel, product) of one integration; what is not good must be 0."""
        data, weight = corrected[:, self._channels].sum(axis=2).ravel(), good[:, self._channels].sum(axis=2).ravel()
        centre = self._calibrator.uvw_m[time, :, 2]
        seen = np.stack(
            [
                source_visibilities(source.uvw_m[time, :, 2] - centre, source.model_jy[time, self._channels], self._frequencies_hz).ravel()
                for source in self._sources
            ]
        )
        self._normal += np.real((seen * weight) @ np.conj(seen.T))
        self._moment += np.real(np.conj(seen) @ data)
        self._power += float((np.abs(corrected[:, self._channels]) ** 2).sum())
        self._samples += int(weight.sum())

    def ratios(self) -> list[float]:
        """Fitted over modelled flux of the sources that are known well enough, over that of the calibrator."""
        if self._samples == 0 or np.linalg.matrix_rank(self._normal) < len(self._sources):
            return []
        fluxes = np.linalg.solve(self._normal, self._moment)
        # Of the real part: half of what the fit leaves.
        variance = max(self._power - float(fluxes @ self._moment), 0.0) / self._samples / 2
        errors = np.sqrt(variance * np.diag(np.linalg.inv(self._normal)))
        return [float(flux / fluxes[0]) for flux, error in zip(fluxes[1:], errors[1:], strict=True) if error <= MAX_ERROR]
