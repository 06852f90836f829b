"""Signing in: password, second factor; and signing out. Passkeys stand in `passkeys.py`."""

from __future__ import annotations

from mecum.kit.db import AsyncConnection
from mecum.kit.http import Credentials
from mecum.kit.ids import encode
from mecum.rooms.people import Person, errors
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.factor import SecondFactor
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.service import email_key
from mecum.rooms.people.sessions import Issued, Sessions
from mecum.rooms.people.store import credentials as store
from mecum.rooms.people.store import persons
from mecum.rooms.people.throttle import Throttling


class Signing:
    def __init__(
        self,
        ground: Ground,
        audit: Audit,
        sessions: Sessions,
        hashing: Hashing,
        throttling: Throttling,
        factor: SecondFactor,
    ) -> None:
        self._ground = ground
        self._audit = audit
        self._sessions = sessions
        self._hashing = hashing
        self._throttling = throttling
        self._factor = factor

    async def by_password(self, email: str, password: str, credentials: Credentials) -> Issued:
        """A session, which waits for its second factor where the account has one.

        An unknown address, an account without password and a wrong password look the same and take the same time.

        Raises:
            TooMany: too many tries. Unauthenticated: wrong. Forbidden: right, but the account is disabled.
        """
        key = email_key(email)
        await self._throttling.attempt(account=key, address=credentials.address)
        async with self._ground.db.transaction() as connection:
            person = await persons.person_by_email(connection, key)
            hashed = await store.password_hash(connection, person.id) if person else None
        right = await self._hashing.verify(hashed, password)
        if person is None or hashed is None or not right:
            await self._refused(person, credentials)
            raise errors.sign_in_wrong()
        if person.state != "active":
            raise errors.disabled()
        fresh = await self._hashing.hash(password) if self._hashing.outdated(hashed) else None
        async with self._ground.db.transaction() as connection:
            await self._throttling.succeeded(connection, account=key, address=credentials.address)
            if fresh is not None:
                await store.set_password(connection, person.id, fresh, self._ground.clock.now())
            return await self.begin(connection, person, credentials, "password")

    async def begin(self, connection: AsyncConnection, person: Person, credentials: Credentials, how: str) -> Issued:
        """A session after the first factor was right."""
        if await self._factor.needed(connection, person.id):
            return await self._sessions.begin(connection, person, credentials, "second_factor")
        return await self.complete(connection, person, credentials, how)

    async def complete(self, connection: AsyncConnection, person: Person, credentials: Credentials, how: str) -> Issued:
        """A session after everything was right."""
        issued = await self._sessions.begin(connection, person, credentials)
        who = Who("session", person.id, issued.session.id)
        details = {"how": how, "address": issued.session.address}
        await self._audit.record(connection, who, "people.signed_in", encode("prs", person.id), details)
        return issued

    async def second_factor(self, code: str, credentials: Credentials) -> Issued:
        """The session, complete, in exchange for one that waits.

        Raises:
            Unauthenticated: no session waits, or the code is wrong. TooMany: too many tries.
        """
        async with self._ground.db.transaction() as connection:
            waiting = await self._sessions.pending(connection, credentials)
        person = waiting.person
        await self._throttling.attempt(factor=person.id.hex)
        async with self._ground.db.transaction() as connection:
            waiting = await self._sessions.pending(connection, credentials)
            how = await self._factor.take(connection, person.id, code)
            if how is not None:
                if waiting.person.state != "active":
                    raise errors.disabled()
                await self._throttling.succeeded(connection, factor=person.id.hex)
                return await self.complete(connection, person, credentials, f"password+{how}")
        await self._refused(person, credentials)
        raise errors.code_wrong()

    async def out(self, credentials: Credentials) -> None:
        """End the session of the request, whatever it waits for."""
        async with self._ground.db.transaction() as connection:
            await self._sessions.end_current(connection, credentials)

    async def _refused(self, person: Person | None, credentials: Credentials) -> None:
        """Write down what the person should be able to see; what concerns no account is a counter alone."""
        if person is None:
            return
        details = {"address": credentials.address[:64]}
        async with self._ground.db.transaction() as connection:
            await self._audit.record(
                connection, Who("nobody"), "people.sign_in_refused", encode("prs", person.id), details
            )
