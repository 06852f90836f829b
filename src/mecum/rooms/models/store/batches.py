"""Batches of requests, and the results of their lines until these stand in files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update

from mecum.kit.db import AsyncConnection
from mecum.rooms.models import Usage
from mecum.rooms.models.store.tables import batch as table
from mecum.rooms.models.store.tables import batch_line as lines

Status: TypeAlias = Literal[
    "validating", "failed", "in_progress", "finalizing", "completed", "expired", "cancelling", "cancelled"
]
OPEN: tuple[Status, ...] = ("validating", "in_progress", "finalizing", "cancelling")
TAKES_RESULTS: tuple[Status, ...] = ("in_progress", "cancelling")


class Fenced(Exception):
    """Somebody else works on the batch by now, or it is gone: nothing more may be written."""


@dataclass(frozen=True, slots=True)
class Batch:
    """
    Args:
        errors: of its input file, in OpenAI's shape.
        output_bytes: of all lines of the output file so far.
        output_expires_s: so long after they were made its files go; None: as all files do.
        resume_line, resume_byte: all lines before this one, which begins there, have a result.
        expires_at: the end of its window.
    """

    id: UUID
    person_id: UUID
    space_id: UUID
    organisation_id: UUID
    key_id: UUID | None
    endpoint: str
    input_file_id: UUID
    model: str | None
    status: Status
    metadata: dict[str, str]
    errors: list[dict[str, Any]]
    total: int
    completed: int
    failed: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    output_bytes: int
    output_file_id: UUID | None
    error_file_id: UUID | None
    output_expires_s: int | None
    epoch: int
    resume_line: int
    resume_byte: int
    created_at: dt.datetime
    expires_at: dt.datetime
    in_progress_at: dt.datetime | None
    finalizing_at: dt.datetime | None
    completed_at: dt.datetime | None
    failed_at: dt.datetime | None
    expired_at: dt.datetime | None
    cancelling_at: dt.datetime | None
    cancelled_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a line. `body`: the line of the output file, or of the error file where it is not `ok`."""

    number: int
    ok: bool
    body: bytes
    usage: Usage


_COLUMNS = [table.c[name] for name in Batch.__slots__]


async def add(connection: AsyncConnection, values: Mapping[str, object]) -> Batch:
    """A new batch, of whose columns those with a default may be left out."""
    row = await connection.execute(insert(table).values(dict(values)).returning(*_COLUMNS))
    return Batch(**row.mappings().one())


async def find(connection: AsyncConnection, batch_id: UUID, person: UUID, space: UUID) -> Batch | None:
    mine = (table.c.id == batch_id) & (table.c.person_id == person) & (table.c.space_id == space)
    row = (await connection.execute(select(*_COLUMNS).where(mine))).mappings().one_or_none()
    return None if row is None else Batch(**row)


async def listed(
    connection: AsyncConnection, person: UUID, space: UUID, limit: int, after: UUID | None = None
) -> tuple[Batch, ...]:
    """A person's batches, the newest first, older than `after`."""
    mine = (table.c.person_id == person) & (table.c.space_id == space)
    if after is not None:
        mine &= table.c.id < after
    rows = await connection.execute(select(*_COLUMNS).where(mine).order_by(table.c.id.desc()).limit(limit))
    return tuple(Batch(**row) for row in rows.mappings())


async def count_open(connection: AsyncConnection, person: UUID) -> int:
    mine = (table.c.person_id == person) & table.c.status.in_(OPEN)
    return int((await connection.execute(select(func.count()).where(mine))).scalar_one())


async def uses(connection: AsyncConnection, file_id: UUID) -> bool:
    """Whether a batch that has not ended reads this file."""
    reads = select(table.c.id).where(table.c.input_file_id == file_id, table.c.status.in_(OPEN)).limit(1)
    return (await connection.execute(reads)).first() is not None


async def cancel(connection: AsyncConnection, batch_id: UUID, now: dt.datetime) -> bool:
    """Begin to cancel. False: it is too late for that."""
    still = (table.c.id == batch_id) & table.c.status.in_(("validating", "in_progress"))
    statement = update(table).where(still).values(status="cancelling", cancelling_at=now)
    return (await connection.execute(statement)).rowcount == 1


