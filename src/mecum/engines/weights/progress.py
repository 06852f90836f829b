"""How far a fetch is, for people who wait for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mecum.kit.clock import Clock

Phase: TypeAlias = Literal["waiting", "hub", "packages", "verifying"]
"""waiting: another process fetches it; hub, packages: it arrives from there; verifying: its hash is computed."""

REPORT_EVERY_S = 0.25
RATE_WINDOW_S = 20.0


@dataclass(frozen=True, slots=True)
class Progress:
    """Bytes of the whole file. `seconds_left` is an estimate, None while there is nothing to go by."""

    phase: Phase
    bytes_done: int
    bytes_total: int
    seconds_left: float | None = None


class Meter:
    """Turns counts of bytes into reports: at once when the phase changes, otherwise a few times per second."""

    def __init__(self, total: int, report: Callable[[Progress], None], clock: Clock) -> None:
        self._total = total
        self._report = report
        self._clock = clock
        self._phase: Phase | None = None
        self._seen: deque[tuple[float, int]] = deque()
        self._last = 0.0

    def at(self, phase: Phase, done: int) -> None:
        """`done` bytes of the file are through `phase`."""
        now = self._clock.monotonic()
        if phase != self._phase:
            self._phase = phase
            self._seen.clear()
        elif now - self._last < REPORT_EVERY_S and done < self._total:
            return
        self._last = now
        self._seen.append((now, done))
        while self._seen[0][0] < now - RATE_WINDOW_S and len(self._seen) > 2:
            self._seen.popleft()
        self._report(Progress(phase, done, self._total, self._seconds_left(now, done)))

    def _seconds_left(self, now: float, done: int) -> float | None:
        since, first = self._seen[0]
        if now <= since or done <= first:
            return None
        return (self._total - done) * (now - since) / (done - first)
