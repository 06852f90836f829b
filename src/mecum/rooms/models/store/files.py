"""Files of the API: what was uploaded for batches, and what came of those. Their bytes are blobs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from mecum.kit.db import AsyncConnection
from mecum.rooms.models.store.batches import OPEN
from mecum.rooms.models.store.tables import batch
from mecum.rooms.models.store.tables import file as table

Purpose: TypeAlias = Literal["batch", "batch_output"]


@dataclass(frozen=True, slots=True)
class File:
    id: UUID
    person_id: UUID
    space_id: UUID
    organisation_id: UUID
    purpose: Purpose
    filename: str
    blob_id: UUID
    size_bytes: int
    created_at: dt.datetime
    expires_at: dt.datetime


_COLUMNS = [table.c[name] for name in File.__slots__]


async def add(connection: AsyncConnection, file: File) -> None:
    await connection.execute(insert(table).values({name: getattr(file, name) for name in File.__slots__}))


async def find(
    connection: AsyncConnection, file_id: UUID, person: UUID, space: UUID, now: dt.datetime, *, lock: bool = False
) -> File | None:
    """A person's file whose time is not over; `lock`: nobody else removes it, or begins a batch with it, meanwhile."""
    mine = (table.c.id == file_id) & (table.c.person_id == person) & (table.c.space_id == space)
    wanted = select(*_COLUMNS).where(mine, table.c.expires_at > now)
    row = (await connection.execute(wanted.with_for_update() if lock else wanted)).mappings().one_or_none()
    return None if row is None else File(**row)


async def listed(
    connection: AsyncConnection,
    person: UUID,
    space: UUID,
    now: dt.datetime,
    limit: int,
    *,
    after: UUID | None = None,
    newest_first: bool = True,
    purpose: str | None = None,
) -> tuple[File, ...]:
    mine = (table.c.person_id == person) & (table.c.space_id == space) & (table.c.expires_at > now)
    if purpose is not None:
        mine &= table.c.purpose == purpose
    if after is not None:
        mine &= table.c.id < after if newest_first else table.c.id > after
    order = table.c.id.desc() if newest_first else table.c.id
    rows = await connection.execute(select(*_COLUMNS).where(mine).order_by(order).limit(limit))
    return tuple(File(**row) for row in rows.mappings())


async def count(connection: AsyncConnection, person: UUID) -> int:
    return int((await connection.execute(select(func.count()).where(table.c.person_id == person))).scalar_one())


async def remove(connection: AsyncConnection, file_id: UUID) -> None:
    await connection.execute(delete(table).where(table.c.id == file_id))


async def expired(connection: AsyncConnection, now: dt.datetime, limit: int) -> Sequence[UUID]:
    """Files whose time is over, but for those that a batch still reads."""
    reads = select(batch.c.id).where(batch.c.input_file_id == table.c.id, batch.c.status.in_(OPEN)).exists()
    old = select(table.c.id).where(table.c.expires_at <= now, ~reads).order_by(table.c.expires_at).limit(limit)
    return (await connection.execute(old)).scalars().all()


async def take_out(
    connection: AsyncConnection, *, file_id: UUID | None = None, person: UUID | None = None
) -> list[UUID]:
    """Remove a file, or all files of a person. Gives their blobs, which are to be released."""
    which = table.c.id == file_id if file_id is not None else table.c.person_id == person
    return list((await connection.execute(delete(table).where(which).returning(table.c.blob_id))).scalars())


async def read_by(connection: AsyncConnection, file_id: UUID) -> File | None:
    """A file whosever it is, also when its time is over: for the job of a batch that reads it."""
    row = (await connection.execute(select(*_COLUMNS).where(table.c.id == file_id))).mappings().one_or_none()
    return None if row is None else File(**row)
