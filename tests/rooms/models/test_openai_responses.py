"""The adapter for providers that are asked through OpenAI's responses, against one that answers and breaks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from mecum.kit.types import Tokens
from mecum.rooms.models import (
    Finish,
    ImagePart,
    Message,
    ModelEvent,
    ModelRequest,
    ReasoningDelta,
    TextPart,
    ToolCallDelta,
    ToolSpec,
    ToolUse,
)
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import SCHEMA, WEATHER, asking, events_of, fails_clearly, finish_of, target, text_of
from tests.support.fake_provider import Reply
from tests.support.fake_responses import FakeResponses
from tests.support.fake_wires import SEALED, Answer, response_body, response_stream

ASKED = Message("user", (TextPart("Rain in Oslo?"),))
CALLS = Reply(reasoning="let me look", tools=(("weather", '{"city":"Oslo"}'), ("weather", "{}")), parallel=True)


@pytest.fixture
async def fake() -> AsyncIterator[FakeResponses]:
    async with FakeResponses() as provider:
        yield provider


def in_stream(*events: dict[str, Any]) -> Reply:
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Reply(body=body, content_type="text/event-stream")


def failed(code: str) -> Reply:
    response = {"status": "failed", "error": {"code": code, "message": "Sorry."}, "output": []}
    return in_stream({"type": "response.created"}, {"type": "response.failed", "response": response})


def uses_of(events: list[ModelEvent]) -> tuple[ToolUse, ...]:
    return tuple(event.use for event in events if isinstance(event, ToolCallDelta))


def going_on(events: list[ModelEvent], *, text: str = "") -> ModelRequest:
    """The conversation goes on after an answer that called two tools, whose calls are called otherwise meanwhile."""
    uses = tuple(replace(use, id=f"call_{place}") for place, use in enumerate(uses_of(events)))
    answered = Message("assistant", (TextPart(text or text_of(events)),), uses, state=finish_of(events).state)
    results = [Message("tool", (TextPart("Rain."),), tool_use_id=use.id) for use in uses]
    return ModelRequest([ASKED, answered, *results], tools=[WEATHER])


def types(body: dict[str, Any]) -> list[str]:
    return [item["type"] for item in body["input"]]


def test_the_recorded_shapes_are_those_of_the_official_client() -> None:
    events: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    answer = Answer(1, "m", "Hi there", "let me see", (), "stop", 3, Reply())
    refusal = Answer(1, "m", "No.", "", (), "refusal", 3, Reply())
    calls = Answer(1, "m", "", "hm", (("weather", "{}"),), "tool_calls", 3, Reply())
    for each in (answer, refusal, calls, replace(answer, finish="length")):
        Response.model_validate(response_body(each))
        for frame in response_stream(each):
            events.validate_json(frame.partition(b"data: ")[2])


async def test_text_and_thoughts_come_in_pieces_and_thoughts_are_part_of_the_output(
    wire: Wires, fake: FakeResponses
) -> None:
    fake.script(Reply(text="one two three", chunks=3, reasoning="let me think"))
    events = await events_of(wire, target(fake, "secret"))
    assert text_of(events) == "one two three"
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "let me think"
    finish = finish_of(events)
    assert (finish.reason, finish.model, finish.provider) == ("stop", "catalogue-name", "Fake")
    assert (finish.usage.output, finish.usage.reasoning, finish.usage.estimated) == (Tokens(6), Tokens(3), False)
    assert sum(isinstance(event, Finish) for event in events) == 1
    sent = fake.requests[0]
    assert (sent.path, sent.headers["authorization"]) == ("/v1/responses", "Bearer secret")


async def test_cached_tokens_are_part_of_the_input(wire: Wires, fake: FakeResponses) -> None:
    details = {"cached_tokens": 64, "cache_write_tokens": 20}
    usage = {"input_tokens": 90, "input_tokens_details": details, "output_tokens": 2}
    ended = {"status": "completed", "output": [], "usage": usage}
    fake.script(in_stream({"type": "response.completed", "response": ended}))
    found = finish_of(await events_of(wire, target(fake))).usage
    assert (found.input, found.cached, found.cache_write, found.output) == (90, 64, 20, 2)


async def test_the_request_carries_the_conversation_as_items_and_is_stored_by_nobody(
    wire: Wires, fake: FakeResponses
) -> None:
    called = Message("assistant", (TextPart("I look."),), (ToolUse("x" * 90, "weather", '{"city":"Oslo"}'),))
    messages = [
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("What is this?"), ImagePart("image/png", b"\x89PNG"))),
        called,
        Message("tool", (TextPart("Rain."),), tool_use_id="x" * 90),
        Message("system", (TextPart("Be brief."),)),
        Message("user", (TextPart("And?"),)),
    ]
    tools = [WEATHER, ToolSpec("now", "The time.", {})]
    request = ModelRequest(messages, tools=tools, must_call=True, max_tokens=5, temperature=0.5)
    await events_of(wire, target(fake), request)
    body = fake.requests[0].body
    assert (body["model"], body["stream"], body["store"]) == ("gpt-fake", True, False)
    assert body["instructions"] == "Be kind."
    asked, said, call, result, system, _ = body["input"]
    image = {"type": "input_image", "image_url": "data:image/png;base64,iVBORw==", "detail": "auto"}
    assert asked["content"] == [{"type": "input_text", "text": "What is this?"}, image]
    assert said == {"type": "message", "role": "assistant", "content": "I look."}
    assert (call["type"], call["name"], call["arguments"]) == ("function_call", "weather", '{"city":"Oslo"}')
    assert len(call["call_id"]) <= 64
    assert result == {"type": "function_call_output", "call_id": call["call_id"], "output": "Rain."}
    assert (system["role"], system["content"]) == ("system", [{"type": "input_text", "text": "Be brief."}])
    assert [(tool["name"], tool["strict"], tool["parameters"]["type"]) for tool in body["tools"]] == [
        ("weather", False, "object"),
        ("now", False, "object"),
    ]
    assert body["tool_choice"] == "required"
    assert (body["max_output_tokens"], body["temperature"]) == (16, 0.5)


async def test_instructions_alone_are_asked_as_what_a_person_says(wire: Wires, fake: FakeResponses) -> None:
    await events_of(wire, target(fake), ModelRequest([Message("system", (TextPart("Write a title."),))]))
    body = fake.requests[0].body
    assert [item["content"] for item in body["input"]] == [[{"type": "input_text", "text": "Write a title."}]]
    assert "instructions" not in body


async def test_an_answer_under_a_schema_is_asked_for_in_the_words_of_the_wire(wire: Wires, fake: FakeResponses) -> None:
    events = await events_of(wire, target(fake), asking(json_schema=SCHEMA))
    wanted = {"type": "json_schema", "name": "answer", "schema": SCHEMA, "strict": False}
    assert fake.requests[0].body["text"] == {"format": wanted}
    assert json.loads(text_of(events)) == {"a": "text"}


async def test_calls_come_whole_and_thoughts_go_back_sealed_before_them(wire: Wires, fake: FakeResponses) -> None:
    fake.script(CALLS)
    events = await events_of(wire, target(fake), asking(tools=[WEATHER]))
    assert [(use.name, use.arguments) for use in uses_of(events)] == [("weather", '{"city":"Oslo"}'), ("weather", "{}")]
    assert finish_of(events).reason == "tool_calls"
    await events_of(wire, target(fake), going_on(events))
    first, second = (sent.body for sent in fake.requests)
    assert first["include"] == second["include"] == ["reasoning.encrypted_content"]
    assert types(second) == ["message", "reasoning", *["function_call"] * 2, *["function_call_output"] * 2]
    assert second["input"][1]["encrypted_content"] == f"{SEALED}1"
    assert [item["call_id"] for item in second["input"][2:4]] == ["call_0", "call_1"]


async def test_thoughts_go_to_nobody_but_the_model_and_the_account_that_had_them(
    wire: Wires, fake: FakeResponses
) -> None:
    fake.script(CALLS)
    here = target(fake)
    request = going_on(await events_of(wire, here, asking(tools=[WEATHER])))
    for other in (
        target(fake, model="gpt-other"),
        replace(here, endpoint=replace(here.endpoint, pool="Fake/second")),
        replace(here, endpoint=replace(here.endpoint, provider="Another", kind="openai")),
    ):
        await events_of(wire, other, request)
    assert all(SEALED not in json.dumps(sent.body) for sent in fake.requests[1:])


async def test_what_was_cut_of_a_text_goes_back_beside_its_thoughts(wire: Wires, fake: FakeResponses) -> None:
    fake.script(Reply(text="a long story", reasoning="hm"))
    events = await events_of(wire, target(fake))
    await events_of(wire, target(fake), going_on(events, text="a long"))
    body = fake.requests[1].body
    assert types(body) == ["message", "reasoning", "message"]
    assert body["input"][2]["content"] == "a long"


async def test_thoughts_that_a_provider_can_not_open_are_left_out_of_that_call_alone(
    wire: Wires, fake: FakeResponses
) -> None:
    fake.script(CALLS)
    request = going_on(await events_of(wire, target(fake), asking(tools=[WEATHER])))
    fake.script(Reply(status=400, text="The encrypted content for item rs_1 could not be verified."))
    for _ in range(2):
        await events_of(wire, target(fake), request)
    refused, without, later = (types(sent.body) for sent in fake.requests[1:])
    assert ("reasoning" in refused, "reasoning" in without, "reasoning" in later) == (True, False, True)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Encrypted content is not supported with this model.", {"effort": "high", "summary": "auto"}),
        ("Your organization must be verified to generate reasoning summaries.", {"effort": "high"}),
        ("Unsupported parameter: 'reasoning.effort' is not supported with this model.", None),
    ],
)
async def test_what_a_model_refuses_is_not_sent_to_it_again(
    wire: Wires, fake: FakeResponses, said: str, left: object
) -> None:
    fake.script(Reply(status=400, text=said))
    for _ in range(2):
        await events_of(wire, target(fake), asking(effort="think"))
    bodies = [sent.body for sent in fake.requests]
    assert bodies[0]["reasoning"] == {"effort": "high", "summary": "auto"}
    assert [body.get("reasoning") for body in bodies[1:]] == [left, left]
    assert ("include" in bodies[2]) == (not said.startswith("Encrypted"))


async def test_a_fast_answer_is_thought_about_little_and_nobody_is_told_how_hard_by_default(
    wire: Wires, fake: FakeResponses
) -> None:
    for effort in ("fast", "auto"):
        await events_of(wire, target(fake), asking(effort=effort))
    assert [sent.body.get("reasoning") for sent in fake.requests] == [{"effort": "low"}, None]


async def test_a_whole_response_to_a_stream_request_is_understood(wire: Wires, fake: FakeResponses) -> None:
    fake.script(Reply(text="all at once", reasoning="hm", as_json=True), replace(CALLS, as_json=True))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "all at once"
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "hm"
    assert len(uses_of(await events_of(wire, target(fake), asking(tools=[WEATHER])))) == 2


async def test_unusual_event_streams_are_understood(wire: Wires, fake: FakeResponses) -> None:
    fake.script(Reply(text="a b", odd=True))
    assert text_of(await events_of(wire, target(fake))) == "a b"


async def test_each_thought_of_several_is_a_paragraph(wire: Wires, fake: FakeResponses) -> None:
    summary = [{"type": "summary_text", "text": text} for text in ("First.", "Second.")]
    item = {"id": "rs_1", "type": "reasoning", "summary": summary}
    ended = {"status": "completed", "output": [item]}
    fake.script(in_stream({"type": "response.completed", "response": ended}))
    events = await events_of(wire, target(fake))
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "First.\n\nSecond."
    assert finish_of(events).state is None, "nothing sealed came with them"


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", "length"), ("content_filter", "content_filter"), ("refusal", "content_filter"), ("stop", "stop")],
)
async def test_the_reason_of_the_end_is_told_in_our_words_and_a_refusal_is_read_out(
    wire: Wires, fake: FakeResponses, finish: str, reason: str
) -> None:
    fake.script(Reply(text="No, sorry.", finish=finish))
    events = await events_of(wire, target(fake))
    assert (text_of(events), finish_of(events).reason) == ("No, sorry.", reason)


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (Reply(hang_after=5), "models.provider_timeout", True),
        (Reply(close_after=5), "models.provider_closed", True),
        (in_stream({"type": "response.output_text.delta", "delta": "cut"}), "models.provider_closed", True),
        (failed("server_error"), "models.provider_failed", True),
        (failed("rate_limit_exceeded"), "models.provider_limit", True),
        (failed("invalid_prompt"), "models.provider_refused", False),
        (in_stream({"type": "error", "code": "server_error", "message": "Oh."}), "models.provider_failed", True),
        (in_stream({"type": "error", "error": {"code": "server_is_overloaded"}}), "models.provider_busy", True),
        (Reply(status=403), "models.provider_key", False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_fails_in_this_wire_alone_ends_in_one_clear_error(
    wire: Wires, fake: FakeResponses, reply: Reply, code: str, retryable: bool
) -> None:
    await fails_clearly(wire, fake, reply, code, retryable=retryable)
