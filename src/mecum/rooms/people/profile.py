"""What persons change on their own account: name, address, language, password."""

from __future__ import annotations

from dataclasses import dataclass

from mecum.kit.bus import tell_rights_changed
from mecum.kit.db import AsyncConnection
from mecum.kit.ids import encode
from mecum.kit.types import Principal
from mecum.rooms.people import Person, errors
from mecum.rooms.people.accounts import Accounts
from mecum.rooms.people.audit import Audit
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.keys import Keys
from mecum.rooms.people.service import clean_email, clean_locale, clean_name, clean_timezone, email_key, rp_id_of
from mecum.rooms.people.sessions import Sessions
from mecum.rooms.people.store import credentials, links, lock, persons
from mecum.rooms.people.store import sessions as session_store
from mecum.rooms.people.throttle import Throttling
from mecum.rooms.people.verification import Verification
from mecum.rooms.people.words import Notices


@dataclass(frozen=True, slots=True)
class Changes:
    """What to change on an account; None leaves as it is."""

    name: str | None = None
    email: str | None = None
    locale: str | None = None
    timezone: str | None = None


class Profile:
    def __init__(
        self,
        ground: Ground,
        audit: Audit,
        accounts: Accounts,
        sessions: Sessions,
        keys: Keys,
        hashing: Hashing,
        throttling: Throttling,
        verification: Verification,
        notices: Notices,
        locales: tuple[str, ...],
    ) -> None:
        self._ground = ground
        self._audit = audit
        self._accounts = accounts
        self._sessions = sessions
        self._keys = keys
        self._hashing = hashing
        self._throttling = throttling
        self._verification = verification
        self._notices = notices
        self._locales = locales

    async def change(self, principal: Principal, changes: Changes) -> None:
        """Change the own account. Where there is a mail server, another address has to be confirmed before it counts;
        the present one given again calls that off.

        Raises:
            Unprocessable: a value is not possible. Conflict: the address has another account.
            Forbidden: the address changes and the sign-in is too long ago. TooMany: mail went there too often.
        """
        values: dict[str, str] = {}
        if changes.name is not None:
            values["name"] = clean_name(changes.name)
        if changes.locale is not None:
            values["locale"] = clean_locale(changes.locale, self._locales)
        if changes.timezone is not None:
            values["timezone"] = clean_timezone(changes.timezone)
        address = clean_email(changes.email) if changes.email is not None else None
        if address is not None:
            await self._change_address(principal, address)
        if values:
            async with self._ground.db.transaction() as connection:
                await persons.change_person(connection, principal.person, **values)
        self._keys.forget(principal.person)

    async def _change_address(self, principal: Principal, address: str) -> None:
        async with self._ground.db.transaction() as connection:
            person = await persons.known_person(connection, principal.person)
            if address == person.email:
                await self._verification.give_up(connection, person)
                return
            await self._sessions.require_fresh(connection, principal)
            if email_key(address) == email_key(person.email):
                await persons.change_person(connection, principal.person, email=address)
                return
            if not self._verification.possible:
                await self._move(connection, principal, person, address)
                return
        await self._verification.require_turn(address)
        async with self._ground.db.transaction() as connection:
            await self._verification.ask_for(connection, principal, person, address)

    async def _move(self, connection: AsyncConnection, principal: Principal, before: Person, address: str) -> None:
        """Without a mail server: at once, and nothing is proven any more. Links that were handed out are void."""
        await persons.change_person(connection, before.id, email=address, email_verified_at=None)
        await links.end_links(connection, principal.person, self._ground.clock.now())
        await self._audit.record(connection, principal, "people.email_changed", encode("prs", principal.person))

    async def change_password(self, principal: Principal, current: str | None, new: str | None) -> None:
        """Set, change or (with None) take away the own password. All other sessions end.

        Raises:
            Forbidden: wrong current password; without one to check, the sign-in is too long ago.
            Unprocessable: the new password can't be taken. Conflict: nothing to sign in with would be left.
        """
        async with self._ground.db.transaction() as connection:
            if principal.actor.kind != "session":
                raise errors.session_needed()
            person = await persons.known_person(connection, principal.person)
            known = await credentials.password_hash(connection, principal.person)
            if known is None or current is None:
                await self._sessions.require_fresh(connection, principal)
        if known is not None and current is not None:
            await self._check(principal, known, current)
        hashed = await self._accounts.new_password(new, person.email, person.name) if new is not None else None
        async with self._ground.db.transaction() as connection:
            await self._store_password(connection, principal, hashed)
        await tell_rights_changed(self._ground.bus, principal.person)

    async def _check(self, principal: Principal, known: str, current: str) -> None:
        tried = principal.actor.id.hex
        await self._throttling.attempt(session=tried)
        if not await self._hashing.verify(known, current):
            raise errors.password_wrong()
        async with self._ground.db.transaction() as connection:
            await self._throttling.succeeded(connection, session=tried)

    async def _store_password(self, connection: AsyncConnection, principal: Principal, hashed: str | None) -> None:
        now = self._ground.clock.now()
        await lock(connection, f"credentials.{principal.person}")
        if hashed is not None:
            await credentials.set_password(connection, principal.person, hashed, now)
        else:
            await credentials.remove_password(connection, principal.person)
            rp_id = rp_id_of(self._ground.public_url)
            if not (await persons.account(connection, principal.person, rp_id)).credentials:
                raise errors.last_credential()
        await session_store.revoke(connection, principal.person, now, but=principal.actor.id)
        await links.end_links(connection, principal.person, now)
        await self._notices.sign_in_changed(connection, principal.person)
        action = "people.password_changed" if hashed is not None else "people.password_removed"
        await self._audit.record(connection, principal, action, encode("prs", principal.person))
