"""Bulk leaves its place to somebody at a screen, as long as nothing of its answer has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mecum.kit.db import Database
from mecum.rooms.models import call as models_call
from mecum.rooms.models.gate.fair import Band
from mecum.rooms.models.gate.standing import Asked
from tests.rooms.models.gate.pools import STARVING_S, asked, pools
from tests.rooms.models.gate.test_in_the_way import asking, said, until_asked
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import Reply
from tests.support.jobs import HandJobs

ONE_AT_A_TIME: dict[str, Any] = {"gate_tokens_start": 100, "gate_tokens_min": 100, "gate_tokens_max": 100}


def bulk(*tiers: tuple[str, ...], tokens: int = 600) -> Asked:
    return asked(*(tiers or (("a",),)), tenant="dump", band="bulk", tokens=tokens, gives_way="before_first")


def test_bulk_goes_back_uncharged_to_the_head_of_its_queue() -> None:
    gate, told = pools()
    first, second = gate.enter(bulk(), 0.0), gate.enter(bulk(), 0.0)
    comes = gate.enter(asked(("a",)), 1.0)
    assert first.is_wanted and told[-1] is first and comes.state == "waiting"
    gate.again(first, 1.1)
    assert (comes.state, first.state, first.is_wanted) == ("running", "waiting", False)
    line = gate.pool("a").line
    assert line.counters("bulk")["dump"] == 0 and line.running_tokens == 600
    gate.over(comes, 600, 0, 2.0)
    assert (first.state, second.state) == ("running", "waiting")


def test_bulk_whose_answer_has_begun_stays() -> None:
    gate, _ = pools()
    first = gate.enter(bulk(), 0.0)
    gate.first(first, 0.5)
    gate.enter(asked(("a",)), 1.0)
    assert not first.is_wanted


@pytest.mark.parametrize("band", ["api", "background"])
def test_only_somebody_at_a_screen_may_ask_for_it(band: Band) -> None:
    gate, _ = pools()
    first = gate.enter(bulk(), 0.0)
    gate.enter(asked(("a",), band=band), 1.0)
    assert not first.is_wanted


def test_bulk_that_has_waited_for_very_long_is_not_sent_back() -> None:
    gate, _ = pools()
    held = gate.enter(asked(("a",)), 0.0)
    late = gate.enter(bulk(), 0.0)
    gate.over(held, 600, 0, STARVING_S + 1)
    assert late.state == "running"
    gate.enter(asked(("a",)), STARVING_S + 2)
    assert not late.is_wanted


def test_nobody_is_sent_back_where_that_would_not_make_enough_room() -> None:
    gate, _ = pools()
    small, large = gate.enter(bulk(tokens=300), 0.0), gate.enter(bulk(tokens=400), 0.0)
    gate.enter(asked(("a",), tokens=900), 1.0)
    assert not small.is_wanted and not large.is_wanted
    gate.enter(asked(("a",), tokens=700), 1.0)
    assert large.is_wanted and not small.is_wanted


def test_somebody_larger_than_the_server_is_made_way_for_where_that_leaves_them_alone() -> None:
    gate, _ = pools()
    first = gate.enter(bulk(), 0.0)
    gate.enter(asked(("a",), tokens=5_000), 1.0)
    assert first.is_wanted


def test_two_who_come_ask_two_the_newest_first() -> None:
    gate, _ = pools()
    first, second = gate.enter(bulk(tokens=500), 0.0), gate.enter(bulk(tokens=500), 0.0)
    gate.enter(asked(("a",), tokens=500), 1.0)
    assert second.is_wanted and not first.is_wanted
    gate.enter(asked(("a",), tokens=500), 1.0)
    assert first.is_wanted


def test_bulk_that_makes_way_goes_on_elsewhere_at_once_where_there_is_room() -> None:
    gate, _ = pools()
    moves = gate.enter(bulk(("a", "b")), 0.0)
    gate.enter(asked(("b",)), 0.0)
    comes = gate.enter(asked(("a",)), 20.0)
    assert moves.is_wanted
    in_b = next(each for each in gate.pool("b").standings.values() if each.state == "running")
    gate.over(in_b, 600, 0, 20.0)
    gate.again(moves, 40.0)
    assert (comes.pool, moves.state, moves.pool) == ("a", "running", "b")


@pytest.fixture
async def fake() -> AsyncGenerator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


async def made_way(here: World, fake: FakeProvider, bulk_call: asyncio.Task[Any]) -> list[str]:
    """Somebody at a screen comes while bulk waits for its first byte. Whom the provider heard, in order."""
    await until_asked(fake, 1)
    ended: list[str] = []
    async with asyncio.timeout(10):
        await said(here, replace(here.caller, surface="web"), asking("now"), ended)
        assert len(ended) == 1 and not bulk_call.done()
        assert fake.requests[0].gone
        await bulk_call
    return [str(request.body) for request in fake.requests]


@pytest.mark.anyio
async def test_a_bulk_answer_is_asked_for_anew_after_somebody_at_a_screen_was_served(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, **ONE_AT_A_TIME, provider_first_byte_timeout_s=20) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(hang=True), Reply(text="for people", first_byte_ms=50), Reply(text="for the rest"))
        ended: list[str] = []
        late = asyncio.create_task(said(here, here.caller, asking("dump", "models.bulk"), ended))
        heard = await made_way(here, fake, late)
        records = await here.usage()
    assert ["dump" in each for each in heard] == [True, False, True]
    assert len(ended) == 1
    assert [(each["purpose"], each["outcome"]) for each in records] == [
        ("assistant.answer", "ok"),
        ("models.bulk", "ok"),
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["chat_completions", "responses", "embeddings"])
async def test_so_is_what_the_relay_passes_on(
    database: Database,
    jobs: HandJobs,
    tmp_path: Path,
    fake: FakeProvider,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
) -> None:
    monkeypatch.setattr(models_call, "BULK", {"relay.chat", "relay.responses", "relay.embeddings"})
    async with world(database, jobs, tmp_path, **ONE_AT_A_TIME, provider_first_byte_timeout_s=20) as here:
        await here.connect(fake, "fake", "embed-fake")
        fake.script(Reply(hang=True), Reply(text="for people", first_byte_ms=50))
        bodies = {
            "chat_completions": b'{"model": "fake", "messages": [{"role": "user", "content": "dump"}]}',
            "responses": b'{"model": "fake", "input": "dump"}',
            "embeddings": b'{"model": "embed-fake", "input": "dump"}',
        }
        late = asyncio.create_task(getattr(here.face.relay, path)(here.caller, bodies[path]))
        heard = await made_way(here, fake, late)
        answer = await late
    assert answer.status == 200
    assert ["dump" in each for each in heard] == [True, False, True]


@pytest.mark.anyio
async def test_bulk_that_leaves_while_it_is_asked_to_make_way_gives_its_place_back(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, **ONE_AT_A_TIME, provider_first_byte_timeout_s=20) as here:
        await here.connect(fake, "fake")
        fake.script(Reply(hang=True))
        late = asyncio.create_task(said(here, here.caller, asking("dump", "models.bulk"), []))
        await until_asked(fake, 1)
        late.cancel()
        await asyncio.wait([late])
        ended: list[str] = []
        async with asyncio.timeout(10):
            await said(here, here.caller, asking("dump", "models.bulk"), ended)
    assert len(ended) == 1
