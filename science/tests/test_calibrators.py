"""Built-in calibrators against the standard the field uses."""

from importlib.resources import files

import numpy as np
import pytest
from casacore import tables

from contimg_science.calibrators import CALIBRATORS, find_calibrator, flux_jy


@pytest.mark.parametrize("name", sorted(CALIBRATORS))
def test_the_polynomial_is_the_one_casa_carries_for_2017(name: str) -> None:
    standards = files("casadata").joinpath("__data__/nrao/VLA/standards/PerleyButler2017Coeffs")
    with tables.table(str(standards), ack=False) as casa:
        assert casa.getcell("Epoch", casa.nrows() - 1) == 2017.0
        assert CALIBRATORS[name].coefficients == tuple(casa.getcell(f"{name}_coeffs", casa.nrows() - 1))


def test_flux_at_one_gigahertz_is_the_first_coefficient() -> None:
    np.testing.assert_allclose(flux_jy("3C147", 1e9), 10**1.4516, rtol=1e-12)


def test_fluxes_fall_with_frequency_over_the_band() -> None:
    for calibrator in CALIBRATORS.values():
        assert np.all(np.diff(calibrator.flux_jy(np.linspace(1.31e9, 1.5e9, 20))) < 0)


def test_an_unknown_name_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(KeyError, match="3C286"):
        find_calibrator("3C999")
