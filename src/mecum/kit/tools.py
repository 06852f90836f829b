"""The tool registry: what the assistant can do, without knowing who does it.

A room offers a Tool; the assistant lists, validates and calls it. `effects` say what a call does to the world: they
decide about discretion (`shares`), confirmation (`writes`, `pays`) and what happens after a crash (`idempotent`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

from mecum.kit.errors import Conflict
from mecum.kit.types import Principal

Effect: TypeAlias = Literal["reads_private", "shares", "writes", "pays"]
JsonSchema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call. `idempotency_key` is the id of its `act.intended` event: the same after a crash."""

    principal: Principal
    arguments: Mapping[str, Any]
    idempotency_key: UUID
    thread: UUID
    run: UUID


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gives back: `text` for the model, `data` for surfaces (JSON), `failed` when it could not do it.

    `wait` ends the run until the person answers: its value is the question that surfaces show (see
    `mecum.rooms.assistant`).
    """

    text: str
    data: Mapping[str, Any] | None = None
    failed: bool = False
    wait: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool.

    Args:
        name: `[a-z][a-z0-9_]{0,63}`, unique in the installation.
        description: for the model: when to use it and what it gives.
        parameters: JSON Schema (2020-12) of an object; every string has a maxLength, every array a maxItems.
        call: does it. Raises MecumError for what the model or person should read. A writing tool that is not idempotent
            raises one with a status below 500 only when nothing was done; after any other the person is asked.
        receiver: who gets the arguments; None when nothing leaves Mecum.
        effects: what a call does.
        idempotent: whether a repeated call with the same `idempotency_key` is harmless.
        timeout_s: after so long the call counts as failed.
        cues: a regular expression over the person's words. A model without tool calls of its own is offered the tool
            only where it is found, because such a model uses what it is offered; "" offers it always.
    """

    name: str
    description: str
    parameters: JsonSchema
    call: Callable[[ToolCall], Awaitable[ToolResult]] = field(repr=False)
    receiver: str | None = None
    effects: frozenset[Effect] = frozenset()
    idempotent: bool = True
    timeout_s: float = 30.0
    cues: str = ""

    @property
    def needs_confirmation(self) -> bool:
        return bool(self.effects & {"writes", "pays"}) and self.receiver is not None


class ToolRegistry:
    """All tools of the installation. Filled while the house is built, read-only afterwards."""

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}

    def add(self, tools: Sequence[Tool]) -> None:
        for tool in tools:
            if tool.name in self._tools:
                raise Conflict("tool_name_taken", f"Two tools are called {tool.name}.")
            self._tools[tool.name] = tool

    def get(self, name: str) -> Tool | None:
        return self._tools.get(name)

    def all(self) -> tuple[Tool, ...]:
        return tuple(self._tools.values())
