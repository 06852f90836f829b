"""Proving that an address is the person's: a link by mail, followed by whoever is signed in to the account.

Signed in, because otherwise somebody could make an account with an address of another person, who then confirms it by
following the link. Without a mail server nothing is asked; an operator who knows the person can vouch for the address.
"""

from __future__ import annotations

import datetime as dt

from mecum.kit.db import AsyncConnection
from mecum.kit.ids import encode
from mecum.kit.types import Principal
from mecum.rooms.people import Person, errors
from mecum.rooms.people.audit import Audit
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.keys import Keys
from mecum.rooms.people.links import Links
from mecum.rooms.people.service import email_key
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import links as store
from mecum.rooms.people.store import persons
from mecum.rooms.people.throttle import Throttling
from mecum.rooms.people.words import Letters


class Verification:
    def __init__(
        self,
        ground: Ground,
        settings: PeopleSettings,
        audit: Audit,
        links: Links,
        keys: Keys,
        throttling: Throttling,
        letters: Letters,
    ) -> None:
        self._ground = ground
        self._lasts = dt.timedelta(hours=settings.verification_hours)
        self._hours = settings.verification_hours
        self._audit = audit
        self._links = links
        self._keys = keys
        self._throttling = throttling
        self._letters = letters

    @property
    def possible(self) -> bool:
        """Whether there is a mail server, so that addresses can be proven."""
        return self._letters.can_send

    async def begin(self, connection: AsyncConnection, person: Person) -> None:
        """Send a new account its link, where that is possible and needed."""
        if self.possible and not person.email_verified:
            await self._send(connection, person, person.email)

    async def pending(self, connection: AsyncConnection, person: Person) -> str | None:
        """The address that the person wants to change to, while it waits to be confirmed."""
        asked = await store.asked_address(connection, person.id, self._ground.clock.now())
        return asked if asked is not None and email_key(asked) != email_key(person.email) else None

    async def again(self, principal: Principal) -> None:
        """Send the link once more: to the new address where one waits, else to the one that is not proven yet.

        Raises:
            Conflict: there is no mail server. TooMany: it was sent too often.
        """
        if not self.possible:
            raise errors.no_mail()
        async with self._ground.db.transaction() as connection:
            person = await persons.known_person(connection, principal.person)
            pending = await self.pending(connection, person)
        address = pending or (None if person.email_verified else person.email)
        if address is None:
            return
        await self.require_turn(address)
        async with self._ground.db.transaction() as connection:
            await self._send(connection, person, address)

    async def require_turn(self, address: str) -> None:
        """Count a mail to `address`. Raises TooMany: nobody's mailbox is flooded from here."""
        await self._throttling.attempt(mail_account=email_key(address))

    async def ask_for(self, connection: AsyncConnection, principal: Principal, person: Person, address: str) -> None:
        """Let the account move to `address` once that is confirmed; the present one hears of it and stays meanwhile.

        Raises Conflict when the address has another account.
        """
        if await persons.person_by_email(connection, email_key(address)) is not None:
            raise errors.email_taken()
        await self._send(connection, person, address)
        await self._letters.send(connection, (person.email, person.locale), "address_asked", name=person.name)
        await self._audit.record(connection, principal, "people.email_change_asked", encode("prs", person.id))

    async def give_up(self, connection: AsyncConnection, person: Person) -> None:
        """The present address stays: links to another one are void."""
        await store.end_verifications(connection, person.id, self._ground.clock.now())

    async def confirm(self, principal: Principal, token: str) -> None:
        """The address of the link is the person's from now on.

        Raises:
            NotFound: no such link, or it is for another account. Gone: it was used, has expired, or a newer one went
            out. Conflict: the address has another account by now.
        """
        async with self._ground.db.transaction() as connection:
            link = await self._links.find(connection, token)
            if link.kind != "verification" or link.person_id != principal.person or link.email is None:
                raise errors.no_link()
            await self._links.use(connection, token, "verification")
            person = await persons.known_person(connection, principal.person)
            if email_key(link.email) == email_key(person.email):
                await self.prove(connection, person)
                await self._audit.record(connection, principal, "people.email_verified", encode("prs", person.id))
            else:
                await self._move(connection, principal, person, link.email)
        self._keys.forget(principal.person)

    async def prove(self, connection: AsyncConnection, person: Person) -> None:
        """The present address is proven. The first time counts."""
        if not person.email_verified:
            now = self._ground.clock.now()
            await persons.change_person(connection, person.id, email_verified_at=now)

    async def _move(self, connection: AsyncConnection, principal: Principal, before: Person, address: str) -> None:
        """The old address hears of it, and links that were sent there are void."""
        now = self._ground.clock.now()
        await persons.change_person(connection, before.id, email=address, email_verified_at=now)
        await store.end_links(connection, before.id, now)
        await self._letters.send(connection, (before.email, before.locale), "address_changed", name=before.name)
        await self._audit.record(connection, principal, "people.email_changed", encode("prs", before.id))

    async def _send(self, connection: AsyncConnection, person: Person, address: str) -> None:
        """The newest link alone works: an address that was mistyped before gets nothing."""
        await store.end_verifications(connection, person.id, self._ground.clock.now())
        link = await self._links.make(
            connection, "verification", self._lasts, person=person.id, email=address, mailed=True
        )
        to, url = (address, person.locale), self._links.url(link)
        about = {"name": person.name, "url": url, "count": self._hours}
        await self._letters.send(connection, to, "verification", link.expires_at, **about)
