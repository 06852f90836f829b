"""Forgetting a person who is erased: all but usage goes, which stays without a name."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from mecum.kit.blobs import Blobs
from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.jobs import Jobs
from mecum.kit.outbox import OutboxEvent
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import batches, budgets, files, responses, routing, usage

FORGET_AGAIN = "models.forget_again"
MARGIN = dt.timedelta(minutes=1)


class Forgetting:
    """Twice: at once, and when every answer that was under way has ended and left its record."""

    def __init__(self, db: Database, jobs: Jobs, blobs: Blobs, clock: Clock, settings: ModelsSettings) -> None:
        self._db = db
        self._jobs = jobs
        self._blobs = blobs
        self._clock = clock
        self._longest = dt.timedelta(seconds=settings.provider_total_timeout_s) + MARGIN

    async def erase(self, event: OutboxEvent) -> None:
        person = UUID(hex=event.payload["person"])
        async with self._db.transaction() as connection:
            await self._forget(connection, person)
            await self._jobs.defer(connection, FORGET_AGAIN, at=self._clock.now() + self._longest, person=person.hex)

    async def again(self, person: str) -> None:
        """The job."""
        async with self._db.transaction() as connection:
            await self._forget(connection, UUID(hex=person))

    async def _forget(self, connection: AsyncConnection, person: UUID) -> None:
        await usage.forget_person(connection, person)
        await responses.forget_person(connection, person)
        await budgets.forget_person(connection, person)
        await routing.forget_person(connection, person)
        await batches.forget_person(connection, person)
        for blob in await files.take_out(connection, person=person):
            await self._blobs.release(connection, blob)
