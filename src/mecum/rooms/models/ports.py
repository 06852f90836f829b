"""What the room needs from others, each with a null implementation. Bound in `app.py`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import EngineUnavailable, MecumError, NotFound
from mecum.kit.types import OrganisationId, PersonId, Principal, SpaceId, Surface


class LocalEndpoint(Protocol):
    """Where the built-in model listens now: chat completions on loopback, `base_url` ending in /v1."""

    @property
    def base_url(self) -> str: ...

    @property
    def api_key(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def slots(self) -> int:
        """How many answers it writes at the same time."""
        ...


class LocalProgress(Protocol):
    """How far the weights are. `seconds_left` None: not known."""

    @property
    def bytes_done(self) -> int: ...

    @property
    def bytes_total(self) -> int: ...

    @property
    def seconds_left(self) -> float | None: ...


class LocalState(Protocol):
    """Where the engine is: `phase` is off, paused, fetching, loading, ready, idle or failed."""

    @property
    def phase(self) -> str: ...

    @property
    def progress(self) -> LocalProgress | None: ...

    @property
    def problem(self) -> MecumError | None: ...


class LocalCard(Protocol):
    """What to tell people about the built-in model."""

    @property
    def name(self) -> str: ...

    @property
    def publisher(self) -> str: ...

    @property
    def licence(self) -> str: ...

    @property
    def sha256(self) -> str: ...


class LocalEngine(Protocol):
    """The built-in chat model in a process of its own. It has no native tool calls."""

    @property
    def state(self) -> LocalState: ...

    @property
    def card(self) -> LocalCard | None: ...

    async def ready(self, timeout_s: float | None = None) -> LocalEndpoint:
        """Wait until it can be asked.

        Raises:
            EngineUnavailable: it is off, paused or has failed, or `timeout_s` seconds were not enough.
        """
        ...

    def use(self, timeout_s: float | None = None) -> AbstractAsyncContextManager[LocalEndpoint]:
        """The endpoint, kept loaded inside the block. Raises as `ready`."""
        ...

    def pause(self) -> None:
        """Stop fetching the weights for now."""
        ...

    def resume(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Off:
    phase: str = "off"
    progress: LocalProgress | None = None
    problem: MecumError | None = None


class NoLocalEngine:
    """No built-in model."""

    state = _Off()
    card = None

    async def ready(self, timeout_s: float | None = None) -> LocalEndpoint:
        raise EngineUnavailable(
            "models.local_off",
            "The built-in model is switched off.",
            "Unset MECUM_LOCAL_MODEL=none, or choose a connected model.",
            retryable=False,
        )

    @asynccontextmanager
    async def use(self, timeout_s: float | None = None) -> AsyncGenerator[LocalEndpoint, None]:
        yield await self.ready(timeout_s)

    def pause(self) -> None:
        return None

    def resume(self) -> None:
        return None


class LocalVectors(Protocol):
    """Vectors of unit length, one per text, and the tokens that they took."""

    @property
    def vectors(self) -> Sequence[Sequence[float]]: ...

    @property
    def tokens(self) -> int: ...


class LocalEmbedder(Protocol):
    """The built-in embedder. `model` is what its publisher calls it."""

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int:
        """How long its vectors are."""
        ...

    async def embed_counted(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> LocalVectors:
        """Raises EngineUnavailable when it can't work right now, TooLarge for too many texts."""
        ...


class Persons(Protocol):
    """Who a job works for, and whom a budget limits; the people room's face has it."""

    async def person(self, person: PersonId) -> object:
        """Raises NotFound."""
        ...

    async def key_owner(self, key: UUID) -> PersonId:
        """Whose API key it is. Raises NotFound."""
        ...

    async def key_stands(self, key: UUID) -> bool:
        """Whether an API key may still be used: it was not revoked and has not expired."""
        ...

    async def principal_for_job(
        self, person: PersonId, space: SpaceId, job: UUID, surface: Surface = "none"
    ) -> Principal: ...


class NoPersons:
    """Nobody to work for."""

    async def person(self, person: PersonId) -> object:
        raise NotFound("models.nobody", "There is nobody of this id.")

    async def key_owner(self, key: UUID) -> PersonId:
        raise NotFound("models.nobody", "There is no key of this id.")

    async def key_stands(self, key: UUID) -> bool:
        return False

    async def principal_for_job(
        self, person: PersonId, space: SpaceId, job: UUID, surface: Surface = "none"
    ) -> Principal:
        raise NotFound("models.nobody", "There is nobody to work for.")


class Names(Protocol):
    """What people, their API keys and organisations are called; the people room's face has it."""

    async def names(
        self, people: Collection[UUID], keys: Collection[UUID], organisations: Collection[UUID] = ()
    ) -> Mapping[UUID, str]:
        """Names by id; who is not there any more is left out."""
        ...


class NoNames:
    """Everybody is nameless."""

    async def names(
        self, people: Collection[UUID], keys: Collection[UUID], organisations: Collection[UUID] = ()
    ) -> Mapping[UUID, str]:
        return {}


class Overseer(Protocol):
    """Somebody who looks after the installation or an organisation, and the space in which they are told so."""

    @property
    def person(self) -> PersonId: ...

    @property
    def space(self) -> SpaceId: ...

    @property
    def organisation(self) -> OrganisationId: ...

    @property
    def operates(self) -> bool:
        """Whether they run the installation, and so see everybody's budgets."""
        ...


class Overseers(Protocol):
    """Who looks after what; the people room's face has it."""

    async def overseers(self, connection: AsyncConnection, organisation: OrganisationId | None) -> Sequence[Overseer]:
        """Who runs the installation and, where one is named, who administers `organisation`: each once."""
        ...


class NoOverseers:
    """Nobody looks after anything."""

    async def overseers(self, connection: AsyncConnection, organisation: OrganisationId | None) -> Sequence[Overseer]:
        return ()


class Audit(Protocol):
    """Where an operator's changes are written down; the people room's face has it."""

    async def record(
        self,
        connection: AsyncConnection,
        principal: Principal | None,
        action: str,
        subject: str,
        details: Mapping[str, str | int | bool] | None = None,
    ) -> None: ...


class NoAudit:
    async def record(
        self,
        connection: AsyncConnection,
        principal: Principal | None,
        action: str,
        subject: str,
        details: Mapping[str, str | int | bool] | None = None,
    ) -> None:
        return None


@dataclass(frozen=True, slots=True)
class Ports:
    """The room's needs, bound.

    Args:
        local_context_tokens: how long a conversation with the built-in model can be.
        embedder: None: there is no built-in one.
    """

    persons: Persons = field(default_factory=NoPersons)
    audit: Audit = field(default_factory=NoAudit)
    names: Names = field(default_factory=NoNames)
    overseers: Overseers = field(default_factory=NoOverseers)
    engine: LocalEngine = field(default_factory=NoLocalEngine)
    local_context_tokens: int = 8192
    embedder: LocalEmbedder | None = None
