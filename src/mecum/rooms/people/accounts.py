"""Accounts: how they come to be, what changes on them, and who may change it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, cast

from mecum.kit.db import AsyncConnection
from mecum.kit.http import Credentials
from mecum.kit.ids import encode, new_id
from mecum.kit.types import InstallationRole, PersonId, Principal
from mecum.rooms.people import Person, errors
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.links import Links, proves_address
from mecum.rooms.people.service import check_password, clean_email, clean_locale, clean_name, clean_timezone, email_key
from mecum.rooms.people.sessions import Issued, Sessions
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import credentials, persons
from mecum.rooms.people.store import links as link_store
from mecum.rooms.people.store.links import Link
from mecum.rooms.people.throttle import Throttling
from mecum.rooms.people.verification import Verification

PRODUCT = "mecum"
SignUpPolicy = Literal["closed", "invitation", "open"]


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What somebody enters to get an account. Without a password a passkey has to follow."""

    email: str
    name: str
    password: str | None
    locale: str
    timezone: str


class Accounts:
    def __init__(
        self,
        ground: Ground,
        settings: PeopleSettings,
        audit: Audit,
        hashing: Hashing,
        links: Links,
        locales: tuple[str, ...],
    ) -> None:
        self._ground = ground
        self._settings = settings
        self._audit = audit
        self._hashing = hashing
        self._links = links
        self._locales = locales

    async def new_password(self, password: str, email: str, name: str) -> str:
        """The hash of a password that may be taken. Raises Unprocessable."""
        personal = (email, name, PRODUCT, self._settings.installation_name)
        check_password(password, least=self._settings.password_min_length, personal=personal)
        return await self._hashing.hash(password)

    async def prepared(self, new: NewAccount, role: InstallationRole) -> tuple[Person, str | None]:
        """The person to add and the hash of the password, computed before any transaction. Raises Unprocessable."""
        email, name = clean_email(new.email), clean_name(new.name)
        hashed = await self.new_password(new.password, email, name) if new.password is not None else None
        person = Person(
            id=PersonId(new_id()),
            email=email,
            name=name,
            role=role,
            state="active",
            locale=clean_locale(new.locale, self._locales),
            timezone=clean_timezone(new.timezone),
            created_at=self._ground.clock.now(),
        )
        return person, hashed

    async def add(
        self, connection: AsyncConnection, person: Person, hashed: str | None, who: Principal | Who | None, how: str
    ) -> None:
        """Insert the person. Raises Conflict when the address has an account."""
        await persons.add_person(connection, person)
        if hashed is not None:
            await credentials.set_password(connection, person.id, hashed, person.created_at)
        by = who or Who("person", person.id)
        details = {"role": person.role, "how": how}
        await self._audit.record(connection, by, "people.person_added", encode("prs", person.id), details)

    async def policy(self, connection: AsyncConnection) -> SignUpPolicy:
        return cast("SignUpPolicy", await link_store.policy(connection, "sign_up") or self._settings.sign_up)

    async def require_open(self, connection: AsyncConnection) -> None:
        """Raises Forbidden unless everybody may make an account."""
        policy = await self.policy(connection)
        if policy == "closed":
            raise errors.sign_up_closed()
        if policy != "open":
            raise errors.invitation_needed()

    async def set_policy(self, principal: Principal, policy: SignUpPolicy) -> None:
        async with self._ground.db.transaction() as connection:
            await link_store.set_policy(connection, "sign_up", policy, self._ground.clock.now())
            await self._audit.record(connection, principal, "people.sign_up_changed", "sign_up", {"policy": policy})


class Arrivals:
    """Getting an account oneself: the first owner, and sign-up by the installation's policy."""

    def __init__(
        self,
        ground: Ground,
        accounts: Accounts,
        links: Links,
        sessions: Sessions,
        throttling: Throttling,
        verification: Verification,
    ) -> None:
        self._ground = ground
        self._accounts = accounts
        self._links = links
        self._sessions = sessions
        self._throttling = throttling
        self._verification = verification

    async def set_up(self, token: str, new: NewAccount, credentials: Credentials) -> Issued:
        """Make the first owner.

        Raises:
            NotFound: no such link. Gone: it was used, or there is an owner. Unprocessable: an entry is not possible.
            TooMany: too many tries from this network address.
        """
        await self._throttling.attempt(link_address=credentials.address)
        async with self._ground.db.transaction() as connection:
            await self._links.find(connection, token)
        person, hashed = await self._accounts.prepared(new, "owner")
        async with self._ground.db.transaction() as connection:
            if await persons.lock_owners(connection):
                raise errors.set_up_already()
            await self._links.use(connection, token, "setup")
            await self._throttling.succeeded(connection, link_address=credentials.address)
            await self._accounts.add(connection, person, hashed, None, "setup")
            await self._verification.begin(connection, person)
            return await self._sessions.begin(connection, person, credentials)

    async def sign_up(self, token: str | None, new: NewAccount, credentials: Credentials) -> Issued:
        """Make an account by invitation, or where the policy is open by a link that was sent to the address. Without a
        mail server that takes no link.

        Raises:
            Forbidden: the policy does not allow it, or takes a link first. NotFound, Gone: the link. Conflict: the
            address has an account.
        """
        async with self._ground.db.transaction() as connection:
            link = await self._admitted(connection, token)
        check_invited(link, new.email)
        if link is None or link.kind == "invitation":  # who asked for a link was counted then
            await self._throttling.attempt(sign_up_address=credentials.address)
        person, hashed = await self._accounts.prepared(new, link.role if link else "member")
        person = replace(person, email_verified=proves_address(link, person.email))
        async with self._ground.db.transaction() as connection:
            await self._admitted(connection, token)
            if token:
                await self._links.use(connection, token, "invitation", "sign_up")
            how = "invitation" if link is not None and link.kind == "invitation" else "sign_up"
            await self._accounts.add(connection, person, hashed, None, how)
            await self._verification.begin(connection, person)
            return await self._sessions.begin(connection, person, credentials)

    async def _admitted(self, connection: AsyncConnection, token: str | None) -> Link | None:
        if await self._accounts.policy(connection) == "closed":
            raise errors.sign_up_closed()
        link = await self._links.find(connection, token) if token else None
        if link is not None and link.kind == "invitation":
            return link
        if link is not None and link.kind != "sign_up":
            raise errors.no_link()
        await self._accounts.require_open(connection)
        if link is None and self._verification.possible:
            raise errors.confirm_address()
        return link


def check_invited(invitation: Link | None, email: str) -> None:
    """Raises Unprocessable when the link is for another address."""
    if invitation is not None and invitation.email and email_key(invitation.email) != email_key(email):
        raise errors.invitation_for_another()
