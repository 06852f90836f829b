"""people: accounts, credentials, sessions, API keys, organisations, spaces, roles and the audit log.

This file is the room's face: what others may know and call.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.http import Credentials
from mecum.kit.types import (
    InstallationRole,
    OrganisationId,
    OrganisationRole,
    Page,
    PersonId,
    Principal,
    Scope,
    SpaceId,
    Surface,
)

__all__ = [
    "PERSON_DISABLED",
    "PERSON_ERASED",
    "AuditCheck",
    "ExportPart",
    "Exporter",
    "IssuedKey",
    "Overseer",
    "People",
    "Person",
    "Space",
]

PERSON_DISABLED = "people.PersonDisabled"
"""Outbox topic; payload `{"person": hex}`. What is going on for the person stops; nothing is removed."""
PERSON_ERASED = "people.PersonErased"
"""Outbox topic; payload `{"person": hex, "erasure": hex}`. Every room with personal content subscribes and erases."""


@dataclass(frozen=True, slots=True)
class Person:
    """Args: email_verified: somebody has proven to read mail at `email`, or an operator vouched for it."""

    id: PersonId
    email: str
    name: str
    role: InstallationRole
    state: Literal["active", "disabled", "erased"]
    locale: str
    timezone: str
    created_at: dt.datetime
    email_verified: bool = False


@dataclass(frozen=True, slots=True)
class Space:
    """The unit of separation: one personal space per person, one more per membership."""

    id: SpaceId
    kind: Literal["personal", "membership"]
    organisation: OrganisationId
    organisation_name: str
    role: OrganisationRole


@dataclass(frozen=True, slots=True)
class Overseer:
    """Somebody who looks after the installation or an organisation, and the space in which they are told so.

    Args:
        operates: runs the installation, and so sees everybody's budgets.
    """

    person: PersonId
    space: SpaceId
    organisation: OrganisationId
    operates: bool


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """An API key at the one moment when its secret can be read."""

    id: UUID
    name: str
    secret: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class ExportPart:
    """One file of a person's export archive: a path inside its room's folder, and its bytes."""

    path: str
    content: AsyncIterator[bytes]


class Exporter(Protocol):
    """What people needs from every room that keeps things of a person: its part of the export. Bound in `app.py`."""

    @property
    def name(self) -> str:
        """The folder of its files inside the archive."""
        ...

    def export(self, principal: Principal) -> AsyncIterator[ExportPart]:
        """All files of the principal's person in the principal's space. Asked once for each space of the person."""
        ...


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """Whether the audit log is whole. `first_bad` is the number of the first entry that does not fit, `problem` why.

    problem: `entry_missing`, `envelope_changed`, `details_changed`, `end_missing` or `seal`.
    """

    ok: bool
    checked: int
    first_bad: int | None
    problem: str


class People(Protocol):
    async def authenticate(self, credentials: Credentials) -> Principal:
        """Who asks: by bearer key, or by session cookie.

        A session also needs, for state-changing methods, the matching Origin and CSRF token.

        Raises:
            Unauthenticated: no valid session or key. Forbidden: CSRF or Origin do not match, or the person is disabled.
        """
        ...

    async def recheck(self, principal: Principal) -> None:
        """Whether the principal may still do what it was let in for: streams that stay open ask again and again.

        Raises:
            Unauthenticated: the session or key has ended. Forbidden: the person is disabled. NotFound: the person or
            the membership is gone.
        """
        ...

    async def person(self, person: PersonId) -> Person:
        """Raises NotFound."""
        ...

    async def key_owner(self, key: UUID) -> PersonId:
        """Whose API key it is, also when it is revoked. Raises NotFound."""
        ...

    async def key_stands(self, key: UUID) -> bool:
        """Whether an API key may still be used: it was not revoked, has not expired, and its space is open."""
        ...

    async def names(
        self, people: Collection[UUID], keys: Collection[UUID], organisations: Collection[UUID] = ()
    ) -> Mapping[UUID, str]:
        """What these persons, API keys and organisations are called, by id, for an operator's eyes.

        Who is gone is left out.
        """
        ...

    async def overseers(self, connection: AsyncConnection, organisation: OrganisationId | None) -> tuple[Overseer, ...]:
        """Who runs the installation and, where one is named, who administers `organisation`: each once, oldest first.

        Of each kind at most fifty, as of those who are told that somebody can't sign in.
        """
        ...

    async def principal_for_job(
        self, person: PersonId, space: SpaceId, job: UUID, surface: Surface = "none"
    ) -> Principal:
        """The principal for work that goes on without a surface.

        Raises:
            NotFound: the person or the membership is gone. Forbidden: the person is disabled.
        """
        ...

    async def spaces(self, principal: Principal) -> tuple[Space, ...]: ...

    async def people(self, principal: Principal, cursor: str | None, limit: int) -> Page[Person]:
        """All persons, oldest first. Raises Forbidden unless the caller operates."""
        ...

    async def has_owner(self) -> bool: ...

    async def setup_url(self) -> str | None:
        """The one-time set-up link while no owner exists, else None."""
        ...

    async def record(
        self,
        connection: AsyncConnection,
        principal: Principal | None,
        action: str,
        subject: str,
        details: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        """Append to the audit log in the caller's transaction. `action` is `room.past_tense`; `subject` an id, never
        content.

        Appends wait for each other until the transaction ends: record last, then commit.
        """
        ...

    async def verify_audit(self) -> AuditCheck:
        """Walk the audit log's hash chain from its beginning."""
        ...
