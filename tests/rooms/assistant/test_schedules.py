"""Scheduled tasks: each due time is served once, whatever happens meanwhile."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import Forbidden, MecumError, NotFound, TooLarge, TooMany, Unavailable, Unprocessable
from mecum.kit.types import PersonId, Principal, SpaceId, Surface
from mecum.rooms.assistant import Post, Posted
from mecum.rooms.assistant.posting import NewThread, Posting
from mecum.rooms.assistant.schedule_words import When, read_when
from mecum.rooms.assistant.scheduling import Scheduling
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store.schedules import Schedule
from tests.rooms.assistant.world import OnePerson, World, texts

pytestmark = pytest.mark.anyio

MONDAY = dt.datetime(2026, 11, 23, 8, 30, tzinfo=dt.UTC)
NINE = dt.datetime(2026, 11, 23, 9, 0, tzinfo=dt.UTC)


class Stumbling:
    """The real posting, with what happens before or after it."""

    def __init__(self, posting: Posting) -> None:
        self._posting = posting
        self.before: Callable[[Post], None] = lambda post: None
        self.after: Callable[[], None] = lambda: None

    async def post(self, principal: Principal, where: UUID | NewThread, post: Post) -> Posted:
        self.before(post)
        done = await self._posting.post(principal, where, post)
        self.after()
        return done


class Person(OnePerson):
    """A person who may be disabled, or gone."""

    problem: MecumError | None = None

    async def principal_for_job(
        self, person: PersonId, space: SpaceId, job: UUID, surface: Surface = "none"
    ) -> Principal:
        if self.problem is not None:
            raise self.problem
        return self.caller


class Desk:
    """A world in which the clock stands at Monday half past eight until told to move."""

    def __init__(self, database: Database, data: Path, **settings: Any) -> None:
        self.clock = ManualClock(MONDAY)
        self.world = World(database, data, clock=self.clock)
        self.person = Person(self.world.caller)
        self.posting = Stumbling(Posting(self.world.kit, AssistantSettings(**settings)))
        self.scheduling = Scheduling(
            self.world.kit, cast(Any, self.person), cast(Any, self.posting), AssistantSettings(**settings)
        )

    async def plan(self, words: str, text: str = "Water the plants.") -> Schedule:
        when = read_when(words, self.clock.now(), "UTC")
        return await self.scheduling.add(self.world.caller, title="Plants", text=text, when=when, timezone="UTC")

    async def tick_at(self, moment: dt.datetime) -> None:
        self.clock.advance((moment - self.clock.now()).total_seconds())
        await self.scheduling.tick()

    async def kept(self) -> Schedule:
        (found,) = (await self.scheduling.listed(self.world.caller, cursor=None, limit=10)).items
        return found

    async def said(self) -> list[str]:
        """What was posted, thread by thread."""
        found = (await self.world.face.threads(self.world.caller)).items
        return [text for thread in found for text in texts(await self.world.log(thread.id), "message.user")]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


async def test_a_task_without_a_title_is_called_by_whole_words_of_its_text(desk: Desk) -> None:
    text = "\nLook through the newspapers of the region for anything about the harbour and sum it up.\nBe brief."
    when = read_when("every Monday at 9", desk.clock.now(), "UTC")
    made = await desk.scheduling.add(desk.world.caller, title=" ", text=text, when=when, timezone="UTC")
    assert made.title == "Look through the newspapers of the region for…"


def fails(error: BaseException) -> Callable[..., None]:
    def fail(*_: Any) -> None:
        raise error

    return fail


def works(*_: Any) -> None:
    return None


async def test_a_schedule_fires_once_for_each_due_time_into_its_own_thread(desk: Desk) -> None:
    await desk.plan("every Monday at 9")
    await desk.scheduling.tick()
    assert await desk.said() == []
    await desk.tick_at(NINE)
    await desk.scheduling.tick()
    (thread,) = (await desk.world.face.threads(desk.world.caller)).items
    assert (thread.title, thread.origin) == ("Plants", "schedule")
    assert await desk.said() == ["Water the plants."]
    await desk.tick_at(NINE + dt.timedelta(days=7))
    assert len(texts(await desk.world.log(thread.id), "message.user")) == 2
    kept = await desk.kept()
    assert (kept.thread, kept.next_at) == (thread.id, NINE + dt.timedelta(days=14))


async def test_what_is_done_once_is_done_once_and_is_off_then(desk: Desk) -> None:
    await desk.plan("on 3 May 2028 at 9")
    await desk.tick_at(dt.datetime(2027, 5, 3, 9, tzinfo=dt.UTC))
    assert await desk.said() == []
    await desk.tick_at(dt.datetime(2028, 5, 3, 9, tzinfo=dt.UTC))
    await desk.tick_at(dt.datetime(2029, 5, 3, 9, tzinfo=dt.UTC))
    assert await desk.said() == ["Water the plants."]
    kept = await desk.kept()
    assert (kept.enabled, kept.next_at) == (False, None)


async def test_no_reminder_is_lost_while_the_database_is_away(desk: Desk) -> None:
    await desk.plan("today at 9")
    desk.posting.before = fails(Unavailable("database_unavailable", "away"))
    with pytest.raises(Unavailable):
        await desk.tick_at(NINE)
    desk.posting.before = works
    await desk.tick_at(NINE + dt.timedelta(minutes=1))
    assert await desk.said() == ["Water the plants."]


async def test_a_process_that_ends_between_the_message_and_the_note_about_it_repeats_nothing(desk: Desk) -> None:
    await desk.plan("today at 9")
    desk.posting.after = fails(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await desk.tick_at(NINE)
    assert (await desk.kept()).enabled
    desk.posting.after = works
    await desk.tick_at(NINE + dt.timedelta(minutes=1))
    assert await desk.said() == ["Water the plants."]
    assert not (await desk.kept()).enabled


async def test_two_processes_that_tick_at_once_post_once(desk: Desk) -> None:
    await desk.plan("every Monday at 9")
    desk.clock.advance(1_800)
    await asyncio.gather(*(desk.scheduling.tick() for _ in range(4)))
    assert await desk.said() == ["Water the plants."]
    assert (await desk.kept()).next_at == NINE + dt.timedelta(days=7)


async def test_tasks_of_a_person_who_is_disabled_for_a_while_go_on_afterwards(desk: Desk) -> None:
    await desk.plan("every Monday at 9", text="Water the plants.")
    await desk.plan("today at 9", text="Call the dentist.")
    desk.person.problem = Forbidden("people.disabled", "disabled")
    for minutes in range(0, 180, 10):
        await desk.tick_at(NINE + dt.timedelta(minutes=minutes))
    assert await desk.said() == []
    desk.person.problem = None
    await desk.tick_at(NINE + dt.timedelta(days=7))
    assert sorted(await desk.said()) == ["Call the dentist.", "Water the plants."]


async def test_a_full_thread_delays_a_task_and_does_not_end_it(desk: Desk) -> None:
    await desk.plan("every Monday at 9")
    desk.posting.before = fails(TooMany("assistant.too_many_pending", "full"))
    await desk.tick_at(NINE)
    assert (await desk.kept()).next_at == NINE + dt.timedelta(minutes=1)
    desk.posting.before = works
    await desk.tick_at(NINE + dt.timedelta(minutes=1))
    assert await desk.said() == ["Water the plants."]
    assert (await desk.kept()).next_at == NINE + dt.timedelta(days=7)


async def test_a_task_that_stays_undone_is_tried_ever_more_seldom_until_its_next_time(desk: Desk) -> None:
    await desk.plan("every day at 9")
    desk.posting.before = fails(TooMany("assistant.too_many_pending", "full"))
    tried: list[float] = []
    while (due := (await desk.kept()).next_at) is not None and due < NINE + dt.timedelta(days=1):
        tried.append((due - NINE).total_seconds() / 60)
        await desk.tick_at(due)
    assert tried[:8] == [0, 1, 2, 4, 8, 16, 32, 64]
    assert {later - sooner for sooner, later in pairwise(tried[7:])} == {60}
    assert (await desk.kept()).next_at == NINE + dt.timedelta(days=1)


async def test_one_broken_task_holds_up_no_other(desk: Desk) -> None:
    await desk.plan("today at 9", text="Broken.")
    await desk.plan("today at 9", text="Whole.")

    def break_one(post: Post) -> None:
        if post.text == "Broken.":
            raise ZeroDivisionError

    desk.posting.before = break_one
    await desk.tick_at(NINE)
    assert await desk.said() == ["Whole."]


async def test_what_no_waiting_mends_is_switched_off_and_told(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path, message_chars_max=1_000)
    await desk.plan("every Monday at 9", text="x" * 1_001)
    await desk.tick_at(NINE)
    assert not (await desk.kept()).enabled
    (told,) = desk.world.notify.told
    assert (told.kind, dict(told.params), told.link) == (
        "assistant.schedule_off",
        {"title": "Plants"},
        "/?panel=schedules",
    )


async def test_tasks_of_a_space_that_the_person_has_left_are_switched_off_without_a_word(desk: Desk) -> None:
    await desk.plan("every Monday at 9")
    desk.person.problem = NotFound("people.no_space", "gone")
    await desk.tick_at(NINE)
    assert not (await desk.kept()).enabled
    assert desk.world.notify.told == []


async def test_a_repeated_task_that_was_missed_for_long_is_left_for_its_next_time(desk: Desk) -> None:
    await desk.plan("every Monday at 9")
    await desk.tick_at(NINE + dt.timedelta(hours=13))
    assert await desk.said() == []
    assert (await desk.kept()).next_at == NINE + dt.timedelta(days=7)


async def test_of_many_times_that_were_missed_the_last_one_is_served_while_it_is_not_too_late(desk: Desk) -> None:
    await desk.plan("every day at 9")
    await desk.tick_at(NINE + dt.timedelta(days=5, hours=2))
    assert await desk.said() == ["Water the plants."]
    assert (await desk.kept()).next_at == NINE + dt.timedelta(days=6)


async def test_a_thread_that_was_deleted_is_followed_by_a_new_one(desk: Desk) -> None:
    await desk.plan("every day at 9")
    await desk.tick_at(NINE)
    first = (await desk.kept()).thread
    assert first is not None
    await desk.world.face.delete_thread(desk.world.caller, first)
    await desk.tick_at(NINE + dt.timedelta(days=1))
    assert (await desk.kept()).thread not in (None, first)


async def test_switching_off_and_on_keeps_the_moment_of_what_is_done_once(desk: Desk) -> None:
    made = await desk.plan("on 3 May 2028 at 9")
    off = await desk.scheduling.change(desk.world.caller, made.id, enabled=False)
    assert off.next_at is None
    moment = dt.datetime(2028, 5, 3, 9, tzinfo=dt.UTC)
    assert (await desk.scheduling.change(desk.world.caller, made.id, enabled=True)).next_at == moment
    await desk.tick_at(moment)
    with pytest.raises(Unprocessable) as caught:
        await desk.scheduling.change(desk.world.caller, made.id, enabled=True)
    assert caught.value.code == "assistant.schedule_past"
    renamed = await desk.scheduling.change(desk.world.caller, made.id, title="Old plants")
    assert not renamed.enabled
    later = When(None, moment + dt.timedelta(days=1))
    moved = await desk.scheduling.change(desk.world.caller, made.id, when=later, enabled=True)
    assert moved.next_at == later.at


async def test_a_task_that_is_changed_while_it_is_tried_again_keeps_its_due_time(desk: Desk) -> None:
    made = await desk.plan("today at 9")
    desk.posting.before = fails(TooMany("assistant.too_many_pending", "full"))
    await desk.tick_at(NINE)
    await desk.scheduling.change(desk.world.caller, made.id, text="Water the garden.")
    desk.posting.before = works
    await desk.tick_at(NINE + dt.timedelta(minutes=1))
    assert await desk.said() == ["Water the garden."]


async def test_a_task_is_as_long_as_the_settings_allow(database: Database, tmp_path: Path) -> None:
    desk = Desk(database, tmp_path, schedule_chars_max=100)
    kept = await desk.plan("every Monday at 9", "x" * 100)
    with pytest.raises(TooLarge, match="at most 100 characters"):
        await desk.plan("every Monday at 9", "x" * 101)
    with pytest.raises(TooLarge):
        await desk.scheduling.change(desk.world.caller, kept.id, text="x" * 101)
