"""Responses that the relay keeps, written off the hot path: readable at once, in the database a moment later."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import re
from uuid import UUID

from mecum.kit.bus import Bus
from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import Conflict, MecumError, NotFound, TooMany
from mecum.kit.jobs import Jobs
from mecum.kit.types import Principal
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import responses as store
from mecum.rooms.models.store.responses import StoredResponse
from mecum.rooms.models.wires.jsons import JsonObject, arr, dumps

logger = logging.getLogger(__name__)

MAKE = "models.make_response"
WRITES_AT_ONCE = 64
SWEEP_BATCH, SWEEP_BATCHES_MAX = 1000, 100
RETRY_AFTER_S = 10.0
TRIM_EVERY = 0.05
"""After such a part of what a person may keep, the limits are looked at again."""
STOP_WITHIN_S = 3.0
RESPONSE_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def cancel_channel(response_id: str) -> str:
    return f"models.response:{response_id}"


class Shelf:
    def __init__(self, db: Database, jobs: Jobs, bus: Bus, clock: Clock, settings: ModelsSettings) -> None:
        self._db = db
        self._jobs = jobs
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._writing: dict[str, StoredResponse] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(WRITES_AT_ONCE)
        self._came: dict[UUID, float] = {}

    def expires_at(self) -> dt.datetime:
        return self._clock.now() + dt.timedelta(days=self._settings.stored_response_days)

    def fits(self, conversation: list[JsonObject], response: JsonObject) -> bool:
        """Whether it is small enough to be kept."""
        return len(dumps(conversation)) + len(dumps(response)) <= self._settings.stored_response_limit_bytes

    async def put(self, stored: StoredResponse) -> None:
        """Keep a finished response. Waits only when very many are being written."""
        await self._places.acquire()
        self._writing[stored.id] = stored
        task = asyncio.create_task(self._write(stored))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def order(self, stored: StoredResponse) -> None:
        """Keep a response that is still to be made, with the job that makes it, in one transaction.

        Raises:
            TooMany: too many of this person are under way.
        """
        async with self._db.transaction() as connection:
            if await store.count_open(connection, stored.person_id) >= self._settings.background_responses_max:
                raise TooMany(
                    "models.too_many_background",
                    "Too many background responses are under way.",
                    "Wait until one has ended, or cancel one.",
                    params={"limit": self._settings.background_responses_max},
                    retry_after=RETRY_AFTER_S,
                )
            await self._add(connection, stored)
            await self._jobs.defer(connection, MAKE, response=stored.id)

    async def get(self, principal: Principal, response_id: str) -> StoredResponse:
        """Raises NotFound when there is none, or it is not the caller's."""
        if not RESPONSE_ID.fullmatch(response_id):
            raise unknown(response_id)
        found = self._writing.get(response_id)
        if found is None:
            async with self._db.transaction() as connection:
                found = await store.find(connection, response_id, principal.person, principal.space)
        mine = found is not None and (found.person_id, found.space_id) == (principal.person, principal.space)
        if found is None or not mine or found.expires_at <= self._clock.now():
            raise unknown(response_id)
        return found

    async def conversation(self, principal: Principal, previous: str | None) -> list[JsonObject]:
        """All items up to and with the answer of the response `previous`.

        Raises:
            NotFound: no such response. Conflict: it is not finished.
        """
        if previous is None:
            return []
        stored = await self.get(principal, previous)
        if stored.status in store.OPEN:
            raise Conflict(
                "models.response_unfinished",
                f"The response {previous[:128]} is not finished.",
                "Wait until its status is completed.",
                params={"response": previous[:128]},
                retryable=True,
            )
        return [*stored.conversation, *(item for item in arr(stored.response.get("output")) if _can_go_on(item))]

    async def cancel(self, principal: Principal, stored: StoredResponse) -> StoredResponse:
        """End a response that is being made; a finished one stays as it is."""
        cancelled = {**stored.response, "status": "cancelled"}
        async with self._db.transaction() as connection:
            await store.advance(connection, stored.id, "cancelled", cancelled)
        await self._bus.publish(cancel_channel(stored.id), b"cancel")
        return await self.get(principal, stored.id)

    async def remove(self, principal: Principal, response_id: str) -> None:
        """Raises NotFound."""
        await self.get(principal, response_id)
        await self.flush()
        async with self._db.transaction() as connection:
            await store.remove(connection, response_id, principal.person, principal.space)
        await self._bus.publish(cancel_channel(response_id), b"cancel")

    async def open_one(self, response_id: str) -> StoredResponse | None:
        """A response that is still to be made, whosever it is; now it is in progress.

        None when nothing is to be done.
        """
        async with self._db.transaction() as connection:
            found = await store.find_any(connection, response_id)
            if found is None or found.status not in store.OPEN:
                return None
            await store.advance(connection, response_id, "in_progress", {**found.response, "status": "in_progress"})
        return found

    async def finish(self, response_id: str, response: JsonObject) -> None:
        """Write what became of it, unless it was cancelled meanwhile."""
        async with self._db.transaction() as connection:
            await store.advance(connection, response_id, str(response["status"]), response)

    async def sweep(self) -> None:
        """Remove responses whose time is over, and of those who keep more than they may the oldest."""
        for _ in range(SWEEP_BATCHES_MAX):
            async with self._db.transaction() as connection:
                if await store.sweep(connection, self._clock.now(), SWEEP_BATCH) < SWEEP_BATCH:
                    break
        self._came.clear()
        async with self._db.transaction() as connection:
            for person in await store.over(connection, **self._limits):
                await store.trim(connection, person, **self._limits)

    async def flush(self) -> None:
        """Wait until everything is written."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=STOP_WITHIN_S)

    @property
    def _limits(self) -> dict[str, int]:
        most = self._settings
        return {"count_max": most.stored_responses_max, "bytes_max": most.stored_responses_bytes_max}

    async def _add(self, connection: AsyncConnection, stored: StoredResponse) -> None:
        """Keep a response; let the person's oldest go when a part of what they may keep came since the last time.

        To look at the limits for each response would cost more than to keep it.
        """
        size_bytes = await store.add(connection, stored)
        most, person = self._settings, stored.person_id
        came = 1 / most.stored_responses_max + size_bytes / most.stored_responses_bytes_max
        self._came[person] = self._came.get(person, 0.0) + came
        if self._came[person] >= TRIM_EVERY:
            del self._came[person]
            await store.trim(connection, person, **self._limits)

    async def _write(self, stored: StoredResponse) -> None:
        try:
            async with self._db.transaction() as connection:
                await self._add(connection, stored)
        except MecumError:
            logger.warning("A response could not be kept: the database is away")
        finally:
            self._writing.pop(stored.id, None)
            self._places.release()


def _can_go_on(item: JsonObject) -> bool:
    """Whether an item of an answer means something to the next request: bare thoughts are the provider's own."""
    return item.get("type") != "reasoning" or bool(item.get("encrypted_content"))


def unknown(response_id: str) -> NotFound:
    return NotFound(
        "models.response_unknown",
        f"There is no response {response_id[:128]}.",
        "Responses are kept for a limited time, and only when store is true.",
        params={"response": response_id[:128]},
    )
