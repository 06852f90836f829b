"""Building the room."""

from __future__ import annotations

import datetime as dt

from mecum.kit.jobs import JobSpec
from mecum.kit.outbox import OutboxEvent, Subscription
from mecum.kit.room import Kit, Room
from mecum.rooms.assistant import Recall, Review
from mecum.rooms.assistant.api.threads import build_router
from mecum.rooms.assistant.context import NoFiles
from mecum.rooms.assistant.face import AssistantRoom
from mecum.rooms.assistant.posting import Posting
from mecum.rooms.assistant.runner import ADVANCE, Runner
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import threads
from mecum.rooms.models import Models
from mecum.rooms.people import PERSON_ERASED, People


def build(
    kit: Kit, people: People, models: Models, recall: Recall, review: Review, settings: AssistantSettings
) -> Room[AssistantRoom]:
    """The room, with what it needs from others bound."""
    runner = Runner(kit, people, models, recall, review, NoFiles(), settings)
    face = AssistantRoom(kit, Posting(kit, settings), settings)

    async def sweep() -> None:
        now = kit.clock.now()
        deleted = now - dt.timedelta(days=settings.deleted_days)
        temporary = now - dt.timedelta(hours=settings.temporary_hours)
        async with kit.db.transaction() as connection:
            await threads.erase(connection, threads.expired(deleted, temporary))

    async def erase_person(event: OutboxEvent) -> None:
        async with kit.db.transaction() as connection:
            await threads.erase(connection, threads.of_person(event.payload["person"]))

    return Room(
        name="assistant",
        face=face,
        router=build_router(face, kit),
        jobs=[
            JobSpec(ADVANCE, runner.advance, attempts_max=None),
            JobSpec("assistant.sweep", sweep, cron="*/10 * * * *"),
        ],
        handlers=[Subscription(PERSON_ERASED, "assistant.erase_person", erase_person)],
        start=runner.start,
        stop=runner.close,
    )
