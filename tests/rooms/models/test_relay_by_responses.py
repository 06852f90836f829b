"""The relay in front of a provider that is asked through responses: both doors pass, or one leads to both."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openai import NotFoundError

from mecum.kit.db import Database
from mecum.rooms.models.providers import NewModel
from tests.rooms.models.world import World, world
from tests.support.fake_provider import Reply
from tests.support.fake_responses import FakeResponses
from tests.support.jobs import HandJobs

HI: Any = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hi"}]
PARAMETERS = {"type": "object", "properties": {"zone": {"type": "string"}}}
CLOCK: Any = {"type": "function", "function": {"name": "clock", "parameters": PARAMETERS}}
CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
ONLY_RESPONSES = (
    Reply(status=404, text="This model is only supported in v1/responses and not in v1/chat/completions."),
    Reply(status=400, text="This model is only supported in v1/responses and not in v1/chat/completions."),
    Reply(status=404, body='{"detail":"Not Found"}'),
)


@pytest.fixture
async def fake() -> AsyncIterator[FakeResponses]:
    async with FakeResponses(key="sk-1") as provider:
        yield provider


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeResponses) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path) as built:
        await built.connect(fake, NewModel("theirs", "nice"), "embed-fake")
        yield built


def paths(fake: FakeResponses) -> list[str]:
    return [sent.path for sent in fake.requests]


async def test_the_bytes_of_both_doors_pass_and_vectors_too(here: World, fake: FakeResponses) -> None:
    chat = await here.openai.chat.completions.create(model="nice", messages=HI, extra_body={"x_own": [1]})
    response = await here.openai.responses.create(model="nice", input="Hi", extra_body={"x_own": [1]})
    assert (chat.choices[0].finish_reason, response.status) == ("stop", "completed")
    assert len((await here.openai.embeddings.create(model="embed-fake", input="Hi")).data) == 1
    assert paths(fake) == [CHAT, RESPONSES, "/v1/embeddings"]
    assert [sent.body.get("x_own") for sent in fake.requests[:2]] == [[1], [1]]
    assert [record["estimated"] for record in await here.usage()] == [False] * 3


@pytest.mark.parametrize("refusal", ONLY_RESPONSES)
async def test_a_model_that_has_only_responses_is_asked_there_for_chat_completions(
    here: World, fake: FakeResponses, refusal: Reply
) -> None:
    fake.script(refusal, Reply(tools=(("clock", '{"zone":"Oslo"}'),)), Reply(text="It is noon."))
    first = await here.openai.chat.completions.create(model="nice", messages=HI, tools=[CLOCK])
    call = (first.choices[0].message.tool_calls or [])[0]
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"zone": "Oslo"}
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "12:00"}
    more: Any = [*HI, first.choices[0].message.model_dump(exclude_none=True), result]
    stream = await here.openai.chat.completions.create(model="nice", messages=more, tools=[CLOCK], stream=True)
    said = "".join([choice.delta.content or "" async for chunk in stream for choice in chunk.choices])
    assert said == "It is noon."
    assert paths(fake) == [CHAT, RESPONSES, RESPONSES]
    assert fake.requests[-1].body["instructions"] == "Be kind."
    assert [record["outcome"] for record in await here.usage()] == ["ok", "ok"]


async def test_a_model_that_is_not_there_is_not_there_in_either_wire(here: World, fake: FakeResponses) -> None:
    fake.script(Reply(status=404))
    with pytest.raises(NotFoundError):
        await here.openai.chat.completions.create(model="nice", messages=HI)
    assert paths(fake) == [CHAT]


async def test_a_provider_of_this_wire_that_lacks_it_says_so(here: World, fake: FakeResponses) -> None:
    fake.script(Reply(status=404, body='{"detail":"Not Found"}'))
    with pytest.raises(NotFoundError):
        await here.openai.responses.create(model="nice", input="Hi")
    assert paths(fake) == [RESPONSES]
