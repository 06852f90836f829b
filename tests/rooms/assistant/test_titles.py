"""Titles: first the person's own words, then one by the thread's model, once and never in the way."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mecum.kit.bus import person_channel
from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import EngineUnavailable, MecumError, ProviderError
from mecum.rooms.assistant import Thread
from mecum.rooms.assistant.title_words import read_title
from mecum.rooms.assistant.titling import TITLE, TRIES_MAX
from mecum.rooms.models import ModelRequest, TextDelta
from tests.rooms.assistant.world import World, bodies, breaks, finish, says
from tests.support.jobs import HandJobs

pytestmark = pytest.mark.anyio

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
LETTER = "Can you help me write a letter to my landlord about the broken heating?"
FIRST_WORDS = "Can you help me write a letter to my landlord…"


def titled(title: str) -> str:
    return json.dumps({"title": title}, ensure_ascii=False)


async def pieces() -> AsyncIterator[bytes]:
    yield b"month,kWh\nJanuary,310\n"


class Titles(World):
    """A world whose jobs run when the test says so."""

    def __init__(self, database: Database, data: Path, **settings: Any) -> None:
        self.hand, self.clock = HandJobs(database), ManualClock(NOW)
        super().__init__(database, data, clock=self.clock, jobs=self.hand, **{"thread_titles": True, **settings})

    async def work(self) -> list[str]:
        """Run what is due."""
        return await self.hand.run_due(self.clock.now())

    async def say(self, text: str = LETTER, thread: UUID | None = None, **new: Any) -> UUID:
        """Post it and run all that follows."""
        if thread is None:
            thread = (await self.face.post_new(self.caller, self.message(text), **new)).thread
        else:
            await self.face.post(self.caller, thread, self.message(text))
        await self.work()
        return thread

    async def thread(self, thread: UUID) -> Thread:
        return await self.face.thread(self.caller, thread)

    @property
    def asked_for_titles(self) -> list[ModelRequest]:
        return [request for request in self.models.requests if request.purpose == "assistant.title"]


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[Titles]:
    async with running(Titles(database, tmp_path)) as world:
        yield world


@asynccontextmanager
async def running(world: Titles) -> AsyncIterator[Titles]:
    await world.room.start()
    try:
        yield world
    finally:
        await world.room.stop()


async def test_after_the_first_answer_the_model_writes_the_title_for_every_surface(world: Titles) -> None:
    world.models.play(says("Dear Mr. Brown…"), says(titled("Letter to landlord")))
    posted = await world.face.post_new(world.caller, world.message(LETTER))
    assert (await world.thread(posted.thread)).title == FIRST_WORDS
    async with world.kit.bus.subscribe(person_channel(world.caller.person)) as changes:
        await world.work()
        log = await world.log(posted.thread)
        assert [event.type for event in log][-2:] == ["run.finished", "thread.titled"]
        assert (bodies(log[-1]), log[-1].actor) == ({"title": "Letter to landlord", "by": "mecum"}, "mecum")
        assert (await world.thread(posted.thread)).title == "Letter to landlord"
        told = 0
        async with asyncio.timeout(5):
            async for _ in changes:
                told += 1
                if told == 3:
                    break
    (request,) = world.asked_for_titles
    assert request.gives_way and request.effort == "fast"
    assert LETTER in str(request.messages[-1])


async def test_a_title_makes_a_thread_neither_unread_nor_newer(world: Titles) -> None:
    world.models.play(says("Dear…"), breaks(EngineUnavailable("x", "Busy.")), says(titled("Letter to landlord")))
    thread = await world.say()
    await world.face.mark_read(world.caller, thread)
    before = await world.thread(thread)
    world.clock.advance(60)
    await world.work()
    after = await world.thread(thread)
    assert (before.title, after.title) == (FIRST_WORDS, "Letter to landlord")
    assert (after.unread, after.updated_at) == (False, before.updated_at)


async def test_what_was_not_read_yet_stays_unread(world: Titles) -> None:
    world.models.play(says("Dear…"), says(titled("Letter to landlord")))
    assert (await world.thread(await world.say())).unread


async def test_a_thread_is_titled_once(world: Titles) -> None:
    world.models.play(says("Dear…"), says(titled("Letter to landlord")), says("Firmer."))
    thread = await world.say()
    await world.say("Make it firmer.", thread)
    assert len(world.asked_for_titles) == 1
    assert (await world.thread(thread)).title == "Letter to landlord"


@pytest.mark.parametrize("new", [{"temporary": True}, {"origin": "api"}, {"title": "My letter"}])
async def test_some_threads_get_no_title_from_a_model(world: Titles, new: dict[str, Any]) -> None:
    thread = await world.say(**new)
    assert not world.asked_for_titles
    assert (await world.thread(thread)).title == new.get("title", FIRST_WORDS)


async def test_without_the_setting_no_thread_gets_one(database: Database, tmp_path: Path) -> None:
    async with running(Titles(database, tmp_path, thread_titles=False)) as world:
        await world.say()
        assert not world.asked_for_titles


async def test_a_renamed_thread_keeps_the_persons_title(world: Titles) -> None:
    posted = await world.face.post_new(world.caller, world.message(LETTER))
    await world.face.change_thread(world.caller, posted.thread, title="Heating")
    await world.work()
    assert not world.asked_for_titles

    async def renames_meanwhile(_: ModelRequest) -> AsyncIterator[Any]:
        await world.face.change_thread(world.caller, other.thread, title="Rent")
        yield TextDelta(titled("Letter to landlord"))
        yield finish()

    world.models.play(says("Dear…"), renames_meanwhile)
    other = await world.face.post_new(world.caller, world.message(LETTER))
    await world.work()
    assert (await world.thread(posted.thread)).title == "Heating"
    assert (await world.thread(other.thread)).title == "Rent"
    assert [bodies(e)["by"] for e in await world.log(other.thread) if e.type == "thread.titled"] == ["mecum", "person"]


async def test_a_title_that_will_not_do_leaves_the_first_words_for_good(world: Titles) -> None:
    world.models.play(says("Dear…"), says(titled("")), says("Firmer."))
    thread = await world.say()
    await world.say("Make it firmer.", thread)
    assert (await world.thread(thread)).title == FIRST_WORDS
    assert len(world.asked_for_titles) == 1


async def test_a_failure_that_can_not_heal_leaves_the_first_words_and_is_logged(
    world: Titles, caplog: pytest.LogCaptureFixture
) -> None:
    world.models.play(says("Dear…"), breaks(ProviderError("models.provider_refused", "No.", retryable=False)))
    with caplog.at_level(logging.WARNING, "mecum"):
        thread = await world.say()
    assert (await world.thread(thread)).title == FIRST_WORDS
    assert "models.provider_refused" in caplog.text
    assert await world.hand.waiting() == []


async def test_a_model_that_is_busy_is_asked_again_later_and_not_for_ever(world: Titles) -> None:
    busy: MecumError = EngineUnavailable("models.local_wanted", "Busy.", retry_after=30.0)
    world.models.play(says("Dear…"), breaks(busy))
    thread = await world.say()
    for number in range(1, TRIES_MAX):
        assert await world.hand.waiting() == [(TITLE, world.clock.now() + dt.timedelta(seconds=30 * 2 ** (number - 1)))]
        world.clock.advance(30 * 2 ** (number - 1))
        await world.work()
    assert len(world.asked_for_titles) == TRIES_MAX
    assert await world.hand.waiting() == []
    assert (await world.thread(thread)).title == FIRST_WORDS


async def test_while_a_run_goes_on_no_title_is_asked_for_and_its_end_asks(world: Titles) -> None:
    world.models.play(says("Dear…"), breaks(EngineUnavailable("x", "Busy.")), says(titled("Letter to landlord")))
    thread = await world.say()
    await world.face.post(world.caller, thread, world.message("Make it firmer."))
    world.clock.advance(60)
    title = next(job.run for job in world.room.jobs if job.name == TITLE)
    await title(thread=thread.hex, run=(await world.log(thread))[3].run.hex, tries=2)  # type: ignore[union-attr]
    assert len(world.asked_for_titles) == 1
    world.models.play(says("Firmer."), says(titled("Letter to landlord")))
    await world.work()
    assert (await world.thread(thread)).title == "Letter to landlord"


async def test_an_answer_does_not_wait_for_a_title(database: Database, tmp_path: Path) -> None:
    never = asyncio.Event()
    async with World(database, tmp_path, thread_titles=True).running() as world:
        world.models.play(says("Dear…"), says(titled("Letter"), before=never), says("Firmer."))
        posted = await world.face.post_new(world.caller, world.message(LETTER))
        await world.until(posted.thread, "run.finished")
        async with asyncio.timeout(10):
            while len(world.models.requests) < 2:
                world.models.asked.clear()
                await world.models.asked.wait()
        await world.face.post(world.caller, posted.thread, world.message("Make it firmer."))
        await world.until(posted.thread, "run.finished", times=2)
        never.set()
        await world.until(posted.thread, "thread.titled", times=2)
        assert (await world.face.thread(world.caller, posted.thread)).title == "Letter"


async def test_a_message_without_words_is_titled_by_its_answer(world: Titles) -> None:
    world.models.play(says("It shows the energy used in 2025."), says(titled("Energy used in 2025")))
    file = await world.attachments.upload(world.caller, "energy.csv", pieces())
    posted = await world.face.post_new(world.caller, world.message("", attachments=[file.id]))
    assert (await world.thread(posted.thread)).title == ""
    await world.work()
    assert "It shows the energy" in str(world.asked_for_titles[0].messages[-1])
    assert (await world.thread(posted.thread)).title == "Energy used in 2025"


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (titled("Letter to landlord"), "Letter to landlord"),
        (titled(' "Letter to landlord." '), "Letter to landlord"),
        (titled("Title: **Letter to landlord**"), "Letter to landlord"),
        (titled("# Letter\nto landlord"), "Letter to landlord"),
        ("“Letter to landlord”", "Letter to landlord"),
        (titled("What is a letter?"), "What is a letter?"),
        (titled(""), ""),
        (titled("..."), ""),
        (titled("A letter that I write to my landlord"), ""),
        (titled("Extraordinarily incomprehensible correspondences"), ""),
        (titled("in the language of the message"), ""),
        (titled("给房东的信"), ""),
        ('{"title": "Letter to lan', ""),
        ('{"name": "Letter"}', ""),
        ('["Letter"]', ""),
        ("null", ""),
    ],
)
def test_a_title_is_cleaned_and_a_poor_one_is_none(written: str, title: str) -> None:
    assert read_title(written, LETTER) == title


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (titled("标题：《给房东的信》。"), "给房东的信"),
        (titled("Letter to landlord"), ""),
        (titled("Letter to房东"), ""),
        (titled("给房东的信，说暖气坏了两个星期了而他一直不接电话"), ""),
    ],
)
def test_a_chinese_conversation_gets_a_chinese_title(written: str, title: str) -> None:
    assert read_title(written, "帮我写一封信给房东，暖气坏了两个星期了。") == title
