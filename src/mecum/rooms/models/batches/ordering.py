"""Batches as their owner sees them: created, read, listed, cancelled."""

from __future__ import annotations

import datetime as dt

from mecum.kit.bus import Bus
from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.kit.errors import Conflict, NotFound, TooMany
from mecum.kit.ids import new_id
from mecum.kit.jobs import Jobs
from mecum.kit.types import Principal
from mecum.rooms.models.batches.files import expires_after, unknown_file
from mecum.rooms.models.batches.lines import ENDPOINTS
from mecum.rooms.models.batches.shapes import BATCH_ID, FILE_ID, WINDOW, batch_id, read_id
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import batches, files
from mecum.rooms.models.store.batches import Batch
from mecum.rooms.models.wires.chat_in import malformed
from mecum.rooms.models.wires.jsons import JsonObject, loads, obj, text

WORK = "models.work_batch"
WINDOW_LENGTH = dt.timedelta(hours=24)
METADATA_MAX, NAME_CHARS_MAX, VALUE_CHARS_MAX = 16, 64, 512
RETRY_AFTER_S = 60.0
LANES = 4


def cancel_channel(batch: Batch) -> str:
    return f"models.batch:{batch.id.hex}"


def lane(batch: Batch) -> str:
    """The lock of its jobs: of one person's batches some are worked on at once, and the others take turns with them."""
    return f"models.batch:{batch.person_id.hex}:{batch.id.int % LANES}"


class Ordering:
    def __init__(self, db: Database, jobs: Jobs, bus: Bus, clock: Clock, settings: ModelsSettings) -> None:
        self._db = db
        self._jobs = jobs
        self._bus = bus
        self._clock = clock
        self._settings = settings

    async def create(self, principal: Principal, body: bytes) -> Batch:
        """A new batch, with the job that works on it, in one transaction.

        Raises:
            BadRequest: `body` does not describe one. NotFound: there is no such file. TooMany: too many are under way.
        """
        asked = obj(loads(body))
        values = self._values(principal, asked)
        file = text(asked.get("input_file_id"))
        wanted = read_id(FILE_ID, file)
        if wanted is None:
            raise unknown_file(file)
        async with self._db.transaction() as connection:
            now = self._clock.now()
            found = await files.find(connection, wanted, principal.person, principal.space, now, lock=True)
            if found is None:
                raise unknown_file(file)
            if found.purpose != "batch":
                raise malformed("input_file_id", "a file with the purpose batch is needed")
            if await batches.count_open(connection, principal.person) >= self._settings.batches_open_max:
                raise TooMany(
                    "models.too_many_batches",
                    "Too many batches are under way.",
                    "Wait until one has ended, or cancel one.",
                    params={"limit": self._settings.batches_open_max},
                    retry_after=RETRY_AFTER_S,
                )
            batch = await batches.add(connection, {**values, "input_file_id": found.id})
            await self._jobs.defer(connection, WORK, lock=lane(batch), batch=batch.id.hex)
        return batch

    async def get(self, principal: Principal, batch: str) -> Batch:
        """Raises NotFound when there is none, or it is not the caller's."""
        wanted = read_id(BATCH_ID, batch)
        found = None
        if wanted is not None:
            async with self._db.transaction() as connection:
                found = await batches.find(connection, wanted, principal.person, principal.space)
        if found is None:
            raise unknown_batch(batch)
        return found

    async def listed(self, principal: Principal, after: str | None, limit: int) -> tuple[Batch, ...]:
        """The newest first; one more than `limit` where there are more. Raises NotFound when `after` is no id."""
        last = None if after is None else read_id(BATCH_ID, after)
        if after is not None and last is None:
            raise unknown_batch(after)
        async with self._db.transaction() as connection:
            return await batches.listed(connection, principal.person, principal.space, limit + 1, last)

    async def cancel(self, principal: Principal, batch: str) -> Batch:
        """Begin to cancel; what is done is kept.

        Raises:
            NotFound: as `get`. Conflict: it has ended, or is about to.
        """
        found = await self.get(principal, batch)
        async with self._db.transaction() as connection:
            is_begun = await batches.cancel(connection, found.id, self._clock.now())
        found = await self.get(principal, batch)
        if found.status not in ("cancelling", "cancelled"):
            raise Conflict(
                "models.batch_ended",
                f"A batch that is {found.status} can't be cancelled.",
                params={"batch": batch_id(found.id), "status": found.status},
            )
        if is_begun:
            await self._bus.publish(cancel_channel(found), b"cancel")
        return found

    def _values(self, principal: Principal, asked: JsonObject) -> dict[str, object]:
        """The columns of a new batch. Raises BadRequest."""
        if asked.get("endpoint") not in ENDPOINTS:
            raise malformed("endpoint", f"one of {', '.join(ENDPOINTS)} is needed")
        if asked.get("completion_window") != WINDOW:
            raise malformed("completion_window", f"has to be {WINDOW}")
        if not isinstance(asked.get("input_file_id"), str):
            raise malformed("input_file_id", "the id of a file is needed")
        expires = asked.get("output_expires_after")
        if expires is not None:
            limits = obj(expires)
            expires = expires_after("output_expires_after", limits.get("anchor"), limits.get("seconds"))
        now = self._clock.now()
        return {
            "id": new_id(),
            "person_id": principal.person,
            "space_id": principal.space,
            "organisation_id": principal.organisation,
            "key_id": principal.paying_key,
            "endpoint": asked["endpoint"],
            "status": "validating",
            "metadata": _metadata(asked.get("metadata")),
            "errors": [],
            "output_expires_s": expires,
            "created_at": now,
            "expires_at": now + WINDOW_LENGTH,
        }


def _metadata(given: object) -> dict[str, str]:
    """Raises BadRequest."""
    if given is None:
        return {}
    values = obj(given)
    fits = all(len(name) <= NAME_CHARS_MAX and isinstance(value, str) for name, value in values.items())
    if (
        not isinstance(given, dict)
        or not fits
        or len(values) > METADATA_MAX
        or any(len(value) > VALUE_CHARS_MAX for value in values.values())
    ):
        raise malformed(
            "metadata",
            f"at most {METADATA_MAX} names of {NAME_CHARS_MAX} characters with texts of {VALUE_CHARS_MAX} are possible",
        )
    return values


def unknown_batch(batch: str) -> NotFound:
    return NotFound(
        "models.batch_unknown",
        f"There is no batch {batch[:80]}.",
        "GET /v1/batches lists the batches. They are kept for a limited time.",
        params={"batch": batch[:80]},
    )
