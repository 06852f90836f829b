"""Building the room."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter

from mecum.kit.jobs import JobSpec
from mecum.kit.outbox import OutboxEvent, Subscription
from mecum.kit.room import Kit, Room
from mecum.rooms.assistant import Recall, Review
from mecum.rooms.assistant.api import files as files_api
from mecum.rooms.assistant.api import schedules as schedules_api
from mecum.rooms.assistant.api import search as search_api
from mecum.rooms.assistant.api import sharing as sharing_api
from mecum.rooms.assistant.api import threads as threads_api
from mecum.rooms.assistant.api import using as using_api
from mecum.rooms.assistant.exporting import Exporting
from mecum.rooms.assistant.face import AssistantRoom
from mecum.rooms.assistant.files.arriving import Arriving
from mecum.rooms.assistant.files.attachments import READ, Attachments, Reader
from mecum.rooms.assistant.posting import Posting
from mecum.rooms.assistant.runner import ADVANCE, Runner
from mecum.rooms.assistant.scheduling import Scheduling
from mecum.rooms.assistant.searching import CATCH_UP, Searching
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.sharing import Sharing
from mecum.rooms.assistant.stopping import Stopping
from mecum.rooms.assistant.store import schedules, threads
from mecum.rooms.assistant.telling import Telling
from mecum.rooms.assistant.titling import TITLE, Titling
from mecum.rooms.assistant.tools.ask import ASK_PERSON
from mecum.rooms.assistant.tools.calculator import CALCULATOR
from mecum.rooms.assistant.tools.dates import date_tool
from mecum.rooms.assistant.tools.page import PageReader, page_tool
from mecum.rooms.assistant.tools.tasks import schedule_tool
from mecum.rooms.assistant.using import Metered, Using
from mecum.rooms.models import Models
from mecum.rooms.people import PERSON_DISABLED, PERSON_ERASED, People

ERASED_AT_ONCE = 200
ERASE_AGAIN = "assistant.erase_again"
UNDER_WAY = dt.timedelta(minutes=10)
"""A request that was let in just before its person was erased has ended by then."""
ADVANCE_WAIT_MAX_S = 30.0
"""What comes after a run in its thread, a stop too, waits behind its next try."""
READ_ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Ports:
    """What the room needs from others."""

    people: People
    models: Models
    recall: Recall
    review: Review
    reader: Reader
    pages: PageReader
    metered: Metered


def build(kit: Kit, ports: Ports, settings: AssistantSettings) -> Room[AssistantRoom]:
    """The room, with what it needs from others bound."""
    attachments = Attachments(kit, ports.reader, settings)
    posting = Posting(kit, settings, attachments)
    runner = Runner(kit, ports.people, ports.models, ports.recall, ports.review, attachments, settings)
    scheduling = Scheduling(kit, ports.people, posting, settings)
    sharing = Sharing(kit, ports.people, settings)
    telling = Telling(kit)
    arriving = Arriving(kit, attachments, settings)
    face = AssistantRoom(kit, ports.people, posting, arriving, Exporting(kit), settings)
    stopping = Stopping(kit, settings)
    sweeper = Sweeper(kit, attachments, stopping, settings)
    searching = Searching(kit)
    titling = Titling(kit, ports.people, ports.models, settings)

    router = APIRouter()
    # Before the threads: neither "search" nor "usage" is a thread's id.
    router.include_router(search_api.build_router(searching))
    router.include_router(using_api.build_router(Using(kit.db, ports.metered)))
    router.include_router(threads_api.build_router(face, kit.streams))
    router.include_router(files_api.build_router(attachments))
    router.include_router(sharing_api.build_router(sharing))
    router.include_router(schedules_api.build_router(scheduling, kit.clock))
    return Room(
        name="assistant",
        face=face,
        router=router,
        tools=[
            date_tool(kit.clock),
            CALCULATOR,
            page_tool(kit.fetch, ports.pages, settings),
            ASK_PERSON,
            schedule_tool(scheduling, kit.clock, settings.schedule_chars_max),
        ],
        jobs=[
            JobSpec(ADVANCE, runner.advance, attempts_max=None, queue="runs", wait_max_s=ADVANCE_WAIT_MAX_S),
            JobSpec(READ, attachments.read, attempts_max=READ_ATTEMPTS_MAX, given_up=attachments.give_up_reading),
            JobSpec(ERASE_AGAIN, sweeper.erase_again),
            JobSpec(TITLE, titling.title, attempts_max=3),
            JobSpec(CATCH_UP, searching.catch_up, cron="* * * * *"),
            JobSpec("assistant.tick", scheduling.tick, cron="* * * * *"),
            JobSpec("assistant.sweep", sweeper.sweep, cron="*/10 * * * *"),
        ],
        handlers=[
            Subscription(PERSON_DISABLED, "assistant.stop_person", stopping.of_person),
            Subscription(PERSON_ERASED, "assistant.erase_person", sweeper.erase_person),
            *telling.subscriptions,
            *titling.subscriptions,
        ],
        start=runner.start,
        stop=runner.close,
    )


class Sweeper:
    """Removing for good: deleted threads after their time, temporary ones, files never sent, erased persons."""

    def __init__(self, kit: Kit, attachments: Attachments, stopping: Stopping, settings: AssistantSettings) -> None:
        self._kit = kit
        self._attachments = attachments
        self._stopping = stopping
        self._settings = settings

    async def sweep(self) -> None:
        now = self._kit.clock.now()
        deleted = now - dt.timedelta(days=self._settings.deleted_days)
        temporary = now - dt.timedelta(hours=self._settings.temporary_hours)
        await self._stopping.old_waits()
        await self._erase(lambda: threads.expired(deleted, temporary))
        await self._attachments.sweep()

    async def erase_person(self, event: OutboxEvent) -> None:
        """At once, and again when what was under way has ended."""
        person = UUID(hex=event.payload["person"])
        await self._erase_all_of(person)
        async with self._kit.db.transaction() as connection:
            later = self._kit.clock.now() + UNDER_WAY
            await self._kit.jobs.defer(connection, ERASE_AGAIN, at=later, person=person.hex)

    async def erase_again(self, person: str) -> None:
        """The job."""
        await self._erase_all_of(UUID(hex=person))

    async def _erase_all_of(self, person: UUID) -> None:
        await self._erase(lambda: threads.of_person(person))
        await self._attachments.erase_loose(person)
        async with self._kit.db.transaction() as connection:
            await schedules.erase_person(connection, person)

    async def _erase(self, condition: threads.Condition) -> None:
        while True:
            async with self._kit.db.transaction() as connection:
                found = await threads.lock_some(connection, condition(), ERASED_AT_ONCE)
                await self._attachments.erase_of_threads(connection, found)
                await threads.erase(connection, found)
            if len(found) < ERASED_AT_ONCE:
                return
