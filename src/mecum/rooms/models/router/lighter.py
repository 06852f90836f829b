"""The last step before a refusal: an answer of the entity reads less. Pure.

Tools that nothing in the person's words asks for, and what was said long before, are left out: what is read counts at
the gate, so a smaller call finds a place sooner. A program's own request is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from mecum.rooms.models import Message, ModelRequest, ToolSpec
from mecum.rooms.models.planning.planner import offered
from mecum.rooms.models.tokens import estimate_input

Lighter: TypeAlias = Literal["tools", "context"]

LIGHT_TOKENS: Final = 4_000
"""Of what was said before the person's last words so much is kept, about."""
ENTITY: Final = frozenset(("assistant.answer", "assistant.background"))


def lighter(request: ModelRequest) -> tuple[ModelRequest, tuple[Lighter, ...]]:
    """`request` without what can be spared, and what that was; itself where there is nothing."""
    if request.purpose not in ENTITY or request.must_call:
        return request, ()
    tools, messages = _needed(request), _newest(request.messages)
    spared: list[Lighter] = []
    if len(tools) < len(request.tools):
        spared.append("tools")
    if len(messages) < len(request.messages):
        spared.append("context")
    return (replace(request, tools=tools, messages=messages) if spared else request), tuple(spared)


def _needed(request: ModelRequest) -> Sequence[ToolSpec]:
    """All tools once one was called; else those that the person's last words ask for, and those that have no cues."""
    return request.tools if any(message.tool_uses for message in request.messages) else offered(request)


def _newest(messages: Sequence[Message]) -> Sequence[Message]:
    """The words of the house, the turn at hand, and of what was before it the newest: from something a person said."""
    begin = next((place for place, message in enumerate(messages) if message.role != "system"), 0)
    asked = max((place for place, message in enumerate(messages) if message.role == "user"), default=begin)
    first, left = asked, LIGHT_TOKENS
    for place in range(asked - 1, begin - 1, -1):
        left -= estimate_input(messages[place : place + 1])
        if left < 0:
            break
        if messages[place].role == "user":
            first = place
    return [*messages[:begin], *messages[first:]]
