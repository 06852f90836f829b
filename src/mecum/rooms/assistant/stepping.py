"""One model step: from the model's events to live text and a result."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from mecum.kit.clock import Clock
from mecum.kit.errors import MecumError, ProviderError
from mecum.kit.types import Principal
from mecum.rooms.assistant.live import LiveAnswer
from mecum.rooms.models import (
    Finish,
    ModelEvent,
    ModelRequest,
    Models,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolUse,
    Waiting,
)


@dataclass(slots=True)
class StepResult:
    """How a step ended: with `finish`, or `stopped` by the person, over a `limit`, or `failed`.

    `first_at` is when the first of the answer came.
    """

    uses: list[ToolUse] = field(default_factory=list[ToolUse])
    finish: Finish | None = None
    stopped: bool = False
    limit: str = ""
    failed: MecumError | None = None
    waited_s: float = 0.0
    first_at: dt.datetime | None = None


async def run_step(
    models: Models,
    principal: Principal,
    request: ModelRequest,
    live: LiveAnswer,
    clock: Clock,
    *,
    seconds_left: float,
    chars_max: int,
) -> StepResult:
    """Ask the model and fill `live`.

    Ends early when `live.interrupted` is set, the answer is too long or the time is over; waiting for a model does not
    count.
    """
    result = StepResult()
    reading = asyncio.create_task(_read(models.stream(principal, request), live, result, clock, chars_max))
    interrupted = asyncio.create_task(live.interrupted.wait())
    try:
        deadline = clock.monotonic() + seconds_left
        while not reading.done():
            left = deadline + result.waited_s - clock.monotonic()
            await asyncio.wait({reading, interrupted}, timeout=max(0.05, left), return_when=asyncio.FIRST_COMPLETED)
            if interrupted.done():
                result.stopped = True
                break
            if not reading.done() and clock.monotonic() >= deadline + result.waited_s:
                result.limit = "time"
                break
    finally:
        interrupted.cancel()
        await _end(reading)
    if not result.stopped and not result.limit:
        _collect(reading, result)
    return result


async def _end(reading: asyncio.Task[None]) -> None:
    """Also of one that failed just as it was stopped: what nobody asks for, asyncio complains of."""
    reading.cancel()
    with contextlib.suppress(asyncio.CancelledError, MecumError):
        await reading


def _collect(reading: asyncio.Task[None], result: StepResult) -> None:
    error = reading.exception()
    if isinstance(error, MecumError):
        result.failed = error
    elif error is not None:
        raise error
    elif result.finish is None and not result.limit:
        result.failed = ProviderError(
            "models.ended_early", "The model's answer ended without an end mark.", retryable=True
        )


async def _read(
    stream: AsyncGenerator[ModelEvent, None], live: LiveAnswer, result: StepResult, clock: Clock, chars_max: int
) -> None:
    waiting_since: float | None = clock.monotonic()
    saw_waiting = False
    async with contextlib.aclosing(stream) as events:
        async for event in events:
            if isinstance(event, Waiting):
                saw_waiting = True
                await live.waiting(event.reason, event.progress, event.about_seconds)
                continue
            if waiting_since is not None:
                result.waited_s = clock.monotonic() - waiting_since if saw_waiting else 0.0
                waiting_since = None
                result.first_at = clock.now()
            if _take(event, live, result):
                return
            if len(live.text) + len(live.reasoning) > chars_max:
                result.limit = "size"
                return


def _take(event: ModelEvent, live: LiveAnswer, result: StepResult) -> bool:
    """Put one event where it belongs. True when the step is over."""
    match event:
        case TextDelta(text):
            live.add(text)
        case ReasoningDelta(text):
            live.think(text)
        case ToolCallDelta(use):
            result.uses.append(use)
        case Finish():
            result.finish = event
            return True
        case Waiting():
            pass
    return False
