"""Types that every room shares: who acts, where, and the units of quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, NewType, TypeAlias, TypeVar
from uuid import UUID

T = TypeVar("T")

PersonId = NewType("PersonId", UUID)
SpaceId = NewType("SpaceId", UUID)
OrganisationId = NewType("OrganisationId", UUID)
Tokens = NewType("Tokens", int)
Seconds = NewType("Seconds", float)

ActorKind: TypeAlias = Literal["session", "key", "grant", "agent", "job"]
Surface: TypeAlias = Literal["web", "api", "terminal", "editor", "phone", "voice", "mcp", "cli", "none"]
InstallationRole: TypeAlias = Literal["owner", "operator", "member"]
OrganisationRole: TypeAlias = Literal["admin", "member"]

Scope: TypeAlias = Literal["chat", "models", "threads", "account", "admin"]
"""What an API key or a grant may do. A session of the person has them all, except what its role forbids.

chat: ask the entity, and read what came of what was asked through `/v1`; models: use the relay; threads: read and
change all threads (to say something in one, answer a question, or plan work takes `chat` as well); account: the
person's own account and keys; admin: what the person's installation role allows.
"""
ALL_SCOPES: frozenset[Scope] = frozenset(("chat", "models", "threads", "account", "admin"))


@dataclass(frozen=True, slots=True)
class Actor:
    """Through what the person acts: the session, key, grant, agent or job with its id."""

    kind: ActorKind
    id: UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, through what, in which space, with which rights. The first argument of every face method.

    `key`: of a job, the API key through which its work was asked for.
    """

    person: PersonId
    actor: Actor
    space: SpaceId
    organisation: OrganisationId
    role: InstallationRole
    scopes: frozenset[Scope]
    surface: Surface
    locale: str = "en"
    timezone: str = "UTC"
    key: UUID | None = None

    def has(self, scope: Scope) -> bool:
        return scope in self.scopes

    @property
    def paying_key(self) -> UUID | None:
        """The API key whose budget a call goes to."""
        return self.actor.id if self.actor.kind == "key" else self.key

    @property
    def operates(self) -> bool:
        """Whether this principal may run the installation (owner or operator, with the scope `admin`)."""
        return self.role in ("owner", "operator") and "admin" in self.scopes


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list. `next` is an opaque cursor, None on the last page."""

    items: tuple[T, ...]
    next: str | None
