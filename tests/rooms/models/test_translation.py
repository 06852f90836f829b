"""The responses wire over chat completions: requests and answers, whatever way the answer is cut into chunks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from mecum.kit.errors import BadRequest, ProviderError
from mecum.rooms.models.wires.responses_from_chat import ResponseWriter, skeleton
from mecum.rooms.models.wires.responses_to_chat import items_of, to_chat

EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
BODY = {"model": "m", "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}]}
texts = st.text(st.characters(codec="utf-8"), max_size=12)
calls = st.lists(st.tuples(st.sampled_from(["f", "g"]), texts), max_size=3)


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def chunks_of(reasoning: str, said: str, asked: list[tuple[str, str]], size: int, finish: str) -> list[dict[str, Any]]:
    """An answer in pieces of `size` characters."""
    found = [chunk({"role": "assistant", "content": ""})]
    found += [chunk({"reasoning_content": piece}) for piece in pieces(reasoning, size)]
    found += [chunk({"content": piece}) for piece in pieces(said, size)]
    for index, (name, arguments) in enumerate(asked):
        head = {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": name, "arguments": ""}}
        found.append(chunk({"tool_calls": [head]}))
        for piece in pieces(arguments, size):
            found.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    found.append(chunk({}, finish))
    return [*found, {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5}}]


def written(chunks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    writer = ResponseWriter(skeleton(BODY, "resp_1", 0, store=False))
    events = writer.begin()
    for each in chunks:
        events += writer.feed(each)
    return events + writer.end(), writer.response


@given(texts, texts, calls, st.integers(1, 5), st.sampled_from(["stop", "length", "tool_calls"]))
def test_any_cutting_gives_the_same_response_and_its_events_add_up_to_it(
    reasoning: str, said: str, asked: list[tuple[str, str]], size: int, finish: str
) -> None:
    events, response = written(chunks_of(reasoning, said, asked, size, finish))
    _, whole = written(chunks_of(reasoning, said, asked, 1000, finish))
    assert response == whole
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    deltas: dict[str, str] = {}
    for event in events:
        if event["type"].endswith(".delta"):
            deltas[event["item_id"]] = deltas.get(event["item_id"], "") + event["delta"]
    for item in response["output"]:
        content = item["arguments"] if item["type"] == "function_call" else item["content"][0]["text"]
        assert deltas.get(item["id"], "") == content
    assert events[-1]["response"] == response
    assert response["status"] == ("incomplete" if finish == "length" else "completed")
    assert [item["name"] for item in response["output"] if item["type"] == "function_call"] == [
        name for name, _ in asked
    ]


@given(texts, texts, calls)
def test_the_official_types_accept_every_event_and_the_response(
    reasoning: str, said: str, asked: list[tuple[str, str]]
) -> None:
    events, response = written(chunks_of(reasoning, said, asked, 3, "stop"))
    for event in events:
        EVENTS.validate_python(event)
    parsed = Response.model_validate(response)
    assert parsed.output_text == said
    assert parsed.usage
    assert (parsed.usage.input_tokens, parsed.usage.output_tokens) == (3, 5)


def test_a_failure_keeps_what_was_said_and_skips_no_number() -> None:
    writer = ResponseWriter(skeleton(BODY, "resp_1", 0, store=False))
    error = ProviderError("models.x", "It broke.", "Mend it.")
    events = [*writer.begin(), *writer.feed(chunk({"content": "half"})), *writer.fail(error)]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    last = events[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"] == {"code": "server_error", "message": "It broke. Mend it. (models.x)"}
    assert last["response"]["output"][0]["content"][0]["text"] == "half"
    EVENTS.validate_python(last)


def test_a_conversation_with_tools_images_and_thoughts_becomes_chat_messages() -> None:
    items = [
        {"role": "developer", "content": "Be brief."},
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
            ],
        },
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Let me look."}]},
        {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
    ]
    body = {
        **BODY,
        "instructions": "You are Mecum.",
        "max_output_tokens": 9,
        "reasoning": {"effort": "low"},
        "tool_choice": {"type": "function", "name": "f"},
        "text": {"format": {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": True}},
        "stream": True,
    }
    chat = to_chat(body, items, "upstream")
    assert chat["messages"] == [
        {"role": "system", "content": "You are Mecum."},
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": "two"},
    ]
    assert chat["tools"] == [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": False}}
    ]
    assert chat["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert chat["response_format"]["json_schema"]["name"] == "a"
    assert (chat["model"], chat["max_tokens"], chat["reasoning_effort"]) == ("upstream", 9, "low")
    assert chat["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    ("body", "items", "where"),
    [
        ({"tools": [{"type": "web_search"}]}, items_of("Hi"), "tools[0].type"),
        ({}, [{"type": "item_reference", "id": "x"}], "input[0].type"),
        ({}, [{"role": "robot", "content": "Hi"}], "input[0].role"),
        ({}, [{"role": "user", "content": [{"type": "input_audio"}]}], "input[0].content"),
        ({}, [], "input"),
    ],
)
def test_what_the_other_wire_can_not_say_is_refused_by_name(body: Any, items: Any, where: str) -> None:
    with pytest.raises(BadRequest) as refused:
        to_chat({"model": "m", **body}, items, "m")
    assert refused.value.params["where"] == where


@pytest.mark.parametrize("given", [5, {"a": 1}, True])
def test_an_input_that_is_neither_text_nor_items_is_refused(given: object) -> None:
    with pytest.raises(BadRequest):
        items_of(given)
