"""Asking a wire: what every test of one does."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from mecum.kit.errors import MecumError
from mecum.rooms.models import Finish, Message, ModelEvent, ModelRequest, TextDelta, TextPart, ToolSpec
from mecum.rooms.models.upstream import Endpoint, Target
from mecum.rooms.models.wires.wires import Wire
from tests.support.fake_provider import FakeProvider, Reply

WEATHER = ToolSpec("weather", "The weather of a city.", {"properties": {"city": {"type": "string"}}})
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}

MODELS = {"openai": "fake", "responses": "gpt-fake", "anthropic": "claude-fake", "gemini": "gemini-fake"}


def target(fake: FakeProvider, key: str = "", model: str = "") -> Target:
    """A model of `fake`, in the wire that it speaks."""
    return Target(Endpoint("Fake", fake.base_url, key, fake.kind), model or MODELS[fake.kind], "catalogue-name")


def asking(text: str = "Hi", **more: object) -> ModelRequest:
    return ModelRequest([Message("user", (TextPart(text),))], **more)  # type: ignore[arg-type]


async def events_of(wire: Wire, to: Target, request: ModelRequest | None = None) -> list[ModelEvent]:
    return [event async for event in wire.stream(to, request or asking())]


def text_of(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def finish_of(events: Sequence[ModelEvent]) -> Finish:
    assert isinstance(events[-1], Finish)
    return events[-1]


async def failing(wire: Wire, to: Target, request: ModelRequest | None = None) -> MecumError:
    async with asyncio.timeout(5):
        with pytest.raises(MecumError) as caught:
            await events_of(wire, to, request)
    return caught.value


async def fails_clearly(wire: Wire, fake: FakeProvider, reply: Reply, code: str, *, retryable: bool) -> None:
    """However often it is tried, `reply` ends in one error that names the provider and says what to do."""
    fake.script(reply, reply, reply)
    error = await failing(wire, target(fake))
    assert (error.code, error.retryable) == (code, retryable)
    assert error.params["provider"] == "Fake"
    assert error.hint
