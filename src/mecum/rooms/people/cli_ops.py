"""What commands on the machine do with accounts. They talk to the database, so they work while the server runs and
while it does not.

Whoever can run them can read the key file and the database: they ask for no further permission, and the audit log says
`command`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mecum.kit.bus import Bus, LocalBus
from mecum.kit.clock import Clock, SystemClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.i18n import I18n
from mecum.kit.ids import encode
from mecum.kit.types import InstallationRole, Principal, Scope
from mecum.rooms.people import AuditCheck, IssuedKey, Person, errors
from mecum.rooms.people.accounts import Accounts, NewAccount
from mecum.rooms.people.address import Address, Move
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.hashing import Hashing
from mecum.rooms.people.keys import Keys, place_of
from mecum.rooms.people.links import Links
from mecum.rooms.people.service import clean_email, email_key, may_give_scopes
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import credentials, persons
from mecum.rooms.people.store import keys as key_store
from mecum.rooms.people.store.keys import Key

__all__ = ["SEALED", "Added", "Key", "Machine", "MadeLink", "Move", "PeopleCommands"]

COMMAND = Who("command")
SEALED = (credentials.TOTP_SECRET,)
"""What the room keeps sealed, for the rotation of keys."""
PAGE = 200


@dataclass(frozen=True, slots=True)
class Machine:
    """The least that the commands need. A `Kit` does as well.

    Nobody listens to its bus: open streams of a running server find out by themselves.
    """

    db: Database
    clock: Clock
    secrets: SecretBox
    public_url: str
    bus: Bus = field(default_factory=lambda: LocalBus(SystemClock()))


@dataclass(frozen=True, slots=True)
class MadeLink:
    """A link to hand over."""

    url: str
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Added:
    """A new account; `link` lets the person choose a password where none was given."""

    person: Person
    link: MadeLink | None


class PeopleCommands:
    """Accounts and keys from the command line.

    Args:
        machine: database, clock, secrets and public URL.
        settings: of the room.
    """

    def __init__(self, machine: Machine, settings: PeopleSettings) -> None:
        self._machine = machine
        self._settings = settings
        self._audit = Audit(machine.db, machine.clock, machine.secrets)
        self._address = Address(machine, self._audit)
        self._links = Links(machine, settings)
        self._hashing = Hashing(at_once=1, waiting=1)
        self._keys = Keys(machine, settings, self._audit)
        locales = I18n().locales
        self._accounts = Accounts(machine, settings, self._audit, self._hashing, self._links, locales)

    async def add_person(
        self, email: str, role: InstallationRole, password: str | None = None, name: str | None = None
    ) -> Added:
        """Make an account. Without `name` it is the part of the address before the @.

        Raises:
            Conflict: the address has an account. Unprocessable: address or password can't be taken.
        """
        address = clean_email(email)
        new = NewAccount(address, name or address.split("@", 1)[0], password, "en", "UTC")
        person, hashed = await self._accounts.prepared(new, role)
        async with self._machine.db.transaction() as connection:
            await persons.lock_owners(connection)
            await self._accounts.add(connection, person, hashed, COMMAND, "command")
        return Added(person, await self.reset_link(address) if hashed is None else None)

    async def list_people(self) -> tuple[Person, ...]:
        """All accounts, oldest first."""
        found: list[Person] = []
        while True:
            after = found[-1].id if found else None
            async with self._machine.db.transaction() as connection:
                page = await persons.list_persons(connection, query="", after=after, limit=PAGE)
            found.extend(page)
            if len(page) < PAGE:
                return tuple(found)

    async def add_key(self, email: str, name: str, scopes: Iterable[Scope]) -> IssuedKey:
        """A key for a person, in their own space.

        Raises:
            NotFound: no such person. Forbidden: `admin` for a member. Conflict: too many keys. Unprocessable: no
            scopes.
        """
        person = await self.person(email)
        asked = frozenset(scopes)
        if not may_give_scopes(asked, asked, person.role):
            raise errors.scopes_beyond()
        place = await place_of(self._machine, person.id)
        _, issued = await self._keys.issue(person.id, place, _for(person), name, asked, None)
        return issued

    async def list_keys(self, email: str) -> tuple[Key, ...]:
        """The person's keys that are in force, newest first.

        Raises:
            NotFound: no such person.
        """
        person = await self.person(email)
        async with self._machine.db.transaction() as connection:
            return await key_store.list_keys(connection, person.id, limit=self._settings.keys_per_person)

    async def revoke_key(self, email: str, name: str) -> int:
        """Revoke all keys of the person that are called `name`; a running server follows within seconds. Returns how
        many.

        Raises:
            NotFound: no such person or key.
        """
        person = await self.person(email)
        async with self._machine.db.transaction() as connection:
            found = await key_store.find(connection, person.id, name)
        for key in found:
            await self._keys.revoke(person.id, _for(person), key.id)
        if not found:
            raise errors.no_key()
        return len(found)

    async def reset_link(self, email: str) -> MadeLink:
        """A link to choose a new password. It takes the second factor away as well, so that nobody stays locked out.

        Raises:
            NotFound: no such person. Forbidden: the account is disabled.
        """
        person = await self.person(email)
        if person.state != "active":
            raise errors.disabled()
        lasts = dt.timedelta(hours=self._settings.reset_link_hours)
        async with self._machine.db.transaction() as connection:
            link = await self._links.make(connection, "reset", lasts, person=person.id, clears_second_factor=True)
            await self._audit.record(connection, COMMAND, "people.reset_link_made", encode("prs", person.id))
        return MadeLink(self._links.url(link), link.expires_at)

    async def address(self) -> str | None:
        """The address that the installation was run under last, or is to be run under."""
        return await self._address.known()

    async def foresee_move(self, url: str) -> Move:
        """What another address would do. Raises Conflict when the one until now is not known yet."""
        return await self._address.foresee(url)

    async def move(self, url: str) -> Move:
        """Let the next start be under another address. Raises like `foresee_move`."""
        return await self._address.move(url, COMMAND)

    async def setup_link(self) -> str | None:
        """The link that makes the first owner, None when there is one."""
        return await self._links.setup_url()

    async def record(
        self,
        connection: AsyncConnection,
        principal: Principal | None,
        action: str,
        subject: str,
        details: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        """Write down what a command changed in another room, as `People.record`."""
        await self._audit.record(connection, principal or COMMAND, action, subject, details)

    async def verify_audit(self) -> AuditCheck:
        """Whether the audit log is whole."""
        return await self._audit.check()

    def close(self) -> None:
        self._hashing.close()

    async def person(self, email: str) -> Person:
        """Raises NotFound."""
        async with self._machine.db.transaction() as connection:
            person = await persons.person_by_email(connection, email_key(email))
        if person is None:
            raise errors.no_person()
        return person


def _for(person: Person) -> Who:
    """A command that acts for a person: what it writes down about their things is erased with them."""
    return Who("command", person.id)
