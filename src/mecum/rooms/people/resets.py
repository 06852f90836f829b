"""A forgotten password: a link by mail, or by hand of an operator."""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from mecum.kit.bus import tell_rights_changed
from mecum.kit.db import AsyncConnection
from mecum.kit.http import Credentials
from mecum.kit.ids import encode, new_id
from mecum.kit.jobs import Jobs
from mecum.rooms.people import Person, errors
from mecum.rooms.people.accounts import Accounts
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.links import Links, proves_address
from mecum.rooms.people.service import email_key
from mecum.rooms.people.sessions import Issued
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.signing import Signing
from mecum.rooms.people.store import credentials as credential_store
from mecum.rooms.people.store import links as store
from mecum.rooms.people.store import persons
from mecum.rooms.people.store import sessions as session_store
from mecum.rooms.people.throttle import Throttling
from mecum.rooms.people.verification import Verification
from mecum.rooms.people.words import Letters, Notices

HANDLE = "people.handle_reset_request"


class Resets:
    def __init__(
        self,
        ground: Ground,
        settings: PeopleSettings,
        jobs: Jobs,
        audit: Audit,
        accounts: Accounts,
        links: Links,
        signing: Signing,
        throttling: Throttling,
        verification: Verification,
        letters: Letters,
        notices: Notices,
    ) -> None:
        self._ground = ground
        self._settings = settings
        self._jobs = jobs
        self._audit = audit
        self._accounts = accounts
        self._links = links
        self._signing = signing
        self._throttling = throttling
        self._verification = verification
        self._letters = letters
        self._notices = notices

    async def request(self, email: str, credentials: Credentials) -> None:
        """Ask for a link. Whether the address has an account is found out by a job: the answer and its time say
        nothing.

        Raises:
            TooMany: too many requests from this network address.
        """
        await self._throttling.attempt(reset_address=credentials.address)
        request = new_id()
        async with self._ground.db.transaction() as connection:
            await store.add_reset_request(connection, request, email_key(email), self._ground.clock.now())
            await self._jobs.defer(connection, HANDLE, request=str(request))

    async def handle(self, request: str) -> None:
        """The job: send the link, or tell the operators that somebody needs one."""
        async with self._ground.db.transaction() as connection:
            key = await store.take_reset_request(connection, UUID(request))
            person = await persons.person_by_email(connection, key) if key else None
            if key is None or person is None or person.state != "active":
                return
            if not await self._throttling.allowed(connection, reset_account=key):
                return
            await self._answer(connection, person)

    async def _answer(self, connection: AsyncConnection, person: Person) -> None:
        if not self._letters.can_send:
            await self._notices.reset_wanted(connection, person)
        else:
            lasts = dt.timedelta(hours=self._settings.reset_mail_hours)
            link = await self._links.make(connection, "reset", lasts, person=person.id, email=person.email, mailed=True)
            to, url = (person.email, person.locale), self._links.url(link)
            hours = self._settings.reset_mail_hours
            await self._letters.send(connection, to, "reset", link.expires_at, name=person.name, url=url, count=hours)
        subject = encode("prs", person.id)
        await self._audit.record(connection, Who("nobody"), "people.reset_requested", subject)

    async def complete(self, token: str, password: str | None, credentials: Credentials) -> Issued:
        """Sign in by a link, with a new password or to make a passkey right after. All sessions of before end.

        A link by mail leaves the second factor in force; one by an operator, who knows the person, takes it away.

        Raises:
            NotFound, Gone: the link. Unprocessable: the password can't be taken. Forbidden: the account is disabled.
            TooMany: too many tries from this network address.
        """
        await self._throttling.attempt(link_address=credentials.address)
        async with self._ground.db.transaction() as connection:
            person = await self._person(connection, token)
        hashed = None
        if password is not None:
            hashed = await self._accounts.new_password(password, person.email, person.name)
        async with self._ground.db.transaction() as connection:
            link = await self._links.use(connection, token, "reset")
            now = self._ground.clock.now()
            if hashed is not None:
                await credential_store.set_password(connection, person.id, hashed, now)
            if link.clears_second_factor:
                await credential_store.remove_totp(connection, person.id)
            if proves_address(link, person.email):
                await self._verification.prove(connection, person)
            await store.end_links(connection, person.id, now)
            await session_store.revoke(connection, person.id, now)
            await self._throttling.succeeded(
                connection,
                account=email_key(person.email),
                factor=person.id.hex,
                link_address=credentials.address,
            )
            await self._notices.sign_in_changed(connection, person.id)
            issued = await self._signing.begin(connection, person, credentials, "reset")
            details = {"second_factor_removed": link.clears_second_factor, "new_password": hashed is not None}
            who = Who("link", person.id, link.id)
            await self._audit.record(connection, who, "people.access_reset", encode("prs", person.id), details)
        await tell_rights_changed(self._ground.bus, person.id)
        return issued

    async def _person(self, connection: AsyncConnection, token: str) -> Person:
        link = await self._links.find(connection, token)
        if link.kind != "reset" or link.person_id is None:
            raise errors.no_link()
        person = await persons.known_person(connection, link.person_id)
        if person.state != "active":
            raise errors.disabled()
        return person
