"""All SQL about blobs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    LargeBinary,
    Row,
    String,
    Table,
    delete,
    func,
    insert,
    select,
    text,
    update,
)

from mecum.kit.blobs import BlobRef
from mecum.kit.db import TIMESTAMP, AsyncConnection, room_metadata
from mecum.kit.db import UUID as PgUuid
from mecum.kit.types import SpaceId

SWEEP_BATCH = 200

metadata = room_metadata("kit")
blob = Table(
    "blob",
    metadata,
    Column("id", PgUuid, primary_key=True),
    Column("room", String(40), nullable=False),
    Column("space_id", PgUuid, nullable=False),
    Column("organisation_id", PgUuid, nullable=False),
    Column("file", String(64), nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("expires_at", TIMESTAMP(timezone=True)),
    Column("released_at", TIMESTAMP(timezone=True)),
)


@dataclass(frozen=True, slots=True)
class File:
    """Args: name: of the file on the disk; context: what it is bound to."""

    name: str
    context: str


def context_of(room: str, space: UUID) -> str:
    """What the files of a room in a space are bound to: they can't be moved elsewhere."""
    return f"{room}:{space}"


def _live(now: dt.datetime) -> ColumnElement[bool]:
    return blob.c.released_at.is_(None) & (blob.c.expires_at.is_(None) | (blob.c.expires_at > now))


async def lock(connection: AsyncConnection, name: str) -> None:
    """Until the end of the transaction nobody else has the lock of `name`."""
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"kit.blob:{name}"}
    )


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> None:
    await connection.execute(insert(blob).values(dict(values)))


async def find(
    connection: AsyncConnection, blob_id: UUID, room: str, space: SpaceId, now: dt.datetime
) -> tuple[BlobRef, str] | None:
    """The blob and the name of its file."""
    mine = (blob.c.id == blob_id) & (blob.c.room == room) & (blob.c.space_id == space)
    row = (await connection.execute(select(blob).where(mine, _live(now)))).one_or_none()
    return None if row is None else (_ref(row), row.file)


async def used_bytes(connection: AsyncConnection, space: SpaceId, now: dt.datetime) -> int:
    files = select(blob.c.file, func.max(blob.c.size_bytes).label("size")).where(blob.c.space_id == space, _live(now))
    sizes = files.group_by(blob.c.file).subquery()
    return int((await connection.execute(select(func.coalesce(func.sum(sizes.c.size), 0)))).scalar_one())


async def keep(connection: AsyncConnection, blob_id: UUID, now: dt.datetime) -> bool:
    done = await connection.execute(update(blob).where(blob.c.id == blob_id, _live(now)).values(expires_at=None))
    return done.rowcount == 1


async def release(connection: AsyncConnection, condition: ColumnElement[bool], now: dt.datetime) -> int:
    done = await connection.execute(update(blob).where(condition, blob.c.released_at.is_(None)).values(released_at=now))
    return done.rowcount


async def given_up(connection: AsyncConnection, now: dt.datetime) -> Sequence[tuple[UUID, str]]:
    """Some blobs that nobody may read any more, with their files."""
    gone = select(blob.c.id, blob.c.file).where(~_live(now)).order_by(blob.c.id).limit(SWEEP_BATCH)
    return [(row.id, row.file) for row in await connection.execute(gone)]


async def remove(connection: AsyncConnection, blob_id: UUID) -> None:
    await connection.execute(delete(blob).where(blob.c.id == blob_id))


async def named(connection: AsyncConnection, files: Collection[str]) -> set[str]:
    """Those of `files` that a blob refers to."""
    found = await connection.execute(select(blob.c.file).where(blob.c.file.in_(files)).distinct().limit(len(files)))
    return {row.file for row in found}


async def some_files(connection: AsyncConnection, after: str, limit: int) -> Sequence[File]:
    """Files in the order of their names, those after `after`."""
    owned = select(blob.c.file, blob.c.room, blob.c.space_id).where(blob.c.file > after).distinct()
    rows = await connection.execute(owned.order_by(blob.c.file).limit(limit))
    return [File(row.file, context_of(row.room, row.space_id)) for row in rows]


def _ref(row: Row[tuple[object, ...]]) -> BlobRef:
    return BlobRef(row.id, bytes(row.sha256).hex(), row.size_bytes, row.media_type)
