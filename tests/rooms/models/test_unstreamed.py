"""A provider that answers a request for a stream with one JSON body: the official client hears it as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest

from mecum.kit.db import Database
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import Reply
from tests.support.jobs import HandJobs

HI: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path) as built:
        await built.connect(fake)
        yield built


async def test_text_and_usage_come_as_chunks(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="Good day.", as_json=True))
    options: Any = {"include_usage": True}
    stream = await here.openai.chat.completions.create(model="fake", messages=HI, stream=True, stream_options=options)
    chunks = [chunk async for chunk in stream]
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == "Good day."
    assert chunks[-1].usage is not None and chunks[-1].usage.completion_tokens > 0
    (row,) = await here.usage()
    assert row["output_tokens"] == chunks[-1].usage.completion_tokens


async def test_without_being_asked_no_usage_is_told(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="Good day.", as_json=True))
    stream = await here.openai.chat.completions.create(model="fake", messages=HI, stream=True)
    assert [chunk.usage async for chunk in stream] == [None]


async def test_tool_calls_are_put_together_by_the_client(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(tools=(("weather", '{"town": "Graz"}'),), as_json=True))
    tool: Any = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    async with here.openai.chat.completions.stream(model="fake", messages=HI, tools=[tool]) as stream:
        answer = await stream.get_final_completion()
    (call,) = answer.choices[0].message.tool_calls or []
    assert (call.function.name, call.function.arguments) == ("weather", '{"town": "Graz"}')


async def test_a_response_comes_as_its_events(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="Good day.", as_json=True))
    async with here.openai.responses.stream(model="fake", input="Hi") as stream:
        deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        answer = await stream.get_final_response()
    assert "".join(deltas) == answer.output_text == "Good day."


async def test_a_stream_that_ends_without_an_end_is_an_error(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(body='data: {"choices": []}\n\n', content_type="text/event-stream"))
    stream = await here.openai.chat.completions.create(model="fake", messages=HI, stream=True)
    with pytest.raises(openai.APIError, match="before the answer was complete"):
        [chunk async for chunk in stream]
