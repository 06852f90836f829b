"""The audit log: envelopes that only grow, payloads that can be erased, and the sealed end of the chain."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from mecum.kit.db import AsyncConnection
from mecum.rooms.people.store.tables import audit, audit_head, audit_payloads


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stays for ever: who did what to which id, and the hash of the details."""

    seq: int
    at: dt.datetime
    organisation_id: UUID
    space_id: UUID | None
    person_id: UUID | None
    actor_kind: str
    actor_id: UUID | None
    action: str
    subject: str
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """An envelope with its hash, and its details unless they were erased."""

    envelope: Envelope
    hash: bytes
    salt: bytes | None
    details: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain. `seal` is a MAC over both under a key that is not in the database."""

    seq: int
    hash: bytes
    seal: bytes


async def head(connection: AsyncConnection) -> Head | None:
    row = (await connection.execute(select(audit_head))).one_or_none()
    return Head(row.seq, row.hash, row.seal) if row else None


async def append(
    connection: AsyncConnection, envelope: Envelope, salt: bytes, details: Mapping[str, Any], new_head: Head
) -> None:
    values = {name: getattr(envelope, name) for name in Envelope.__dataclass_fields__}
    await connection.execute(insert(audit).values(**values, hash=new_head.hash))
    await connection.execute(insert(audit_payloads).values(seq=envelope.seq, salt=salt, details=dict(details)))
    end = {"seq": new_head.seq, "hash": new_head.hash, "seal": new_head.seal}
    statement = upsert(audit_head).values(only=True, **end)
    await connection.execute(statement.on_conflict_do_update(index_elements=["only"], set_=end))


async def entries_from(connection: AsyncConnection, after: int, limit: int) -> tuple[Entry, ...]:
    """Oldest first."""
    query = _entries().where(audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    return _read(await connection.execute(query))


async def newest_entries(connection: AsyncConnection, before: int | None, limit: int) -> tuple[Entry, ...]:
    """Newest first."""
    query = _entries().order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.seq < before)
    return _read(await connection.execute(query))


async def entries_about(connection: AsyncConnection, person: UUID, after: int, limit: int) -> tuple[Entry, ...]:
    """What the person did, or what was done to them; oldest first."""
    query = _entries().where(_about(person), audit.c.seq > after).order_by(audit.c.seq).limit(limit)
    return _read(await connection.execute(query))


async def erase_payloads(connection: AsyncConnection, person: UUID) -> None:
    """Details of what the person did, or of what was done to them. The envelopes, which hold ids alone, stay."""
    about = select(audit.c.seq).where(_about(person))
    await connection.execute(delete(audit_payloads).where(audit_payloads.c.seq.in_(about)))


def _about(person: UUID) -> Any:
    return or_(audit.c.person_id == person, audit.c.subject == f"prs_{person.hex}")


def _entries() -> Any:
    return select(audit, audit_payloads.c.salt, audit_payloads.c.details).outerjoin(
        audit_payloads, audit_payloads.c.seq == audit.c.seq
    )


def _read(rows: Any) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            Envelope(**{name: getattr(row, name) for name in Envelope.__dataclass_fields__}),
            row.hash,
            row.salt,
            cast("Mapping[str, Any] | None", row.details),
        )
        for row in cast("Sequence[Any]", rows.all())
    )
