"""Persons, organisations and spaces."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from mecum.kit.db import AsyncConnection
from mecum.kit.ids import new_id
from mecum.kit.types import OrganisationId, PersonId, SpaceId
from mecum.rooms.people import Person, Space, errors
from mecum.rooms.people.service import email_key
from mecum.rooms.people.store import lock
from mecum.rooms.people.store.tables import (
    erasures,
    memberships,
    organisations,
    passkeys,
    passwords,
    persons,
    recovery_codes,
    spaces,
    totp,
)

SPACES_MAX = 200
SPACE_IS_OPEN = or_(spaces.c.kind == "personal", memberships.c.space_id.isnot(None))
"""The person still belongs to the space, as its owner or by a membership that stands.

For queries that join both tables.
"""


@dataclass(frozen=True, slots=True)
class Account:
    """A person with what they can sign in with.

    Args:
        passkeys: those that work under the address of the installation.
        pending_email: the address that they want to change to, while it waits to be confirmed.
    """

    person: Person
    has_password: bool
    passkeys: int
    totp: bool
    recovery_codes_left: int
    pending_email: str | None = None

    @property
    def credentials(self) -> int:
        """Ways to sign in; the second factor is none by itself."""
        return int(self.has_password) + self.passkeys


def person_of(row: Row[Any]) -> Person:
    return Person(
        id=PersonId(row.id),
        email=row.email,
        name=row.name,
        role=row.role,
        state=row.state,
        locale=row.locale,
        timezone=row.timezone,
        created_at=row.created_at,
        email_verified=row.email_verified_at is not None,
    )


async def lock_owners(connection: AsyncConnection) -> int:
    """How many active owners there are; nobody else changes that until the transaction ends."""
    await lock(connection, "owners")
    return await count_owners(connection)


async def count_owners(connection: AsyncConnection) -> int:
    query = select(func.count()).select_from(persons).where(persons.c.role == "owner", persons.c.state == "active")
    return (await connection.execute(query)).scalar_one()


async def home(connection: AsyncConnection) -> OrganisationId:
    """The organisation that every installation starts with."""
    return OrganisationId(
        (await connection.execute(select(organisations.c.id).where(organisations.c.slug == "home"))).scalar_one()
    )


async def add_person(connection: AsyncConnection, person: Person) -> Space:
    """Insert the person and their personal space.

    Raises:
        Conflict: the address has an account.
    """
    values: dict[str, Any] = {
        "id": person.id,
        "email": person.email,
        "email_key": email_key(person.email),
        "name": person.name,
        "role": person.role,
        "state": person.state,
        "locale": person.locale,
        "timezone": person.timezone,
        "created_at": person.created_at,
        "email_verified_at": person.created_at if person.email_verified else None,
    }
    try:
        async with connection.begin_nested():
            await connection.execute(insert(persons).values(values))
    except IntegrityError:
        raise errors.email_taken() from None
    organisation = await home(connection)
    space = new_id()
    await connection.execute(
        insert(spaces).values(
            id=space, person_id=person.id, organisation_id=organisation, kind="personal", created_at=person.created_at
        )
    )
    return await space_of(connection, person.id, SpaceId(space))


async def person(connection: AsyncConnection, person_id: UUID) -> Person | None:
    row = (await connection.execute(select(persons).where(persons.c.id == person_id))).one_or_none()
    return person_of(row) if row else None


async def known_person(connection: AsyncConnection, person_id: UUID) -> Person:
    """Raises NotFound."""
    found = await person(connection, person_id)
    if found is None or found.state == "erased":
        raise errors.no_person()
    return found


async def names(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, str]:
    """Names by id, of those who were not erased."""
    # bounded: one row for each id that is asked for
    query = select(persons.c.id, persons.c.name).where(persons.c.id.in_(ids), persons.c.state != "erased")
    return {row.id: row.name for row in await connection.execute(query)}


async def organisation_names(connection: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, str]:
    """Names by id."""
    # bounded: one row for each id that is asked for
    query = select(organisations.c.id, organisations.c.name).where(organisations.c.id.in_(ids))
    return {row.id: row.name for row in await connection.execute(query)}


async def person_by_email(connection: AsyncConnection, key: str) -> Person | None:
    row = (await connection.execute(select(persons).where(persons.c.email_key == key))).one_or_none()
    return person_of(row) if row else None


async def sign_in_by_email(connection: AsyncConnection, key: str) -> tuple[Person | None, str | None]:
    """The person with this address and the hash of their password, by one query whether there are any or not."""
    query = select(persons, passwords.c.hash).outerjoin(passwords, passwords.c.person_id == persons.c.id)
    row = (await connection.execute(query.where(persons.c.email_key == key))).one_or_none()
    return (person_of(row), row.hash) if row else (None, None)


async def list_persons(
    connection: AsyncConnection,
    *,
    query: str,
    after: UUID | None,
    limit: int,
    erased: bool = False,
    only: UUID | None = None,
) -> tuple[Person, ...]:
    """Oldest first. `query` matches a part of address or name, `only` one person's id."""
    conditions: list[ColumnElement[bool]] = [] if erased else [persons.c.state != "erased"]
    if only is not None:
        conditions.append(persons.c.id == only)
    if after is not None:
        conditions.append(persons.c.id > after)
    if query:
        conditions.append(
            or_(persons.c.email.icontains(query, autoescape=True), persons.c.name.icontains(query, autoescape=True))
        )
    rows = await connection.execute(select(persons).where(*conditions).order_by(persons.c.id).limit(limit))
    return tuple(person_of(row) for row in rows)


