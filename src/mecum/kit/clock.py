"""Time, injected: code asks a Clock, tests hold one still."""

from __future__ import annotations

import datetime as dt
import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> dt.datetime:
        """The time now, always with zone UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, never going back."""
        ...


class SystemClock:
    monotonic = staticmethod(time.monotonic)

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


class ManualClock:
    """A clock for tests: it moves when told."""

    def __init__(self, at: dt.datetime) -> None:
        self._at = at
        self._ticks = 0.0

    def now(self) -> dt.datetime:
        return self._at

    def monotonic(self) -> float:
        return self._ticks

    def advance(self, seconds: float) -> None:
        self._at += dt.timedelta(seconds=seconds)
        self._ticks += seconds
