"""Fixtures that several files of these tests use."""

from tests.support.bell import ada, bus, notify, smtp

__all__ = ["ada", "bus", "notify", "smtp"]
