"""The face, implemented."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import Forbidden
from mecum.kit.http import PAGE_SIZE_MAX, Credentials
from mecum.kit.notify import Recipient
from mecum.kit.types import Actor, OrganisationId, Page, PersonId, Principal, Scope, SpaceId, Surface
from mecum.rooms.people import AuditCheck, Overseer, Person, Space, errors
from mecum.rooms.people.api.bodies import cursor_id
from mecum.rooms.people.parts import Parts
from mecum.rooms.people.store import keys as key_store
from mecum.rooms.people.store import overseers, persons
from mecum.rooms.people.words import OPERATORS_TOLD

JOB_SCOPES: frozenset[Scope] = frozenset(("chat", "models", "threads"))
"""Work without a surface changes neither the account nor the installation."""


class PeopleRoom:
    """Implements `mecum.rooms.people.People`."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self._db = parts.kit.db

    async def authenticate(self, credentials: Credentials) -> Principal:
        return await self.parts.authenticate(credentials)

    async def recheck(self, principal: Principal) -> None:
        match principal.actor.kind:
            case "session":
                await self.parts.sessions.recheck(principal)
            case "key":
                await self.parts.keys.recheck(principal)
            case _:
                await self.principal_for_job(principal.person, principal.space, principal.actor.id)

    async def person(self, person: PersonId) -> Person:
        async with self._db.transaction() as connection:
            return await persons.known_person(connection, person)

    async def key_owner(self, key: UUID) -> PersonId:
        async with self._db.transaction() as connection:
            owner = await key_store.owner(connection, key)
        if owner is None:
            raise errors.no_key()
        return owner

    async def key_stands(self, key: UUID) -> bool:
        async with self._db.transaction() as connection:
            return await key_store.in_force(connection, key, self.parts.kit.clock.now()) is not None

    async def names(
        self, people: Collection[UUID], keys: Collection[UUID], organisations: Collection[UUID] = ()
    ) -> Mapping[UUID, str]:
        async with self._db.transaction() as connection:
            found = await persons.names(connection, people) if people else {}
            found |= await key_store.names(connection, keys) if keys else {}
            return found | (await persons.organisation_names(connection, organisations) if organisations else {})

    async def overseers(self, connection: AsyncConnection, organisation: OrganisationId | None) -> tuple[Overseer, ...]:
        found = {each.person: each for each in await overseers.of_installation(connection, OPERATORS_TOLD)}
        if organisation is not None:
            for each in await overseers.of_organisation(connection, organisation, OPERATORS_TOLD):
                found.setdefault(each.person, each)
        return tuple(found.values())

    async def principal_for_job(
        self, person: PersonId, space: SpaceId, job: UUID, surface: Surface = "none"
    ) -> Principal:
        async with self._db.transaction() as connection:
            known = await persons.known_person(connection, person)
            place = await persons.space_of(connection, person, space)
        if known.state != "active":
            raise errors.disabled()
        return Principal(
            person=known.id,
            actor=Actor("job", job),
            space=place.id,
            organisation=place.organisation,
            role=known.role,
            scopes=JOB_SCOPES,
            surface=surface,
            locale=known.locale,
            timezone=known.timezone,
        )

    async def spaces(self, principal: Principal) -> tuple[Space, ...]:
        async with self._db.transaction() as connection:
            return await persons.spaces_of(connection, principal.person)

    async def people(self, principal: Principal, cursor: str | None, limit: int) -> Page[Person]:
        if not principal.operates:
            raise Forbidden("operator_only", "Only the owner or an operator may do this.")
        limit = max(1, min(limit, PAGE_SIZE_MAX))
        async with self._db.transaction() as connection:
            found = await persons.list_persons(connection, query="", after=cursor_id(cursor), limit=limit)
        return Page(found, found[-1].id.hex if len(found) == limit else None)

    async def has_owner(self) -> bool:
        async with self._db.transaction() as connection:
            return await persons.count_owners(connection) > 0

    async def setup_url(self) -> str | None:
        return await self.parts.links.setup_url()

    async def recipient(self, person: PersonId) -> Recipient | None:
        """Where mail to the person goes; None for somebody who is disabled or gone. For `kit.notify`."""
        async with self._db.transaction() as connection:
            known = await persons.person(connection, person)
        if known is None or known.state != "active":
            return None
        return Recipient(known.email, known.locale, proven=known.email_verified)

    async def record(
        self,
        connection: AsyncConnection,
        principal: Principal | None,
        action: str,
        subject: str,
        details: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        await self.parts.audit.record(connection, principal, action, subject, details)

    async def verify_audit(self) -> AuditCheck:
        return await self.parts.audit.check()
