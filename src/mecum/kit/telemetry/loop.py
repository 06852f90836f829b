"""How late the event loop is: what waits for its turn waits so long, whatever it is."""

from __future__ import annotations

import asyncio
import time

from prometheus_client import Histogram

from mecum.kit.telemetry.metrics import REGISTRY, SECONDS

EVERY_S = 0.5

loop_lag_seconds = Histogram(
    "mecum_event_loop_lag_seconds",
    "How late the event loop came to a timer, looked at twice a second.",
    buckets=SECONDS,
    registry=REGISTRY,
)


class LoopWatch:
    """Measures the running loop between `start` and `stop`."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._next(asyncio.get_running_loop())

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        # Not by the loop's own time, which uvloop reads once in each turn.
        self._timer = loop.call_later(EVERY_S, self._look, loop, time.monotonic() + EVERY_S)

    def _look(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        loop_lag_seconds.observe(max(0.0, time.monotonic() - due))
        self._next(loop)
