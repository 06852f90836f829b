"""Every wire behind one seam: a provider is asked in the one that it speaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from mecum.rooms.models import ModelEvent, ModelRequest
from mecum.rooms.models.retries import Quirks
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store.catalogue import ProviderKind
from mecum.rooms.models.tokens import estimate_input
from mecum.rooms.models.upstream import Target, Upstream
from mecum.rooms.models.wires.anthropic import Anthropic
from mecum.rooms.models.wires.gemini import Gemini
from mecum.rooms.models.wires.openai_chat import OpenAiChat
from mecum.rooms.models.wires.openai_responses import OpenAiResponses
from mecum.rooms.models.wires.stopping import stopping

UNSAID: dict[ProviderKind, tuple[str, ...]] = {
    "openai": (),
    "responses": ("seed", "frequency_penalty", "presence_penalty"),
    "anthropic": ("seed", "frequency_penalty", "presence_penalty"),
    "gemini": (),
}
"""Members of a request that a wire has no words for."""


class Wire(Protocol):
    def stream(self, target: Target, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]: ...


class Wires:
    def __init__(self, upstream: Upstream, settings: ModelsSettings) -> None:
        self._by_kind: dict[ProviderKind, Wire] = {
            "openai": OpenAiChat(upstream, Quirks(), settings),
            "responses": OpenAiResponses(upstream, settings),
            "anthropic": Anthropic(upstream, settings),
            "gemini": Gemini(upstream, settings),
        }

    def stream(self, target: Target, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask `target` in its wire. Raises MecumError as in `failures`."""
        events = self._by_kind[target.endpoint.kind].stream(target, request)
        if not request.stop:
            return events
        return stopping(events, request.stop, target, estimate_input(request.messages, request.tools))


def unsaid(kind: ProviderKind, request: ModelRequest) -> tuple[str, ...]:
    """What `request` asks for that a wire has no words for, and does without."""
    return tuple(name for name in UNSAID[kind] if getattr(request, name) is not None)
