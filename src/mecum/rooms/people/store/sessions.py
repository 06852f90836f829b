"""Sessions and their tokens."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.engine import Row

from mecum.kit.db import AsyncConnection
from mecum.rooms.people import Person
from mecum.rooms.people.service import TokenState
from mecum.rooms.people.store.persons import SPACE_IS_OPEN, person_of
from mecum.rooms.people.store.tables import memberships, persons, session_tokens, sessions, spaces

SessionState = Literal["second_factor", "active"]
RETIRED_TOKENS_KEPT = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it stands. `state` is `second_factor` while only the password was right."""

    id: UUID
    person_id: UUID
    space_id: UUID
    organisation_id: UUID
    state: SessionState
    created_at: dt.datetime
    authenticated_at: dt.datetime
    last_seen_at: dt.datetime
    expires_at: dt.datetime
    address: str
    user_agent: str
    surface: str
    revoked_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Presented:
    """What a token belongs to."""

    session: Session
    person: Person
    token_hash: bytes
    issued_at: dt.datetime
    first_used_at: dt.datetime | None
    retires_at: dt.datetime | None

    @property
    def state(self) -> TokenState:
        return TokenState(self.session.revoked_at, self.session.expires_at, self.session.last_seen_at, self.retires_at)


_COLUMNS = [column.label(f"s_{column.name}") for column in sessions.c]


def _session(row: Row[Any], prefix: str = "s_") -> Session:
    return Session(**{name: getattr(row, prefix + name) for name in Session.__dataclass_fields__})


async def add_session(connection: AsyncConnection, session: Session, token_hash: bytes) -> None:
    values = {name: getattr(session, name) for name in Session.__dataclass_fields__}
    await connection.execute(insert(sessions).values(values))
    await connection.execute(
        insert(session_tokens).values(
            token_hash=token_hash, session_id=session.id, issued_at=session.created_at, first_used_at=session.created_at
        )
    )


async def presented(connection: AsyncConnection, token_hash: bytes) -> Presented | None:
    query = (
        select(
            persons, *_COLUMNS, session_tokens.c.issued_at, session_tokens.c.first_used_at, session_tokens.c.retires_at
        )
        .select_from(session_tokens)
        .join(sessions, sessions.c.id == session_tokens.c.session_id)
        .join(persons, persons.c.id == sessions.c.person_id)
        .join(spaces, spaces.c.id == sessions.c.space_id)
        .outerjoin(memberships, memberships.c.space_id == spaces.c.id)
        .where(session_tokens.c.token_hash == token_hash, SPACE_IS_OPEN)
    )
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return Presented(_session(row), person_of(row), token_hash, row.issued_at, row.first_used_at, row.retires_at)


async def take_over(connection: AsyncConnection, token: Presented, now: dt.datetime, grace: dt.timedelta) -> None:
    """Note the first use of a token: it arrived at the browser, so older ones retire after `grace`."""
    await _lock(connection, token.session.id)
    await connection.execute(
        update(session_tokens)
        .where(session_tokens.c.token_hash == token.token_hash, session_tokens.c.first_used_at.is_(None))
        .values(first_used_at=now)
    )
    await connection.execute(
        update(session_tokens)
        .where(
            session_tokens.c.session_id == token.session.id,
            session_tokens.c.issued_at < token.issued_at,
            session_tokens.c.retires_at.is_(None),
        )
        .values(retires_at=now + grace)
    )


async def newest_token_at(connection: AsyncConnection, session_id: UUID) -> dt.datetime:
    """When the newest token was handed out. The session is locked to the end of the transaction."""
    await _lock(connection, session_id)
    query = select(func.max(session_tokens.c.issued_at)).where(session_tokens.c.session_id == session_id)
    return (await connection.execute(query)).scalar_one()


async def _lock(connection: AsyncConnection, session_id: UUID) -> None:
    """One at a time changes the tokens of a session, whichever of them it came with."""
    await connection.execute(select(sessions.c.id).where(sessions.c.id == session_id).with_for_update())


