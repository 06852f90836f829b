"""One-time links, requests for them, policies, refusals, throttle counters: used before anybody is signed in."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.engine import Row

from mecum.kit.db import AsyncConnection
from mecum.kit.types import InstallationRole
from mecum.rooms.people.service import Throttle
from mecum.rooms.people.store.tables import links, policies, refusals, reset_requests, throttle

LinkKind = Literal["setup", "invitation", "sign_up", "reset", "verification"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sign-in that was refused, from a network address; `person_id` is None where there is no such account."""

    person_id: UUID | None
    address: str


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link.

    Args:
        person_id: whose account a `reset` or `verification` link is for.
        email: whom an invitation or a `sign_up` link is for, what a `verification` link proves, where a link was sent.
        mailed: it went to `email` by mail.
    """

    id: UUID
    organisation_id: UUID
    kind: LinkKind
    person_id: UUID | None
    email: str | None
    role: InstallationRole
    clears_second_factor: bool
    created_by: UUID | None
    created_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None = None
    mailed: bool = False


def _link(row: Row[Any]) -> Link:
    return Link(**{name: getattr(row, name) for name in Link.__dataclass_fields__})


async def add(connection: AsyncConnection, link: Link, token_hash: bytes) -> None:
    values = {name: getattr(link, name) for name in Link.__dataclass_fields__}
    await connection.execute(insert(links).values({**values, "token_hash": token_hash}))


async def by_token(connection: AsyncConnection, token_hash: bytes) -> Link | None:
    row = (await connection.execute(select(links).where(links.c.token_hash == token_hash))).one_or_none()
    return _link(row) if row else None


async def by_id(connection: AsyncConnection, link_id: UUID) -> Link | None:
    row = (await connection.execute(select(links).where(links.c.id == link_id))).one_or_none()
    return _link(row) if row else None


async def use(connection: AsyncConnection, link_id: UUID, now: dt.datetime) -> bool:
    """Mark it used. False when somebody was faster, or it has expired."""
    statement = update(links).where(links.c.id == link_id, links.c.used_at.is_(None), links.c.expires_at > now)
    return (await connection.execute(statement.values(used_at=now))).rowcount > 0


async def open_links(
    connection: AsyncConnection, kind: LinkKind, now: dt.datetime, *, limit: int, after: UUID | None = None
) -> tuple[Link, ...]:
    """Links that still work, newest first."""
    query = select(links).where(links.c.kind == kind, links.c.used_at.is_(None), links.c.expires_at > now)
    if after is not None:
        query = query.where(links.c.id < after)
    return tuple(_link(row) for row in await connection.execute(query.order_by(links.c.id.desc()).limit(limit)))


async def count_open(connection: AsyncConnection, kind: LinkKind, now: dt.datetime) -> int:
    query = select(func.count()).where(links.c.kind == kind, links.c.used_at.is_(None), links.c.expires_at > now)
    return (await connection.execute(query)).scalar_one()


async def remove(connection: AsyncConnection, kind: LinkKind, link_id: UUID) -> bool:
    """False when there is no such unused link."""
    statement = delete(links).where(links.c.id == link_id, links.c.kind == kind, links.c.used_at.is_(None))
    return (await connection.execute(statement)).rowcount > 0


async def end_links(connection: AsyncConnection, person_id: UUID, now: dt.datetime) -> None:
    """Make every unused link for the person's account useless."""
    statement = update(links).where(links.c.person_id == person_id, links.c.used_at.is_(None))
    await connection.execute(statement.values(used_at=now))


async def end_verifications(connection: AsyncConnection, person_id: UUID, now: dt.datetime) -> None:
    """Make every unused link that confirms an address of the person useless."""
    theirs = (links.c.person_id == person_id) & (links.c.kind == "verification")
    await connection.execute(update(links).where(theirs, links.c.used_at.is_(None)).values(used_at=now))


async def asked_address(connection: AsyncConnection, person_id: UUID, now: dt.datetime) -> str | None:
    """The address that the person was last asked to confirm, while that is possible."""
    theirs = (links.c.person_id == person_id) & (links.c.kind == "verification")
    query = select(links.c.email).where(theirs, links.c.used_at.is_(None), links.c.expires_at > now)
    return (await connection.execute(query.order_by(links.c.id.desc()).limit(1))).scalar_one_or_none()


