"""A request with tools, answered by a model that has no tool calls: first what to do, then either a call or an answer.

The answer is a second request and free text: small models write worse inside JSON, and JSON can't be streamed to
people.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

from mecum.kit.clock import Clock
from mecum.kit.dates import in_worker, read_date
from mecum.kit.ids import new_id
from mecum.kit.types import Tokens
from mecum.rooms.models import (
    Finish,
    ModelEvent,
    ModelRequest,
    TextDelta,
    ToolCallDelta,
    ToolSpec,
    ToolUse,
    Usage,
    Waiting,
)
from mecum.rooms.models.planning.decision import Decision, plan_for
from mecum.rooms.models.planning.phrases import dated
from mecum.rooms.models.planning.turns import calls_made, last_words, without_calls

Ask = Callable[[ModelRequest], AsyncGenerator[ModelEvent, None]]


class Planner:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def answer(self, request: ModelRequest, ask: Ask, timezone: str) -> AsyncGenerator[ModelEvent, None]:
        """The events of an answer, as if the model had tool calls. Raises as `ask` does.

        Args:
            ask: asks the model.
            timezone: of the person, whose words about dates are read.
        """
        spent = Usage(Tokens(0), Tokens(0))
        if tools := offered(request):
            plan = plan_for(tools, must_call=request.must_call)
            said: list[str] = []
            finish: Finish | None = None
            async with aclosing(ask(plan.question(request))) as events:
                async for event in events:
                    if isinstance(event, Waiting):
                        yield event
                    elif isinstance(event, TextDelta):
                        said.append(event.text)
                    elif isinstance(event, Finish):
                        finish = event
            assert finish is not None
            decision = plan.read("".join(said), said=last_words(request.messages))
            if decision is not None and (use := await self._call(decision, request, timezone)) is not None:
                yield ToolCallDelta(use)
                yield dataclasses.replace(finish, reason="tool_calls", state=None)
                return
            spent = finish.usage
        plain = dataclasses.replace(request, tools=(), messages=without_calls(request.messages))
        async with aclosing(ask(plain)) as events:
            async for event in events:
                if isinstance(event, Finish):
                    event = dataclasses.replace(event, usage=total(spent, event.usage), state=None)  # noqa: PLW2901
                yield event

    async def _call(self, decision: Decision, request: ModelRequest, timezone: str) -> ToolUse | None:
        """The call that was decided on; None when it was made already, and its result is there."""
        arguments = decision.arguments
        if decision.dates:
            read = partial(read_date, now=self._clock.now(), timezone=timezone)
            arguments = await in_worker(dated, arguments, decision.dates, read)
        made: Any = (decision.tool, arguments)
        if made in calls_made(request.messages) and not request.must_call:
            return None
        return ToolUse(f"call_{new_id().hex}", decision.tool, json.dumps(arguments, ensure_ascii=False))


def offered(request: ModelRequest) -> tuple[ToolSpec, ...]:
    """The tools whose cues are found in what the person said last: a plan costs seconds and tempts a small model."""
    said = last_words(request.messages)
    return tuple(tool for tool in request.tools if not tool.cues or re.search(tool.cues, said, re.IGNORECASE))


def total(first: Usage, second: Usage) -> Usage:
    return Usage(
        Tokens(first.input + second.input),
        Tokens(first.output + second.output),
        Tokens(first.cached + second.cached),
        Tokens(first.reasoning + second.reasoning),
        estimated=first.estimated or second.estimated,
        cache_write=Tokens(first.cache_write + second.cache_write),
    )
