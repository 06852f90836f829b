"""Responses that the relay keeps: to be continued, to be read again, and while they are made in the background."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import AsyncConnection
from mecum.rooms.models.store.tables import stored_response as table

OPEN = ("queued", "in_progress")
SWEPT_PERSONS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response with what it answers.

    Args:
        request: the request as it came, without its input.
        conversation: all items before the answer; the last `input_count` of them came with this request.
        response: the response object; its `output` continues the conversation.
    """

    id: str
    person_id: UUID
    space_id: UUID
    organisation_id: UUID
    key_id: UUID | None
    surface: str
    model: str
    background: bool
    status: str
    request: dict[str, Any]
    conversation: list[dict[str, Any]]
    input_count: int
    response: dict[str, Any]
    created_at: dt.datetime
    expires_at: dt.datetime


_COLUMNS = [table.c[name] for name in StoredResponse.__slots__]


async def add(connection: AsyncConnection, stored: StoredResponse) -> int:
    """Keep a response; one that is there already stays as it is. Gives the bytes that it takes, 0 for such a one."""
    values = {name: getattr(stored, name) for name in StoredResponse.__slots__}
    statement = insert(table).values(values).on_conflict_do_nothing(index_elements=["id"]).returning(table.c.size_bytes)
    return (await connection.execute(statement)).scalar_one_or_none() or 0


async def find(connection: AsyncConnection, response_id: str, person: UUID, space: UUID) -> StoredResponse | None:
    mine = (table.c.id == response_id) & (table.c.person_id == person) & (table.c.space_id == space)
    row = (await connection.execute(select(*_COLUMNS).where(mine))).mappings().one_or_none()
    return None if row is None else StoredResponse(**row)


async def find_any(connection: AsyncConnection, response_id: str) -> StoredResponse | None:
    """A response whosever it is: for the job that makes it."""
    row = (await connection.execute(select(*_COLUMNS).where(table.c.id == response_id))).mappings().one_or_none()
    return None if row is None else StoredResponse(**row)


async def advance(connection: AsyncConnection, response_id: str, status: str, response: dict[str, Any]) -> bool:
    """Set the state of a response that is not finished yet. False: it is finished, cancelled or gone."""
    still = (table.c.id == response_id) & table.c.status.in_(OPEN)
    statement = update(table).where(still).values(status=status, response=response)
    return (await connection.execute(statement)).rowcount == 1


async def count_open(connection: AsyncConnection, person: UUID) -> int:
    """How many background responses of a person wait or run."""
    mine = (table.c.person_id == person) & table.c.status.in_(OPEN)
    return int((await connection.execute(select(func.count()).where(mine))).scalar_one())


async def remove(connection: AsyncConnection, response_id: str, person: UUID, space: UUID) -> bool:
    mine = (table.c.id == response_id) & (table.c.person_id == person) & (table.c.space_id == space)
    return (await connection.execute(delete(table).where(mine))).rowcount == 1


async def of_person(
    connection: AsyncConnection, person: UUID, space: UUID, after: str, limit: int
) -> tuple[StoredResponse, ...]:
    """A person's responses in a space, by id, after `after`."""
    mine = (table.c.person_id == person) & (table.c.space_id == space) & (table.c.id > after)
    rows = await connection.execute(select(*_COLUMNS).where(mine).order_by(table.c.id).limit(limit))
    return tuple(StoredResponse(**row) for row in rows.mappings())


async def forget_person(connection: AsyncConnection, person: UUID) -> None:
    await connection.execute(delete(table).where(table.c.person_id == person))


async def sweep(connection: AsyncConnection, now: dt.datetime, limit: int) -> int:
    """Remove responses whose time is over, at most `limit`; gives how many."""
    old = select(table.c.id).where(table.c.expires_at < now).limit(limit).scalar_subquery()
    return (await connection.execute(delete(table).where(table.c.id.in_(old)))).rowcount


async def trim(connection: AsyncConnection, person: UUID, *, count_max: int, bytes_max: int) -> int:
    """Remove the oldest responses of a person beyond either limit; gives how many. The newest one always stays."""
    newest = (table.c.created_at.desc(), table.c.id.desc())
    ranked = (
        select(
            table.c.id,
            table.c.status,
            func.row_number().over(order_by=newest).label("place"),
            func.sum(table.c.size_bytes).over(order_by=newest).label("bytes"),
        )
        .where(table.c.person_id == person)
        .subquery()
    )
    beyond = (ranked.c.place > count_max) | ((ranked.c.bytes > bytes_max) & (ranked.c.place > 1))
    old = select(ranked.c.id).where(beyond, ranked.c.status.not_in(OPEN))
    return (await connection.execute(delete(table).where(table.c.id.in_(old)))).rowcount


async def over(connection: AsyncConnection, *, count_max: int, bytes_max: int) -> list[UUID]:
    """Persons who keep more than either limit allows, at most `SWEPT_PERSONS_MAX`."""
    too_much = (func.count() > count_max) | (func.sum(table.c.size_bytes) > bytes_max)
    persons = select(table.c.person_id).group_by(table.c.person_id).having(too_much).limit(SWEPT_PERSONS_MAX)
    return list((await connection.execute(persons)).scalars())
