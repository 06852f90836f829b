"""What the room needs from others, each with a null implementation. Bound in `app.py`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import EngineUnavailable
from mecum.kit.types import PersonId, Principal, SpaceId, Surface, Tokens
from mecum.rooms.models import Budget, LocalModel, NoBudget


class LocalEngine(Protocol):
    """The built-in chat model: a server of its own on loopback that speaks chat completions.

    It has no native tool calls: the room asks it for a plan instead.
    """

    @property
    def base_url(self) -> str:
        """Where it listens, ending in /v1; only meaningful while it is ready. It may change with each start."""
        ...

    @property
    def api_key(self) -> str: ...

    @property
    def context_tokens(self) -> int: ...

    @property
    def slots(self) -> int:
        """How many answers it gives at once."""
        ...

    def status(self) -> LocalModel: ...

    async def ready(self) -> None:
        """Wait until it answers; start it when it is not running.

        Raises:
            EngineUnavailable: it is off or has failed.
        """
        ...

    def pause(self) -> None:
        """Stop fetching the weights for now."""
        ...

    def resume(self) -> None: ...


class NoLocalEngine:
    """No built-in model."""

    base_url = ""
    api_key = ""
    context_tokens = 0
    slots = 1

    def status(self) -> LocalModel:
        return LocalModel(name="", licence="", publisher="", state="off")

    async def ready(self) -> None:
        raise EngineUnavailable(
            "models.local_off",
            "The built-in model is switched off.",
            "Unset MECUM_LOCAL_MODEL=none, or choose a connected model.",
            retryable=False,
        )

    def pause(self) -> None:
        return None

    def resume(self) -> None:
        return None


class LocalEmbedder(Protocol):
    """The built-in embedder. `name` is what the catalogue calls it."""

    @property
    def name(self) -> str: ...

    @property
    def licence(self) -> str: ...

    @property
    def context_tokens(self) -> int: ...

    async def embed(self, texts: Sequence[str], kind: Literal["query", "passage"]) -> Sequence[Sequence[float]]:
        """Vectors of unit length, one per text.

        Raises:
            EngineUnavailable: it can't work right now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """A call to a model that asks to be let in.

    `interactive`: somebody waits for it. `tokens`: what it will take at least.
    """

    principal: Principal
    purpose: str
    model: str
    provider: str
    tokens: Tokens
    interactive: bool = True


class Gate(Protocol):
    """Who may call a model now, and who waits: every call passes here, whichever door it came through."""

    def admit(self, call: Call) -> AbstractAsyncContextManager[None]:
        """Held while the call is going on.

        Raises:
            TooMany: no place, not even in the line.
        """
        ...


class OpenGate:
    """Lets everybody in."""

    @asynccontextmanager
    async def admit(self, call: Call) -> AsyncGenerator[None, None]:
        yield


class Persons(Protocol):
    """Who a job works for; the people room's face has it."""

    async def principal_for_job(
        self, person: PersonId, space: SpaceId, job: UUID, surface: Surface = "none"
    ) -> Principal: ...


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
    """The room's needs, bound. `embedder` None: no built-in embedder."""

    persons: Persons
    audit: Audit = field(default_factory=NoAudit)
    engine: LocalEngine = field(default_factory=NoLocalEngine)
    embedder: LocalEmbedder | None = None
    gate: Gate = field(default_factory=OpenGate)
    budget: Budget = field(default_factory=NoBudget)
