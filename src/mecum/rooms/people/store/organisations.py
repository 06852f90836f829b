"""Organisations, for an operator's eyes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from mecum.kit.db import AsyncConnection
from mecum.rooms.people.store.tables import memberships, organisations


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """Args: members: how many belong to it beside their own space."""

    id: UUID
    name: str
    members: int


async def page(
    connection: AsyncConnection, *, query: str, after: UUID | None, limit: int, only: Collection[UUID] = ()
) -> tuple[OrganisationRow, ...]:
    """Oldest first. `query` matches a part of the name; `only`: of these alone."""
    conditions: list[ColumnElement[bool]] = []
    if only:
        conditions.append(organisations.c.id.in_(only))
    if after is not None:
        conditions.append(organisations.c.id > after)
    if query:
        conditions.append(organisations.c.name.icontains(query, autoescape=True))
    mine = memberships.c.organisation_id == organisations.c.id
    members = select(func.count()).select_from(memberships).where(mine).scalar_subquery().label("members")
    found = select(organisations.c.id, organisations.c.name, members).where(*conditions)
    rows = await connection.execute(found.order_by(organisations.c.id).limit(limit))
    return tuple(OrganisationRow(row.id, row.name, row.members) for row in rows)
