"""The adapter for providers with Anthropic's wire, against a server that answers and breaks over loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from mecum.kit.clock import SystemClock
from mecum.kit.errors import MecumError, NotFound, TooMany
from mecum.kit.types import Tokens
from mecum.rooms.models import (
    Finish,
    ImagePart,
    Message,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolSpec,
    ToolUse,
    Waiting,
)
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Endpoint, Target, Upstream
from mecum.rooms.models.wires.anthropic import Anthropic
from tests.support.fake_anthropic import CACHE_MADE, CACHED, FakeAnthropic
from tests.support.fake_provider import Reply

WEATHER = ToolSpec("weather", "The weather of a city.", {"properties": {"city": {"type": "string"}}})
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.fixture
async def fake() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as provider:
        yield provider


@pytest.fixture
def wire(upstream: Upstream, settings: ModelsSettings) -> Anthropic:
    return Anthropic(upstream, settings)


def target(fake: FakeAnthropic, key: str = "") -> Target:
    return Target(Endpoint("Fake", fake.base_url, key, "anthropic"), "claude-fake", "catalogue-name")


def asking(text: str = "Hi", **more: object) -> ModelRequest:
    return ModelRequest([Message("user", (TextPart(text),))], **more)  # type: ignore[arg-type]


async def events_of(wire: Anthropic, to: Target, request: ModelRequest | None = None) -> list[ModelEvent]:
    return [event async for event in wire.stream(to, request or asking())]


def text_of(events: Sequence[ModelEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def finish_of(events: Sequence[ModelEvent]) -> Finish:
    assert isinstance(events[-1], Finish)
    return events[-1]


async def failing(wire: Anthropic, to: Target, request: ModelRequest | None = None) -> MecumError:
    async with asyncio.timeout(5):
        with pytest.raises(MecumError) as caught:
            await events_of(wire, to, request)
    return caught.value


def in_stream(kind: str, *before: dict[str, object]) -> Reply:
    error = {"type": "error", "error": {"type": kind, "message": "Sorry."}}
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in [*before, error])
    return Reply(body=body, content_type="text/event-stream")


async def test_text_and_thoughts_come_in_pieces_and_cached_tokens_are_part_of_the_input(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(text="one two three", chunks=3, reasoning="let me think"))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "one two three"
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "let me think"
    finish = finish_of(events)
    assert (finish.reason, finish.model, finish.provider) == ("stop", "catalogue-name", "Fake")
    usage = finish.usage
    assert (usage.output, usage.reasoning, usage.cached, usage.estimated) == (Tokens(6), Tokens(3), CACHED, False)
    assert usage.input > CACHED + CACHE_MADE
    assert sum(isinstance(event, Finish) for event in events) == 1


async def test_the_key_and_the_version_stand_in_the_headers_of_this_wire(wire: Anthropic, fake: FakeAnthropic) -> None:
    await events_of(wire, target(fake, "secret"))
    sent = fake.requests[0]
    assert sent.path == "/v1/messages"
    assert (sent.headers["x-api-key"], sent.headers["anthropic-version"]) == ("secret", "2023-06-01")
    assert "authorization" not in sent.headers


async def test_the_request_carries_the_conversation_as_turns_with_results_of_calls_together(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    request = ModelRequest(
        [
            Message("system", (TextPart("Be kind."),)),
            Message("user", (TextPart("What is this?"), ImagePart("image/png", b"\x89PNG"))),
            Message(
                "assistant", (), (ToolUse("f.weather:0", "weather", '{"city":"Oslo"}'), ToolUse("b", "weather", "{"))
            ),
            Message("tool", (TextPart("Rain."),), tool_use_id="f.weather:0"),
            Message("tool", (TextPart("Sun."),), tool_use_id="b"),
            Message("user", (TextPart("And?"), TextPart(""))),
        ],
        tools=[WEATHER],
        max_tokens=50,
        temperature=1.5,
    )
    await events_of(wire, target(fake), request)
    body = fake.requests[0].body
    assert body["system"] == "Be kind."
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    asked, called, answered = (turn["content"] for turn in body["messages"])
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}
    assert asked == [{"type": "text", "text": "What is this?"}, {"type": "image", "source": source}]
    assert [(block["id"], block["input"]) for block in called] == [("f_weather_0", {"city": "Oslo"}), ("b", {})]
    assert [block["type"] for block in answered] == ["tool_result", "tool_result", "text"]
    assert answered[0]["tool_use_id"] == "f_weather_0"
    assert body["tools"][0]["input_schema"] == {"type": "object", "properties": {"city": {"type": "string"}}}
    assert (body["max_tokens"], body["temperature"], body["stream"]) == (50, 1.0, True)
    assert "tool_choice" not in body


async def test_a_conversation_with_calls_goes_on_without_tools_by_naming_them_and_forbidding_their_use(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    messages = [
        Message("user", (TextPart("Hi"),)),
        Message("assistant", (), (ToolUse("a", "weather", "{}"),)),
        Message("tool", (TextPart("Rain."),), tool_use_id="a"),
    ]
    await events_of(wire, target(fake), ModelRequest(messages))
    body = fake.requests[0].body
    assert [tool["name"] for tool in body["tools"]] == ["weather"]
    assert body["tool_choice"] == {"type": "none"}


async def test_instructions_alone_are_asked_as_what_a_person_says(wire: Anthropic, fake: FakeAnthropic) -> None:
    await events_of(wire, target(fake), ModelRequest([Message("system", (TextPart("Write a title."),))]))
    body = fake.requests[0].body
    assert "system" not in body
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Write a title."}]}]


@pytest.mark.parametrize(
    ("tools", "choice"),
    [([WEATHER], {"type": "tool", "name": "weather"}), ([WEATHER, ToolSpec("b", "", {})], {"type": "any"})],
)
async def test_a_call_that_must_be_made_is_forced_and_not_thought_about(
    wire: Anthropic, fake: FakeAnthropic, tools: list[ToolSpec], choice: dict[str, str]
) -> None:
    await events_of(wire, target(fake), asking(tools=tools, must_call=True, effort="think"))
    body = fake.requests[0].body
    assert body["tool_choice"] == choice
    assert "thinking" not in body


async def test_tool_calls_arrive_whole_and_broken_arguments_are_passed_on_as_text(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    calls = (("weather", '{"city": "Oslo"}'), ("weather", '{"city": "Ber'), ("weather", "{}"))
    fake.script(Reply(tools=calls, parallel=True))
    events = await events_of(wire, target(fake), asking(tools=[WEATHER]))
    uses = [event.use for event in events if isinstance(event, ToolCallDelta)]
    assert [(use.name, use.arguments) for use in uses] == list(calls)
    assert len({use.id for use in uses}) == 3
    assert finish_of(events).reason == "tool_calls"


async def test_an_answer_under_a_schema_is_the_input_of_a_forced_tool_and_comes_as_text(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(tools=(("give_answer", '{"a": "yes"}'),)))
    events = await events_of(wire, target(fake), asking(json_schema=SCHEMA))
    body = fake.requests[0].body
    assert body["tool_choice"] == {"type": "tool", "name": "give_answer"}
    assert body["tools"][0]["input_schema"] == SCHEMA
    assert json.loads(text_of(events)) == {"a": "yes"}
    assert finish_of(events).reason == "stop"
    assert not [event for event in events if isinstance(event, ToolCallDelta)]


async def test_an_answer_that_is_no_object_is_taken_out_of_the_one_that_the_wire_wants(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(tools=(("give_answer", '{"value": [1, 2]}'),)))
    schema = {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}}
    events = await events_of(wire, target(fake), asking(json_schema=schema))
    asked = fake.requests[0].body["tools"][0]["input_schema"]
    assert (asked["type"], asked["$defs"]) == ("object", {"n": {"type": "integer"}})
    assert json.loads(text_of(events)) == [1, 2]


async def test_a_schema_beside_tools_leaves_the_choice_between_a_call_and_the_answer(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    taken = ToolSpec("give_answer", "Somebody else's.", {})
    fake.script(Reply(tools=(("give_answer", '{"x": 1}'),)), Reply(tools=(("give_answer_", '{"a": "b"}'),)))
    events = await events_of(wire, target(fake), asking(json_schema=SCHEMA, tools=[taken]))
    assert fake.requests[0].body["tool_choice"] == {"type": "any"}
    assert [event.use.name for event in events if isinstance(event, ToolCallDelta)] == ["give_answer"]
    assert json.loads(text_of(await events_of(wire, target(fake), asking(json_schema=SCHEMA, tools=[taken])))) == {
        "a": "b"
    }


async def test_effort_becomes_thinking_without_a_temperature(wire: Anthropic, fake: FakeAnthropic) -> None:
    await events_of(wire, target(fake), asking(effort="think", temperature=0.2))
    await events_of(wire, target(fake), asking(effort="fast", temperature=0.2))
    await events_of(wire, target(fake))
    thinks, fast, auto = (sent.body for sent in fake.requests)
    assert thinks["thinking"]["type"] == "adaptive"
    assert thinks["output_config"] == {"effort": "high"}
    assert "temperature" not in thinks
    assert (fast["output_config"], fast["temperature"], "thinking" in fast) == ({"effort": "low"}, 0.2, False)
    assert not {"thinking", "output_config", "temperature"} & set(auto)


async def test_an_older_model_is_asked_as_it_understands_once_it_has_refused(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(
        Reply(status=400, text="max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens"),
        Reply(status=400, text="adaptive thinking is not supported on this model"),
        Reply(status=400, text="This model does not support the effort parameter."),
        Reply(text="fine"),
    )
    assert text_of(await events_of(wire, target(fake), asking(effort="think"))) == "fine"
    await events_of(wire, target(fake), asking(effort="think"))
    assert len(fake.requests) == 5
    for sent in fake.requests[3:]:
        assert sent.body["max_tokens"] == 8192
        assert sent.body["thinking"] == {"type": "enabled", "budget_tokens": 4096}
        assert "output_config" not in sent.body


async def test_an_older_model_does_not_think_between_calls_because_its_thoughts_before_are_not_kept(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(status=400, text="adaptive thinking is not supported on this model"))
    await events_of(wire, target(fake), asking(effort="think"))
    messages = [
        Message("user", (TextPart("Hi"),)),
        Message("assistant", (), (ToolUse("a", "weather", "{}"),)),
        Message("tool", (TextPart("Rain."),), tool_use_id="a"),
    ]
    await events_of(wire, target(fake), ModelRequest(messages, tools=[WEATHER], effort="think"))
    assert "thinking" in fake.requests[1].body
    assert "thinking" not in fake.requests[2].body


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        ("`temperature` is deprecated for this model.", "temperature"),
        ("tool_choice forces tool use, which this model can't do.", "tool_choice"),
    ],
)
async def test_what_a_model_refuses_is_left_out_from_then_on(
    wire: Anthropic, fake: FakeAnthropic, said: str, gone: str
) -> None:
    fake.script(Reply(status=400, text=said))
    for _ in range(2):
        await events_of(wire, target(fake), asking(temperature=0.5, json_schema=SCHEMA))
    assert gone in fake.requests[0].body
    assert [gone in sent.body for sent in fake.requests[1:]] == [False, False]


async def test_a_model_that_can_not_be_made_to_call_gets_the_schema_of_its_answer_in_words_of_the_wire(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(status=400, text="tool_choice: not supported"), Reply(text='{"a":"b"}'))
    events = await events_of(wire, target(fake), asking(json_schema=SCHEMA))
    assert text_of(events) == '{"a":"b"}'
    assert fake.requests[1].body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


async def test_a_refusal_that_teaches_nothing_is_an_error_at_once(wire: Anthropic, fake: FakeAnthropic) -> None:
    fake.script(Reply(status=400, text="messages: at least one message is required"))
    assert (await failing(wire, target(fake))).code == "models.provider_refused"
    assert len(fake.requests) == 1


async def test_a_provider_that_answers_json_to_a_stream_request_is_understood(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(text="all at once", reasoning="hm", as_json=True))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "all at once"
    assert finish_of(events).usage.cached == CACHED
    fake.script(Reply(tools=(("weather", '{"city":"Oslo"}'),), as_json=True))
    events = await events_of(wire, target(fake), asking(tools=[WEATHER]))
    assert [event.use.arguments for event in events if isinstance(event, ToolCallDelta)] == ['{"city":"Oslo"}']


async def test_unusual_event_streams_are_understood(wire: Anthropic, fake: FakeAnthropic) -> None:
    fake.script(Reply(text="a b", odd=True))
    assert text_of(await events_of(wire, target(fake))) == "a b"


@pytest.mark.parametrize("usage", ["missing", "wrong"])
async def test_missing_or_wrong_usage_is_estimated_and_marked(wire: Anthropic, fake: FakeAnthropic, usage: str) -> None:
    fake.script(Reply(text="some words " * 10, usage=usage))
    found = finish_of(await events_of(wire, target(fake))).usage
    assert found.estimated
    assert 20 < found.output < 80
    assert found.input > 0


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
    wire: Anthropic, fake: FakeAnthropic, stop: str, reason: str
) -> None:
    fake.script(Reply(text="a", finish=stop))
    assert finish_of(await events_of(wire, target(fake))).reason == reason


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (Reply(hang=True), "models.provider_timeout", True),
        (Reply(hang_after=4), "models.provider_timeout", True),
        (Reply(close_after=0), "models.provider_closed", True),
        (Reply(close_after=5), "models.provider_closed", True),
        (Reply(garbage=True), "models.provider_garbage", False),
        (Reply(garbage=True, as_json=True), "models.provider_garbage", False),
        (Reply(line_bytes=5 * 2**20), "models.provider_too_long", False),
        (Reply(status=500), "models.provider_failed", True),
        (Reply(status=529), "models.provider_busy", True),
        (Reply(status=400), "models.provider_refused", False),
        (Reply(status=413), "models.provider_refused", False),
        (Reply(status=401), "models.provider_key", False),
        (Reply(body="<html>Welcome</html>", content_type="text/html"), "models.provider_garbage", False),
        (Reply(body="{}"), "models.provider_garbage", False),
        (Reply(body="[1, 2]"), "models.provider_garbage", False),
        (in_stream("api_error"), "models.provider_failed", True),
        (in_stream("overloaded_error"), "models.provider_busy", True),
        (in_stream("rate_limit_error"), "models.provider_limit", True),
        (in_stream("overloaded_error", {"type": "message_start", "message": {}}), "models.provider_busy", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_failure_of_a_provider_ends_in_one_clear_error(
    wire: Anthropic, fake: FakeAnthropic, reply: Reply, code: str, retryable: bool
) -> None:
    fake.script(reply, reply, reply)
    error = await failing(wire, target(fake))
    assert (error.code, error.retryable) == (code, retryable)
    assert error.params["provider"] == "Fake"
    assert error.hint


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


async def test_what_the_provider_says_of_a_refusal_is_told(wire: Anthropic, fake: FakeAnthropic) -> None:
    fake.script(Reply(status=400, text="prompt is too long: 210000 tokens > 200000 maximum"))
    assert "prompt is too long" in (await failing(wire, target(fake))).detail


async def test_a_short_retry_after_is_waited_for_and_said_and_a_long_one_is_an_error(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(status=429, retry_after="0.1"), Reply(text="at last"))
    events = await events_of(wire, target(fake))
    assert events[0] == Waiting("provider_busy", about_seconds=0.1)
    assert text_of(events) == "at last"
    fake.script(Reply(status=429, retry_after="3600"))
    error = await failing(wire, target(fake))
    assert isinstance(error, TooMany)
    assert error.retry_after == 3600


async def test_a_call_is_repeated_before_the_first_event_but_never_after_it(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(close_after=2), Reply(text="second try"))
    assert text_of(await events_of(wire, target(fake))) == "second try"
    fake.script(Reply(close_after=6))
    assert (await failing(wire, target(fake))).code == "models.provider_closed"
    assert len(fake.requests) == 3


async def test_a_missing_model_is_not_found(wire: Anthropic, fake: FakeAnthropic) -> None:
    fake.script(Reply(status=404))
    assert isinstance(await failing(wire, target(fake)), NotFound)


async def test_closing_the_stream_closes_the_connection_to_the_provider_at_once(
    wire: Anthropic, fake: FakeAnthropic
) -> None:
    fake.script(Reply(text="word " * 1000, interval_ms=20))
    async with aclosing(wire.stream(target(fake), asking())) as events:
        async for event in events:
            if isinstance(event, TextDelta):
                break
    async with asyncio.timeout(2):
        await fake.requests[0].ended.wait()
    assert fake.requests[0].gone


async def test_an_answer_without_end_is_cut_at_the_size_limit(fake: FakeAnthropic, upstream: Upstream) -> None:
    settings = ModelsSettings(allow_network=False, provider_answer_limit_bytes=2**20)
    upstream._settings = settings
    fake.script(Reply(text="word " * 400_000, chunks=500))
    assert (await failing(Anthropic(upstream, settings), target(fake))).code == "models.provider_too_long"
