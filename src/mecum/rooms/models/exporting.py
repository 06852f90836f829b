"""A person's things in this room, handed over on export."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncGenerator
from uuid import UUID

from mecum.kit.blobs import Blobs
from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.kit.types import Principal, SpaceId
from mecum.rooms.models.batches.files import ROOM
from mecum.rooms.models.batches.shapes import batch_object, file_id, file_object
from mecum.rooms.models.store import batches, files, responses, routing, usage
from mecum.rooms.models.wires.jsons import dumps
from mecum.rooms.people import ExportPart

PAGE = 200


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
        after = UUID(int=0)
        while True:
            async with self._db.transaction() as connection:
                page = await usage.of_person(connection, principal.person, principal.space, after, PAGE)
            for record in page:
                yield _line(record)
            if len(page) < PAGE:
                return
            after = page[-1].request_id

    async def _responses(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        after = ""
        while True:
            async with self._db.transaction() as connection:
                page = await responses.of_person(connection, principal.person, principal.space, after, PAGE)
            for stored in page:
                yield _line(stored)
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def _routing(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        after = UUID(int=0)
        while True:
            async with self._db.transaction() as connection:
                page = await routing.of_person(connection, principal.person, principal.space, after, PAGE)
            for decision in page:
                yield _line(decision)
            if len(page) < PAGE:
                return
            after = page[-1].id

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
