"""Every wire behind one seam: a provider is asked in the one that it speaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from mecum.rooms.models import ModelEvent, ModelRequest
from mecum.rooms.models.retries import Quirks
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Target, Upstream
from mecum.rooms.models.wires.anthropic import Anthropic
from mecum.rooms.models.wires.openai_chat import OpenAiChat


class Wires:
    def __init__(self, upstream: Upstream, settings: ModelsSettings) -> None:
        self._openai = OpenAiChat(upstream, Quirks(), settings)
        self._anthropic = Anthropic(upstream, settings)

    def stream(self, target: Target, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask `target` in its wire. Raises MecumError as in `failures`."""
        wire = self._anthropic if target.endpoint.kind == "anthropic" else self._openai
        return wire.stream(target, request)
