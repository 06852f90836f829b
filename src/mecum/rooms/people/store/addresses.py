"""Passkeys by the host name that they are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.engine import Row

from mecum.kit.db import AsyncConnection
from mecum.rooms.people import Person
from mecum.rooms.people.store.persons import person_of
from mecum.rooms.people.store.tables import passkeys, passwords, persons


async def bind_unbound(connection: AsyncConnection, rp_id: str) -> None:
    """Passkeys of before the host was written down: they were made under the one that there was."""
    await connection.execute(update(passkeys).where(passkeys.c.rp_id.is_(None)).values(rp_id=rp_id))


async def count_bound(connection: AsyncConnection, rp_id: str) -> tuple[int, int]:
    """How many passkeys of people who may sign in are bound to the host, and of how many persons they are."""
    counts = select(func.count(), func.count(passkeys.c.person_id.distinct()))
    query = counts.join_from(passkeys, persons, persons.c.id == passkeys.c.person_id)
    row = (await connection.execute(query.where(passkeys.c.rp_id == rp_id, persons.c.state == "active"))).one()
    return row[0], row[1]


async def count_unbound(connection: AsyncConnection) -> int:
    return (await connection.execute(select(func.count()).where(passkeys.c.rp_id.is_(None)))).scalar_one()


async def without_another_way(
    connection: AsyncConnection, old: str, new: str, *, after: UUID, limit: int
) -> tuple[Person, ...]:
    """People who sign in with passkeys of the host `old` alone: no password, and no passkey of the host `new`."""
    password = select(passwords.c.person_id).where(passwords.c.person_id == persons.c.id).exists()
    active = (persons.c.state == "active") & (persons.c.id > after)
    query = select(persons).where(active, _has_passkey(old), ~_has_passkey(new), ~password)
    rows: Sequence[Row[Any]] = (await connection.execute(query.order_by(persons.c.id).limit(limit))).all()
    return tuple(person_of(row) for row in rows)


def _has_passkey(rp_id: str) -> Any:
    return select(passkeys.c.id).where(passkeys.c.person_id == persons.c.id, passkeys.c.rp_id == rp_id).exists()
