"""Principals for tests of single rooms."""

from __future__ import annotations

from uuid import uuid4

from mecum.kit.types import (
    ALL_SCOPES,
    Actor,
    InstallationRole,
    OrganisationId,
    PersonId,
    Principal,
    Scope,
    SpaceId,
)


def principal(
    *,
    person: PersonId | None = None,
    space: SpaceId | None = None,
    organisation: OrganisationId | None = None,
    role: InstallationRole = "member",
    scopes: frozenset[Scope] = ALL_SCOPES,
    locale: str = "en",
) -> Principal:
    """Somebody of their own, unless said otherwise, signed in with a session."""
    return Principal(
        person=person or PersonId(uuid4()),
        actor=Actor("session", uuid4()),
        space=space or SpaceId(uuid4()),
        organisation=organisation or OrganisationId(uuid4()),
        role=role,
        scopes=scopes,
        surface="web",
        locale=locale,
    )
