"""A person's things in this room, handed over on export."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

from mecum.kit.blobs import Blobs
from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.types import Principal, SpaceId
from mecum.rooms.models.batches.files import ROOM
from mecum.rooms.models.batches.shapes import batch_object, file_id, file_object
from mecum.rooms.models.store import batches, files, responses, routing, usage
from mecum.rooms.models.wires.jsons import dumps
from mecum.rooms.people import ExportPart

PAGE = 200
Row = TypeVar("Row")
Place = TypeVar("Place")


class Exporting:
    name = "models"

    def __init__(self, db: Database, blobs: Blobs, clock: Clock) -> None:
        self._db = db
        self._blobs = blobs
        self._clock = clock

    async def export(self, principal: Principal) -> AsyncGenerator[ExportPart, None]:
        """Usage, stored responses, what the router decided, batches, one JSON object a line; files with their bytes."""
        yield ExportPart("models/usage.ndjson", self._usage(principal))
        yield ExportPart("models/responses.ndjson", self._responses(principal))
        yield ExportPart("models/routing.ndjson", self._routing(principal))
        yield ExportPart("models/batches.ndjson", self._batches(principal))
        async for part in self._files(principal):
            yield part

    async def _usage(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        async for record in self._all(principal, usage.of_person, UUID(int=0), lambda each: each.request_id):
            yield _line(record)

    async def _responses(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        async for stored in self._all(principal, responses.of_person, "", lambda each: each.id):
            yield _line(stored)

    async def _routing(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        async for decision in self._all(principal, routing.of_person, UUID(int=0), lambda each: each.id):
            yield _line(decision)

    async def _all(
        self,
        principal: Principal,
        read: Callable[[AsyncConnection, UUID, UUID, Place, int], Awaitable[Sequence[Row]]],
        after: Place,
        place: Callable[[Row], Place],
    ) -> AsyncGenerator[Row, None]:
        """All rows of the person in the space, page by page; no transaction is open while one is handed over."""
        while True:
            async with self._db.transaction() as connection:
                page = await read(connection, principal.person, principal.space, after, PAGE)
            for row in page:
                yield row
            if len(page) < PAGE:
                return
            after = place(page[-1])

    async def _batches(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        after: UUID | None = None
        while True:
            async with self._db.transaction() as connection:
                page = await batches.listed(connection, principal.person, principal.space, PAGE, after)
            for batch in page:
                yield dumps(batch_object(batch)) + b"\n"
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def _files(self, principal: Principal) -> AsyncGenerator[ExportPart, None]:
        after: UUID | None = None
        while True:
            async with self._db.transaction() as connection:
                page = await files.listed(
                    connection, principal.person, principal.space, self._clock.now(), PAGE, after=after
                )
            for file in page:
                folder = f"models/files/{file_id(file.id)}"
                yield ExportPart(f"{folder}/about.json", _once(dumps(file_object(file))))
                name = file.filename.lstrip(".") or "file.jsonl"
                yield ExportPart(f"{folder}/{name}", await self._blobs.open(file.blob_id, ROOM, SpaceId(file.space_id)))
            if len(page) < PAGE:
                return
            after = page[-1].id


async def _once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


def _line(row: usage.UsageRecord | responses.StoredResponse | routing.DecisionRow) -> bytes:
    return json.dumps(dataclasses.asdict(row), default=str, ensure_ascii=False).encode() + b"\n"
