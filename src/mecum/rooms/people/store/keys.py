"""API keys."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.engine import Row

from mecum.kit.db import AsyncConnection
from mecum.kit.types import PersonId, Scope
from mecum.rooms.people import Person
from mecum.rooms.people.store.persons import SPACE_IS_OPEN, person_of
from mecum.rooms.people.store.tables import keys, memberships, persons, spaces


@dataclass(frozen=True, slots=True)
class Key:
    """An API key without its secret. `prefix` is how it begins, for people to recognise it."""

    id: UUID
    person_id: UUID
    space_id: UUID
    organisation_id: UUID
    name: str
    prefix: str
    scopes: frozenset[Scope]
    created_at: dt.datetime
    expires_at: dt.datetime | None
    last_used_at: dt.datetime | None = None
    revoked_at: dt.datetime | None = None


_COLUMNS = [column.label(f"k_{column.name}") for column in keys.c if column.name != "secret_hash"]


def _key(row: Row[Any]) -> Key:
    values: dict[str, Any] = {name: getattr(row, "k_" + name) for name in Key.__dataclass_fields__}
    values["scopes"] = frozenset(cast("list[Scope]", values["scopes"]))
    return Key(**values)


async def add(connection: AsyncConnection, key: Key, secret_hash: bytes) -> None:
    values = {name: getattr(key, name) for name in Key.__dataclass_fields__}
    await connection.execute(insert(keys).values({**values, "scopes": sorted(key.scopes), "secret_hash": secret_hash}))


async def by_secret(connection: AsyncConnection, secret_hash: bytes, now: dt.datetime) -> tuple[Key, Person] | None:
    """The key in force that has this secret, and whose it is."""
    query = (
        select(persons, *_COLUMNS)
        .select_from(keys)
        .join(persons, persons.c.id == keys.c.person_id)
        .join(spaces, spaces.c.id == keys.c.space_id)
        .outerjoin(memberships, memberships.c.space_id == spaces.c.id)
        .where(SPACE_IS_OPEN, keys.c.secret_hash == secret_hash, _valid(now))
    )
    row = (await connection.execute(query)).one_or_none()
    return (_key(row), person_of(row)) if row else None


async def in_force(connection: AsyncConnection, key_id: UUID, now: dt.datetime) -> Person | None:
    """Whose key it is; None when it has ended."""
    query = (
        select(persons)
        .select_from(keys)
        .join(persons, persons.c.id == keys.c.person_id)
        .join(spaces, spaces.c.id == keys.c.space_id)
        .outerjoin(memberships, memberships.c.space_id == spaces.c.id)
        .where(SPACE_IS_OPEN, keys.c.id == key_id, _valid(now))
    )
    row = (await connection.execute(query)).one_or_none()
    return person_of(row) if row else None


def _valid(now: dt.datetime) -> ColumnElement[bool]:
    return keys.c.revoked_at.is_(None) & or_(keys.c.expires_at.is_(None), keys.c.expires_at > now)


async def owner(connection: AsyncConnection, key_id: UUID) -> PersonId | None:
    found = (await connection.execute(select(keys.c.person_id).where(keys.c.id == key_id))).scalar_one_or_none()
    return None if found is None else PersonId(found)


async def used(connection: AsyncConnection, key_id: UUID, now: dt.datetime) -> None:
    await connection.execute(update(keys).where(keys.c.id == key_id).values(last_used_at=now))


async def list_keys(
    connection: AsyncConnection, person_id: UUID, *, limit: int, after: UUID | None = None
) -> tuple[Key, ...]:
    """Keys that were not revoked, newest first."""
    query = select(*_COLUMNS).where(keys.c.person_id == person_id, keys.c.revoked_at.is_(None))
    if after is not None:
        query = query.where(keys.c.id < after)
    rows = await connection.execute(query.order_by(keys.c.id.desc()).limit(limit))
    return tuple(_key(row) for row in rows)


async def count(connection: AsyncConnection, person_id: UUID) -> int:
    """Keys that were not revoked."""
    query = select(func.count()).where(keys.c.person_id == person_id, keys.c.revoked_at.is_(None))
    return (await connection.execute(query)).scalar_one()


async def revoke(connection: AsyncConnection, person_id: UUID, now: dt.datetime, key_id: UUID) -> bool:
    """False when the person has no such key in force."""
    statement = update(keys).where(keys.c.person_id == person_id, keys.c.id == key_id, keys.c.revoked_at.is_(None))
    return (await connection.execute(statement.values(revoked_at=now))).rowcount > 0


async def find(connection: AsyncConnection, person_id: UUID, name: str) -> tuple[Key, ...]:
    """Keys of the person in force that are called `name`."""
    query = select(*_COLUMNS).where(keys.c.person_id == person_id, keys.c.name == name, keys.c.revoked_at.is_(None))
    return tuple(_key(row) for row in await connection.execute(query.limit(100)))


async def forget_person(connection: AsyncConnection, person_id: UUID) -> None:
    await connection.execute(delete(keys).where(keys.c.person_id == person_id))
