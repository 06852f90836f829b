"""Erasing a person: their own rows at once, those of other rooms through an event."""

from __future__ import annotations

from mecum.kit.bus import tell_rights_changed
from mecum.kit.db import AsyncConnection
from mecum.kit.ids import encode, new_id
from mecum.kit.notify import Notify
from mecum.kit.outbox import Outbox
from mecum.kit.types import Principal
from mecum.rooms.people import PERSON_ERASED, Person, errors
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.keys import Keys
from mecum.rooms.people.service import email_key, leaves_no_owner
from mecum.rooms.people.sessions import Sessions
from mecum.rooms.people.store import audit as audit_store
from mecum.rooms.people.store import credentials, keys, links, persons, sessions
from mecum.rooms.people.throttle import Throttling


class Erasure:
    def __init__(
        self,
        ground: Ground,
        outbox: Outbox,
        notify: Notify,
        audit: Audit,
        session_desk: Sessions,
        key_desk: Keys,
        hashing: Hashing,
        throttling: Throttling,
    ) -> None:
        self._ground = ground
        self._outbox = outbox
        self._notify = notify
        self._audit = audit
        self._sessions = session_desk
        self._keys = key_desk
        self._hashing = hashing
        self._throttling = throttling

    async def erase_self(self, principal: Principal, confirm: str, password: str | None) -> None:
        """Erase the own account.

        Args:
            confirm: the account's e-mail address, so that nobody does it by mistake.
            password: checked where it is given; without it the sign-in has to be recent.

        Raises:
            Unprocessable: another address. Forbidden: wrong password, or sign-in too long ago. Conflict: the last
            owner.
        """
        async with self._ground.db.transaction() as connection:
            person = await persons.known_person(connection, principal.person)
            if email_key(confirm) != email_key(person.email):
                raise errors.confirmation_wrong()
            hashed = await credentials.password_hash(connection, person.id)
            if password is None or hashed is None:
                await self._sessions.require_fresh(connection, principal)
            elif principal.actor.kind != "session":
                raise errors.session_needed()
        if password is not None and hashed is not None:
            await self._throttling.attempt(session=principal.actor.id.hex)
            if not await self._hashing.verify(hashed, password):
                raise errors.password_wrong()
        await self.erase(principal, person)

    async def erase(self, who: Principal | Who, person: Person) -> None:
        """Erase the person. What the audit log knows of them shrinks to ids.

        Raises:
            Conflict: the last owner. NotFound: erased already.
        """
        async with self._ground.db.transaction() as connection:
            owners = await persons.lock_owners(connection)
            person = await persons.known_person(connection, person.id)
            if leaves_no_owner(owners, person.role == "owner" and person.state == "active", stays_owner=False):
                raise errors.last_owner()
            await self._forget(connection, person)
            now, erasure = self._ground.clock.now(), new_id()
            await persons.erase(connection, person.id, erasure, now)
            await self._outbox.publish(connection, PERSON_ERASED, person=person.id.hex, erasure=erasure.hex)
            await audit_store.erase_payloads(connection, person.id)
            subject = encode("prs", person.id)
            await self._audit.record(connection, who, "people.person_erased", subject)
        self._keys.forget(person.id)
        await tell_rights_changed(self._ground.bus, person.id)

    async def _forget(self, connection: AsyncConnection, person: Person) -> None:
        await sessions.forget_person(connection, person.id)
        await keys.forget_person(connection, person.id)
        await credentials.forget_person(connection, person.id)
        await self._notify.erase(connection, person.id)
        await links.forget_person(connection, person.id, person.email)
        await self._throttling.succeeded(
            connection, account=email_key(person.email), factor=person.id.hex, reset_account=email_key(person.email)
        )
