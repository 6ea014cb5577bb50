"""Arithmetic on visibilities and pixels. One module a step; see protocol.py for how a step is called."""

__version__ = "0.1.0"
