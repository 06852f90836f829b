"""What owners and operators do: accounts of others, invitations, reset links."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from uuid import UUID

from mecum.kit.bus import tell_rights_changed
from mecum.kit.db import AsyncConnection
from mecum.kit.ids import encode
from mecum.kit.outbox import Outbox
from mecum.kit.types import InstallationRole, PersonId, Principal
from mecum.rooms.people import PERSON_DISABLED, Person, errors
from mecum.rooms.people.accounts import Accounts, NewAccount
from mecum.rooms.people.audit import Audit
from mecum.rooms.people.erasure import Erasure
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.keys import Keys
from mecum.rooms.people.links import Links
from mecum.rooms.people.service import clean_email, clean_name, leaves_no_owner, may_act_on
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import audit as audit_store
from mecum.rooms.people.store import keys as key_store
from mecum.rooms.people.store import links as link_store
from mecum.rooms.people.store import lock, persons
from mecum.rooms.people.store import organisations as organisation_store
from mecum.rooms.people.store import sessions as session_store
from mecum.rooms.people.store.audit import Entry
from mecum.rooms.people.store.keys import Key
from mecum.rooms.people.store.links import Link
from mecum.rooms.people.store.organisations import OrganisationRow
from mecum.rooms.people.verification import Verification
from mecum.rooms.people.words import Letters


class Admin:
    """Every method takes a principal who operates the installation; the routes see to that."""

    def __init__(
        self,
        ground: Ground,
        settings: PeopleSettings,
        outbox: Outbox,
        audit: Audit,
        accounts: Accounts,
        links: Links,
        keys: Keys,
        erasure: Erasure,
        verification: Verification,
        letters: Letters,
    ) -> None:
        self._ground = ground
        self._settings = settings
        self._outbox = outbox
        self._audit = audit
        self._accounts = accounts
        self._links = links
        self._keys = keys
        self._erasure = erasure
        self._verification = verification
        self._letters = letters

    async def list(self, query: str, after: UUID | None, limit: int, only: UUID | None = None) -> tuple[Person, ...]:
        async with self._ground.db.transaction() as connection:
            return await persons.list_persons(connection, query=query, after=after, limit=limit, only=only)

    async def organisations(
        self, query: str, after: UUID | None, limit: int, only: Collection[UUID] = ()
    ) -> tuple[OrganisationRow, ...]:
        async with self._ground.db.transaction() as connection:
            return await organisation_store.page(connection, query=query, after=after, limit=limit, only=only)

    async def keys(self, person: PersonId, after: UUID | None, limit: int) -> tuple[Key, ...]:
        """Raises NotFound."""
        async with self._ground.db.transaction() as connection:
            await persons.known_person(connection, person)
            return await key_store.list_keys(connection, person, limit=limit, after=after)

    async def add(self, principal: Principal, new: NewAccount, role: InstallationRole) -> tuple[Person, Link | None]:
        """An account for somebody else; without a password with a link to choose one.

        Raises:
            Forbidden: a role above the own one. Conflict: the address has an account. Unprocessable: an entry.
        """
        if not may_act_on(principal.role, role):
            raise errors.role_too_high()
        person, hashed = await self._accounts.prepared(new, role)
        async with self._ground.db.transaction() as connection:
            if role == "owner":
                await persons.lock_owners(connection)
            link = None
            await self._accounts.add(connection, person, hashed, principal, "operator")
            if hashed is not None:
                await self._verification.begin(connection, person)
            else:
                link = await self._reset_link(connection, principal, person, mailed=self._letters.can_send)
                to, url = (person.email, person.locale), self._links.url(link)
                await self._letters.send(connection, to, "welcome", link.expires_at, name=person.name, url=url)
        return person, link

    async def change(
        self,
        principal: Principal,
        target: PersonId,
        *,
        role: InstallationRole | None = None,
        state: str | None = None,
        name: str | None = None,
        email_verified: bool | None = None,
    ) -> Person:
        """Change role, state (`active` or `disabled`) or name of a person, or vouch for the address. Disabling ends all
        sessions, stops what is going on, and closes what was open.

        Raises:
            NotFound: no such person. Forbidden: the role of the target, or the one given, is above the own one.
            Conflict: the last owner.
        """
        values = {"role": role, "state": state, "name": clean_name(name) if name is not None else None}
        changed: dict[str, str | dt.datetime | None] = {
            column: value for column, value in values.items() if value is not None
        }
        if email_verified is not None:
            changed["email_verified_at"] = self._ground.clock.now() if email_verified else None
        async with self._ground.db.transaction() as connection:
            owners = await persons.lock_owners(connection)
            person = await persons.known_person(connection, target)
            if not may_act_on(principal.role, person.role, role):
                raise errors.role_too_high()
            stays = (role or person.role) == "owner" and (state or person.state) == "active"
            if leaves_no_owner(owners, person.role == "owner" and person.state == "active", stays):
                raise errors.last_owner()
            if changed:
                await persons.change_person(connection, target, **changed)
                await self._changed(connection, principal, person, role, state, email_verified)
            after = await persons.known_person(connection, target)
        self._keys.forget(target)
        await tell_rights_changed(self._ground.bus, target)
        return after

    async def _changed(
        self,
        connection: AsyncConnection,
        principal: Principal,
        before: Person,
        role: InstallationRole | None,
        state: str | None,
        email_verified: bool | None,
    ) -> None:
        if state == "disabled":
            await session_store.revoke(connection, before.id, self._ground.clock.now())
            await link_store.end_links(connection, before.id, self._ground.clock.now())
            await self._outbox.publish(connection, PERSON_DISABLED, person=before.id.hex)
        details: dict[str, str | int | bool] = {"role": role or before.role, "state": state or before.state}
        details["role_before"] = before.role
        if email_verified is not None:
            details["email_verified"] = email_verified
        await self._audit.record(connection, principal, "people.person_changed", encode("prs", before.id), details)

    async def reset_link(self, principal: Principal, target: PersonId) -> Link:
        """A link to choose a new password, which also takes the second factor away.

        Raises:
            NotFound: no such person. Forbidden: a role above the own one, or the account is disabled.
        """
        async with self._ground.db.transaction() as connection:
            person = await persons.known_person(connection, target)
            if not may_act_on(principal.role, person.role):
                raise errors.role_too_high()
            if person.state != "active":
                raise errors.disabled()
            return await self._reset_link(connection, principal, person)

    async def _reset_link(
        self, connection: AsyncConnection, principal: Principal, person: Person, *, mailed: bool = False
    ) -> Link:
        link = await self._links.make(
            connection,
            "reset",
            dt.timedelta(hours=self._settings.reset_link_hours),
            person=person.id,
            email=person.email if mailed else None,
            clears_second_factor=True,
            mailed=mailed,
            by=principal.person,
        )
        await self._audit.record(connection, principal, "people.reset_link_made", encode("prs", person.id))
        return link

    async def erase(self, principal: Principal, target: PersonId) -> None:
        """Raises NotFound; Forbidden for a role above the own one; Conflict for the last owner."""
        async with self._ground.db.transaction() as connection:
            person = await persons.known_person(connection, target)
        if not may_act_on(principal.role, person.role):
            raise errors.role_too_high()
        await self._erasure.erase(principal, person)

    async def invite(self, principal: Principal, email: str | None, role: InstallationRole, days: int | None) -> Link:
        """An invitation, sent by mail where there is an address and a mail server.

        Raises:
            Forbidden: a role above the own one. Conflict: sign-up is closed, or too many invitations are open.
        """
        if not may_act_on(principal.role, role):
            raise errors.role_too_high()
        address = clean_email(email) if email else None
        lasts = dt.timedelta(days=days or self._settings.invitation_days)
        async with self._ground.db.transaction() as connection:
            if await self._accounts.policy(connection) == "closed":
                raise errors.invitations_closed()
            await lock(connection, "invitations")
            if (
                await link_store.count_open(connection, "invitation", self._ground.clock.now())
                >= self._settings.links_open
            ):
                raise errors.too_many_invitations(self._settings.links_open)
            mailed = address is not None and self._letters.can_send
            link = await self._links.make(
                connection, "invitation", lasts, email=address, role=role, mailed=mailed, by=principal.person
            )
            if address is not None:
                inviter = await persons.known_person(connection, principal.person)
                to, url = (address, principal.locale), self._links.url(link)
                await self._letters.send(connection, to, "invitation", link.expires_at, inviter=inviter.name, url=url)
            details = {"role": role}
            await self._audit.record(connection, principal, "people.invited", encode("inv", link.id), details)
        return link

    async def invitations(self, after: UUID | None, limit: int) -> tuple[Link, ...]:
        """Those that still work, newest first."""
        now = self._ground.clock.now()
        async with self._ground.db.transaction() as connection:
            return await link_store.open_links(connection, "invitation", now, limit=limit, after=after)

    async def withdraw(self, principal: Principal, invitation: UUID) -> None:
        """Raises NotFound."""
        async with self._ground.db.transaction() as connection:
            if not await link_store.remove(connection, "invitation", invitation):
                raise errors.no_invitation()
            await self._audit.record(connection, principal, "people.invitation_withdrawn", encode("inv", invitation))

    async def audit(self, before: int | None, limit: int) -> tuple[Entry, ...]:
        """The audit log, newest first."""
        async with self._ground.db.transaction() as connection:
            return await audit_store.newest_entries(connection, before, limit)
