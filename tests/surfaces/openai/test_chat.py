"""`/v1/chat/completions` at both doors, as OpenAI's own Python client sees it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

from tests.support.fake_replies import Reply, command
from tests.support.living_house import House

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a town.",
        "parameters": {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]},
    },
}
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Town(BaseModel):
    name: str
    people: int


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def test_an_answer_comes_whole_with_its_usage(client: OpenAI, door: str) -> None:
    completion = client.chat.completions.create(
        model=door, messages=[{"role": "system", "content": "Be brief."}, user(f"Hello {command(text='Good day.')}")]
    )
    choice = completion.choices[0]
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Good day.", "stop")
    assert completion.object == "chat.completion"
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 2
    assert completion.usage.total_tokens == completion.usage.prompt_tokens + completion.usage.completion_tokens


def test_an_answer_comes_in_pieces_that_make_up_the_whole(client: OpenAI, door: str) -> None:
    said = command(text="One two three four five.", interval_ms=40)
    chunks = list(client.chat.completions.create(model=door, messages=[user(f"Count {said}")], stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "One two three four five."
    assert deltas[0].role == "assistant"
    assert sum(bool(delta.content) for delta in deltas) > 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert len({chunk.id for chunk in chunks}) == 1
    assert all(chunk.usage is None for chunk in chunks)


def test_a_stream_ends_with_its_usage_when_that_was_asked_for(client: OpenAI, door: str) -> None:
    chunks = list(
        client.chat.completions.create(
            model=door,
            messages=[user(f"Hi {command(text='Two words')}")],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 2
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_the_clients_own_helper_folds_the_stream(client: OpenAI, door: str) -> None:
    with client.chat.completions.stream(model=door, messages=[user(f"Hi {command(text='Folded.')}")]) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.content == "Folded."


@pytest.mark.parametrize("streaming", [False, True])
def test_a_tool_is_called_and_its_result_answered(client: OpenAI, door: str, streaming: bool) -> None:
    told = command(tools=[("weather", '{"town":"Graz"}')], text="It is sunny in Graz.")
    messages: list[Any] = [user(f"Weather in Graz? {told}")]

    def ask() -> Any:
        asked: Any = {"model": door, "messages": messages, "tools": [WEATHER]}
        if not streaming:
            return client.chat.completions.create(**asked).choices[0]
        with client.chat.completions.stream(**asked) as stream:
            stream.until_done()
            return stream.get_final_completion().choices[0]

    first = ask()
    assert first.finish_reason == "tool_calls"
    (call,) = first.message.tool_calls
    assert call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"town": "Graz"}

    messages += [
        {"role": "assistant", "content": None, "tool_calls": [call.model_dump(include={"id", "type", "function"})]},
        {"role": "tool", "tool_call_id": call.id, "content": "sunny, 21 degrees"},
    ]
    last = ask()
    assert (last.message.content, last.finish_reason) == ("It is sunny in Graz.", "stop")


def test_several_tools_may_be_called_at_once(client: OpenAI, house: House, door: str) -> None:
    calls = [("weather", '{"town":"Graz"}'), ("weather", '{"town":"Linz"}')]
    told = command(tools=calls, parallel=True, text="Both sunny.")
    asked: list[Any] = [user(f"Weather? {told}")]
    chunks = client.chat.completions.create(model=door, messages=asked, tools=[WEATHER], stream=True)
    found: dict[int, str] = {}
    for chunk in chunks:
        for call in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            assert call.function is not None
            found[call.index] = found.get(call.index, "") + (call.function.arguments or "")
    assert [json.loads(found[index])["town"] for index in sorted(found)] == ["Graz", "Linz"]


def test_the_model_gets_what_the_tool_said(client: OpenAI, house: House, door: str) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"town":"Graz"}'}}
    messages: list[Any] = [
        user("Weather?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "hail the size of walnuts"},
    ]
    client.chat.completions.create(model=door, messages=messages, tools=[WEATHER])
    sent = house.fake.requests[-1].body["messages"]
    assert [m["role"] for m in sent if m["role"] != "system"] == ["user", "assistant", "tool"]
    assert "walnuts" in json.dumps(sent[-1])
    assert sent[-1]["tool_call_id"] == sent[-2]["tool_calls"][0]["id"]


def test_a_schema_shapes_the_answer(client: OpenAI, door: str) -> None:
    completion = client.chat.completions.parse(model=door, messages=[user("A town.")], response_format=Town)
    assert isinstance(completion.choices[0].message.parsed, Town)


def test_a_picture_reaches_a_model_that_sees(client: OpenAI, house: House, door: str) -> None:
    models = house.get("/api/providers")["items"][0]["models"]
    seeing = next(model for model in models if model["name"] == "fake")
    house.request("PATCH", f"/api/models/{seeing['id']}", json={"vision": True}).raise_for_status()
    url = f"data:image/png;base64,{base64.b64encode(DOT).decode()}"
    picture: Any = {"type": "image_url", "image_url": {"url": url}}
    content: Any = [{"type": "text", "text": "What is this?"}, picture]
    completion = client.chat.completions.create(model=door, messages=[{"role": "user", "content": content}])
    assert completion.choices[0].message.content
    sent = house.fake.requests[-1].body["messages"][-1]["content"]
    parts = {part["type"]: part for part in sent}
    assert parts["text"]["text"] == "What is this?"
    given = parts["image_url"]["image_url"]["url"]
    assert base64.b64decode(given.partition(",")[2]) == DOT


def test_pictures_of_earlier_turns_reach_the_model_too(client: OpenAI, house: House, door: str) -> None:
    url = f"data:image/png;base64,{base64.b64encode(DOT).decode()}"
    content: Any = [{"type": "text", "text": "Look."}, {"type": "image_url", "image_url": {"url": url}}]
    messages: list[Any] = [{"role": "user", "content": content}, {"role": "assistant", "content": "A dot."}]
    client.chat.completions.create(model=door, messages=[*messages, user("Which colour?")])
    assert base64.b64encode(DOT).decode() in json.dumps(house.fake.requests[-1].body["messages"])


def test_limits_and_temperature_reach_the_model(client: OpenAI, house: House, door: str) -> None:
    client.chat.completions.create(model=door, messages=[user("Hi")], max_completion_tokens=50, temperature=0.25)
    sent = house.fake.requests[-1].body
    assert sent["temperature"] == 0.25
    assert 50 in (sent.get("max_tokens"), sent.get("max_completion_tokens"))


def test_a_cut_answer_says_so(client: OpenAI, house: House, door: str) -> None:
    house.fake.script(Reply(text="And then", finish="length"))
    completion = client.chat.completions.create(model=door, messages=[user("Tell me a story.")])
    assert completion.choices[0].finish_reason == "length"


@pytest.mark.anyio
async def test_the_asynchronous_client_streams_many_answers_at_once(async_client: AsyncOpenAI, door: str) -> None:
    import asyncio

    async def one(number: int) -> str:
        said = command(text=f"Answer number {number}.", interval_ms=10)
        stream = await async_client.chat.completions.create(model=door, messages=[user(f"Q {said}")], stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])

    answers = await asyncio.gather(*(one(number) for number in range(20)))
    assert answers == [f"Answer number {number}." for number in range(20)]


@pytest.mark.anyio
async def test_whoever_leaves_a_stream_ends_the_call_to_the_provider(
    async_client: AsyncOpenAI, house: House, door: str
) -> None:
    import asyncio

    before = len(house.fake.requests)
    told = command(text="word " * 400, interval_ms=50)
    stream = await async_client.chat.completions.create(model=door, messages=[user(f"Go on. {told}")], stream=True)
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    await stream.close()
    record = house.fake.requests[before]
    async with asyncio.timeout(5):
        while not record.gone:  # noqa: ASYNC110  the record belongs to another thread
            await asyncio.sleep(0.05)
