"""Attachments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Problem
from mecum.kit.types import OrganisationId, PersonId, Principal, SpaceId
from mecum.rooms.assistant.store.tables import attachment


@dataclass(frozen=True, slots=True)
class Attachment:
    id: UUID
    person: PersonId
    space: SpaceId
    organisation: OrganisationId
    thread: UUID | None
    blob: UUID
    name: str
    kind: str
    media_type: str
    size_bytes: int
    state: Literal["reading", "ready", "failed"]
    fault: Problem | None
    parts: Sequence[Mapping[str, Any]]


def _attachment(row: Any) -> Attachment:
    return Attachment(
        id=row["id"],
        person=row["person_id"],
        space=row["space_id"],
        organisation=row["organisation_id"],
        thread=row["thread_id"],
        blob=row["blob_id"],
        name=row["name"],
        kind=row["kind"],
        media_type=row["media_type"],
        size_bytes=row["size_bytes"],
        state=row["state"],
        fault=row["fault"],
        parts=row["parts"] or (),
    )


async def add(connection: AsyncConnection, new: Attachment, now: dt.datetime) -> None:
    await connection.execute(
        insert(attachment).values(
            id=new.id,
            person_id=new.person,
            space_id=new.space,
            organisation_id=new.organisation,
            thread_id=new.thread,
            blob_id=new.blob,
            name=new.name,
            kind=new.kind,
            media_type=new.media_type,
            size_bytes=new.size_bytes,
            state=new.state,
            fault=new.fault,
            created_at=now,
        )
    )


async def get(
    connection: AsyncConnection, attachment_id: UUID, principal: Principal | None = None
) -> Attachment | None:
    """One attachment; with `principal` only when it is that person's, in that space."""
    query = select(attachment).where(attachment.c.id == attachment_id)
    if principal is not None:
        query = query.where(attachment.c.person_id == principal.person, attachment.c.space_id == principal.space)
    row = (await connection.execute(query)).mappings().one_or_none()
    return _attachment(row) if row else None


async def of(connection: AsyncConnection, principal: Principal, ids: Sequence[UUID]) -> dict[UUID, Attachment]:
    """Those of `ids` that are the caller's. bounded: by `ids`."""
    query = select(attachment).where(
        attachment.c.id.in_(ids), attachment.c.person_id == principal.person, attachment.c.space_id == principal.space
    )
    return {row["id"]: _attachment(row) for row in (await connection.execute(query)).mappings()}


async def loose_count(connection: AsyncConnection, principal: Principal) -> int:
    """Files that the caller has uploaded and not yet sent."""
    query = select(func.count()).where(
        attachment.c.space_id == principal.space,
        attachment.c.person_id == principal.person,
        attachment.c.thread_id.is_(None),
    )
    return (await connection.execute(query)).scalar_one()


async def set_read(
    connection: AsyncConnection,
    attachment_id: UUID,
    *,
    parts: Sequence[Mapping[str, Any]] | None,
    fault: Problem | None,
) -> None:
    state = "failed" if fault else "ready"
    values = {"parts": None if parts is None else list(parts), "state": state, "fault": fault}
    await connection.execute(update(attachment).where(attachment.c.id == attachment_id).values(values))


async def tie(connection: AsyncConnection, ids: Sequence[UUID], thread: UUID, message: UUID | None) -> int:
    """Give files to a message of a thread.

    Returns: how many it has of them; others were removed or given away meanwhile.
    """
    free = attachment.c.thread_id.is_(None) | (attachment.c.thread_id == thread)
    brought = {} if message is None else {"message_id": message}
    given = update(attachment).where(attachment.c.id.in_(ids), free).values(thread_id=thread, **brought)
    return (await connection.execute(given)).rowcount


async def take_loose(connection: AsyncConnection, ids: Sequence[UUID]) -> list[UUID]:
    """Remove those that belong to no thread, also not since a moment ago. Returns: their blobs."""
    loose = attachment.c.id.in_(ids) & attachment.c.thread_id.is_(None)
    return list((await connection.execute(delete(attachment).where(loose).returning(attachment.c.blob_id))).scalars())


async def take_of_threads(connection: AsyncConnection, threads: Sequence[UUID], limit: int) -> list[UUID]:
    """Remove some files of these threads. Returns: their blobs."""
    some = select(attachment.c.id).where(attachment.c.thread_id.in_(threads)).limit(limit)
    gone = delete(attachment).where(attachment.c.id.in_(some)).returning(attachment.c.blob_id)
    return list((await connection.execute(gone)).scalars())


async def page_by_id(
    connection: AsyncConnection, principal: Principal, after: UUID | None, limit: int
) -> list[Attachment]:
    """All of the caller's files in the order of their ids."""
    mine = (attachment.c.person_id == principal.person) & (attachment.c.space_id == principal.space)
    query = select(attachment).where(mine)
    if after is not None:
        query = query.where(attachment.c.id > after)
    rows = (await connection.execute(query.order_by(attachment.c.id).limit(limit))).mappings()
    return [_attachment(row) for row in rows]


async def loose_before(connection: AsyncConnection, before: dt.datetime, limit: int) -> list[UUID]:
    query = select(attachment.c.id).where(attachment.c.thread_id.is_(None), attachment.c.created_at < before)
    return list((await connection.execute(query.limit(limit))).scalars())


async def loose_of_person(connection: AsyncConnection, person: UUID, limit: int) -> list[UUID]:
    query = select(attachment.c.id).where(attachment.c.thread_id.is_(None), attachment.c.person_id == person)
    return list((await connection.execute(query.limit(limit))).scalars())
