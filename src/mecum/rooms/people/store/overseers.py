"""Who looks after the installation, or an organisation, and where they are told of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Row, select

from mecum.kit.db import AsyncConnection
from mecum.kit.types import OrganisationId, PersonId, SpaceId
from mecum.rooms.people import Overseer
from mecum.rooms.people.store.tables import memberships, persons, spaces


async def of_installation(connection: AsyncConnection, limit: int) -> tuple[Overseer, ...]:
    """Active owners and operators in their own spaces, oldest first."""
    query = _query().where(spaces.c.kind == "personal", persons.c.role != "member")
    rows = await connection.execute(query.order_by(persons.c.id).limit(limit))
    return tuple(_overseer(row, operates=True) for row in rows)


async def of_organisation(connection: AsyncConnection, organisation: UUID, limit: int) -> tuple[Overseer, ...]:
    """Active administrators of an organisation in their spaces of it, oldest first."""
    query = _query().join(memberships, memberships.c.space_id == spaces.c.id)
    mine = (memberships.c.organisation_id == organisation, memberships.c.role == "admin")
    rows = await connection.execute(query.where(*mine).order_by(persons.c.id).limit(limit))
    return tuple(_overseer(row, operates=row.role != "member") for row in rows)


def _query() -> Any:
    places = select(spaces.c.id, spaces.c.organisation_id, persons.c.id.label("person_id"), persons.c.role)
    return places.join(persons, persons.c.id == spaces.c.person_id).where(persons.c.state == "active")


def _overseer(row: Row[Any], *, operates: bool) -> Overseer:
    return Overseer(PersonId(row.person_id), SpaceId(row.id), OrganisationId(row.organisation_id), operates)
