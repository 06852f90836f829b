"""The relay in front of providers with wires of their own: OpenAI's official client sees nothing of the difference."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, APIStatusError, RateLimitError

from mecum.kit.db import Database
from mecum.rooms.models.providers import NewModel
from tests.rooms.models.world import IMPATIENT, World, world
from tests.support.fake_anthropic import CACHE_MADE, CACHED, FakeAnthropic
from tests.support.fake_gemini import FakeGemini
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.jobs import HandJobs

HI: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
PATHS = {"anthropic": "/v1/messages", "gemini": "/v1/models/theirs:streamGenerateContent"}
PARAMETERS = {"type": "object", "properties": {"zone": {"type": "string"}}}
CLOCK: Any = {"type": "function", "function": {"name": "clock", "description": "The time.", "parameters": PARAMETERS}}


@pytest.fixture(params=[FakeAnthropic, FakeGemini])
async def fake(request: pytest.FixtureRequest) -> AsyncIterator[FakeProvider]:
    async with request.param(key="sk-1") as provider:
        yield provider


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path) as built:
        await built.connect(fake, NewModel("theirs", "nice"))
        yield built


async def test_a_chat_completion_comes_whole_with_usage_and_is_metered(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="one two"))
    answer = await here.openai.chat.completions.create(model="nice", messages=HI, max_tokens=9, reasoning_effort="high")
    assert (answer.model, answer.choices[0].message.content) == ("nice", "one two")
    assert answer.choices[0].finish_reason == "stop"
    usage = answer.usage
    assert usage and usage.prompt_tokens_details
    assert (usage.completion_tokens, usage.prompt_tokens_details.cached_tokens) == (2, CACHED)
    sent = fake.requests[0]
    assert sent.path == PATHS[fake.kind]
    body = json.dumps(sent.body)
    assert "Be kind." in body and "thinking" in body
    assert 9 in (sent.body.get("max_tokens"), sent.body.get("generationConfig", {}).get("maxOutputTokens"))
    record = (await here.usage())[0]
    assert (record["output_tokens"], record["cached_tokens"], record["outcome"]) == (2, CACHED, "ok")
    assert record["cache_write_tokens"] == getattr(usage.prompt_tokens_details, "cache_write_tokens", 0)
    assert record["cache_write_tokens"] == (CACHE_MADE if fake.kind == "anthropic" else 0)
    assert not record["estimated"]


async def test_a_chat_completion_is_streamed_with_thoughts_and_usage(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="a b c", reasoning="hm"))
    stream = await here.openai.chat.completions.create(
        model="nice", messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == "a b c"
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas) == "hm"
    assert len(deltas) > 3
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 4


async def test_a_tool_is_called_and_its_result_is_answered(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(tools=(("clock", '{"zone":"Oslo"}'),)), Reply(text="It is noon."))
    first = await here.openai.chat.completions.create(model="nice", messages=HI, tools=[CLOCK])
    message = first.choices[0].message
    assert first.choices[0].finish_reason == "tool_calls"
    call = (message.tool_calls or [])[0]
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"zone": "Oslo"}
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "12:00"}
    more: Any = [*HI, message.model_dump(exclude_none=True), result]
    second = await here.openai.chat.completions.create(model="nice", messages=more, tools=[CLOCK])
    assert second.choices[0].message.content == "It is noon."
    sent = json.dumps(fake.requests[1].body)
    assert sent.count(call.id) == 2
    assert "12:00" in sent


async def test_an_answer_under_a_schema_is_text_for_the_client(here: World, fake: FakeProvider) -> None:
    said = '{"zone":"Oslo"}'
    fake.script(Reply(text=said) if fake.kind == "gemini" else Reply(tools=(("give_answer", said),)))
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "zone", "schema": PARAMETERS}}
    answer = await here.openai.chat.completions.create(model="nice", messages=HI, response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "") == {"zone": "Oslo"}
    assert answer.choices[0].finish_reason == "stop"


async def test_responses_are_translated_streamed_stored_and_continued(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="one two"), Reply(text="three"), Reply(tools=(("clock", '{"zone":"Oslo"}'),)))
    first = await here.openai.responses.create(model="nice", input="Hi")
    assert (first.status, first.output_text) == ("completed", "one two")
    assert first.usage
    assert first.usage.input_tokens_details.cached_tokens == CACHED
    assert first.usage.input_tokens_details.cache_write_tokens == (CACHE_MADE if fake.kind == "anthropic" else 0)
    stream = await here.openai.responses.create(model="nice", input="And?", previous_response_id=first.id, stream=True)
    events = [event async for event in stream]
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "three"
    assert [turn["role"] for turn in fake.requests[1].body["messages"]] == ["user", "assistant", "user"]
    assert "one two" in json.dumps(fake.requests[1].body)
    tool: Any = {"type": "function", "strict": False, **CLOCK["function"]}
    called = await here.openai.responses.create(model="nice", input="Time?", tools=[tool])
    assert [item.type for item in called.output] == ["function_call"]
    assert {sent.path for sent in fake.requests} == {PATHS[fake.kind]}


@pytest.fixture
async def hasty(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path, **IMPATIENT) as built:
        await built.connect(fake, NewModel("theirs", "nice"))
        yield built


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (Reply(hang=True), 502, "models.provider_timeout"),
        (Reply(close_after=0), 502, "models.provider_closed"),
        (Reply(status=529), 502, "models.provider_busy"),
        (Reply(status=401), 502, "models.provider_key"),
        (Reply(status=400), 400, "models.provider_refused"),
        (Reply(status=404), 404, "model_not_found"),
        (Reply(garbage=True), 502, "models.provider_garbage"),
    ],
)
@pytest.mark.parametrize("door", ["chat", "responses"])
async def test_a_failure_before_the_first_word_is_an_error_of_openais_wire(
    hasty: World, fake: FakeProvider, reply: Reply, status: int, code: str, door: str
) -> None:
    fake.script(reply)
    with pytest.raises(APIStatusError) as caught:
        if door == "chat":
            await hasty.openai.chat.completions.create(model="nice", messages=HI, stream=True)
        else:
            await hasty.openai.responses.create(model="nice", input="Hi", stream=True)
    assert (caught.value.status_code, caught.value.code) == (status, code)


async def test_a_limit_of_the_provider_comes_with_its_retry_after(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(status=429, retry_after="7"))
    with pytest.raises(RateLimitError) as caught:
        await here.openai.chat.completions.create(model="nice", messages=HI)
    assert caught.value.response.headers["retry-after"] == "7"


async def test_a_stream_that_is_cut_ends_in_an_error_of_the_client(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="one two three four five six", close_after=4))
    stream = await here.openai.chat.completions.create(model="nice", messages=HI, stream=True)
    said = ""
    with pytest.raises(APIError) as caught:
        async for chunk in stream:
            said += chunk.choices[0].delta.content or ""
    assert caught.value.code == "models.provider_closed"
    assert said.startswith("one")
    assert (await here.usage())[0]["outcome"] == "models.provider_closed"
