"""What providers with Anthropic's wire are asked, and what is learned when they refuse it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from mecum.rooms.models import (
    ImagePart,
    Message,
    ModelRequest,
    TextPart,
    ToolCallDelta,
    ToolSpec,
    ToolUse,
)
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import SCHEMA, WEATHER, asking, events_of, failing, finish_of, target, text_of
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_provider import Reply


@pytest.fixture
async def fake() -> AsyncIterator[FakeAnthropic]:
    async with FakeAnthropic() as provider:
        yield provider


async def test_the_key_and_the_version_stand_in_the_headers_of_this_wire(wire: Wires, fake: FakeAnthropic) -> None:
    await events_of(wire, target(fake, "secret"))
    sent = fake.requests[0]
    assert sent.path == "/v1/messages"
    assert (sent.headers["x-api-key"], sent.headers["anthropic-version"]) == ("secret", "2023-06-01")
    assert "authorization" not in sent.headers


async def test_the_request_carries_the_conversation_as_turns_with_results_of_calls_together(
    wire: Wires, fake: FakeAnthropic
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
    wire: Wires, fake: FakeAnthropic
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


async def test_instructions_alone_are_asked_as_what_a_person_says(wire: Wires, fake: FakeAnthropic) -> None:
    await events_of(wire, target(fake), ModelRequest([Message("system", (TextPart("Write a title."),))]))
    body = fake.requests[0].body
    assert "system" not in body
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Write a title."}]}]


@pytest.mark.parametrize(
    ("tools", "choice"),
    [([WEATHER], {"type": "tool", "name": "weather"}), ([WEATHER, ToolSpec("b", "", {})], {"type": "any"})],
)
async def test_a_call_that_must_be_made_is_forced_and_not_thought_about(
    wire: Wires, fake: FakeAnthropic, tools: list[ToolSpec], choice: dict[str, str]
) -> None:
    await events_of(wire, target(fake), asking(tools=tools, must_call=True, effort="think"))
    body = fake.requests[0].body
    assert body["tool_choice"] == choice
    assert "thinking" not in body


async def test_an_answer_under_a_schema_is_the_input_of_a_forced_tool_and_comes_as_text(
    wire: Wires, fake: FakeAnthropic
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
    wire: Wires, fake: FakeAnthropic
) -> None:
    fake.script(Reply(tools=(("give_answer", '{"value": [1, 2]}'),)))
    schema = {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}}
    events = await events_of(wire, target(fake), asking(json_schema=schema))
    asked = fake.requests[0].body["tools"][0]["input_schema"]
    assert (asked["type"], asked["$defs"]) == ("object", {"n": {"type": "integer"}})
    assert json.loads(text_of(events)) == [1, 2]


async def test_a_schema_beside_tools_leaves_the_choice_between_a_call_and_the_answer(
    wire: Wires, fake: FakeAnthropic
) -> None:
    taken = ToolSpec("give_answer", "Somebody else's.", {})
    fake.script(Reply(tools=(("give_answer", '{"x": 1}'),)), Reply(tools=(("give_answer_", '{"a": "b"}'),)))
    events = await events_of(wire, target(fake), asking(json_schema=SCHEMA, tools=[taken]))
    assert fake.requests[0].body["tool_choice"] == {"type": "any"}
    assert [event.use.name for event in events if isinstance(event, ToolCallDelta)] == ["give_answer"]
    assert json.loads(text_of(await events_of(wire, target(fake), asking(json_schema=SCHEMA, tools=[taken])))) == {
        "a": "b"
    }


async def test_effort_becomes_thinking_without_a_temperature(wire: Wires, fake: FakeAnthropic) -> None:
    await events_of(wire, target(fake), asking(effort="think", temperature=0.2))
    await events_of(wire, target(fake), asking(effort="fast", temperature=0.2))
    await events_of(wire, target(fake))
    thinks, fast, auto = (sent.body for sent in fake.requests)
    assert thinks["thinking"]["type"] == "adaptive"
    assert thinks["output_config"] == {"effort": "high"}
    assert "temperature" not in thinks
    assert (fast["output_config"], fast["temperature"], "thinking" in fast) == ({"effort": "low"}, 0.2, False)
    assert not {"thinking", "output_config", "temperature"} & set(auto)


async def test_an_older_model_is_asked_as_it_understands_once_it_has_refused(wire: Wires, fake: FakeAnthropic) -> None:
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
    wire: Wires, fake: FakeAnthropic
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
    wire: Wires, fake: FakeAnthropic, said: str, gone: str
) -> None:
    fake.script(Reply(status=400, text=said))
    for _ in range(2):
        await events_of(wire, target(fake), asking(temperature=0.5, json_schema=SCHEMA))
    assert gone in fake.requests[0].body
    assert [gone in sent.body for sent in fake.requests[1:]] == [False, False]


async def test_a_model_that_can_not_be_made_to_call_gets_the_schema_of_its_answer_in_words_of_the_wire(
    wire: Wires, fake: FakeAnthropic
) -> None:
    fake.script(Reply(status=400, text="tool_choice: not supported"), Reply(text='{"a":"b"}'))
    events = await events_of(wire, target(fake), asking(json_schema=SCHEMA))
    assert text_of(events) == '{"a":"b"}'
    assert fake.requests[1].body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


async def test_a_refusal_that_teaches_nothing_is_an_error_at_once(wire: Wires, fake: FakeAnthropic) -> None:
    fake.script(Reply(status=400, text="messages: at least one message is required"))
    assert (await failing(wire, target(fake))).code == "models.provider_refused"
    assert len(fake.requests) == 1
