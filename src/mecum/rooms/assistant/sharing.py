"""Sharing a copy: a read-only snapshot behind a link that can be withdrawn. What is written later is not in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mecum.kit.crypto import hash_secret
from mecum.kit.errors import NotFound, TooMany
from mecum.kit.ids import encode, new_id, new_secret
from mecum.kit.room import Kit
from mecum.kit.types import Page, Principal
from mecum.rooms.assistant import Event
from mecum.rooms.assistant.events import MESSAGE_ASSISTANT, MESSAGE_USER
from mecum.rooms.assistant.service import path_to
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import log, runs, shares, threads
from mecum.rooms.assistant.store.log import Place
from mecum.rooms.assistant.store.shares import Share
from mecum.rooms.people import People

TOKEN_MAX = 100


class Sharing:
    def __init__(self, kit: Kit, people: People, settings: AssistantSettings) -> None:
        self._kit = kit
        self._people = people
        self._settings = settings

    async def share(self, principal: Principal, thread: UUID, upto: UUID | None) -> Share:
        """Make a copy of the selected branch, up to `upto` when given.

        Raises:
            NotFound: no such thread or message. TooMany: the limit of links is reached.
        """
        person = await self._people.person(principal.person)
        secret = new_secret("shr", entropy_bytes=24)
        now = self._kit.clock.now()
        async with self._kit.db.transaction() as connection:
            found = await threads.get(connection, principal, thread)
            if found is None or found.deleted_at is not None:
                raise NotFound("assistant.thread_unknown", "There is no such thread.")
            number, size_bytes = await shares.amount(connection, principal)
            if number >= self._settings.shares_max or size_bytes >= self._settings.shares_bytes_max:
                raise TooMany(
                    "assistant.too_many_shares", "You have shared as many copies as you may.", "Withdraw one."
                )
            events = await log.read_all(connection, thread, events_max=self._settings.history_events_max)
            path = path_to(events, upto or await threads.selected(connection, thread))
            if not path and upto is None:
                # The answer that is shown is still being written: what it answers is there.
                path = path_to(events, await runs.asked_by_open_answer(connection, thread))
            if not path:
                raise NotFound("assistant.message_unknown", "There is no such message in this thread.")
            new_share = new_id()
            sealed = await shares.TOKEN.seal(connection, self._kit.secrets, new_share, secret.encode())
            made = Share(new_share, thread, principal.person, found.title, sealed, snapshot(path, person.name), now)
            place = Place(thread, principal.person, principal.space, principal.organisation)
            await shares.add(connection, place, made, hash_secret(secret))
            await self._people.record(connection, principal, "assistant.thread_shared", encode("shr", new_share))
        return made

    async def listed(
        self, principal: Principal, *, cursor: UUID | None, limit: int, thread: UUID | None
    ) -> Page[Share]:
        """The caller's links, those of `thread` alone when given. Raises NotFound when there is no such thread."""
        async with self._kit.db.transaction() as connection:
            if thread is not None and await threads.get(connection, principal, thread) is None:
                raise NotFound("assistant.thread_unknown", "There is no such thread.")
            found = await shares.listed(connection, principal, after=cursor, limit=limit + 1, of=thread)
        more = len(found) > limit
        return Page(tuple(found[:limit]), encode("shr", found[limit - 1].id) if more else None)

    async def withdraw(self, principal: Principal, share: UUID) -> None:
        async with self._kit.db.transaction() as connection:
            if not await shares.remove(connection, principal, share):
                raise NotFound("assistant.share_unknown", "There is no such link.")
            await self._people.record(connection, principal, "assistant.share_withdrawn", encode("shr", share))

    async def open(self, token: str) -> Mapping[str, Any]:
        """The copy behind a link, for anybody who has it. Raises NotFound when it was withdrawn or never was."""
        async with self._kit.db.transaction() as connection:
            found = await shares.by_token(connection, hash_secret(token[:TOKEN_MAX]))
        if found is None:
            raise NotFound("assistant.share_unknown", "There is no such link, or it was withdrawn.")
        return {
            "title": found.title,
            "created_at": found.created_at.isoformat().replace("+00:00", "Z"),
            **found.snapshot,
        }

    def url(self, share: Share) -> str:
        token = shares.TOKEN.open(self._kit.secrets, share.id, share.sealed_token).decode()
        return f"{self._kit.public_url}/s/{token}"


def snapshot(path: Sequence[Event], by: str) -> dict[str, Any]:
    """What is shared of a branch: words and names of files, not what tools did nor who the model was."""
    messages = [
        {
            "role": "you" if event.type == MESSAGE_USER else "mecum",
            "text": str((event.payload or {}).get("text", "")),
            "at": event.at.isoformat().replace("+00:00", "Z"),
            "attachments": [file["name"] for file in (event.payload or {}).get("attachments", ())],
        }
        for event in path
        if event.type in (MESSAGE_USER, MESSAGE_ASSISTANT)
    ]
    return {"by": by, "messages": [m for m in messages if m["text"] or m["attachments"]]}
