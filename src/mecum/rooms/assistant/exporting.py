"""A person's part of the export: every thread with its log, every file, scheduled tasks, shared copies."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any
from uuid import UUID

from mecum.kit.ids import encode
from mecum.kit.room import Kit
from mecum.kit.types import Principal
from mecum.rooms.assistant import Thread
from mecum.rooms.assistant.files.attachments import ROOM, render
from mecum.rooms.assistant.store import files, log, schedules, shares, threads
from mecum.rooms.assistant.wire import dumps, render_event, render_thread
from mecum.rooms.people import ExportPart

PAGE = 200
EVENTS_PAGE = 500


class Exporting:
    """Implements `mecum.rooms.people.Exporter`."""

    name = "assistant"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def export(self, principal: Principal) -> AsyncGenerator[ExportPart, None]:
        """`threads/<id>.ndjson` (the thread, then its events, one a line), `files/`, schedules and shared copies."""
        after: UUID | None = None
        while True:
            async with self._kit.db.transaction() as connection:
                page = await threads.page_by_id(connection, principal, after, PAGE)
            for thread in page:
                yield ExportPart(f"assistant/threads/{encode('thr', thread.id)}.ndjson", self._thread(thread))
            if len(page) < PAGE:
                break
            after = page[-1].id
        async for part in self._files(principal):
            yield part
        yield ExportPart("assistant/schedules.ndjson", self._schedules(principal))
        yield ExportPart("assistant/shares.ndjson", self._shares(principal))

    async def _thread(self, thread: Thread) -> AsyncGenerator[bytes, None]:
        yield _line(render_thread(thread))
        after = 0
        while True:
            async with self._kit.db.transaction() as connection:
                events = await log.read(connection, thread.id, after=after, limit=EVENTS_PAGE)
            for event in events:
                yield _line(render_event(event))
            if len(events) < EVENTS_PAGE:
                return
            after = events[-1].seq

    async def _files(self, principal: Principal) -> AsyncGenerator[ExportPart, None]:
        after: UUID | None = None
        while True:
            async with self._kit.db.transaction() as connection:
                page = await files.page_by_id(connection, principal, after, PAGE)
            for each in page:
                folder = f"assistant/files/{encode('att', each.id)}"
                yield ExportPart(f"{folder}/about.json", _once(dumps({**render(each), "parts": list(each.parts)})))
                name = each.name.lstrip(".") or "file"
                yield ExportPart(f"{folder}/{name}", await self._kit.blobs.open(each.blob, ROOM, each.space))
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def _schedules(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        after: UUID | None = None
        while True:
            async with self._kit.db.transaction() as connection:
                page = await schedules.listed(connection, principal, after=after, limit=PAGE)
            for each in page:
                said = {"title": each.title, "text": each.text, "cron": each.cron, "timezone": each.timezone}
                at = None if each.at is None else each.at.isoformat()
                yield _line({"id": encode("sch", each.id), **said, "at": at, "enabled": each.enabled})
            if len(page) < PAGE:
                return
            after = page[-1].id

    async def _shares(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        after: UUID | None = None
        while True:
            async with self._kit.db.transaction() as connection:
                page = await shares.listed(connection, principal, after=after, limit=PAGE, withheld=True)
            for each in page:
                at = each.created_at.isoformat()
                yield _line({"id": encode("shr", each.id), "title": each.title, "created_at": at, **each.snapshot})
            if len(page) < PAGE:
                return
            after = page[-1].id


async def _once(data: bytes) -> AsyncGenerator[bytes, None]:
    yield data


def _line(value: Mapping[str, Any]) -> bytes:
    return dumps(value) + b"\n"
