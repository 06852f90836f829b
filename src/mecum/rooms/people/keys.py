"""API keys: shown once, kept as hashes, remembered for a few seconds so that the relay's hot path asks no database."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from uuid import UUID

from mecum.kit.bus import tell_rights_changed
from mecum.kit.crypto import hash_secret
from mecum.kit.http import Credentials
from mecum.kit.ids import encode, new_id, new_secret
from mecum.kit.types import Actor, OrganisationId, PersonId, Principal, Scope, SpaceId
from mecum.rooms.people import IssuedKey, Person, errors
from mecum.rooms.people.audit import Audit, Who
from mecum.rooms.people.edge import surface_of
from mecum.rooms.people.ground import Ground
from mecum.rooms.people.service import clean_name, may_give_scopes
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store import keys as store
from mecum.rooms.people.store import lock, persons
from mecum.rooms.people.store.keys import Key

SECRET_PREFIX = "mk"  # noqa: S105 - how keys begin, no key
SECRET_CHARS_MAX = 200
SHOWN_CHARS = 10
USED_EVERY = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class _Remembered:
    principal: Principal
    person: Person
    expires_at: dt.datetime | None
    until: float


class Keys:
    """Args: audit log; the rest of what it stands on. One per process: it holds the cache."""

    def __init__(self, ground: Ground, settings: PeopleSettings, audit: Audit) -> None:
        self._ground = ground
        self._settings = settings
        self._audit = audit
        self._cache: OrderedDict[bytes, _Remembered] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[_Remembered | None]] = {}

    async def authenticate(self, credentials: Credentials) -> Principal:
        """The principal of the request's bearer key.

        Raises:
            Unauthenticated: no such key in force. Forbidden: its person is disabled.
        """
        secret = credentials.bearer or ""
        if not secret.startswith(f"{SECRET_PREFIX}_") or len(secret) > SECRET_CHARS_MAX:
            raise errors.key_invalid()
        found = await self._lookup(hash_secret(secret))
        if found is None or (found.expires_at is not None and found.expires_at <= self._ground.clock.now()):
            raise errors.key_invalid()
        if found.person.state != "active":
            raise errors.disabled()
        surface = surface_of(credentials, "api")
        return found.principal if found.principal.surface == surface else replace(found.principal, surface=surface)

    async def recheck(self, principal: Principal) -> None:
        """Raises Unauthenticated when the principal's key has ended, Forbidden for a disabled person."""
        async with self._ground.db.transaction() as connection:
            person = await store.in_force(connection, principal.actor.id, self._ground.clock.now())
        if person is None:
            raise errors.key_invalid()
        if person.state != "active":
            raise errors.disabled()

    async def create(
        self,
        principal: Principal,
        name: str,
        scopes: Iterable[Scope],
        expires_at: dt.datetime | None = None,
    ) -> tuple[Key, IssuedKey]:
        """A new key in the principal's space.

        Raises:
            Forbidden: more scopes than the principal has. Conflict: too many keys. Unprocessable: name, scopes or
            expiry.
        """
        asked = frozenset(scopes)
        if not may_give_scopes(principal.scopes, asked, principal.role):
            raise errors.scopes_beyond()
        person, place = principal.person, (principal.space, principal.organisation)
        return await self.issue(person, place, principal, name, asked, expires_at)

    async def issue(
        self,
        person: PersonId,
        place: tuple[SpaceId, OrganisationId],
        who: Principal | Who,
        name: str,
        scopes: frozenset[Scope],
        expires_at: dt.datetime | None,
    ) -> tuple[Key, IssuedKey]:
        now = self._ground.clock.now()
        if not scopes:
            raise errors.scopes_empty()
        if expires_at is not None and expires_at <= now:
            raise errors.expiry_past()
        secret = new_secret(SECRET_PREFIX)
        key = Key(new_id(), person, *place, clean_name(name)[:100], secret[:SHOWN_CHARS], scopes, now, expires_at)
        async with self._ground.db.transaction() as connection:
            await lock(connection, f"keys.{person}")
            if await store.count(connection, person) >= self._settings.keys_per_person:
                raise errors.too_many_keys(self._settings.keys_per_person)
            await store.add(connection, key, hash_secret(secret))
            details = {"name": key.name, "scopes": " ".join(sorted(scopes))}
            await self._audit.record(connection, who, "people.key_created", encode("key", key.id), details)
        return key, IssuedKey(key.id, key.name, secret, scopes)

    async def list(self, principal: Principal, limit: int, after: UUID | None) -> tuple[Key, ...]:
        async with self._ground.db.transaction() as connection:
            return await store.list_keys(connection, principal.person, limit=limit, after=after)

    async def revoke(self, person: PersonId, who: Principal | Who, key: UUID) -> None:
        """Raises NotFound."""
        async with self._ground.db.transaction() as connection:
            if not await store.revoke(connection, person, self._ground.clock.now(), key):
                raise errors.no_key()
            await self._audit.record(connection, who, "people.key_revoked", encode("key", key))
        self.forget(person)
        await tell_rights_changed(self._ground.bus, person)

    def forget(self, person: UUID) -> None:
        """Drop what is remembered of the person's keys: their rights have changed."""
        for secret_hash, found in list(self._cache.items()):
            if found.person.id == person:
                del self._cache[secret_hash]
        for secret_hash in list(self._asking):
            del self._asking[secret_hash]

    async def _lookup(self, secret_hash: bytes) -> _Remembered | None:
        found = self._cache.get(secret_hash)
        if found is not None and found.until > self._ground.clock.monotonic():
            return found
        asking = self._asking.get(secret_hash)
        if asking is None:
            asking = asyncio.create_task(self._ask(secret_hash))
            self._asking[secret_hash] = asking
            asking.add_done_callback(lambda done: self._asked(secret_hash, done))
        return await asyncio.shield(asking)

    def _asked(self, secret_hash: bytes, done: asyncio.Task[_Remembered | None]) -> None:
        if self._asking.get(secret_hash) is not done:
            return  # Forgotten meanwhile: what it read may be old.
        del self._asking[secret_hash]
        found = None if done.cancelled() or done.exception() else done.result()
        if found is None:
            self._cache.pop(secret_hash, None)
            return
        self._cache[secret_hash] = found
        self._cache.move_to_end(secret_hash)
        while len(self._cache) > self._settings.key_cache_size:
            self._cache.popitem(last=False)

    async def _ask(self, secret_hash: bytes) -> _Remembered | None:
        now = self._ground.clock.now()
        until = self._ground.clock.monotonic() + self._settings.key_cache_seconds
        async with self._ground.db.transaction() as connection:
            found = await store.by_secret(connection, secret_hash, now)
            if found is None:
                return None
            key, person = found
            if key.last_used_at is None or now - key.last_used_at >= USED_EVERY:
                await store.used(connection, key.id, now)
        return _Remembered(_principal(key, person), person, key.expires_at, until)


def _principal(key: Key, person: Person) -> Principal:
    return Principal(
        person=PersonId(person.id),
        actor=Actor("key", key.id),
        space=SpaceId(key.space_id),
        organisation=OrganisationId(key.organisation_id),
        role=person.role,
        scopes=key.scopes,
        surface="api",
        locale=person.locale,
        timezone=person.timezone,
    )


async def place_of(ground: Ground, person: PersonId) -> tuple[SpaceId, OrganisationId]:
    """The person's own space and its organisation. Raises NotFound."""
    async with ground.db.transaction() as connection:
        space = await persons.personal_space(connection, person)
    return space.id, space.organisation
