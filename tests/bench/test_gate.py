"""The provider of the gate's bench: an engine in real time, and what may stand in front of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import aiohttp

from bench.gate.load import Kind
from bench.gate.policies import PER_MINUTE, POLICIES
from bench.gate.provider import BatchProvider


@asynccontextmanager
async def providing(policy: str) -> AsyncGenerator[BatchProvider]:
    async with BatchProvider(policy=POLICIES[policy]) as provider:
        working = asyncio.create_task(provider.work())
        try:
            yield provider
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)


async def ask(provider: BatchProvider, written: int = 1, kind: Kind = "noisy") -> int:
    body = {"model": "fake", "stream": True, "messages": [{"role": "user", "content": f"write {written}"}]}
    async with (
        aiohttp.ClientSession(headers={"authorization": f"Bearer somebody/{kind}"}) as session,
        session.post(f"{provider.base_url}/chat/completions", json=body) as answer,
    ):
        text = await answer.text()
        assert answer.status != 200 or ("one" in text and "rest" in text and "[DONE]" in text)
        return answer.status


async def all_of(provider: BatchProvider, many: int) -> Sequence[int]:
    return await asyncio.gather(*(ask(provider) for _ in range(many)))


async def test_whatever_is_asked_is_answered_with_nothing_in_front() -> None:
    async with providing("nothing") as provider:
        assert await all_of(provider, 8) == [200] * 8


async def test_what_waits_in_a_plain_queue_is_answered_in_the_end() -> None:
    async with providing("plain queue") as provider:
        assert await all_of(provider, 150) == [200] * 150


async def test_rate_caps_reject_what_is_beyond_a_minutes_calls() -> None:
    async with providing("rate caps") as provider:
        found = await all_of(provider, 2 * PER_MINUTE + 10)
        assert found.count(429) >= 10 and 200 in found
