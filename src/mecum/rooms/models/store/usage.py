"""Usage records: one per call, written in batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects import postgresql

from mecum.kit.db import AsyncConnection, copy_rows
from mecum.kit.values import frozen
from mecum.rooms.models.store.tables import usage

_NAMES = tuple(column.name for column in usage.columns)
NOBODY = UUID(int=0)
"""Stands in records for a person who was erased: what was used stays counted, by whom does not."""


@frozen
class UsageRecord:
    """One call to a model. Times in milliseconds; `outcome` is `ok`, `cancelled` or the code of an error.

    Args:
        cost_micros: what it cost, by the prices of `price_id`; micro-units of the installation's currency.
        tier: the service tier in which it was served.
        degraded: what was taken away so that it could be served, or None.
        work_id: the run or job for which it was made.
    """

    request_id: UUID
    at: dt.datetime
    person_id: UUID
    space_id: UUID
    organisation_id: UUID
    actor: str
    key_id: UUID | None
    surface: str
    purpose: str
    model: str
    provider: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int
    estimated: bool
    latency_ms: int
    ttft_ms: int | None
    outcome: str
    cost_micros: int = 0
    price_id: UUID | None = None
    band: str = "interactive"
    queue_ms: int = 0
    tier: str = "default"
    degraded: str | None = None
    work_id: UUID | None = None
    cache_write_tokens: int = 0


_ARRAYS = ", ".join(
    f"CAST(:{column.name} AS {column.type.compile(postgresql.dialect())}[])"  # pyright: ignore[reportUnknownMemberType]
    for column in usage.columns
)
_ADD = text(
    f"INSERT INTO models.usage ({', '.join(column.name for column in usage.columns)})"  # noqa: S608  names of our own
    f" SELECT * FROM unnest({_ARRAYS}) ON CONFLICT (request_id) DO NOTHING RETURNING request_id"
)


async def add(connection: AsyncConnection, records: Sequence[UsageRecord]) -> set[UUID]:
    """Write records; one that is there already stays as it is. Gives the ids of those that were not.

    One array per column: a statement per row cost more than relaying the call.
    """
    values = {name: [getattr(record, name) for record in records] for name in _NAMES}
    return set((await connection.execute(_ADD, values)).scalars())


_values = attrgetter(*_NAMES)


async def copy(connection: AsyncConnection, records: Sequence[UsageRecord]) -> None:
    """Write records of which none is there yet.

    Raises:
        NotCopied: one is, or holds what can't be kept as it is: `add` does it.
    """
    await copy_rows(connection, usage, _NAMES, [_values(record) for record in records])


async def of_person(
    connection: AsyncConnection, person: UUID, space: UUID, after: UUID, limit: int
) -> tuple[UsageRecord, ...]:
    """A person's records in a space, oldest first, after the record `after`."""
    mine = (usage.c.person_id == person) & (usage.c.space_id == space) & (usage.c.request_id > after)
    statement: Any = select(usage).where(mine).order_by(usage.c.request_id).limit(limit)
    return tuple(UsageRecord(**row) for row in (await connection.execute(statement)).mappings())


async def sweep(connection: AsyncConnection, before: dt.datetime, limit: int) -> int:
    """Remove records of calls before a moment, at most `limit`; gives how many."""
    old = select(usage.c.request_id).where(usage.c.at < before).limit(limit).scalar_subquery()
    return (await connection.execute(delete(usage).where(usage.c.request_id.in_(old)))).rowcount


async def forget_person(connection: AsyncConnection, person: UUID) -> None:
    values = {"person_id": NOBODY, "space_id": NOBODY, "key_id": None}
    await connection.execute(update(usage).where(usage.c.person_id == person).values(values))
