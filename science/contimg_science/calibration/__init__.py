"""Parts of steps `solve` and `calibrate`. Files named casa_* run in a process of their own: python-casacore must not be loaded there."""
