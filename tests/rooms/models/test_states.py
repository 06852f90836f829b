"""What a model wants back with its own turn: kept as it came, given back to the same model, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.kit.types import Tokens
from mecum.rooms.models import (
    Message,
    ModelEvent,
    ModelRequest,
    ModelState,
    TextPart,
    ToolCallDelta,
    ToolUse,
)
from mecum.rooms.models.wires.keeping import STATE_CHARS_MAX, Keeping, Piece, pieces
from mecum.rooms.models.wires.wires import Wires
from tests.rooms.models.asking import WEATHER, asking, events_of, finish_of, target, text_of
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_gemini import SIGNATURE, FakeGemini
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.fake_responses import FakeResponses
from tests.support.fake_wires import SEALED

ASKED = Message("user", (TextPart("Rain in Oslo?"),))
CALLS = Reply(reasoning="let me look", tools=(("weather", '{"city":"Oslo"}'), ("weather", "{}")), parallel=True)
THOUGHT = {"type": "thinking", "thinking": "let me look", "signature": "c2ln"}
MARKS = {"openai": "let me look", "responses": SEALED, "anthropic": "c2ln", "gemini": SIGNATURE}
REFUSALS = {
    "openai": "Unknown parameter: 'messages[1].reasoning_content'.",
    "responses": "The encrypted content could not be verified.",
    "anthropic": "messages.1.content.0: Invalid `signature` in `thinking` block",
    "gemini": "Thought signature is not valid.",
}
FAKES = (FakeProvider, FakeResponses, FakeAnthropic, FakeGemini)


@pytest.fixture(params=FAKES, ids=[fake.kind for fake in FAKES])
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeProvider]:
    async with request.param() as provider:
        yield provider


def turn_of(events: list[ModelEvent], **more: Any) -> Message:
    """An answer as our log keeps it: its calls have other ids."""
    uses = [event.use for event in events if isinstance(event, ToolCallDelta)]
    renamed = tuple(replace(use, id=f"call_{place}") for place, use in enumerate(uses))
    return replace(Message("assistant", (TextPart(text_of(events)),), renamed, state=finish_of(events).state), **more)


def after(turn: Message, **more: Any) -> ModelRequest:
    results = [Message("tool", (TextPart("Rain."),), tool_use_id=use.id) for use in turn.tool_uses]
    last = [] if results else [Message("user", (TextPart("And?"),))]
    return ModelRequest([ASKED, turn, *results, *last], tools=[WEATHER], **more)


def events_in(*events: dict[str, Any]) -> Reply:
    body = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    return Reply(body=body, content_type="text/event-stream")


async def test_a_model_gets_back_what_it_wants_and_no_other_does(wire: Wires, fake: FakeProvider) -> None:
    fake.script(CALLS)
    here = target(fake)
    request = after(turn_of(await events_of(wire, here, asking(tools=[WEATHER]))))
    elsewhere = replace(here, endpoint=replace(here.endpoint, provider="Another"))
    for to in (here, here, replace(here, upstream_model="another"), elsewhere):
        await events_of(wire, to, request)
    mark = MARKS[fake.kind]
    assert [mark in json.dumps(sent.body) for sent in fake.requests] == [False, True, True, False, False]


async def test_a_state_that_is_refused_is_left_out_of_that_call_alone(wire: Wires, fake: FakeProvider) -> None:
    fake.script(CALLS)
    request = after(turn_of(await events_of(wire, target(fake), asking(tools=[WEATHER]))))
    fake.script(Reply(status=400, text=REFUSALS[fake.kind]))
    for _ in range(2):
        await events_of(wire, target(fake), request)
    mark = MARKS[fake.kind]
    assert [mark in json.dumps(sent.body) for sent in fake.requests[1:]] == [True, False, True]


async def test_an_answer_without_thoughts_has_no_state(wire: Wires, fake: FakeProvider) -> None:
    fake.script(Reply(text="Hello."))
    assert finish_of(await events_of(wire, target(fake))).state is None


async def test_a_state_that_nobody_can_read_is_no_state(wire: Wires, fake: FakeProvider) -> None:
    fake.script(CALLS)
    turn = turn_of(await events_of(wire, target(fake), asking(tools=[WEATHER])))
    assert turn.state
    for value in ("", "[1, {}]", "{"):
        await events_of(wire, target(fake), after(replace(turn, state=replace(turn.state, value=value))))
        assert MARKS[fake.kind] not in json.dumps(fake.requests[-1].body)
        assert "call_1" in json.dumps(fake.requests[-1].body)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_a_thought_that_servers_name_in_their_own_way_goes_back_by_that_name_until_the_person_speaks(
    wire: Wires, name: str
) -> None:
    async with FakeProvider() as fake:
        call = {"index": 0, "id": "a", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
        deltas = [{name: "let me "}, {name: "look"}, {"tool_calls": [call]}]
        chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
        body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        fake.script(Reply(body=body, content_type="text/event-stream"))
        turn = turn_of(await events_of(wire, target(fake), asking(tools=[WEATHER])))
        request = after(turn)
        await events_of(wire, target(fake), request)
        later = replace(request, messages=[*request.messages, Message("user", (TextPart("Thanks"),))])
        await events_of(wire, target(fake), later)
    assert fake.requests[1].body["messages"][1][name] == "let me look"
    assert "let me look" not in json.dumps(fake.requests[2].body)


async def test_thoughts_of_anthropic_stand_where_they_stood_as_they_were(wire: Wires) -> None:
    secret = {"type": "redacted_thinking", "data": "EmwK"}
    later = {"type": "thinking", "thinking": "", "signature": "b21pdHRlZA"}
    blocks = [
        THOUGHT,
        {"type": "text", "text": "I look "},
        secret,
        {"type": "text", "text": "twice."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}},
        later,
        {"type": "tool_use", "id": "toolu_2", "name": "weather", "input": {"city": "Bergen"}},
    ]
    usage = {"input_tokens": 5, "output_tokens": 9}
    message = {"type": "message", "content": blocks, "stop_reason": "tool_use", "usage": usage}
    async with FakeAnthropic() as fake:
        fake.script(Reply(body=json.dumps(message)))
        turn = turn_of(await events_of(wire, target(fake)))
        await events_of(wire, target(fake), after(turn))
        await events_of(wire, target(fake), after(replace(turn, tool_uses=turn.tool_uses[:1])))
        whole, cut = (sent.body["messages"][1]["content"] for sent in fake.requests[1:])
    renamed = [{**block, "id": f"call_{'12'.index(block['id'][-1])}"} if "id" in block else block for block in blocks]
    assert whole == renamed
    assert cut == renamed[:5], "a thought at the end came of nothing that is left"


async def test_a_thought_that_is_streamed_and_one_that_is_sealed_are_kept_whole(wire: Wires) -> None:
    begun = {"type": "message_start", "message": {"usage": {"input_tokens": 1, "output_tokens": 1}}}
    empty = {"type": "thinking", "thinking": "", "signature": ""}
    secret = {"type": "redacted_thinking", "data": "EmwK"}
    call = {"type": "tool_use", "id": "t", "name": "weather", "input": {}}
    deltas = [{"type": "thinking_delta", "thinking": part} for part in ("let me ", "look")]
    deltas += [{"type": "signature_delta", "signature": part} for part in ("c2", "ln")]
    async with FakeAnthropic() as fake:
        fake.script(
            events_in(
                begun,
                {"type": "content_block_start", "index": 0, "content_block": empty},
                *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
                {"type": "content_block_stop", "index": 0},
                {"type": "content_block_start", "index": 1, "content_block": secret},
                {"type": "content_block_stop", "index": 1},
                {"type": "content_block_start", "index": 2, "content_block": call},
                {"type": "content_block_stop", "index": 2},
                {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
                {"type": "message_stop"},
            )
        )
        await events_of(wire, target(fake), after(turn_of(await events_of(wire, target(fake)))))
        blocks = fake.requests[1].body["messages"][1]["content"]
    assert blocks[:2] == [THOUGHT, secret]
    assert [block["type"] for block in blocks] == ["thinking", "redacted_thinking", "tool_use"]


async def test_an_older_model_goes_on_thinking_between_calls_as_long_as_its_thoughts_are_there(wire: Wires) -> None:
    async with FakeAnthropic() as fake:
        fake.script(Reply(status=400, text="adaptive thinking is not supported on this model"), CALLS)
        turn = turn_of(await events_of(wire, target(fake), asking(tools=[WEATHER], effort="think")))
        await events_of(wire, target(fake), after(turn, effort="think"))
        await events_of(wire, target(fake), after(replace(turn, state=None), effort="think"))
        assert ["thinking" in sent.body for sent in fake.requests[2:]] == [True, False]


async def test_a_signature_of_gemini_stands_at_the_part_that_it_came_with(wire: Wires) -> None:
    parts = [
        {"text": "Let me see", "thought": True},
        {"text": "I "},
        {"text": "look.", "thoughtSignature": "first"},
        {"text": "", "thoughtSignature": "second"},
        {"functionCall": {"name": "weather", "args": {}}, "thoughtSignature": "third"},
        {"functionCall": {"name": "weather", "args": {}}},
    ]
    answer = {"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}]}
    async with FakeGemini() as fake:
        fake.script(Reply(body=json.dumps(answer)))
        await events_of(wire, target(fake), after(turn_of(await events_of(wire, target(fake)))))
        sent = fake.requests[1].body["contents"][1]["parts"]
    assert sent[:3] == parts[1:4]
    assert [part.get("thoughtSignature") for part in sent[3:]] == ["third", None]
    assert [part["functionCall"]["id"] for part in sent[3:]] == ["call_0", "call_1"]


texts = st.text(max_size=8)
moves = st.lists(
    st.one_of(st.tuples(st.just("text"), texts), st.just(("call", "")), st.tuples(st.just("own"), texts)), max_size=8
)


@given(moves, st.booleans())
def test_a_turn_is_put_together_again_as_it_came(given_moves: list[tuple[str, str]], cut: bool) -> None:
    keeping, text, uses = Keeping(), "", list[ToolUse]()
    for kind, said in given_moves:
        if kind == "text":
            keeping.text(said)
            text += said
        elif kind == "call":
            keeping.call()
            uses.append(ToolUse(f"c{len(uses)}", "f", "{}"))
        else:
            keeping.own({"mark": said})
    state = keeping.state("me", Tokens(1))
    assert (state is None) == all(kind != "own" for kind, _ in given_moves)
    kept = text[: len(text) // 2] if cut else text
    message = Message("assistant", (TextPart(kept),), tuple(uses), state=state)
    for by in ("me", "another"):
        found = pieces(message, by)
        assert "".join(each.said for each in found if isinstance(each.said, str)) == kept
        assert [each.said for each in found if isinstance(each.said, ToolUse)] == uses
        owned = [each.own["mark"] for each in found if each.said is None]
        assert owned == ([said for kind, said in given_moves if kind == "own"] if by == "me" else [])


def test_a_state_that_is_too_long_is_not_kept() -> None:
    keeping = Keeping()
    keeping.own({"sealed": "x" * STATE_CHARS_MAX})
    assert keeping.state("me", Tokens(1)) is None


def test_a_state_is_opaque_in_what_is_printed() -> None:
    assert "secret" not in repr(ModelState("me", "secret"))
    assert Piece("a").own == {}
