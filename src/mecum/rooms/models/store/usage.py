"""Usage records: one per call, written in batches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import AsyncConnection
from mecum.rooms.models.store.tables import usage

NOBODY = UUID(int=0)
"""Stands in records for a person who was erased: what was used stays counted, by whom does not."""


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One call to a model. Times in milliseconds; `outcome` is `ok`, `cancelled` or the code of an error."""

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


async def add(connection: AsyncConnection, records: Sequence[UsageRecord]) -> None:
    """Write records; one that is there already stays as it is."""
    rows = [{name: getattr(record, name) for name in UsageRecord.__slots__} for record in records]
    await connection.execute(insert(usage).on_conflict_do_nothing(index_elements=["request_id"]), rows)


async def of_person(
    connection: AsyncConnection, person: UUID, space: UUID, after: UUID, limit: int
) -> tuple[UsageRecord, ...]:
    """A person's records in a space, oldest first, after the record `after`."""
    mine = (usage.c.person_id == person) & (usage.c.space_id == space) & (usage.c.request_id > after)
    statement: Any = select(usage).where(mine).order_by(usage.c.request_id).limit(limit)
    return tuple(UsageRecord(**row) for row in (await connection.execute(statement)).mappings())


async def forget_person(connection: AsyncConnection, person: UUID) -> None:
    values = {"person_id": NOBODY, "space_id": NOBODY, "key_id": None}
    await connection.execute(update(usage).where(usage.c.person_id == person).values(values))
