"""Sessions of browsers.

They are begun by a sign-in, carried by a rotating cookie, ended by the person, by time or by a stolen token.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from mecum.kit.bus import tell_rights_changed
from mecum.kit.crypto import hash_secret
from mecum.kit.db import AsyncConnection
from mecum.kit.http import Credentials
from mecum.kit.ids import encode, new_id, new_secret
from mecum.kit.types import ALL_SCOPES, Actor, OrganisationId, PersonId, Principal, SpaceId, Surface
from mecum.rooms.people import Person, errors
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.edge import Edge, surface_of
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.service import judge_token, rotation_due
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import persons
from mecum.rooms.people.store import sessions as store
from mecum.rooms.people.store.sessions import Presented, Session, SessionState
from mecum.rooms.people.words import Notices

TOKEN_PREFIX = "ms"  # noqa: S105 - how tokens begin, no token
SEEN_EVERY = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Issued:
    """A session with the token that the browser is about to get."""

    session: Session
    token: str
    person: Person


@dataclass(frozen=True, slots=True)
class Visit:
    """Who a browser is: the session and its person, and a new token when the old one was replaced."""

    session: Session
    person: Person
    fresh_token: str | None


class Sessions:
    def __init__(self, ground: Ground, settings: PeopleSettings, audit: Audit, edge: Edge, notices: Notices) -> None:
        self._ground = ground
        self._audit = audit
        self._edge = edge
        self._notices = notices
        self._settings = settings
        self._most: Mapping[SessionState, int] = {
            "active": settings.sessions_per_person,
            "second_factor": settings.second_factors_waiting,
        }
        self._idle = dt.timedelta(days=settings.session_idle_days)
        self._grace = dt.timedelta(seconds=settings.session_grace_seconds)
        self._rotate = dt.timedelta(minutes=settings.session_rotate_minutes)

    async def begin(
        self,
        connection: AsyncConnection,
        person: Person,
        credentials: Credentials,
        state: SessionState = "active",
    ) -> Issued:
        """A new session in the person's own space. A session that the browser had before ends."""
        now = self._ground.clock.now()
        await self.end_current(connection, credentials)
        space = await persons.personal_space(connection, person.id)
        lasts = dt.timedelta(minutes=self._settings.second_factor_minutes)
        session = Session(
            id=new_id(),
            person_id=person.id,
            space_id=space.id,
            organisation_id=space.organisation,
            state=state,
            created_at=now,
            authenticated_at=now,
            last_seen_at=now,
            expires_at=now + (dt.timedelta(days=self._settings.session_days) if state == "active" else lasts),
            address=credentials.address[:64],
            user_agent=printable(credentials.user_agent),
            surface=surface_of(credentials, "web"),
        )
        token = new_secret(TOKEN_PREFIX)
        await store.add_session(connection, session, hash_secret(token))
        await store.revoke_oldest(connection, person.id, now, state, self._most[state])
        return Issued(session, token, person)

    async def end_current(self, connection: AsyncConnection, credentials: Credentials) -> UUID | None:
        """End the session that the request's cookie belongs to, if any. Returns whose it was."""
        token = await self._edge.token(credentials)
        presented = await store.presented(connection, hash_secret(token)) if token else None
        if presented is None:
            return None
        now = self._ground.clock.now()
        await store.revoke(connection, presented.session.person_id, now, only=presented.session.id)
        return presented.session.person_id

    async def authenticate(self, credentials: Credentials) -> Principal:
        """The principal of the request's session.

        Raises:
            Unauthenticated: no session in force. Forbidden: disabled person, or CSRF token and Origin do not match.
        """
        presented = await self._present(credentials)
        if presented is None:
            raise errors.signed_out()
        if presented.session.state != "active":
            raise errors.second_factor_needed()
        if presented.person.state != "active":
            raise errors.disabled()
        self._edge.check_csrf(credentials, presented.session.id)
        return principal_of(presented.session, presented.person, surface_of(credentials, "web"))

    async def recheck(self, principal: Principal) -> None:
        """Raises Unauthenticated when the principal's session has ended, Forbidden for a disabled person."""
        async with self._ground.db.transaction() as connection:
            person = await store.in_force(connection, principal.actor.id, self._ground.clock.now(), self._idle)
        if person is None:
            raise errors.signed_out()
        if person.state != "active":
            raise errors.disabled()

    async def visit(self, credentials: Credentials) -> Visit | None:
        """Who the browser is, None when nobody; hands out a new token when it is time."""
        presented = await self._present(credentials)
        if presented is None or presented.person.state != "active":
            return None
        fresh = await self._rotated(presented) if presented.session.state == "active" else None
        return Visit(presented.session, presented.person, fresh)

    async def pending(self, connection: AsyncConnection, credentials: Credentials) -> Presented:
        """The session that waits for its second factor. Raises Unauthenticated."""
        token = await self._edge.token(credentials)
        presented = await store.presented(connection, hash_secret(token)) if token else None
        if presented is None or presented.session.state != "second_factor" or self._judge(presented) != "ok":
            raise errors.signed_out()
        return presented

    async def require_fresh(self, connection: AsyncConnection, principal: Principal) -> Session:
        """The principal's session, signed in a short while ago.

        Raises:
            Forbidden: not a session, or its sign-in is too long ago.
        """
        if principal.actor.kind != "session":
            raise errors.session_needed()
        session = await store.session(connection, principal.actor.id)
        limit = dt.timedelta(minutes=self._settings.fresh_sign_in_minutes)
        if session is None or self._ground.clock.now() - session.authenticated_at > limit:
            raise errors.sign_in_again()
        return session

    async def live(self, principal: Principal, limit: int, after: UUID | None) -> tuple[Session, ...]:
        now = self._ground.clock.now()
        async with self._ground.db.transaction() as connection:
            return await store.live_sessions(connection, principal.person, now, self._idle, limit=limit, after=after)

    async def revoke(self, principal: Principal, session: UUID) -> None:
        """Raises NotFound."""
        async with self._ground.db.transaction() as connection:
            if not await store.revoke(connection, principal.person, self._ground.clock.now(), only=session):
                raise errors.no_session()
            await self._audit.record(connection, principal, "people.session_revoked", encode("ses", session))
        await tell_rights_changed(self._ground.bus, principal.person)

    async def revoke_others(self, principal: Principal) -> int:
        """End every other session of the person. Returns how many ended."""
        keep = principal.actor.id if principal.actor.kind == "session" else None
        async with self._ground.db.transaction() as connection:
            ended = await store.revoke(connection, principal.person, self._ground.clock.now(), but=keep)
            await self._audit.record(
                connection, principal, "people.sessions_revoked", encode("prs", principal.person), {"ended": ended}
            )
        await tell_rights_changed(self._ground.bus, principal.person)
        return ended

    async def choose_space(self, principal: Principal, space: SpaceId) -> None:
        """Raises NotFound when the space is not the person's, Forbidden without a session."""
        if principal.actor.kind != "session":
            raise errors.session_needed()
        async with self._ground.db.transaction() as connection:
            chosen = await persons.space_of(connection, principal.person, space)
            await store.choose_space(connection, principal.actor.id, chosen.id, chosen.organisation)

    def _judge(self, presented: Presented) -> Literal["ok", "over", "reused"]:
        return judge_token(presented.state, self._ground.clock.now(), self._idle)

    async def _present(self, credentials: Credentials) -> Presented | None:
        """What the cookie belongs to, when it is in force.

        Notes its use; ends the session when a retired token came back.
        """
        token = await self._edge.token(credentials)
        if not token:
            return None
        async with self._ground.db.transaction() as connection:
            presented = await store.presented(connection, hash_secret(token))
            if presented is None:
                return None
            verdict = self._judge(presented)
            if verdict == "ok":
                return await self._noted(connection, presented, credentials)
            if verdict == "reused":
                await self._revoke_stolen(connection, presented)
        if verdict == "reused":
            await tell_rights_changed(self._ground.bus, presented.session.person_id)
        return None

    async def _noted(self, connection: AsyncConnection, presented: Presented, credentials: Credentials) -> Presented:
        now = self._ground.clock.now()
        if presented.first_used_at is None:
            await store.take_over(connection, presented, now, self._grace)
        if now - presented.session.last_seen_at >= SEEN_EVERY:
            agent = printable(credentials.user_agent)
            await store.seen(connection, presented.session.id, now, credentials.address[:64], agent)
            return replace(presented, session=replace(presented.session, last_seen_at=now))
        return presented

    async def _revoke_stolen(self, connection: AsyncConnection, presented: Presented) -> None:
        session = presented.session
        await store.revoke(connection, session.person_id, self._ground.clock.now(), only=session.id)
        if presented.person.state == "active":
            await self._notices.session_stolen(connection, presented.person)
        who = Who("session", session.person_id, session.id)
        await self._audit.record(connection, who, "people.session_token_reused", encode("ses", session.id))

    async def _rotated(self, presented: Presented) -> str | None:
        now = self._ground.clock.now()
        if now - presented.issued_at < min(self._rotate, self._grace):
            return None
        async with self._ground.db.transaction() as connection:
            newest = await store.newest_token_at(connection, presented.session.id)
            if presented.retires_at is not None or not rotation_due(
                presented.issued_at, newest, now, self._rotate, self._grace
            ):
                return None
            token = new_secret(TOKEN_PREFIX)
            await store.add_token(connection, presented.session.id, hash_secret(token), now)
        return token


def principal_of(session: Session, person: Person, surface: Surface) -> Principal:
    return Principal(
        person=PersonId(person.id),
        actor=Actor("session", session.id),
        space=SpaceId(session.space_id),
        organisation=OrganisationId(session.organisation_id),
        role=person.role,
        scopes=ALL_SCOPES,
        surface=surface,
        locale=person.locale,
        timezone=person.timezone,
    )


def printable(text: str) -> str:
    """One line that can be shown: a browser may send anything as its name."""
    return "".join(c for c in text if c.isprintable())[:400]
