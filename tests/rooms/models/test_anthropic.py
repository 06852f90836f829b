"""The adapter for providers with Anthropic's wire, against a server that answers and breaks over loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from mecum.kit.clock import SystemClock
from mecum.kit.types import Tokens
from mecum.rooms.models import (
    Finish,
    ReasoningDelta,
    ToolCallDelta,
)
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Upstream
from mecum.rooms.models.wires.anthropic import Anthropic
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import WEATHER, asking, events_of, failing, fails_clearly, finish_of, target, text_of
from tests.support.fake_anthropic import CACHE_MADE, CACHED, FakeAnthropic
from tests.support.fake_provider import Reply


@pytest.fixture
async def fake() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as provider:
        yield provider


def in_stream(kind: str, *before: dict[str, object]) -> Reply:
    error = {"type": "error", "error": {"type": kind, "message": "Sorry."}}
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in [*before, error])
    return Reply(body=body, content_type="text/event-stream")


async def test_text_and_thoughts_come_in_pieces_and_cached_tokens_are_part_of_the_input(
    wire: Wires, fake: FakeAnthropic
) -> None:
    fake.script(Reply(text="one two three", chunks=3, reasoning="let me think"))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "one two three"
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "let me think"
    finish = finish_of(events)
    assert (finish.reason, finish.model, finish.provider) == ("stop", "catalogue-name", "Fake")
    usage = finish.usage
    assert (usage.output, usage.reasoning, usage.cached, usage.estimated) == (Tokens(6), Tokens(3), CACHED, False)
    assert usage.cache_write == CACHE_MADE
    assert usage.input > CACHED + CACHE_MADE
    assert sum(isinstance(event, Finish) for event in events) == 1


async def test_tool_calls_arrive_whole_and_broken_arguments_are_passed_on_as_text(
    wire: Wires, fake: FakeAnthropic
) -> None:
    calls = (("weather", '{"city": "Oslo"}'), ("weather", '{"city": "Ber'), ("weather", "{}"))
    fake.script(Reply(tools=calls, parallel=True))
    events = await events_of(wire, target(fake), asking(tools=[WEATHER]))
    uses = [event.use for event in events if isinstance(event, ToolCallDelta)]
    assert [(use.name, use.arguments) for use in uses] == list(calls)
    assert len({use.id for use in uses}) == 3
    assert finish_of(events).reason == "tool_calls"


async def test_a_provider_that_answers_json_to_a_stream_request_is_understood(wire: Wires, fake: FakeAnthropic) -> None:
    fake.script(Reply(text="all at once", reasoning="hm", as_json=True))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "all at once"
    assert finish_of(events).usage.cached == CACHED
    fake.script(Reply(tools=(("weather", '{"city":"Oslo"}'),), as_json=True))
    events = await events_of(wire, target(fake), asking(tools=[WEATHER]))
    assert [event.use.arguments for event in events if isinstance(event, ToolCallDelta)] == ['{"city":"Oslo"}']


async def test_unusual_event_streams_are_understood(wire: Wires, fake: FakeAnthropic) -> None:
    fake.script(Reply(text="a b", odd=True))
    assert text_of(await events_of(wire, target(fake))) == "a b"


@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("something_new", "stop"),
    ],
)
async def test_the_reason_of_the_end_is_told_in_our_words(
    wire: Wires, fake: FakeAnthropic, stop: str, reason: str
) -> None:
    fake.script(Reply(text="a", finish=stop))
    assert finish_of(await events_of(wire, target(fake))).reason == reason


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (Reply(hang_after=4), "models.provider_timeout", True),
        (Reply(close_after=5), "models.provider_closed", True),
        (Reply(status=529), "models.provider_busy", True),
        (Reply(status=413), "models.provider_refused", False),
        (Reply(status=401), "models.provider_key", False),
        (in_stream("api_error"), "models.provider_failed", True),
        (in_stream("overloaded_error"), "models.provider_busy", True),
        (in_stream("rate_limit_error"), "models.provider_limit", True),
        (in_stream("overloaded_error", {"type": "message_start", "message": {}}), "models.provider_busy", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_fails_in_this_wire_alone_ends_in_one_clear_error(
    wire: Wires, fake: FakeAnthropic, reply: Reply, code: str, retryable: bool
) -> None:
    await fails_clearly(wire, fake, reply, code, retryable=retryable)


@pytest.mark.parametrize("reply", [in_stream("overloaded_error"), Reply(status=529)])
async def test_too_much_to_do_is_noticed_once_whether_it_is_said_by_a_status_or_in_the_stream(
    fake: FakeAnthropic, settings: ModelsSettings, reply: Reply
) -> None:
    noticed: list[str] = []
    upstream = Upstream(settings, SystemClock(), lambda provider, retry_after_s: noticed.append(provider))
    await upstream.start()
    fake.script(reply, Reply(text="fine"))
    assert text_of(await events_of(Anthropic(upstream, settings), target(fake))) == "fine"
    await upstream.close()
    assert noticed == ["Fake"]


async def test_what_the_provider_says_of_a_refusal_is_told(wire: Wires, fake: FakeAnthropic) -> None:
    fake.script(Reply(status=400, text="prompt is too long: 210000 tokens > 200000 maximum"))
    assert "prompt is too long" in (await failing(wire, target(fake))).detail
