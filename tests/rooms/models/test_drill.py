"""The drill: whatever a provider does, each caller hears a right answer or one clear error in time; nothing is left.

Many ask at once through every door, by the official client and by the seam, while the provider fails in one way. Then
the provider works again, and so must everything else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from mecum.kit.db import Database
from mecum.kit.errors import MecumError
from mecum.rooms.models import Finish, Message, ModelRequest, TextDelta, TextPart
from tests.rooms.models.adding import BY_RESPONSES, priced, sums, told_by, used_by
from tests.rooms.models.budgets.keeping import limit
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import command
from tests.support.jobs import HandJobs

AT_ONCE = 4
"""Calls of each kind at the same time."""
LONGEST_S = 20.0
RIGHT = "The drill is over."
USUAL = "You said"
"""How the answer begins of a provider that was told nothing, as one is that has recovered."""
ERROR = "error: "
FAULTS: dict[str, dict[str, Any]] = {
    "slow": {"first_byte_ms": 200, "interval_ms": 5},
    "hanging": {"hang": True},
    "hanging in the middle": {"hang_after": 2, "chunks": 4},
    "cut in the middle": {"close_after": 2, "chunks": 4},
    "cut at once": {"close_after": 0},
    "a storm of 429": {"status": 429},
    "a short 429": {"status": 429, "retry_after": "0.05", "times": 1},
    "a long 429": {"status": 429, "retry_after": "600"},
    "overloaded": {"status": 529},
    "failing": {"status": 500},
    "flapping": {"status": 503, "times": 1},
    "refusing": {"status": 400},
    "wrong usage": {"usage": "wrong"},
    "no usage": {"usage": "missing"},
    "bad JSON": {"body": '{"choices": ['},
    "garbage": {"garbage": True},
    "a page": {"body": "<html>Bad gateway</html>", "content_type": "text/html", "status": 502},
    "a huge line": {"line_bytes": 3_000_000},
    "no end": {"done": False},
    "JSON for a stream": {"as_json": True},
}
WORKS = frozenset(("slow", "a short 429", "flapping", "wrong usage", "no usage", "no end", "JSON for a stream"))
"""Faults in spite of which everybody gets a right answer."""
SETTINGS: dict[str, Any] = {
    "provider_first_byte_timeout_s": 1.5,
    "provider_whole_timeout_s": 1.6,
    "provider_chunk_timeout_s": 0.8,
    "provider_retries_max": 1,
    "provider_retry_after_max_s": 0.5,
    "provider_line_limit_bytes": 1_000_000,
    "gate_wait_max_s": 4,
    "relay_store_default": False,
}


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path, **SETTINGS) as built:
        await priced(built, fake)
        yield built


async def seam(here: World, said: str, model: str = "fake") -> str:
    request = ModelRequest([Message("user", (TextPart(said),))], model=model)
    text, ended = "", False
    async for event in here.face.stream(here.caller, request):
        text += event.text if isinstance(event, TextDelta) else ""
        ended = isinstance(event, Finish)
    assert ended, "an answer without an end"
    return text


async def chat(client: AsyncOpenAI, said: str) -> str:
    answer = await client.chat.completions.create(model="fake", messages=[{"role": "user", "content": said}])
    return answer.choices[0].message.content or ""


async def chat_stream(client: AsyncOpenAI, said: str) -> str:
    stream = await client.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": said}], stream=True
    )
    return "".join([choice.delta.content or "" async for chunk in stream for choice in chunk.choices])


async def responses(client: AsyncOpenAI, said: str) -> str:
    return (await client.responses.create(model="fake", input=said)).output_text


async def responses_stream(client: AsyncOpenAI, said: str) -> str:
    stream = await client.responses.create(model="fake", input=said, stream=True)
    return "".join([event.delta async for event in stream if event.type == "response.output_text.delta"])


async def heard(work: Any) -> str:
    """What a caller hears: the text of an answer, or the code of the one error. Anything else fails the test."""
    try:
        async with asyncio.timeout(LONGEST_S):
            return await work
    except (openai.APIError, MecumError) as error:
        said = error.detail if isinstance(error, MecumError) else error.message
        return f"{ERROR}{said}"


def is_right(outcome: str) -> bool:
    return outcome == RIGHT or outcome.startswith(USUAL)


def is_error(outcome: str) -> bool:
    """An error that says something."""
    return outcome.startswith(ERROR) and len(outcome) > len(ERROR)


def everybody(here: World, said: str) -> list[Any]:
    doors = (chat, chat_stream, responses, responses_stream)
    calls: list[Any] = []
    for _ in range(AT_ONCE):
        calls += [door(here.openai, said) for door in doors]
        calls += [seam(here, said), seam(here, said, BY_RESPONSES)]
    return calls


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_caller_hears_an_answer_or_one_clear_error_and_nothing_is_left(
    here: World, fake: FakeProvider, fault: str
) -> None:
    rule = await limit(here.kit.db, 10_000_000, here.caller, subject="person")
    calls = everybody(here, f"{command(text=RIGHT, **FAULTS[fault])} Go.")
    outcomes = await asyncio.gather(*(heard(call) for call in calls))
    if fault in WORKS:
        assert all(is_right(outcome) for outcome in outcomes), outcomes
    else:
        # What is whole in spite of it is right: a refusal of a stream alone leaves the other answers.
        assert all(is_right(outcome) or is_error(outcome) for outcome in outcomes), outcomes
        assert any(is_error(outcome) for outcome in outcomes)
    again = await asyncio.gather(*(heard(call) for call in everybody(here, f"{command(text=RIGHT)} Go.")))
    assert set(again) == {RIGHT}, "the provider works again"
    async with asyncio.timeout(LONGEST_S):
        for request in list(fake.requests):
            await request.ended.wait()
    await _nothing_is_left(here)
    await here.parts.meter.flush()
    found = await sums(here)
    used, counted = await used_by(here, rule)
    assert found["told"] == told_by(fake), "what the provider charges is what was written down"
    assert found["unpaid"] == 0
    assert used == counted


async def _nothing_is_left(here: World) -> None:
    """No place at the gate, nothing held of a budget, no call that goes on."""
    for pool in here.parts.gate.pools.all():
        assert (pool.line.running, pool.line.waiting) == (0, 0), pool.name
    assert sum(purse.reserved for purse in here.parts.keeper.purses) == 0
