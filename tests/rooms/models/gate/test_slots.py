"""The gate in front of the built-in engine: slots instead of a measured limit, and patience until it is here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import TooMany
from mecum.rooms.models.gate.door import Asked, Gate, Place, busy
from mecum.rooms.models.gate.fair import Band
from mecum.rooms.models.settings import ModelsSettings
from tests.rooms.models.gate.test_in_the_way import asking, said, until_asked
from tests.rooms.models.world import FakeEmbedder, FakeEngine, world
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import Reply
from tests.support.jobs import HandJobs
from tests.support.principals import principal

pytestmark = pytest.mark.anyio


@pytest.fixture
async def fake() -> AsyncGenerator[FakeProvider]:
    async with FakeProvider() as provider:
        yield provider


class Engine:
    """A gate in front of an engine with so many slots."""

    def __init__(self, clock: ManualClock, slots: int, queue_max: int = 8) -> None:
        self.slots = slots
        self.gate = Gate(clock, ModelsSettings(gate_wait_max_s=1))
        self.gate.add_slots("here", lambda: self.slots, queue_max, lambda about_s: busy("here", about_s))

    def asked(self, tenant: str, band: Band = "interactive", *, gives_way: bool = False) -> Asked:
        return Asked((("here",),), "m", tenant, band, 1_000_000, 100, gives_way="always" if gives_way else "never")


async def test_so_many_are_let_in_as_there_are_slots_however_long_their_prompts_are(clock: ManualClock) -> None:
    engine = Engine(clock, slots=2)
    async with (
        engine.gate.enter(engine.asked("ines")) as first,
        engine.gate.enter(engine.asked("jo")) as second,
        engine.gate.enter(engine.asked("kim")) as third,
    ):
        assert [place.is_in for place in (first, second, third)] == [True, True, False]
        first.over(None)
        assert third.is_in


async def test_who_waits_for_an_engine_that_is_not_here_is_patient_and_let_in_when_it_comes(clock: ManualClock) -> None:
    engine = Engine(clock, slots=0)
    async with engine.gate.enter(engine.asked("ines")) as place:
        clock.advance(3_600)
        assert not await place.turn_within(0)
        engine.slots = 1
        place.look()
        assert place.is_in


async def test_one_person_does_not_fill_the_whole_line(clock: ManualClock) -> None:
    engine = Engine(clock, slots=1, queue_max=8)
    waiting: list[Place] = []
    async with engine.gate.enter(engine.asked("noisy")):
        entered = [engine.gate.enter(engine.asked("noisy")) for _ in range(6)]
        waiting += [await each.__aenter__() for each in entered]
        with pytest.raises(TooMany):
            async with engine.gate.enter(engine.asked("noisy")):
                pass
        async with engine.gate.enter(engine.asked("quiet")) as quiet:
            assert not quiet.is_in
        for each in entered:
            await each.__aexit__(None, None, None)


async def test_what_gives_way_is_told_when_somebody_comes(clock: ManualClock) -> None:
    engine = Engine(clock, slots=1)
    async with engine.gate.enter(engine.asked("ines", "background", gives_way=True)) as aside:
        assert aside.is_alone
        async with engine.gate.enter(engine.asked("jo")) as comes:
            assert aside.wanted.is_set() and not aside.is_alone
            aside.over(None)
            assert comes.is_in


async def test_the_built_in_model_is_shared_fairly_and_people_go_before_work_in_the_background(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake)) as here:
        fake.script(Reply(text="slow", first_byte_ms=300))
        ended: list[str] = []
        noisy, quiet = replace(here.caller, surface="web"), replace(principal(), surface="web")
        background = asking("later", "assistant.background")
        first = asyncio.create_task(said(here, noisy, asking("noisy"), ended))
        await until_asked(fake, 1)
        crowd = [asyncio.create_task(said(here, noisy, background, ended))]
        crowd += [asyncio.create_task(said(here, noisy, asking("noisy"), ended)) for _ in range(6)]
        await asyncio.sleep(0)
        waits = await said(here, quiet, asking("quiet"), ended)
        await asyncio.gather(first, *crowd)
    order = [text.split("'")[1] for text in ended]
    assert order.index("quiet") <= 2
    assert order[-1] == "later"
    assert {wait.reason for wait in waits} == {"queued"}


async def test_the_built_in_embedder_waits_for_nobodys_answer(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path, engine=FakeEngine(fake), embedder=FakeEmbedder()) as here:
        fake.script(Reply(hang=True))
        answering = asyncio.create_task(said(here, here.caller, asking("long"), []))
        await until_asked(fake, 1)
        async with asyncio.timeout(5):
            found = await here.face.embed(here.caller, ["hello"], None, "query")
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
    assert len(found.vectors) == 1
