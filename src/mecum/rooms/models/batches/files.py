"""Files of the API: uploaded, listed, read, removed by their owner alone; swept when their time is over."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from mecum.kit.blobs import Blobs
from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.kit.errors import BadRequest, Conflict, NotFound, TooMany
from mecum.kit.ids import new_id
from mecum.kit.types import Principal, SpaceId
from mecum.kit.uploads import Upload
from mecum.rooms.models.batches.shapes import FILE_ID, file_id, read_id
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import batches, files
from mecum.rooms.models.store.files import File
from mecum.rooms.models.wires.chat_in import malformed
from mecum.rooms.models.wires.jsons import count

ROOM = "models"
MEDIA_TYPE = "application/jsonl"
UNFINISHED_FOR = dt.timedelta(hours=1)
"""After this, bytes are removed that a crash left without a row."""
NAME_CHARS_MAX = 255
SWEEP_BATCH, SWEEP_BATCHES_MAX = 200, 100
EXPIRES_MIN_S, EXPIRES_MAX_S = 3600, 30 * 86400
ANCHOR, SECONDS = "expires_after[anchor]", "expires_after[seconds]"


class Files:
    def __init__(self, db: Database, blobs: Blobs, clock: Clock, settings: ModelsSettings) -> None:
        self._db = db
        self._blobs = blobs
        self._clock = clock
        self._settings = settings

    async def upload(self, principal: Principal, upload: Upload) -> File:
        """Keep what is uploaded.

        Raises:
            BadRequest: it is not an upload for batches. TooLarge: over a limit. TooMany: of files.
        """
        async with self._db.transaction() as connection:
            if await files.count(connection, principal.person) >= self._settings.batch_files_max:
                raise TooMany(
                    "models.too_many_files",
                    "There are too many files.",
                    "Delete some that are not needed any more.",
                    params={"limit": self._settings.batch_files_max},
                    retryable=False,
                )
        name = await upload.begin()
        if name is None:
            raise malformed("file", "a file is needed")
        now = self._clock.now()
        limit, until = self._settings.batch_file_limit_bytes, now + UNFINISHED_FOR
        space, organisation = principal.space, principal.organisation
        ref = await self._blobs.put(ROOM, space, organisation, upload.pieces(), MEDIA_TYPE, limit, expires_at=until)
        try:
            expires_at = self._expires_at(now, _purposed(await upload.fields()))
            whose = (principal.person, principal.space, principal.organisation)
            file = File(new_id(), *whose, "batch", _clean(name), ref.id, ref.size_bytes, now, expires_at)
            async with self._db.transaction() as connection:
                await self._blobs.keep(connection, ref.id)
                await files.add(connection, file)
        except BadRequest:
            async with self._db.transaction() as connection:
                await self._blobs.release(connection, ref.id)
            raise
        return file

    async def get(self, principal: Principal, file: str) -> File:
        """Raises NotFound when there is none, or it is not the caller's."""
        wanted = read_id(FILE_ID, file)
        found = None
        if wanted is not None:
            async with self._db.transaction() as connection:
                now = self._clock.now()
                found = await files.find(connection, wanted, principal.person, principal.space, now)
        if found is None:
            raise unknown_file(file)
        return found

    async def listed(
        self, principal: Principal, *, after: str | None, limit: int, newest_first: bool, purpose: str | None
    ) -> tuple[File, ...]:
        """One more than `limit` where there are more. Raises NotFound when `after` is no id of a file."""
        last = None if after is None else read_id(FILE_ID, after)
        if after is not None and last is None:
            raise unknown_file(after)
        async with self._db.transaction() as connection:
            return await files.listed(
                connection,
                principal.person,
                principal.space,
                self._clock.now(),
                limit + 1,
                after=last,
                newest_first=newest_first,
                purpose=purpose,
            )

    async def content(self, file: File) -> AsyncIterator[bytes]:
        return await self._blobs.open(file.blob_id, ROOM, SpaceId(file.space_id))

    async def remove(self, principal: Principal, file: str) -> File:
        """
        Raises:
            NotFound: as `get`. Conflict: a batch that has not ended reads it.
        """
        found = await self.get(principal, file)
        async with self._db.transaction() as connection:
            now, whose = self._clock.now(), (principal.person, principal.space)
            if await files.find(connection, found.id, *whose, now, lock=True) is None:
                raise unknown_file(file)
            if await batches.uses(connection, found.id):
                raise Conflict(
                    "models.file_in_use",
                    "A batch that has not ended reads this file.",
                    "Wait until it has ended, or cancel it.",
                    params={"file": file_id(found.id)},
                )
            await self._take_out(connection, found.id)
        return found

    async def sweep(self) -> None:
        """Remove files whose time is over, and batches that are older than they are kept."""
        before = self._clock.now() - dt.timedelta(days=self._settings.batch_days)
        for _ in range(SWEEP_BATCHES_MAX):
            async with self._db.transaction() as connection:
                gone = await files.expired(connection, self._clock.now(), SWEEP_BATCH)
                for each in gone:
                    await self._take_out(connection, each)
                old = await batches.sweep(connection, before, SWEEP_BATCH)
            if len(gone) < SWEEP_BATCH and old < SWEEP_BATCH:
                return

    async def _take_out(self, connection: batches.AsyncConnection, file: UUID) -> None:
        for blob in await files.take_out(connection, file_id=file):
            await self._blobs.release(connection, blob)

    def _expires_at(self, now: dt.datetime, fields: Mapping[str, str]) -> dt.datetime:
        if ANCHOR not in fields and SECONDS not in fields:
            return now + dt.timedelta(days=self._settings.batch_days)
        seconds = fields.get(SECONDS, "")
        number = int(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) <= 10 else 0
        return now + dt.timedelta(seconds=expires_after("expires_after", fields.get(ANCHOR), number))


def expires_after(where: str, anchor: object, seconds: object) -> int:
    """After how many seconds a file goes, as a request says. Raises BadRequest."""
    number = count(seconds) or 0
    if anchor != "created_at" or not EXPIRES_MIN_S <= number <= EXPIRES_MAX_S:
        raise malformed(where, f"anchor created_at and seconds from {EXPIRES_MIN_S} to {EXPIRES_MAX_S} are needed")
    return number


def unknown_file(file: str) -> NotFound:
    return NotFound(
        "models.file_unknown",
        f"There is no file {file[:80]}.",
        "GET /v1/files lists the files. They are kept for a limited time.",
        params={"file": file[:80]},
    )


def _purposed(fields: Mapping[str, str]) -> Mapping[str, str]:
    if fields.get("purpose") != "batch":
        raise malformed("purpose", "only files for batches are kept here: batch")
    return fields


def _clean(name: str) -> str:
    """The last part of a name, as it can be shown."""
    bare = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", name)[-1]).strip()
    return bare[:NAME_CHARS_MAX] or "file.jsonl"
