"""The copy of a calibrator group that is solved on: cross-correlations only, phased to the calibrator, MODEL_DATA filled.

The rotation is exact: w towards the calibrator is computed from antenna positions and its apparent place at each
integration, because turning the phase centre on paper leaves differential aberration (0.34″ a degree) in the phases.
The model is the calibrator and the sources around it as the beam shows them at each time and frequency. The group is only read.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from casacore.tables import makearrcoldesc, maketabdesc
from numpy.typing import NDArray

from contimg_science.calibration.antenna_places import coherence
from contimg_science.calibration.sky_model import SourceTrack, source_visibilities
from contimg_science.calibrators import Calibrator
from contimg_science.measurement_set import Description, open_table
from contimg_science.meridian import SPEED_OF_LIGHT_M_S
from contimg_science.protocol import StepFailure

# The longest baseline rotated to another place keeps its length; rounding alone stays far below this.
UVW_GROWTH_M = 1e-3


def make_working_copy(
    ms: Path, copy: Path, description: Description, calibrator: Calibrator, at: SourceTrack, field_sources: list[SourceTrack]
) -> NDArray[np.complex128]:
    """Answers the coherence of data and model: (time, band, cross baseline, product)."""
    with open_table(ms) as main:
        crosses = main.query("ANTENNA1 != ANTENNA2")
        crosses.copy(str(copy), deep=True).close()
        crosses.close()
    baselines, channels = at.uvw_m.shape[1], description.shape.channels
    with open_table(copy, writable=True) as main:
        shape = [channels, description.shape.correlations]
        model_column = maketabdesc(makearrcoldesc("MODEL_DATA", 0j, ndim=2, shape=shape, valuetype="complex", options=5))
        main.addcols(model_column, {"TYPE": "TiledColumnStMan", "NAME": "ModelTiled", "SPEC": {"DEFAULTTILESHAPE": [*shape[::-1], 128]}})
        growth_m, across = 0.0, []
        for time in range(description.shape.times):
            start = time * baselines
            old_uvw = main.getcol("UVW", start, baselines)
            growth_m = max(growth_m, float(np.abs(np.linalg.norm(at.uvw_m[time], axis=1) - np.linalg.norm(old_uvw, axis=1)).max(initial=0.0)))
            # DATA = exp(+2πi ν (w_source − w_centre)/c) for a source, so this brings the calibrator to phase zero.
            delay_s = (at.uvw_m[time, :, 2] - old_uvw[:, 2]) / SPEED_OF_LIGHT_M_S
            rotation = np.exp(-2j * np.pi * delay_s[:, None] * description.frequencies_hz)
            data = (main.getcol("DATA", start, baselines) * rotation[..., None]).astype(np.complex64)
            main.putcol("DATA", data, start, baselines)
            main.putcol("UVW", at.uvw_m[time], start, baselines)
            sky = np.tile(at.model_jy[time].astype(np.complex64), (baselines, 1))
            for source in field_sources:
                w_m = source.uvw_m[time, :, 2] - at.uvw_m[time, :, 2]
                sky += source_visibilities(w_m, source.model_jy[time], description.frequencies_hz)
            across.append(coherence(data, sky, main.getcol("FLAG", start, baselines)))
            main.putcol("MODEL_DATA", np.repeat(sky[:, :, None], description.shape.correlations, axis=2), start, baselines)
    if growth_m > UVW_GROWTH_M:
        raise StepFailure(
            "BadInput",
            "UvwDisagree",
            f"{ms}: |uvw| differs from the antenna positions by up to {growth_m:.4f} m",
            "convert the group again: UVW is not what concat wrote",
        )
    direction = np.radians([[calibrator.ra_deg, calibrator.dec_deg]])
    with open_table(copy, writable=True, subtable="FIELD") as field:
        for column in ("PHASE_DIR", "REFERENCE_DIR", "DELAY_DIR"):
            field.putcell(column, 0, direction)
        field.putcell("NAME", 0, calibrator.name)
    return np.stack(across)


def leave_out(copy: Path, description: Description, antennas: list[str]) -> None:
    """Flags every baseline of these antennas in the copy, so that nothing is solved for them nor with them."""
    indices = [description.antenna_names.index(name) for name in antennas]
    if not indices:
        return
    with open_table(copy, writable=True) as main:
        rows = main.query(f"ANTENNA1 IN {indices} || ANTENNA2 IN {indices}")
        rows.putcol("FLAG", np.ones((rows.nrows(), description.shape.channels, description.shape.correlations), bool))
        rows.close()
