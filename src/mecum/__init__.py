"""Mecum: one AI service that is yours, everywhere."""

__version__ = "0.1.0"
