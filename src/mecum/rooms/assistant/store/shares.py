"""Shared copies."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, insert, select

from mecum.kit.db import AsyncConnection
from mecum.kit.sealed import SealedColumn
from mecum.kit.types import Principal
from mecum.rooms.assistant.store.log import Place
from mecum.rooms.assistant.store.tables import share, thread


def _thread_is_there() -> ColumnElement[bool]:
    """A copy is not public while its conversation is deleted; restoring the conversation brings it back."""
    return exists().where(thread.c.id == share.c.thread_id, thread.c.deleted_at.is_(None))


TOKEN = SealedColumn("assistant.share", share.c.sealed_token, lambda share_id: f"assistant.share:{share_id.hex}")


@dataclass(frozen=True, slots=True)
class Share:
    id: UUID
    thread: UUID
    person: UUID
    title: str
    sealed_token: bytes
    snapshot: Mapping[str, Any]
    created_at: dt.datetime


def _share(row: Any) -> Share:
    return Share(
        row["id"],
        row["thread_id"],
        row["person_id"],
        row["title"],
        row["sealed_token"],
        row["snapshot"],
        row["created_at"],
    )


async def add(connection: AsyncConnection, place: Place, new: Share, token_hash: bytes) -> None:
    await connection.execute(
        insert(share).values(
            id=new.id,
            thread_id=new.thread,
            person_id=place.person,
            space_id=place.space,
            organisation_id=place.organisation,
            token_hash=token_hash,
            sealed_token=new.sealed_token,
            title=new.title,
            snapshot=new.snapshot,
            created_at=new.created_at,
        )
    )


async def listed(
    connection: AsyncConnection,
    principal: Principal,
    *,
    after: UUID | None,
    limit: int,
    of: UUID | None = None,
    withheld: bool = False,
) -> list[Share]:
    """The caller's shares, newest first, those before `after`; with `withheld` also those of deleted threads."""
    query = select(share).where(share.c.space_id == principal.space, share.c.person_id == principal.person)
    if not withheld:
        query = query.where(_thread_is_there())
    if after is not None:
        query = query.where(share.c.id < after)
    if of is not None:
        query = query.where(share.c.thread_id == of)
    rows = (await connection.execute(query.order_by(share.c.id.desc()).limit(limit))).mappings()
    return [_share(row) for row in rows]


async def amount(connection: AsyncConnection, principal: Principal) -> tuple[int, int]:
    """How many copies the caller has shared, and their bytes altogether."""
    query = select(func.count(), func.coalesce(func.sum(share.c.size_bytes), 0)).where(
        share.c.space_id == principal.space, share.c.person_id == principal.person
    )
    number, size_bytes = (await connection.execute(query)).one()
    return number, int(size_bytes)


async def by_token(connection: AsyncConnection, token_hash: bytes) -> Share | None:
    query = select(share).where(share.c.token_hash == token_hash, _thread_is_there())
    row = (await connection.execute(query)).mappings().one_or_none()
    return _share(row) if row else None


async def remove(connection: AsyncConnection, principal: Principal, share_id: UUID) -> bool:
    mine = (share.c.id == share_id) & (share.c.space_id == principal.space) & (share.c.person_id == principal.person)
    return (await connection.execute(delete(share).where(mine))).rowcount == 1
