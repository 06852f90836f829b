"""Sums of usage records. Each is bounded by a month of days, places and models."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, select, text

from mecum.kit.db import AsyncConnection
from mecum.rooms.models.store.tables import usage
from mecum.rooms.models.store.usage import UsageRecord

ROWS_MAX = 5000
WORKS_MAX = 2000


@dataclass(frozen=True, slots=True)
class Sum:
    """Calls of one day, from one place, to one model. `place`: a surface, `key` or `background`."""

    day: dt.date
    place: str
    key_id: UUID | None
    model: str
    calls: int
    input_tokens: int
    output_tokens: int
    cost_micros: int


@dataclass(frozen=True, slots=True)
class WorkUse:
    """What models were asked for one piece of work, such as the run of an answer. `cost`: in micro-units."""

    work: UUID
    calls: int
    input_tokens: int
    output_tokens: int
    cost: int


@dataclass(frozen=True, slots=True)
class Work:
    """How much was done: answers to a person at a screen, and pieces of work while nobody waited."""

    answers: int
    background: int
    first_at: dt.datetime | None


_SUMS = text(
    """
    SELECT (at AT TIME ZONE :timezone)::date AS day,
        CASE WHEN band IN ('background', 'bulk') THEN 'background' WHEN key_id IS NOT NULL THEN 'key' ELSE surface END
            AS place,
        CASE WHEN band IN ('background', 'bulk') THEN NULL ELSE key_id END AS key_id,
        model, count(*) AS calls,
        sum(input_tokens)::bigint AS input_tokens, sum(output_tokens)::bigint AS output_tokens,
        sum(cost_micros)::bigint AS cost_micros
    FROM models.usage WHERE person_id = :person AND at >= :starts AND at < :ends
    GROUP BY 1, 2, 3, 4 ORDER BY 1, 8 DESC, 5 DESC LIMIT :most
"""
)
_WORK = text(
    """
    SELECT count(DISTINCT COALESCE(work_id, request_id)) FILTER (WHERE purpose = 'assistant.answer') AS answers,
        count(DISTINCT COALESCE(work_id, request_id)) FILTER (WHERE band IN ('background', 'bulk')) AS background,
        (SELECT min(at) FROM models.usage WHERE person_id = :person) AS first_at
    FROM models.usage WHERE person_id = :person AND at >= :starts AND at < :ends AND outcome = 'ok'
"""
)

_WORKS = text(
    """
    SELECT work_id AS work, count(*) AS calls, sum(input_tokens)::bigint AS input_tokens,
        sum(output_tokens)::bigint AS output_tokens, sum(cost_micros)::bigint AS cost
    FROM models.usage WHERE person_id = :person AND at >= :starts AND at < :ends AND work_id IS NOT NULL
    GROUP BY work_id ORDER BY cost DESC, sum(input_tokens + output_tokens) DESC LIMIT :most
"""
)


async def sums(
    connection: AsyncConnection, person: UUID, starts: dt.datetime, ends: dt.datetime, timezone: str
) -> tuple[Sum, ...]:
    """By day of `timezone`, place and model; of one day the dearest first."""
    values = {"person": person, "starts": starts, "ends": ends, "timezone": timezone, "most": ROWS_MAX}
    return tuple(Sum(**row) for row in (await connection.execute(_SUMS, values)).mappings())


async def work(connection: AsyncConnection, person: UUID, starts: dt.datetime, ends: dt.datetime) -> Work:
    row = (await connection.execute(_WORK, {"person": person, "starts": starts, "ends": ends})).mappings().one()
    return Work(**row)


async def works(
    connection: AsyncConnection, person: UUID, starts: dt.datetime, ends: dt.datetime
) -> tuple[WorkUse, ...]:
    """By piece of work, the dearest first, and of those that cost the same the longest; at most `WORKS_MAX`."""
    values = {"person": person, "starts": starts, "ends": ends, "most": WORKS_MAX}
    rows = await connection.execute(_WORKS, values)
    return tuple(WorkUse(**row) for row in rows.mappings())


async def degraded(
    connection: AsyncConnection, person: UUID, starts: dt.datetime, ends: dt.datetime, limit: int
) -> tuple[UsageRecord, ...]:
    """Calls from which something was taken away, newest first."""
    here = (usage.c.person_id == person) & (usage.c.at >= starts) & (usage.c.at < ends)
    query = select(usage).where(here, usage.c.degraded.is_not(None)).order_by(usage.c.at.desc()).limit(limit)
    return tuple(_record(row) for row in (await connection.execute(query)).mappings())


async def newest(connection: AsyncConnection, person: UUID, before: UUID | None, limit: int) -> tuple[UsageRecord, ...]:
    """A person's records, newest first, before the record `before`."""
    mine = usage.c.person_id == person
    if before is not None:
        mine &= usage.c.request_id < before
    query = select(usage).where(mine).order_by(usage.c.request_id.desc()).limit(limit)
    return tuple(_record(row) for row in (await connection.execute(query)).mappings())


def _record(row: RowMapping) -> UsageRecord:
    return UsageRecord(**row)