async def change_person(connection: AsyncConnection, person_id: UUID, **values: str | dt.datetime | None) -> None:
    """Set columns of the person. Raises Conflict when the address has another account."""
    address = values.get("email")
    if isinstance(address, str):
        values["email_key"] = email_key(address)
    try:
        async with connection.begin_nested():
            await connection.execute(update(persons).where(persons.c.id == person_id).values(values))
    except IntegrityError:
        raise errors.email_taken() from None


async def account(connection: AsyncConnection, person_id: UUID, rp_id: str) -> Account:
    """Args: rp_id: the host of the installation. Raises NotFound."""
    row = (await connection.execute(_account_query(persons.c.id == person_id, rp_id))).one_or_none()
    if row is None:
        raise errors.no_person()
    return Account(person_of(row), row.has_password, row.passkeys, row.totp, row.codes_left)


def _account_query(condition: ColumnElement[bool], rp_id: str) -> Any:
    has_password = select(passwords.c.person_id).where(passwords.c.person_id == persons.c.id).exists()
    works_here = func.coalesce(passkeys.c.rp_id, rp_id) == rp_id
    keys = select(func.count()).where(passkeys.c.person_id == persons.c.id, works_here).scalar_subquery()
    confirmed = (
        select(totp.c.person_id).where(totp.c.person_id == persons.c.id, totp.c.confirmed_at.isnot(None)).exists()
    )
    left = (
        select(func.count())
        .where(recovery_codes.c.person_id == persons.c.id, recovery_codes.c.used_at.is_(None))
        .scalar_subquery()
    )
    return select(
        persons,
        has_password.label("has_password"),
        keys.label("passkeys"),
        confirmed.label("totp"),
        left.label("codes_left"),
    ).where(condition)


def _spaces_query() -> Any:
    return (
        select(
            spaces.c.id,
            spaces.c.kind,
            spaces.c.organisation_id,
            organisations.c.name.label("organisation_name"),
            memberships.c.role,
        )
        .join(organisations, organisations.c.id == spaces.c.organisation_id)
        .outerjoin(memberships, memberships.c.space_id == spaces.c.id)
        .where(SPACE_IS_OPEN)
    )


def _space(row: Row[Any]) -> Space:
    return Space(
        SpaceId(row.id), row.kind, OrganisationId(row.organisation_id), row.organisation_name, row.role or "admin"
    )


async def spaces_of(connection: AsyncConnection, person_id: UUID) -> tuple[Space, ...]:
    """The personal space first, then memberships by age. A person is admin in the own space."""
    query = _spaces_query().where(spaces.c.person_id == person_id)
    rows: Sequence[Row[Any]] = (
        await connection.execute(
            query.order_by(spaces.c.kind.desc(), spaces.c.created_at, spaces.c.id).limit(SPACES_MAX)
        )
    ).all()
    return tuple(_space(row) for row in rows)


async def space_of(connection: AsyncConnection, person_id: UUID, space_id: UUID) -> Space:
    """The space, when it is the person's. Raises NotFound."""
    query = _spaces_query().where(and_(spaces.c.person_id == person_id, spaces.c.id == space_id))
    row = cast("Row[Any] | None", (await connection.execute(query)).one_or_none())
    if row is None:
        raise errors.no_space()
    return _space(row)


async def personal_space(connection: AsyncConnection, person_id: UUID) -> Space:
    """Raises NotFound."""
    query = _spaces_query().where(spaces.c.person_id == person_id, spaces.c.kind == "personal")
    row = cast("Row[Any] | None", (await connection.execute(query)).one_or_none())
    if row is None:
        raise errors.no_space()
    return _space(row)


async def erase(connection: AsyncConnection, person_id: UUID, erasure: UUID, now: dt.datetime) -> None:
    """Leave of the person's row what other rows point to: the id."""
    nobody = {"email": "", "email_key": None, "email_verified_at": None, "name": "", "role": "member"}
    nobody |= {"state": "erased"}
    plain = {"locale": "en", "timezone": "UTC"}
    await connection.execute(update(persons).where(persons.c.id == person_id).values(**nobody, **plain))
    await connection.execute(delete(memberships).where(memberships.c.person_id == person_id))
    await connection.execute(insert(erasures).values(id=erasure, person_id=person_id, at=now))


async def operators(connection: AsyncConnection, limit: int) -> tuple[Person, ...]:
    """Active owners and operators, oldest first."""
    query = select(persons).where(persons.c.role != "member", persons.c.state == "active")
    return tuple(person_of(row) for row in await connection.execute(query.order_by(persons.c.id).limit(limit)))