async def forget_person(connection: AsyncConnection, person_id: UUID, email: str) -> None:
    """Links and refusals for the person go; links by the person lose their name."""
    await connection.execute(delete(refusals).where(refusals.c.person_id == person_id))
    await connection.execute(
        delete(links).where(or_(links.c.person_id == person_id, func.lower(links.c.email) == email.lower()))
    )
    await connection.execute(update(links).where(links.c.created_by == person_id).values(created_by=None))


async def add_reset_request(connection: AsyncConnection, request_id: UUID, email_key: str, now: dt.datetime) -> None:
    await connection.execute(insert(reset_requests).values(id=request_id, email_key=email_key, at=now))


async def take_reset_request(connection: AsyncConnection, request_id: UUID) -> str | None:
    """The address key of the request, once."""
    statement = delete(reset_requests).where(reset_requests.c.id == request_id).returning(reset_requests.c.email_key)
    return (await connection.execute(statement)).scalar_one_or_none()


async def add_refusal(
    connection: AsyncConnection, refusal_id: UUID, person_id: UUID | None, address: str, now: dt.datetime
) -> None:
    values = {"id": refusal_id, "person_id": person_id, "address": address, "at": now}
    await connection.execute(insert(refusals).values(values))


async def take_refusal(connection: AsyncConnection, refusal_id: UUID) -> Refusal | None:
    """The refusal, once."""
    statement = delete(refusals).where(refusals.c.id == refusal_id).returning(refusals.c.person_id, refusals.c.address)
    row = (await connection.execute(statement)).one_or_none()
    return Refusal(row.person_id, row.address) if row else None


async def policy(connection: AsyncConnection, name: str) -> str | None:
    return (await connection.execute(select(policies.c.value).where(policies.c.name == name))).scalar_one_or_none()


async def set_policy(connection: AsyncConnection, name: str, value: str, now: dt.datetime) -> None:
    values = {"value": value, "changed_at": now}
    statement = upsert(policies).values(name=name, **values)
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


async def throttle_of(connection: AsyncConnection, kind: str, key_hash: bytes, now: dt.datetime) -> Throttle:
    """The counter, locked to the end of the transaction; made where it is missing, in one statement: whoever succeeds
    just then takes it away."""
    values = {"kind": kind, "key_hash": key_hash, "attempts": 0, "last_at": now}
    found = upsert(throttle).values(values)
    locked = found.on_conflict_do_update(index_elements=["kind", "key_hash"], set_={"attempts": throttle.c.attempts})
    row = (await connection.execute(locked.returning(throttle))).one()
    return Throttle(row.attempts, row.last_at, row.blocked_until)


async def set_throttle(connection: AsyncConnection, kind: str, key_hash: bytes, value: Throttle) -> None:
    values = {"attempts": value.attempts, "last_at": value.last_at, "blocked_until": value.blocked_until}
    statement = update(throttle).where(throttle.c.kind == kind, throttle.c.key_hash == key_hash)
    await connection.execute(statement.values(values))


async def undo_throttle(connection: AsyncConnection, kind: str, key_hash: bytes) -> None:
    """Take one try back."""
    statement = update(throttle).where(
        throttle.c.kind == kind, throttle.c.key_hash == key_hash, throttle.c.attempts > 0
    )
    await connection.execute(statement.values(attempts=throttle.c.attempts - 1, blocked_until=None))


async def clear_throttle(connection: AsyncConnection, kind: str, key_hash: bytes) -> None:
    await connection.execute(delete(throttle).where(throttle.c.kind == kind, throttle.c.key_hash == key_hash))


async def sweep(
    connection: AsyncConnection, now: dt.datetime, links_kept: dt.timedelta, tries_kept: dt.timedelta
) -> None:
    """Remove links that are long over, forgotten tries, and requests and refusals that were never handled."""
    horizon = now - links_kept
    await connection.execute(delete(links).where(or_(links.c.expires_at < horizon, links.c.used_at < horizon)))
    await connection.execute(delete(throttle).where(throttle.c.last_at < now - tries_kept))
    await connection.execute(delete(reset_requests).where(reset_requests.c.at < now - tries_kept))
    await connection.execute(delete(refusals).where(refusals.c.at < now - tries_kept))
