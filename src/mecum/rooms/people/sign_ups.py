"""Signing up where everybody may: first a link to the address, then the account.

So there is no account whose address is not its owner's, nobody can take an address that is not theirs, and a stranger
does not learn who has an account.
"""

from __future__ import annotations

import datetime as dt
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.http import Credentials
from mecum.kit.jobs import Jobs
from mecum.rooms.people import errors
from mecum.rooms.people.accounts import Accounts
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.links import Links
from mecum.rooms.people.service import clean_email, clean_locale, email_key
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import links as store
from mecum.rooms.people.store import persons
from mecum.rooms.people.store.links import Link
from mecum.rooms.people.throttle import Throttling
from mecum.rooms.people.words import Letters

SEND = "people.send_sign_up_link"


class SignUps:
    def __init__(
        self,
        ground: Ground,
        settings: PeopleSettings,
        jobs: Jobs,
        accounts: Accounts,
        links: Links,
        throttling: Throttling,
        letters: Letters,
        locales: tuple[str, ...],
    ) -> None:
        self._ground = ground
        self._hours = settings.verification_hours
        self._jobs = jobs
        self._accounts = accounts
        self._links = links
        self._throttling = throttling
        self._letters = letters
        self._locales = locales

    async def request(self, email: str, locale: str, credentials: Credentials) -> None:
        """Ask for a link to make an account. Whether the address has one is found out by a job: the answer and its time
        say nothing.

        Raises:
            Forbidden: the policy does not allow it. Conflict: there is no mail server, so one signs up without a link.
            Unprocessable: no address. TooMany: too many requests from this network address.
        """
        address, words = clean_email(email), clean_locale(locale, self._locales)
        async with self._ground.db.transaction() as connection:
            await self._accounts.require_open(connection)
        if not self._letters.can_send:
            raise errors.no_mail()
        await self._throttling.attempt(sign_up_address=credentials.address)
        lasts = dt.timedelta(hours=self._hours)
        async with self._ground.db.transaction() as connection:
            link = await self._links.make(connection, "sign_up", lasts, email=address, mailed=True)
            await self._jobs.defer(connection, SEND, link=str(link.id), locale=words)

    async def handle(self, link: str, locale: str) -> None:
        """The job: send the link, or tell the person that they have an account."""
        async with self._ground.db.transaction() as connection:
            found = await store.by_id(connection, UUID(link))
            if found is None or found.email is None or found.used_at is not None:
                return
            if not await self._throttling.allowed(connection, mail_account=email_key(found.email)):
                await store.remove(connection, "sign_up", found.id)
                return
            await self._answer(connection, found, found.email, locale)

    async def _answer(self, connection: AsyncConnection, link: Link, address: str, locale: str) -> None:
        person = await persons.person_by_email(connection, email_key(address))
        if person is None:
            url = self._links.url(link)
            await self._letters.send(
                connection, (address, locale), "sign_up", link.expires_at, url=url, count=self._hours
            )
            return
        await store.remove(connection, "sign_up", link.id)
        if person.state == "active":
            to, url = (person.email, person.locale), f"{self._ground.public_url}/sign-in"
            await self._letters.send(connection, to, "account_there", name=person.name, url=url)
