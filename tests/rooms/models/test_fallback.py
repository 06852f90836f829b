"""Before the first byte another account, or another model of the route, is asked; afterwards never."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from mecum.kit.db import Database
from mecum.kit.errors import MecumError
from mecum.rooms.models.providers import NewModel
from tests.rooms.models.asking import asking, finish_of
from tests.rooms.models.routes import Api
from tests.rooms.models.world import IMPATIENT, World, answer, world
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.jobs import HandJobs

MESSAGES: Any = [{"role": "user", "content": "Hi"}]


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path) -> AsyncIterator[World]:
    """A call may be made three times, and Retry-After is waited for up to ten seconds."""
    settings: dict[str, Any] = {**IMPATIENT, "provider_retries_max": 2, "provider_retry_after_max_s": 10}
    async with world(database, jobs, tmp_path, **settings) as built:
        yield built


@pytest.fixture
async def other() -> AsyncIterator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


@pytest.fixture
async def api(here: World) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(here.url, session)


async def tiered(here: World, api: Api, first: FakeProvider, second: FakeProvider) -> None:
    """`both` is asked of `first`, and of `second` where that fails."""
    await here.connect(first, NewModel("fake", "a"), name="First")
    await here.connect(second, NewModel("fake", "b"), name="Second")
    assert (await api("POST", "aliases", {"name": "both", "tiers": [["a"], ["b"]]}))[0] == 201


FAILURES = [
    Reply(status=500),
    Reply(status=429, retry_after="9"),
    Reply(status=401),
    Reply(hang=True),
    Reply(garbage=True),
    Reply(close_after=0),
]


@pytest.mark.parametrize("failure", FAILURES, ids=["500", "429", "401", "hangs", "garbage", "closes"])
async def test_what_one_model_fails_before_its_first_byte_the_next_one_answers(
    here: World, api: Api, fake: FakeProvider, other: FakeProvider, failure: Reply
) -> None:
    await tiered(here, api, fake, other)
    fake.script(failure)
    started = time.monotonic()
    assert finish_of(await answer(here, asking(model="both"))).model == "b"
    assert time.monotonic() - started < 5, "the Retry-After of one account delays no call that another takes"
    (record,) = await here.usage()
    assert (record["model"], record["provider"], record["outcome"]) == ("b", "Second", "ok")


@pytest.mark.parametrize("stream", [False, True])
async def test_the_relay_asks_the_next_one_and_says_who_answered(
    here: World, api: Api, fake: FakeProvider, other: FakeProvider, stream: bool
) -> None:
    await tiered(here, api, fake, other)
    fake.script(Reply(status=429, retry_after="9"))
    given = await here.openai.chat.completions.with_raw_response.create(model="both", messages=MESSAGES, stream=stream)
    assert given.headers["x-mecum-model"] == "b"
    assert other.requests[0].body["model"] == "fake"


async def test_after_the_first_byte_nothing_is_repeated(
    here: World, api: Api, fake: FakeProvider, other: FakeProvider
) -> None:
    await tiered(here, api, fake, other)
    fake.script(Reply(close_after=3))
    with pytest.raises(MecumError) as broken:
        await answer(here, asking(model="both"))
    assert broken.value.code == "models.provider_closed"
    assert not other.requests


async def test_what_is_wrong_with_the_request_is_told_and_not_asked_elsewhere(
    here: World, api: Api, fake: FakeProvider, other: FakeProvider
) -> None:
    await tiered(here, api, fake, other)
    fake.script(Reply(status=400), Reply(status=400))
    with pytest.raises(MecumError) as refused:
        await answer(here, asking(model="both"))
    assert refused.value.code == "models.provider_refused"
    with pytest.raises(openai.BadRequestError):
        await here.openai.chat.completions.create(model="both", messages=MESSAGES)
    assert not other.requests


async def test_a_second_key_takes_the_call_that_the_first_one_may_not_make(
    here: World, api: Api, fake: FakeProvider
) -> None:
    await here.connect(fake)
    provider = (await api("GET", "providers"))[1]["items"][0]
    await api("POST", f"providers/{provider['id']}/keys", {"key": "sk-2"})
    fake.script(Reply(status=429, retry_after="9"))
    started = time.monotonic()
    for _ in range(3):
        finish_of(await answer(here, asking()))
    assert time.monotonic() - started < 5
    keys = [sent.headers["authorization"] for sent in fake.requests]
    refused, *after = keys
    assert len(set(keys)) == 2 and refused not in after, "its account is left alone until it may be asked again"


async def test_while_every_account_is_held_the_call_waits_for_the_first_that_is_free(
    here: World, api: Api, fake: FakeProvider
) -> None:
    await here.connect(fake)
    provider = (await api("GET", "providers"))[1]["items"][0]
    await api("POST", f"providers/{provider['id']}/keys", {"key": "sk-2"})
    fake.script(Reply(status=429, retry_after="9"), Reply(status=429, retry_after="1"))
    started = time.monotonic()
    finish_of(await answer(here, asking()))
    assert 0.9 < time.monotonic() - started < 6
    assert len(fake.requests) == 3
    assert fake.requests[2].headers["authorization"] == fake.requests[1].headers["authorization"]


async def test_the_attempts_of_a_call_are_limited(
    here: World, api: Api, fake: FakeProvider, other: FakeProvider
) -> None:
    await tiered(here, api, fake, other)
    failure = Reply(status=500)
    fake.script(*[failure] * 9)
    other.script(*[failure] * 9)
    with pytest.raises(MecumError) as failed:
        await answer(here, asking(model="both"))
    assert failed.value.code == "models.provider_failed"
    assert len(fake.requests) + len(other.requests) == 3


async def test_what_failed_is_left_alone_for_a_while(
    here: World, api: Api, fake: FakeProvider, other: FakeProvider
) -> None:
    await tiered(here, api, fake, other)
    fake.script(Reply(status=500))
    for _ in range(3):
        assert finish_of(await answer(here, asking(model="both"))).model == "b"
    assert len(fake.requests) == 1
    assert finish_of(await answer(here, asking(model="a"))).model == "a", "asked for by its own name it is asked"


async def test_a_route_over_two_wires_falls_back_from_one_to_the_other(
    here: World, api: Api, fake: FakeProvider
) -> None:
    async with FakeAnthropic(key="sk-1") as thinker:
        await here.connect(thinker, NewModel("claude-fake", "a"), name="First")
        await here.connect(fake, NewModel("fake", "b"), name="Second")
        await api("POST", "aliases", {"name": "both", "tiers": [["a"], ["b"]]})
        given = await here.openai.chat.completions.with_raw_response.create(model="both", messages=MESSAGES)
        assert given.headers["x-mecum-model"] == "a"
        thinker.script(Reply(status=500))
        given = await here.openai.chat.completions.with_raw_response.create(model="both", messages=MESSAGES)
        assert given.headers["x-mecum-model"] == "b"


async def test_models_of_one_tier_share_the_load(
    here: World, api: Api, fake: FakeProvider, other: FakeProvider
) -> None:
    await here.connect(fake, NewModel("fake", "a"), name="First")
    await here.connect(other, NewModel("fake", "b"), name="Second")
    await api("POST", "aliases", {"name": "both", "tiers": [["a", "b"]]})
    for provider in (await api("GET", "providers"))[1]["items"]:
        path = f"providers/{provider['id']}/keys/{provider['keys'][0]['id']}"
        await api("PATCH", path, {"limits": {"calls_max": 1}})
    fake.script(Reply(first_byte_ms=300))
    other.script(Reply(first_byte_ms=300))
    await asyncio.gather(*(here.openai.chat.completions.create(model="both", messages=MESSAGES) for _ in range(2)))
    assert (len(fake.requests), len(other.requests)) == (1, 1)


async def test_a_call_costs_what_whoever_answered_takes(
    here: World, api: Api, fake: FakeProvider, other: FakeProvider
) -> None:
    await tiered(here, api, fake, other)
    ids = {row.model.name: row.model.id.hex for row in (await here.parts.catalogue.snapshot()).models()}
    await api("POST", f"models/mdl_{ids['a']}/prices", {"input": "100", "output": "100"})
    price = (await api("POST", f"models/mdl_{ids['b']}/prices", {"input": "1", "output": "1"}))[1]
    fake.script(Reply(status=500))
    await answer(here, asking(model="both"))
    (record,) = await here.usage()
    assert f"prc_{record['price_id'].hex}" == price["id"]
    assert record["cost_micros"] == record["input_tokens"] + record["output_tokens"]
