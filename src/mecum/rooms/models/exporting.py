"""A person's things in this room, handed over on export."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import AsyncGenerator
from uuid import UUID

from mecum.kit.db import Database
from mecum.kit.types import Principal
from mecum.rooms.models.store import responses, routing, usage
from mecum.rooms.people import ExportPart

PAGE = 200


class Exporting:
    name = "models"

    def __init__(self, db: Database) -> None:
        self._db = db

    async def export(self, principal: Principal) -> AsyncGenerator[ExportPart, None]:
        """Usage records, stored responses and what the router decided, one JSON object a line."""
        yield ExportPart("models/usage.ndjson", self._usage(principal))
        yield ExportPart("models/responses.ndjson", self._responses(principal))
        yield ExportPart("models/routing.ndjson", self._routing(principal))

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


def _line(row: usage.UsageRecord | responses.StoredResponse | routing.DecisionRow) -> bytes:
    return json.dumps(dataclasses.asdict(row), default=str, ensure_ascii=False).encode() + b"\n"