async def claim(connection: AsyncConnection, batch_id: UUID) -> Batch | None:
    """The batch, for who works on it from now on; None when nothing is to be done. Earlier workers are fenced off."""
    still = (table.c.id == batch_id) & table.c.status.in_(OPEN)
    statement = update(table).where(still).values(epoch=table.c.epoch + 1).returning(*_COLUMNS)
    row = (await connection.execute(statement)).mappings().one_or_none()
    return None if row is None else Batch(**row)


async def change(connection: AsyncConnection, batch: Batch, **values: object) -> bool:
    """Change the claimed batch. False: its status is no longer that of `batch`.

    Raises:
        Fenced: somebody else has claimed it.
    """
    await _locked(connection, batch)
    still = (table.c.id == batch.id) & (table.c.status == batch.status)
    return (await connection.execute(update(table).where(still).values(values))).rowcount == 1


async def resume_at(connection: AsyncConnection, batch: Batch, line: int, byte: int) -> None:
    """All lines before this one have a result. Raises Fenced."""
    await _locked(connection, batch)
    await connection.execute(update(table).where(table.c.id == batch.id).values(resume_line=line, resume_byte=byte))


async def put(connection: AsyncConnection, batch: Batch, results: Sequence[Result]) -> Status:
    """Keep results of the claimed batch; gives its status. Raises Fenced."""
    status, _ = await _locked(connection, batch)
    if status not in TAKES_RESULTS:
        raise Fenced
    whose = {"batch_id": batch.id, "space_id": batch.space_id, "organisation_id": batch.organisation_id}
    rows = [{**whose, "number": each.number, "ok": each.ok, "body": each.body} for each in results]
    await connection.execute(insert(lines), rows)
    good = [each for each in results if each.ok]
    more = {
        "completed": len(good),
        "failed": len(results) - len(good),
        "input_tokens": sum(each.usage.input for each in results),
        "cached_tokens": sum(each.usage.cached for each in results),
        "output_tokens": sum(each.usage.output for each in results),
        "reasoning_tokens": sum(each.usage.reasoning for each in results),
        "output_bytes": sum(len(each.body) for each in good),
    }
    added = {name: table.c[name] + value for name, value in more.items()}
    await connection.execute(update(table).where(table.c.id == batch.id).values(added))
    return status


async def output_bytes(connection: AsyncConnection, batch: Batch) -> int:
    """How long the output is so far; until the end of the transaction nobody else adds to it. Raises Fenced."""
    return (await _locked(connection, batch))[1]


async def _locked(connection: AsyncConnection, batch: Batch) -> tuple[Status, int]:
    mine = (table.c.id == batch.id) & (table.c.epoch == batch.epoch)
    wanted = select(table.c.status, table.c.output_bytes).where(mine).with_for_update()
    row = (await connection.execute(wanted)).one_or_none()
    if row is None:
        raise Fenced
    return row.status, row.output_bytes


async def answered(connection: AsyncConnection, batch: Batch) -> set[int]:
    """The numbers of lines from `resume_line` on that have a result."""
    # bounded: a batch has no more lines than the settings allow
    there = select(lines.c.number).where(lines.c.batch_id == batch.id, lines.c.number >= batch.resume_line)
    return set((await connection.execute(there)).scalars())


async def page(
    connection: AsyncConnection, batch_id: UUID, after: int, limit: int, *, ok: bool
) -> list[tuple[int, bytes]]:
    """Some results after line `after`, with their numbers, in order."""
    mine = (lines.c.batch_id == batch_id) & (lines.c.number > after) & (lines.c.ok == ok)
    rows = await connection.execute(
        select(lines.c.number, lines.c.body).where(mine).order_by(lines.c.number).limit(limit)
    )
    return [(row.number, bytes(row.body)) for row in rows]


async def clear(connection: AsyncConnection, batch_id: UUID) -> None:
    """Remove the results, which stand in files by now."""
    await connection.execute(delete(lines).where(lines.c.batch_id == batch_id))


async def forget_person(connection: AsyncConnection, person: UUID) -> None:
    await connection.execute(delete(table).where(table.c.person_id == person))


async def sweep(connection: AsyncConnection, before: dt.datetime, limit: int) -> int:
    """Remove batches made before then, at most `limit`; gives how many."""
    old = select(table.c.id).where(table.c.created_at < before).limit(limit).scalar_subquery()
    return (await connection.execute(delete(table).where(table.c.id.in_(old)))).rowcount
