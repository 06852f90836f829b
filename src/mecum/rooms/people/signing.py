"""Signing in: password, second factor; and signing out. Passkeys stand in `passkeys.py`."""

from __future__ import annotations

from mecum.kit.bus import tell_rights_changed
from mecum.kit.db import AsyncConnection
from mecum.kit.http import Credentials
from mecum.kit.ids import encode
from mecum.rooms.people import Person, errors
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.devices import Devices
from mecum.rooms.people.factor import SecondFactor
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.refusals import Refusals
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
        devices: Devices,
        hashing: Hashing,
        throttling: Throttling,
        factor: SecondFactor,
        refusals: Refusals,
    ) -> None:
        self._ground = ground
        self._audit = audit
        self._sessions = sessions
        self._hashing = hashing
        self._throttling = throttling
        self._factor = factor
        self._devices = devices
        self._refusals = refusals

    async def by_password(self, email: str, password: str, credentials: Credentials) -> Issued:
        """A session, which waits for its second factor where the account has one.

        An unknown address, an account without password and a wrong password look the same and take the same time.

        Raises:
            TooMany: too many tries. Unauthenticated: wrong. Forbidden: right, but the account is disabled.
        """
        key = email_key(email)
        tried = await self._tried(credentials, key)
        await self._throttling.attempt(**tried)
        async with self._ground.db.transaction() as connection:
            person, hashed = await persons.sign_in_by_email(connection, key)
        right = await self._hashing.verify(hashed, password)
        if person is None or hashed is None or not right:
            await self._refusals.note(person, credentials)
            raise errors.sign_in_wrong()
        if person.state != "active":
            raise errors.disabled()
        fresh = await self._hashing.hash(password) if self._hashing.outdated(hashed) else None
        async with self._ground.db.transaction() as connection:
            if fresh is not None:
                await store.set_password(connection, person.id, fresh, self._ground.clock.now())
            if await self._factor.needed(connection, person.id):
                # No success yet: the try stays counted, so that the password alone does not try codes for ever.
                return await self._sessions.begin(connection, person, credentials, "second_factor")
            await self._throttling.succeeded(connection, **tried)
            return await self.complete(connection, person, credentials, "password")

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
        person, key = waiting.person, email_key(waiting.person.email)
        tried = await self._tried_code(credentials, person)
        await self._throttling.attempt(**tried)
        async with self._ground.db.transaction() as connection:
            waiting = await self._sessions.pending(connection, credentials)
            how = await self._factor.take(connection, person.id, code)
            if how is not None:
                if waiting.person.state != "active":
                    raise errors.disabled()
                await self._throttling.succeeded(connection, **tried, **await self._tried(credentials, key))
                return await self.complete(connection, person, credentials, f"password+{how}")
        await self._refusals.note(person, credentials)
        raise errors.code_wrong()

    async def out(self, credentials: Credentials) -> None:
        """End the session of the request, whatever it waits for."""
        async with self._ground.db.transaction() as connection:
            person = await self._sessions.end_current(connection, credentials)
        if person is not None:
            await tell_rights_changed(self._ground.bus, person)

    async def _tried(self, credentials: Credentials, key: str) -> dict[str, str]:
        """What counts a password for the account `key`: a browser that it signed in with before counts for itself."""
        device = await self._devices.known(credentials, key)
        if device is not None:
            return {"device": f"{device}.{key}"}
        return {"account": key, "address": credentials.address}

    async def _tried_code(self, credentials: Credentials, person: Person) -> dict[str, str]:
        """The same for a code of the second factor."""
        device = await self._devices.known(credentials, email_key(person.email))
        return {"factor": person.id.hex} if device is None else {"device_factor": f"{device}.{person.id.hex}"}
