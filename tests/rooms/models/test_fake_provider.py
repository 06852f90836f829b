"""The fake provider speaks the wire well enough for the official client, and fails as it is told."""

from __future__ import annotations

import math

import pytest
from openai import APIError, AsyncOpenAI, InternalServerError, RateLimitError

from tests.support.fake_provider import FakeProvider, Reply, running
from tests.support.fake_replies import command


def client(fake: FakeProvider) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=fake.base_url, api_key="k", max_retries=0, timeout=5)


async def test_it_answers_the_official_client_in_both_wires_streamed_or_not() -> None:
    async with FakeProvider() as fake, client(fake) as openai:
        whole = await openai.chat.completions.create(model="fake", messages=[{"role": "user", "content": "Hi"}])
        text = whole.choices[0].message.content
        assert text and 35 < len(text.split()) < 50
        stream = await openai.chat.completions.create(
            model="fake",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
        assert chunks[-1].usage and whole.usage and chunks[-1].usage.total_tokens == whole.usage.total_tokens
        response = await openai.responses.create(model="fake", input="Hi")
        assert response.output_text == text
        events = [event async for event in await openai.responses.create(model="fake", input="Hi", stream=True)]
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[-1].type == "response.completed"
        assert len(fake.requests) == 4


async def test_a_command_in_a_message_asks_for_tools_in_rounds_and_then_answers() -> None:
    said = command(tools=[("calculator", '{"expression": "2+2"}'), ("clock", "{}")], text="It is 4 o'clock.")
    messages: list[dict[str, object]] = [{"role": "user", "content": f"How late? {said}"}]
    names: list[str] = []
    async with FakeProvider() as fake, client(fake) as openai:
        for _ in range(2):
            answer = await openai.chat.completions.create(model="fake", messages=messages)  # type: ignore[arg-type]
            call = (answer.choices[0].message.tool_calls or [])[0]
            assert call.type == "function"
            names.append(call.function.name)
            assistant = answer.choices[0].message.model_dump()
            messages += [assistant, {"role": "tool", "tool_call_id": call.id, "content": "4"}]
        answer = await openai.chat.completions.create(model="fake", messages=messages)  # type: ignore[arg-type]
        assert names == ["calculator", "clock"]
        assert answer.choices[0].message.content == "It is 4 o'clock."


async def test_scripted_failures_come_in_order_and_then_it_is_well_again() -> None:
    async with FakeProvider() as fake, client(fake) as openai:
        fake.script(Reply(status=429, retry_after="2"), Reply(status=500))
        with pytest.raises(RateLimitError) as limited:
            await openai.chat.completions.create(model="fake", messages=[{"role": "user", "content": "Hi"}])
        assert limited.value.response.headers["retry-after"] == "2"
        with pytest.raises(InternalServerError):
            await openai.chat.completions.create(model="fake", messages=[{"role": "user", "content": "Hi"}])
        await openai.chat.completions.create(model="fake", messages=[{"role": "user", "content": "Hi"}])


async def test_a_failure_limited_by_times_ends_and_a_client_that_leaves_is_noticed() -> None:
    async with FakeProvider() as fake, client(fake) as openai:
        broken = command(status=503, times=1)
        with pytest.raises(APIError):
            await openai.chat.completions.create(model="fake", messages=[{"role": "user", "content": broken}])
        await openai.chat.completions.create(model="fake", messages=[{"role": "user", "content": broken}])
        stream = await openai.chat.completions.create(
            model="fake?chunks=100&interval_ms=20", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        async for _ in stream:
            break
        await stream.close()
        await fake.requests[-1].ended.wait()
        assert fake.requests[-1].gone
        assert fake.requests[-1].chunks_sent < 20


async def test_embeddings_have_unit_length_and_near_texts_are_near() -> None:
    async with FakeProvider() as fake, client(fake) as openai:
        answer = await openai.embeddings.create(
            model="fake-embed", input=["a red boat", "the red boat", "tax return 1999"]
        )
    first, second, third = (item.embedding for item in answer.data)
    assert math.isclose(sum(value * value for value in first), 1, abs_tol=1e-5)
    assert sum(a * b for a, b in zip(first, second, strict=True)) > sum(
        a * b for a, b in zip(first, third, strict=True)
    )


def test_it_also_runs_in_a_thread() -> None:
    with running() as fake:
        assert fake.base_url.startswith("http://127.0.0.1:")
