"""Reproduce and compare single image reflection removal networks."""

__version__ = "0.1.0"
