"""`/v1/responses` at both doors, as OpenAI's own Python client sees it."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.responses import Response
from pydantic import BaseModel

from tests.support.fake_replies import command
from tests.support.living_house import House
from tests.surfaces.openai.test_chat import DOT

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a town.",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
    "strict": False,
}
STREAMED = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


class Town(BaseModel):
    name: str
    people: int


@pytest.fixture(params=["mecum", "fake", "plain"])
def door(request: pytest.FixtureRequest) -> str:
    """The entity, the relay to a provider that has this wire itself, and the relay to one that has not."""
    return request.param


def until(done: Callable[[], Any], within_s: float = 10) -> Any:
    """Poll, as a caller of background responses does."""
    end = time.monotonic() + within_s
    while not (found := done()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)
    return found


def finished(client: OpenAI, response: Response) -> Response:
    def look() -> Response | None:
        now = client.responses.retrieve(response.id)
        return None if now.status in ("queued", "in_progress") else now

    return until(look)


def test_a_response_comes_whole_with_its_usage(client: OpenAI, door: str) -> None:
    response = client.responses.create(
        model=door, instructions="Be brief.", input=f"Hello {command(text='Good day.')}", metadata={"for": "a test"}
    )
    assert (response.status, response.output_text, response.error) == ("completed", "Good day.", None)
    assert response.id.startswith("resp_")
    if door != "fake":  # what a provider says itself passes untouched
        assert response.metadata == {"for": "a test"}
        assert response.instructions == "Be brief."
    assert response.usage is not None
    assert response.usage.output_tokens == 2


def test_a_response_streams_the_events_of_the_protocol_in_order(client: OpenAI, door: str) -> None:
    told = command(text="One two three four.", interval_ms=40)
    events = list(client.responses.create(model=door, input=f"Count {told}", stream=True))
    numbers = [event.sequence_number for event in events]
    assert numbers == sorted(set(numbers)) and numbers[0] == 0
    seen = list(dict.fromkeys(event.type for event in events))
    assert seen == STREAMED
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == "One two three four."
    last = events[-1]
    assert last.type == "response.completed"
    assert last.response.output_text == text
    assert last.response.usage is not None
    first = events[0]
    assert first.type == "response.created"
    assert first.response.id == last.response.id


def test_the_clients_own_helper_folds_the_stream(client: OpenAI, door: str) -> None:
    with client.responses.stream(model=door, input=f"Hi {command(text='Folded.')}") as stream:
        stream.until_done()
        assert stream.get_final_response().output_text == "Folded."


def test_a_stream_says_the_text_of_the_whole_and_no_line_break_more(client: OpenAI, door: str) -> None:
    said = "\nOne.\n\nTwo.\n\n"
    events = list(client.responses.create(model=door, input=f"Say it {command(text=said)}", stream=True))
    streamed = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert events[-1].type == "response.completed"
    assert streamed == events[-1].response.output_text
    assert streamed.strip() == said.strip()


@pytest.mark.parametrize("streaming", [False, True])
def test_a_tool_is_called_and_answered_by_the_id_of_the_response(client: OpenAI, door: str, streaming: bool) -> None:
    told = command(tools=[("weather", '{"town":"Graz"}')], text="It is sunny in Graz.")

    def ask(**asked: Any) -> Any:
        if not streaming:
            return client.responses.create(model=door, tools=[WEATHER], **asked)
        with client.responses.stream(model=door, tools=[WEATHER], **asked) as stream:
            stream.until_done()
            return stream.get_final_response()

    first = ask(input=f"Weather in Graz? {told}")
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert (call.name, json.loads(call.arguments)) == ("weather", {"town": "Graz"})
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny, 21 degrees"}
    last = ask(previous_response_id=first.id, input=[result])
    assert last.output_text == "It is sunny in Graz."
    assert door == "fake" or last.previous_response_id == first.id


def test_a_call_and_its_result_can_be_given_without_any_id(client: OpenAI, house: House, door: str) -> None:
    given: list[Any] = [
        {"role": "user", "content": "Weather?"},
        {"type": "function_call", "call_id": "call_9", "name": "weather", "arguments": '{"town":"Graz"}'},
        {"type": "function_call_output", "call_id": "call_9", "output": "hail the size of walnuts"},
    ]
    client.responses.create(model=door, input=given, tools=[WEATHER])
    assert "walnuts" in house.fake.requests[-1].raw.decode()


def test_a_result_and_a_new_question_may_come_together(client: OpenAI, house: House, door: str) -> None:
    told = command(tools=[("weather", '{"town":"Graz"}')], text="Sunny.")
    first = client.responses.create(model=door, tools=[WEATHER], input=f"Weather in Graz? {told}")
    (call,) = [item for item in first.output if item.type == "function_call"]
    given: list[Any] = [
        {"type": "function_call_output", "call_id": call.call_id, "output": "hail the size of walnuts"},
        {"role": "user", "content": f"And is that dangerous? {command(text='Very.')}"},
    ]
    last = client.responses.create(model=door, tools=[WEATHER], previous_response_id=first.id, input=given)
    assert last.output_text == "Very."
    sent = house.fake.requests[-1].raw.decode()
    assert "walnuts" in sent
    assert "dangerous" in sent


def test_a_conversation_goes_on_from_the_response_before(client: OpenAI, house: House, door: str) -> None:
    first = client.responses.create(model=door, input="My boat is called Persephone.")
    second = client.responses.create(model=door, input="What is it called?", previous_response_id=first.id)
    assert door == "fake" or second.previous_response_id == first.id
    sent = house.fake.requests[-1].raw.decode()
    assert sent.index("Persephone") < sent.index("What is it called?")
    assert first.output_text[:20] in json.dumps(house.fake.requests[-1].body, ensure_ascii=False)


def test_a_stored_response_can_be_read_and_deleted(client: OpenAI, door: str) -> None:
    made = client.responses.create(model=door, input=f"Hi {command(text='Kept.')}", store=True)
    found = client.responses.retrieve(made.id)
    assert (found.id, found.status, found.output_text, found.model) == (made.id, "completed", "Kept.", made.model)
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model=door, input="Go on", previous_response_id=made.id)


def test_a_response_that_is_not_stored_can_not_be_read(client: OpenAI, door: str) -> None:
    made = client.responses.create(model=door, input="Hi", store=False)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_what_was_asked_can_be_listed(client: OpenAI, door: str) -> None:
    given: list[Any] = [
        {"role": "user", "content": "First"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": [{"type": "input_text", "text": "Second"}]},
    ]
    made = client.responses.create(model=door, input=given)
    items = client.responses.input_items.list(made.id, order="asc").data
    assert [getattr(item, "role", None) for item in items] == ["user", "assistant", "user"]
    assert "Second" in items[-1].model_dump_json()
    newest = client.responses.input_items.list(made.id, limit=1)
    assert newest.data[0].model_dump() == items[-1].model_dump()
    assert newest.has_more
    walked = [item.model_dump() for item in client.responses.input_items.list(made.id, limit=1)]
    assert walked == [item.model_dump() for item in reversed(items)]


def test_a_background_response_is_made_while_nobody_waits(client: OpenAI, door: str) -> None:
    told = command(text="Done in peace.", first_byte_ms=200)
    begun = client.responses.create(model=door, input=f"Take your time {told}", background=True)
    assert begun.status in ("queued", "in_progress")
    assert begun.background is True
    ended = finished(client, begun)
    assert (ended.status, ended.output_text, ended.background) == ("completed", "Done in peace.", True)
    assert ended.usage is not None


def test_a_background_response_can_be_cancelled(client: OpenAI, house: House, door: str) -> None:
    before = len(house.fake.requests)
    told = command(text="word " * 500, interval_ms=50, first_byte_ms=900)
    begun = client.responses.create(model=door, input=f"Go on and on {told}", background=True)
    until(lambda: len(house.fake.requests) > before)
    cancelled = client.responses.cancel(begun.id)
    assert cancelled.status == "cancelled"
    assert client.responses.retrieve(begun.id).status == "cancelled"
    until(lambda: house.fake.requests[before].gone)


def test_a_background_response_that_fails_says_why(client: OpenAI, house: House, door: str) -> None:
    told = command(status=400, text="This can not be done.")
    ended = finished(client, client.responses.create(model=door, input=f"Try {told}", background=True))
    assert ended.status == "failed"
    assert ended.error is not None
    assert "This can not be done." in ended.error.message


def test_a_schema_shapes_the_response(client: OpenAI, door: str) -> None:
    response = client.responses.parse(model=door, input="A town.", text_format=Town)
    assert isinstance(response.output_parsed, Town)


def test_a_picture_reaches_a_model_that_sees(client: OpenAI, house: House, door: str) -> None:
    models = house.get("/api/providers")["items"][0]["models"]
    seeing = next(model for model in models if model["name"] == "fake")
    house.request("PATCH", f"/api/models/{seeing['id']}", json={"vision": True}).raise_for_status()
    data = base64.b64encode(DOT).decode()
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{data}", "detail": "auto"}
    given: Any = [{"role": "user", "content": [{"type": "input_text", "text": "What is this?"}, picture]}]
    first = client.responses.create(model=door, input=given)
    assert data in house.fake.requests[-1].raw.decode()
    client.responses.create(model=door, input="Which colour?", previous_response_id=first.id)
    assert data in house.fake.requests[-1].raw.decode()


def test_a_cut_response_is_incomplete(client: OpenAI, door: str) -> None:
    if door == "fake":
        pytest.skip("what a provider says itself passes untouched")
    said = command(text="And then", finish="length")
    response = client.responses.create(model=door, input=f"Tell me a story. {said}", max_output_tokens=16)
    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert response.output_text == "And then"


@pytest.mark.anyio
async def test_the_asynchronous_client_streams_many_responses_at_once(async_client: AsyncOpenAI, door: str) -> None:
    async def one(number: int) -> str:
        said = command(text=f"Answer number {number}.", interval_ms=10)
        async with async_client.responses.stream(model=door, input=f"Q {said}") as stream:
            return (await stream.get_final_response()).output_text

    assert await asyncio.gather(*(one(n) for n in range(12))) == [f"Answer number {n}." for n in range(12)]


def test_an_unstored_stream_that_is_left_ends_the_call_to_the_provider(client: OpenAI, house: House, door: str) -> None:
    before = len(house.fake.requests)
    told = command(text="word " * 500, interval_ms=50)
    with client.responses.create(model=door, input=f"Go on {told}", stream=True, store=False) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                break
    until(lambda: house.fake.requests[before].gone)


def test_a_stored_response_of_the_entity_is_finished_when_its_stream_is_left(client: OpenAI, house: House) -> None:
    told = command(text="one two three four five six seven eight", interval_ms=60)
    response_id = ""
    with client.responses.create(model="mecum", input=f"Go on {told}", stream=True) as stream:
        for event in stream:
            if event.type == "response.created":
                response_id = event.response.id
            if event.type == "response.output_text.delta":
                break

    def look() -> bool:
        return client.responses.retrieve(response_id).status == "completed"

    until(look)
    assert client.responses.retrieve(response_id).output_text.endswith("seven eight")


def test_a_stored_response_of_the_entity_can_be_streamed_again(client: OpenAI) -> None:
    made = client.responses.create(model="mecum", input=f"Hi {command(text='Said before.')}")
    events = list(client.responses.retrieve(made.id, stream=True))
    assert list(dict.fromkeys(event.type for event in events)) == STREAMED
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "Said before."


def test_a_stream_that_was_cut_off_goes_on_after_the_last_event_that_came(client: OpenAI) -> None:
    told = command(text="one two three four five six seven eight nine ten", interval_ms=60)
    seen: list[Any] = []
    with client.responses.create(model="mecum", input=f"Go on {told}", stream=True) as stream:
        for event in stream:
            seen.append(event)
            if sum(each.type == "response.output_text.delta" for each in seen) == 3:
                break
    response_id = seen[0].response.id
    rest = list(client.responses.retrieve(response_id, stream=True, starting_after=seen[-1].sequence_number))
    numbers = [event.sequence_number for event in (*seen, *rest)]
    assert numbers == sorted(set(numbers))
    assert list(dict.fromkeys(event.type for event in (*seen, *rest))) == STREAMED
    deltas = [event.delta for event in (*seen, *rest) if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "one two three four five six seven eight nine ten"


def test_a_finished_response_can_be_streamed_from_any_event_of_it(client: OpenAI) -> None:
    told = command(tools=[("weather", '{"town":"Graz"}')], text="I look.")
    made = client.responses.create(model="mecum", input=f"Hi {told}", tools=[WEATHER])
    whole = list(client.responses.retrieve(made.id, stream=True))
    for place, event in enumerate(whole):
        rest = list(client.responses.retrieve(made.id, stream=True, starting_after=event.sequence_number))
        assert [each.to_dict() for each in rest] == [each.to_dict() for each in whole[place + 1 :]]


@pytest.mark.parametrize("after", ["-1", "x", "1" * 30])
def test_an_event_to_start_after_is_a_number(house: House, client: OpenAI, after: str) -> None:
    made = client.responses.create(model="mecum", input="Hi")
    answer = house.request("GET", f"/v1/responses/{made.id}?stream=true&starting_after={after}")
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "starting_after"


def test_what_follows_a_stored_response_of_the_entity_must_be_stored(client: OpenAI) -> None:
    made = client.responses.create(model="mecum", input="Hi")
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(model="mecum", input="And?", previous_response_id=made.id, store=False)
    assert raised.value.param == "store"
