"""The adapter for providers with Gemini's wire, against a server that answers and breaks over loopback."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mecum.kit.errors import TooMany
from mecum.kit.types import Tokens
from mecum.rooms.models import (
    ImagePart,
    Message,
    ModelRequest,
    ReasoningDelta,
    TextPart,
    ToolCallDelta,
    ToolSpec,
    ToolUse,
    Waiting,
)
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import (
    SCHEMA,
    WEATHER,
    asking,
    events_of,
    failing,
    fails_clearly,
    finish_of,
    target,
    text_of,
)
from tests.support.fake_gemini import CACHED, SIGNATURE, FakeGemini
from tests.support.fake_provider import Reply

CALLED = [
    Message("user", (TextPart("Hi"),)),
    Message("assistant", (), (ToolUse("x", "weather", '{"city":"Oslo"}'), ToolUse("y", "weather", "{"))),
    Message("tool", (TextPart("Rain."),), tool_use_id="x"),
    Message("tool", (TextPart("Sun."),), tool_use_id="y"),
]


@pytest.fixture
async def fake() -> AsyncIterator[FakeGemini]:
    async with FakeGemini() as provider:
        yield provider


def exhausted(delay: str) -> Reply:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    error = {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED", "details": [info]}
    return Reply(status=429, body=json.dumps([{"error": error}]))


def in_stream(chunk: dict[str, Any]) -> Reply:
    return Reply(body=f"data: {json.dumps(chunk)}\n\n", content_type="text/event-stream")


async def test_text_and_thoughts_come_in_pieces_and_thoughts_are_part_of_the_output(
    wire: Wires, fake: FakeGemini
) -> None:
    fake.script(Reply(text="one two three", chunks=3, reasoning="let me think"))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "one two three"
    assert "".join(event.text for event in events if isinstance(event, ReasoningDelta)) == "let me think"
    finish = finish_of(events)
    assert (finish.reason, finish.model, finish.provider) == ("stop", "catalogue-name", "Fake")
    usage = finish.usage
    assert (usage.output, usage.reasoning, usage.cached, usage.estimated) == (Tokens(6), Tokens(3), CACHED, False)
    assert usage.input > CACHED


@pytest.mark.parametrize("model", ["gemini-fake", "models/gemini-fake"])
async def test_the_model_stands_in_the_address_and_the_key_in_the_header_of_this_wire(
    wire: Wires, fake: FakeGemini, model: str
) -> None:
    await events_of(wire, target(fake, "secret", model))
    sent = fake.requests[0]
    assert sent.path == "/v1/models/gemini-fake:streamGenerateContent"
    assert sent.headers["x-goog-api-key"] == "secret"
    assert "authorization" not in sent.headers


async def test_the_request_carries_the_conversation_as_turns_with_results_of_calls_together(
    wire: Wires, fake: FakeGemini
) -> None:
    messages = [
        Message("system", (TextPart("Be kind."),)),
        Message("user", (TextPart("What is this?"), ImagePart("image/png", b"\x89PNG"))),
        *CALLED[1:],
        Message("user", (TextPart("And?"),)),
    ]
    tools = [WEATHER, ToolSpec("now", "The time.", {"type": "object", "properties": {}})]
    await events_of(wire, target(fake), ModelRequest(messages, tools=tools, max_tokens=50, temperature=1.5))
    body = fake.requests[0].body
    assert body["systemInstruction"] == {"parts": [{"text": "Be kind."}]}
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    asked, called, answered = (turn["parts"] for turn in body["contents"])
    assert asked == [{"text": "What is this?"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}]
    assert [part["functionCall"]["args"] for part in called] == [{"city": "Oslo"}, {}]
    assert answered[0]["functionResponse"] == {"id": "x", "name": "weather", "response": {"output": "Rain."}}
    assert answered[2] == {"text": "And?"}
    first, second = body["tools"][0]["functionDeclarations"]
    assert first["parametersJsonSchema"] == {"type": "object", "properties": {"city": {"type": "string"}}}
    assert "parametersJsonSchema" not in second
    assert body["generationConfig"] == {"maxOutputTokens": 50, "temperature": 1.5}
    assert "toolConfig" not in body


async def test_instructions_alone_are_asked_as_what_a_person_says(wire: Wires, fake: FakeGemini) -> None:
    await events_of(wire, target(fake), ModelRequest([Message("system", (TextPart("Write a title."),))]))
    assert fake.requests[0].body["contents"] == [{"role": "user", "parts": [{"text": "Write a title."}]}]


async def test_tool_calls_arrive_with_ids_and_a_call_that_must_be_made_is_forced(wire: Wires, fake: FakeGemini) -> None:
    fake.script(Reply(tools=(("weather", '{"city":"Oslo"}'), ("weather", "{}")), parallel=True))
    events = await events_of(wire, target(fake), asking(tools=[WEATHER], must_call=True))
    uses = [event.use for event in events if isinstance(event, ToolCallDelta)]
    assert [(use.name, use.arguments) for use in uses] == [("weather", '{"city":"Oslo"}'), ("weather", "{}")]
    assert len({use.id for use in uses}) == 2
    assert finish_of(events).reason == "tool_calls"
    assert fake.requests[0].body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}


async def test_the_signature_of_a_call_goes_back_to_the_model_that_made_it_and_to_no_other(
    wire: Wires, fake: FakeGemini
) -> None:
    fake.script(Reply(tools=(("weather", '{"city":"Oslo"}'),)))
    events = await events_of(wire, target(fake), asking(tools=[WEATHER]))
    use = next(event.use for event in events if isinstance(event, ToolCallDelta))
    messages = [
        Message("user", (TextPart("Hi"),)),
        Message("assistant", (), (use,)),
        Message("tool", (TextPart("Rain."),), tool_use_id=use.id),
    ]
    await events_of(wire, target(fake), ModelRequest(messages, tools=[WEATHER]))
    await events_of(wire, target(fake, model="gemini-other"), ModelRequest(messages, tools=[WEATHER]))
    same, other = (sent.body["contents"][1]["parts"][0] for sent in fake.requests[1:])
    assert same["thoughtSignature"] == SIGNATURE
    assert "thoughtSignature" not in other


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_model_that_asks_for_signatures_is_told_that_there_is_none(
    wire: Wires, fake: FakeGemini, at_once: bool
) -> None:
    refused = Reply(status=400, text="Function call is missing a thought_signature in functionCall parts.")
    fake.script(refused if at_once else in_stream({"candidates": [{"finishReason": "MISSING_THOUGHT_SIGNATURE"}]}))
    for _ in range(2):
        await events_of(wire, target(fake), ModelRequest(CALLED, tools=[WEATHER]))
    first, *later = (
        [part.get("thoughtSignature") for part in sent.body["contents"][1]["parts"]] for sent in fake.requests
    )
    assert first == [None, None]
    assert later == [["skip_thought_signature_validator", None]] * 2


async def test_an_answer_under_a_schema_is_asked_for_in_the_words_of_the_wire(wire: Wires, fake: FakeGemini) -> None:
    fake.script(Reply(text='{"a":"b"}'))
    events = await events_of(wire, target(fake), asking(json_schema=SCHEMA))
    config = fake.requests[0].body["generationConfig"]
    assert config == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert text_of(events) == '{"a":"b"}'


async def test_a_schema_beside_tools_leaves_the_choice_between_a_call_and_the_answer(
    wire: Wires, fake: FakeGemini
) -> None:
    fake.script(Reply(tools=(("give_answer", '{"a":"b"}'),)))
    events = await events_of(wire, target(fake), asking(json_schema=SCHEMA, tools=[WEATHER]))
    body = fake.requests[0].body
    assert [tool["name"] for tool in body["tools"][0]["functionDeclarations"]] == ["weather", "give_answer"]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert (text_of(events), finish_of(events).reason) == ('{"a":"b"}', "stop")
    assert "generationConfig" not in body


async def test_effort_becomes_a_level_of_thinking(wire: Wires, fake: FakeGemini) -> None:
    for effort in ("think", "fast", "auto"):
        await events_of(wire, target(fake), asking(effort=effort))
    thinks, fast, auto = (sent.body for sent in fake.requests)
    assert thinks["generationConfig"]["thinkingConfig"] == {"includeThoughts": True, "thinkingLevel": "HIGH"}
    assert fast["generationConfig"]["thinkingConfig"]["thinkingLevel"] == "LOW"
    assert "generationConfig" not in auto


async def test_an_older_model_is_asked_as_it_understands_once_it_has_refused(wire: Wires, fake: FakeGemini) -> None:
    fake.script(Reply(status=400, text="Thinking level is not supported for this model."))
    for _ in range(2):
        await events_of(wire, target(fake), asking(effort="think"))
    configs = [sent.body["generationConfig"]["thinkingConfig"] for sent in fake.requests[1:]]
    assert configs == [{"includeThoughts": True, "thinkingBudget": 16_384}] * 2
    fake.script(Reply(status=400, text="Thinking is not enabled for this model."))
    await events_of(wire, target(fake), asking(effort="think"))
    assert "generationConfig" not in fake.requests[-1].body


@pytest.mark.parametrize("listed", [False, True])
async def test_a_provider_that_answers_json_to_a_stream_request_is_understood(
    wire: Wires, fake: FakeGemini, listed: bool
) -> None:
    part = {"content": {"parts": [{"text": "all "}, {"text": "at once"}]}, "finishReason": "STOP"}
    body: Any = {"candidates": [part]}
    fake.script(Reply(body=json.dumps([body] if listed else body)))
    events = await events_of(wire, target(fake))
    assert text_of(events) == "all at once"
    assert finish_of(events).usage.estimated


async def test_unusual_event_streams_are_understood(wire: Wires, fake: FakeGemini) -> None:
    fake.script(Reply(text="a b", odd=True, done=False))
    assert text_of(await events_of(wire, target(fake))) == "a b"


@pytest.mark.parametrize(
    ("stop", "reason"),
    [("MAX_TOKENS", "length"), ("SAFETY", "content_filter"), ("SPII", "content_filter"), ("SOMETHING_NEW", "stop")],
)
async def test_the_reason_of_the_end_is_told_in_our_words(
    wire: Wires, fake: FakeGemini, stop: str, reason: str
) -> None:
    fake.script(Reply(text="a", finish=stop))
    assert finish_of(await events_of(wire, target(fake))).reason == reason


async def test_a_question_that_is_blocked_ends_as_filtered(wire: Wires, fake: FakeGemini) -> None:
    fake.script(in_stream({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 4}}))
    finish = finish_of(await events_of(wire, target(fake)))
    assert (finish.reason, finish.usage.input, finish.usage.output) == ("content_filter", 4, 0)


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        (Reply(hang_after=2), "models.provider_timeout", True),
        (Reply(close_after=2), "models.provider_closed", True),
        (in_stream({"candidates": [{"content": {"parts": [{"text": "cut"}]}}]}), "models.provider_closed", True),
        (Reply(status=503), "models.provider_busy", True),
        (Reply(status=403), "models.provider_key", False),
        (
            in_stream({"error": {"code": 503, "message": "Busy.", "status": "UNAVAILABLE"}}),
            "models.provider_busy",
            True,
        ),
        (in_stream({"error": {"message": "Oh no."}}), "models.provider_failed", True),
        (in_stream({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}), "models.provider_failed", True),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_fails_in_this_wire_alone_ends_in_one_clear_error(
    wire: Wires, fake: FakeGemini, reply: Reply, code: str, retryable: bool
) -> None:
    await fails_clearly(wire, fake, reply, code, retryable=retryable)


async def test_a_wrong_key_is_known_although_the_status_only_says_a_bad_request(wire: Wires, fake: FakeGemini) -> None:
    said = fake.error_body(401, "API key not valid: sk-abc123")
    fake.script(Reply(status=400, body=json.dumps(said)))
    error = await failing(wire, target(fake))
    assert error.code == "models.provider_key"
    assert "sk-abc123" not in str(error)


async def test_the_delay_in_the_error_is_waited_for_and_said_and_a_long_one_is_an_error(
    wire: Wires, fake: FakeGemini
) -> None:
    fake.script(exhausted("0.1s"), Reply(text="at last"))
    events = await events_of(wire, target(fake))
    assert events[0] == Waiting("provider_busy", about_seconds=0.1)
    assert text_of(events) == "at last"
    fake.script(exhausted("3600s"))
    error = await failing(wire, target(fake))
    assert isinstance(error, TooMany)
    assert (error.retry_after, error.params["said"]) == (3600, "Quota exceeded.")
