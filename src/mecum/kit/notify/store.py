"""All SQL about notifications."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import Boolean, Column, ColumnElement, Row, SmallInteger, String, Table, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import JSONB, TIMESTAMP, AsyncConnection, room_metadata
from mecum.kit.db import UUID as PgUuid
from mecum.kit.notify.types import NewNotification, Notification, Preferences, QuietHours
from mecum.kit.types import PersonId, SpaceId

ANY = "*"
KINDS_MAX = 500
EXPORT_MAX = 50_000

metadata = room_metadata("kit")
notification = Table(
    "notification",
    metadata,
    Column("id", PgUuid, primary_key=True),
    Column("person_id", PgUuid, nullable=False),
    Column("space_id", PgUuid, nullable=False),
    Column("organisation_id", PgUuid, nullable=False),
    Column("kind", String(80), nullable=False),
    Column("params", JSONB, nullable=False),
    Column("link", String(500), nullable=False),
    Column("dedupe_key", String(200)),
    Column("bell", Boolean, nullable=False),
    Column("created_at", TIMESTAMP(timezone=True), nullable=False),
    Column("read_at", TIMESTAMP(timezone=True)),
    Column("mailed_at", TIMESTAMP(timezone=True)),
)
preference = Table(
    "notification_preference",
    metadata,
    Column("person_id", PgUuid, primary_key=True),
    Column("kind", String(80), primary_key=True),
    Column("bell", Boolean),
    Column("mail", Boolean),
    Column("quiet_from_minute", SmallInteger),
    Column("quiet_to_minute", SmallInteger),
    Column("timezone", String(64)),
)


async def add(
    connection: AsyncConnection, notification_id: UUID, new: NewNotification, *, bell: bool, now: dt.datetime
) -> bool:
    """Whether it was added: not when the person was told of the same before."""
    statement = insert(notification).values(
        id=notification_id,
        person_id=new.person,
        space_id=new.space,
        organisation_id=new.organisation,
        kind=new.kind,
        params=dict(new.params),
        link=new.link,
        dedupe_key=new.dedupe_key,
        bell=bell,
        created_at=now,
    )
    return (await connection.execute(statement.on_conflict_do_nothing())).rowcount == 1


async def page(
    connection: AsyncConnection, person: PersonId, space: SpaceId, *, before: UUID | None, unread: bool, limit: int
) -> list[Notification]:
    """The newest first."""
    statement = select(notification).where(_in_bell(person, space))
    if before is not None:
        statement = statement.where(notification.c.id < before)
    if unread:
        statement = statement.where(notification.c.read_at.is_(None))
    rows = await connection.execute(statement.order_by(notification.c.id.desc()).limit(limit))
    return [_notification(row) for row in rows]


async def unread(connection: AsyncConnection, person: PersonId) -> dict[SpaceId, int]:
    """How many are unread in each space of the person. bounded: one row a space."""
    theirs = notification.c.bell & notification.c.read_at.is_(None) & (notification.c.person_id == person)
    counted = select(notification.c.space_id, func.count()).where(theirs).group_by(notification.c.space_id)
    return {SpaceId(space): int(count) for space, count in await connection.execute(counted)}


async def mark_read(
    connection: AsyncConnection, person: PersonId, space: SpaceId, ids: Sequence[UUID] | None, now: dt.datetime
) -> int:
    mine = _in_bell(person, space) & notification.c.read_at.is_(None)
    if ids is not None:
        mine &= notification.c.id.in_(ids)
    return (await connection.execute(update(notification).where(mine).values(read_at=now))).rowcount


async def to_mail(connection: AsyncConnection, notification_id: UUID) -> tuple[PersonId, Notification] | None:
    """A notification that is neither read nor mailed, locked."""
    open_still = notification.c.read_at.is_(None) & notification.c.mailed_at.is_(None)
    statement = select(notification).where(notification.c.id == notification_id, open_still).with_for_update()
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else (PersonId(row.person_id), _notification(row))


async def mark_mailed(connection: AsyncConnection, notification_id: UUID, now: dt.datetime) -> None:
    done = update(notification).where(notification.c.id == notification_id).values(mailed_at=now)
    await connection.execute(done)


async def preferences(connection: AsyncConnection, person: PersonId) -> Preferences:
    rows = (await connection.execute(select(preference).where(preference.c.person_id == person).limit(KINDS_MAX))).all()
    quiet = next((row for row in rows if row.kind == ANY and row.quiet_from_minute is not None), None)
    return Preferences(
        bell={row.kind: row.bell for row in rows if row.bell is not None},
        mail={row.kind: row.mail for row in rows if row.mail is not None},
        quiet=None if quiet is None else QuietHours(quiet.quiet_from_minute, quiet.quiet_to_minute, quiet.timezone),
    )


async def set_preferences(connection: AsyncConnection, person: PersonId, chosen: Preferences) -> None:
    await connection.execute(delete(preference).where(preference.c.person_id == person))
    rows: list[Mapping[str, object]] = []
    for kind in sorted({ANY, *chosen.bell, *chosen.mail}):
        quiet = chosen.quiet if kind == ANY else None
        rows.append(
            {
                "person_id": person,
                "kind": kind,
                "bell": chosen.bell.get(kind),
                "mail": chosen.mail.get(kind),
                "quiet_from_minute": quiet.from_minute if quiet else None,
                "quiet_to_minute": quiet.to_minute if quiet else None,
                "timezone": quiet.timezone if quiet else None,
            }
        )
    await connection.execute(insert(preference), rows)


async def erase(connection: AsyncConnection, person: PersonId) -> None:
    await connection.execute(delete(notification).where(notification.c.person_id == person))
    await connection.execute(delete(preference).where(preference.c.person_id == person))


async def everything(connection: AsyncConnection, person: PersonId) -> list[Notification]:
    statement = select(notification).where(notification.c.person_id == person)
    rows = await connection.execute(statement.order_by(notification.c.id.desc()).limit(EXPORT_MAX))
    return [_notification(row) for row in rows]


async def forget(connection: AsyncConnection, before: dt.datetime) -> None:
    await connection.execute(delete(notification).where(notification.c.created_at < before))


def _in_bell(person: PersonId, space: SpaceId) -> ColumnElement[bool]:
    return notification.c.bell & (notification.c.person_id == person) & (notification.c.space_id == space)


def _notification(row: Row[tuple[object, ...]]) -> Notification:
    return Notification(row.id, SpaceId(row.space_id), row.kind, row.params, row.link, row.created_at, row.read_at)
