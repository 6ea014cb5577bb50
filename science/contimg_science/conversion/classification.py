"""What a group is for, from its headers and from the calibrators there are."""

from __future__ import annotations

from contimg_science.calibrators import CALIBRATORS
from contimg_science.classify import Classification, classify
from contimg_science.conversion.group import Group
from contimg_science.conversion.subtables import time_range_s
from contimg_science.imported_calibrators import ImportedCalibrator
from contimg_science.measurement_set import SECONDS_PER_DAY


def classify_group(group: Group, imported: list[ImportedCalibrator]) -> Classification:
    """With the built-in calibrators and these."""
    start_s, end_s = time_range_s(group)
    catalogue = [*CALIBRATORS.values(), *(entry.calibrator() for entry in imported)]
    return classify(group.site, (start_s / SECONDS_PER_DAY, end_s / SECONDS_PER_DAY), group.dec_apparent_rad, catalogue)
