"""A step that fails just as it is stopped leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mecum.kit.clock import SystemClock
from mecum.kit.errors import TooMany
from mecum.rooms.assistant.stepping import run_step
from mecum.rooms.models import ModelEvent


async def step(fails: Exception) -> Any:
    live = SimpleNamespace(text="", reasoning="", interrupted=asyncio.Event())

    async def stream(*_: object) -> AsyncGenerator[ModelEvent, None]:
        live.interrupted.set()
        raise fails
        yield

    models, nothing = SimpleNamespace(stream=stream), cast(Any, None)
    return await run_step(
        cast(Any, models), nothing, nothing, cast(Any, live), SystemClock(), seconds_left=5, chars_max=100
    )


async def test_a_failure_of_a_step_that_was_stopped_is_no_error_that_nobody_heard_of() -> None:
    unheard = list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    result = await step(TooMany("models.busy", "Too many."))
    gc.collect()
    await asyncio.sleep(0)
    assert (result.stopped, result.failed) == (True, None)
    assert unheard == []


async def test_a_mistake_of_ours_is_heard_of_although_the_step_was_stopped() -> None:
    with pytest.raises(ZeroDivisionError):
        await step(ZeroDivisionError())
