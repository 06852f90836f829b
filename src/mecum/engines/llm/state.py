"""The state of the built-in model, for those who wait for it and those who show it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal, TypeAlias

from mecum.engines.weights import Progress
from mecum.kit.errors import EngineUnavailable

Phase: TypeAlias = Literal["off", "paused", "fetching", "loading", "ready", "idle", "failed"]
"""off: not wanted or not started; paused: fetching was paused by a person; idle: its memory was given back, the next
question loads it again; failed: see `problem`."""

WAITING: frozenset[Phase] = frozenset(("fetching", "loading", "idle"))


@dataclass(frozen=True, slots=True)
class EngineState:
    """Where the engine is.

    Args:
        progress: while fetching.
        problem: when failed.
        retry_in_s: when failed: how long until it is tried again.
    """

    phase: Phase
    progress: Progress | None = None
    problem: EngineUnavailable | None = None
    retry_in_s: float | None = None


class Board:
    """Holds the current state; anyone can wait for the next one."""

    def __init__(self) -> None:
        self._state = EngineState("off")
        self._changed = asyncio.Event()

    @property
    def state(self) -> EngineState:
        return self._state

    def show(self, state: EngineState) -> None:
        self._state = state
        self._changed.set()
        self._changed = asyncio.Event()

    async def after(self, seen: EngineState) -> EngineState:
        """The state, as soon as it is not `seen` any more."""
        while self._state is seen:
            await self._changed.wait()
        return self._state
