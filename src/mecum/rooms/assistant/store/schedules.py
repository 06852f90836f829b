"""Scheduled tasks."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from mecum.kit.db import AsyncConnection
from mecum.kit.types import OrganisationId, PersonId, Principal, SpaceId
from mecum.rooms.assistant.store.tables import schedule


@dataclass(frozen=True, slots=True)
class Schedule:
    """A task for later: again and again by `cron` in `timezone`, or once `at` a moment.

    `next_at` is when it is looked at next, None when never. Where a due time could not be served yet, that time is
    `missed_at`, and `next_at` when it is tried again.
    """

    id: UUID
    person: PersonId
    space: SpaceId
    organisation: OrganisationId
    title: str
    text: str
    cron: str | None
    at: dt.datetime | None
    timezone: str
    enabled: bool
    thread: UUID | None = None
    next_at: dt.datetime | None = None
    missed_at: dt.datetime | None = None
    last_at: dt.datetime | None = None

    @property
    def once(self) -> bool:
        return self.cron is None


def _schedule(row: Any) -> Schedule:
    return Schedule(
        id=row["id"],
        person=row["person_id"],
        space=row["space_id"],
        organisation=row["organisation_id"],
        title=row["title"],
        text=row["text"],
        cron=row["cron"],
        at=row["at"],
        timezone=row["timezone"],
        enabled=row["enabled"],
        thread=row["thread_id"],
        next_at=row["next_at"],
        missed_at=row["missed_at"],
        last_at=row["last_at"],
    )


def _mine(principal: Principal) -> ColumnElement[bool]:
    return (schedule.c.space_id == principal.space) & (schedule.c.person_id == principal.person)


async def add(connection: AsyncConnection, new: Schedule, now: dt.datetime) -> None:
    await connection.execute(
        insert(schedule).values(
            id=new.id,
            person_id=new.person,
            space_id=new.space,
            organisation_id=new.organisation,
            title=new.title,
            text=new.text,
            cron=new.cron,
            at=new.at,
            timezone=new.timezone,
            enabled=new.enabled,
            thread_id=new.thread,
            next_at=new.next_at,
            created_at=now,
        )
    )


async def count(connection: AsyncConnection, principal: Principal) -> int:
    return (await connection.execute(select(func.count()).where(_mine(principal)))).scalar_one()


async def listed(
    connection: AsyncConnection, principal: Principal, *, after: UUID | None, limit: int
) -> list[Schedule]:
    query = select(schedule).where(_mine(principal))
    if after is not None:
        query = query.where(schedule.c.id < after)
    rows = (await connection.execute(query.order_by(schedule.c.id.desc()).limit(limit))).mappings()
    return [_schedule(row) for row in rows]


async def get(connection: AsyncConnection, principal: Principal, schedule_id: UUID) -> Schedule | None:
    query = select(schedule).where(schedule.c.id == schedule_id, _mine(principal)).with_for_update()
    row = (await connection.execute(query)).mappings().one_or_none()
    return _schedule(row) if row else None


async def change(connection: AsyncConnection, schedule_id: UUID, **values: Any) -> None:
    await connection.execute(update(schedule).where(schedule.c.id == schedule_id).values(values))


async def remove(connection: AsyncConnection, principal: Principal, schedule_id: UUID) -> bool:
    return (
        await connection.execute(delete(schedule).where(schedule.c.id == schedule_id, _mine(principal)))
    ).rowcount == 1


async def erase_person(connection: AsyncConnection, person: UUID) -> None:
    await connection.execute(delete(schedule).where(schedule.c.person_id == person))


async def due(connection: AsyncConnection, now: dt.datetime, limit: int) -> list[Schedule]:
    """Schedules whose time has come, the longest due first."""
    query = select(schedule).where(schedule.c.enabled, schedule.c.next_at <= now).order_by(schedule.c.next_at)
    return [_schedule(row) for row in (await connection.execute(query.limit(limit))).mappings()]


async def move(connection: AsyncConnection, seen: Schedule, **values: Any) -> bool:
    """Change when a schedule is due next. False when it is not due as it was `seen`: somebody else has moved it."""
    unmoved = schedule.c.next_at.is_not_distinct_from(seen.next_at) & schedule.c.enabled
    moved = await connection.execute(update(schedule).where(schedule.c.id == seen.id, unmoved).values(values))
    return moved.rowcount == 1