async def add_token(connection: AsyncConnection, session_id: UUID, token_hash: bytes, now: dt.datetime) -> None:
    await connection.execute(insert(session_tokens).values(token_hash=token_hash, session_id=session_id, issued_at=now))


async def seen(connection: AsyncConnection, session_id: UUID, now: dt.datetime, address: str, user_agent: str) -> None:
    await connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(last_seen_at=now, address=address, user_agent=user_agent)
    )


async def choose_space(connection: AsyncConnection, session_id: UUID, space_id: UUID, organisation_id: UUID) -> None:
    values = {"space_id": space_id, "organisation_id": organisation_id}
    await connection.execute(update(sessions).where(sessions.c.id == session_id).values(values))


async def session(connection: AsyncConnection, session_id: UUID) -> Session | None:
    row = (await connection.execute(select(*_COLUMNS).where(sessions.c.id == session_id))).one_or_none()
    return _session(row) if row else None


async def in_force(
    connection: AsyncConnection, session_id: UUID, now: dt.datetime, idle: dt.timedelta
) -> Person | None:
    """Whose session it is; None when it has ended."""
    query = (
        select(persons)
        .select_from(sessions)
        .join(persons, persons.c.id == sessions.c.person_id)
        .join(spaces, spaces.c.id == sessions.c.space_id)
        .outerjoin(memberships, memberships.c.space_id == spaces.c.id)
        .where(SPACE_IS_OPEN, sessions.c.id == session_id, _valid(now, idle))
    )
    row = (await connection.execute(query)).one_or_none()
    return person_of(row) if row else None


def _valid(now: dt.datetime, idle: dt.timedelta) -> ColumnElement[bool]:
    return and_(
        sessions.c.state == "active",
        sessions.c.revoked_at.is_(None),
        sessions.c.expires_at > now,
        sessions.c.last_seen_at > now - idle,
    )


async def live_sessions(
    connection: AsyncConnection,
    person_id: UUID,
    now: dt.datetime,
    idle: dt.timedelta,
    *,
    limit: int,
    after: UUID | None = None,
) -> tuple[Session, ...]:
    """Sessions in force, newest first."""
    query = (
        select(*_COLUMNS)
        .where(sessions.c.person_id == person_id, _valid(now, idle))
        .order_by(sessions.c.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(sessions.c.id < after)
    return tuple(_session(row) for row in await connection.execute(query))


async def revoke(
    connection: AsyncConnection, person_id: UUID, now: dt.datetime, *, only: UUID | None = None, but: UUID | None = None
) -> int:
    """End sessions of the person: all, one, or all but one. Returns how many ended."""
    statement = update(sessions).where(sessions.c.person_id == person_id, sessions.c.revoked_at.is_(None))
    if only is not None:
        statement = statement.where(sessions.c.id == only)
    if but is not None:
        statement = statement.where(sessions.c.id != but)
    return (await connection.execute(statement.values(revoked_at=now))).rowcount


async def revoke_oldest(
    connection: AsyncConnection, person_id: UUID, now: dt.datetime, state: SessionState, keep: int
) -> None:
    """End all but the newest `keep` sessions of the person that are in this state."""
    theirs = and_(sessions.c.person_id == person_id, sessions.c.state == state, sessions.c.revoked_at.is_(None))
    newest = select(sessions.c.id).where(theirs).order_by(sessions.c.id.desc()).limit(keep)
    await connection.execute(update(sessions).where(theirs, sessions.c.id.not_in(newest)).values(revoked_at=now))


async def forget_person(connection: AsyncConnection, person_id: UUID) -> None:
    await connection.execute(delete(sessions).where(sessions.c.person_id == person_id))


async def sweep(connection: AsyncConnection, now: dt.datetime, kept: dt.timedelta) -> None:
    """Remove what is long over: ended sessions with their tokens, and retired tokens of live ones."""
    horizon = now - kept
    await connection.execute(
        delete(sessions).where(or_(sessions.c.expires_at < horizon, sessions.c.revoked_at < horizon))
    )
    await connection.execute(delete(session_tokens).where(session_tokens.c.retires_at < now - RETIRED_TOKENS_KEPT))
