"""The adapter for providers that speak OpenAI's chat completions: a request in, model events out."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from mecum.kit.ids import new_id
from mecum.rooms.models import ModelEvent, ModelRequest
from mecum.rooms.models.retries import Quirks, Retries, repeated
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Target, Upstream, is_openais
from mecum.rooms.models.wires.chat_request import build, without_thoughts
from mecum.rooms.models.wires.chat_stream import ChatReader
from mecum.rooms.models.wires.jsons import JsonObject, dumps
from mecum.rooms.models.wires.keeping import tag
from mecum.rooms.models.wires.reading import Asker

PATH = "/chat/completions"


class OpenAiChat:
    def __init__(self, upstream: Upstream, quirks: Quirks, settings: ModelsSettings) -> None:
        self._asker = Asker(upstream, settings.provider_line_limit_bytes)
        self._quirks = quirks
        self._settings = settings

    def stream(self, target: Target, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask. A failure before the first event is tried again where that can help; afterwards never.

        Raises:
            MecumError: as in `failures`.
        """
        by = tag(target)
        body = build(request, target.upstream_model, keyed=is_openais(target.endpoint.base_url), by=by)
        return repeated(
            lambda: self._once(target, request, body, by),
            lambda said: self._quirks.learn(target.endpoint.provider, body, said) or without_thoughts(body),
            Retries(self._settings, patient=target.is_alone),
        )

    def _once(
        self, target: Target, request: ModelRequest, body: JsonObject, by: str
    ) -> AsyncGenerator[ModelEvent, None]:
        provider = target.endpoint.provider
        reader = ChatReader(provider, f"call_{new_id().hex}")
        sent = dumps(self._quirks.applied(provider, body))
        return self._asker.answered(target, request, PATH, sent, reader, by)
