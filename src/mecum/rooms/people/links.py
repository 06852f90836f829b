"""One-time links: set-up, invitation, sign-up, reset, confirming an address.

A link's secret is derived from its id under a key from the key file. So it can be shown again to those who may see it,
while the database alone, which keeps a hash, gives nobody a link.
"""

from __future__ import annotations

import base64
import datetime as dt
from uuid import UUID

from mecum.kit.crypto import hash_secret
from mecum.kit.db import AsyncConnection
from mecum.kit.ids import new_id
from mecum.kit.types import InstallationRole
from mecum.rooms.people import errors
from mecum.rooms.people.ground import Ground, mac
from mecum.rooms.people.service import email_key
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import links as store
from mecum.rooms.people.store import persons
from mecum.rooms.people.store.links import Link, LinkKind

TOKEN_CHARS_MAX = 200


class Links:
    def __init__(self, ground: Ground, settings: PeopleSettings) -> None:
        self._ground = ground
        self._settings = settings
        self._key = ground.secrets.derive("people.links")

    def token(self, link: Link) -> str:
        return base64.urlsafe_b64encode(mac(self._key, link.kind.encode(), link.id.bytes)).decode().rstrip("=")

    def url(self, link: Link) -> str:
        return f"{self._ground.public_url}/{link.kind.replace('_', '-')}/{self.token(link)}"

    async def make(
        self,
        connection: AsyncConnection,
        kind: LinkKind,
        lasts: dt.timedelta,
        *,
        person: UUID | None = None,
        email: str | None = None,
        role: InstallationRole = "member",
        clears_second_factor: bool = False,
        mailed: bool = False,
        by: UUID | None = None,
    ) -> Link:
        now = self._ground.clock.now()
        link = Link(
            id=new_id(),
            organisation_id=await persons.home(connection),
            kind=kind,
            person_id=person,
            email=email,
            role=role,
            clears_second_factor=clears_second_factor,
            created_by=by,
            created_at=now,
            expires_at=now + lasts,
            mailed=mailed,
        )
        await store.add(connection, link, hash_secret(self.token(link)))
        return link

    async def find(self, connection: AsyncConnection, token: str) -> Link:
        """The link in force.

        Raises:
            NotFound: there is none. Gone: it was used or has expired.
        """
        link = await store.by_token(connection, hash_secret(token)) if len(token) <= TOKEN_CHARS_MAX else None
        if link is None:
            raise errors.no_link()
        if link.used_at is not None or link.expires_at <= self._ground.clock.now():
            raise errors.link_over()
        if link.kind == "setup" and await persons.count_owners(connection):
            raise errors.link_over()
        return link

    async def use(self, connection: AsyncConnection, token: str, *kinds: LinkKind) -> Link:
        """The link, used up by this transaction. Raises like `find`."""
        link = await self.find(connection, token)
        if link.kind not in kinds:
            raise errors.no_link()
        if not await store.use(connection, link.id, self._ground.clock.now()):
            raise errors.link_over()
        return link

    async def setup_url(self) -> str | None:
        """The link that makes the first owner; None when there is an owner."""
        async with self._ground.db.transaction() as connection:
            if await persons.lock_owners(connection):
                return None
            known = await store.open_links(connection, "setup", self._ground.clock.now(), limit=1)
            lasts = dt.timedelta(hours=self._settings.setup_link_hours)
            return self.url(known[0] if known else await self.make(connection, "setup", lasts, role="owner"))


def proves_address(link: Link | None, email: str) -> bool:
    """Whether who follows `link` reads mail at `email`: it was sent there and nowhere else."""
    return link is not None and link.mailed and link.email is not None and email_key(link.email) == email_key(email)
