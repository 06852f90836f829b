"""The adapter for providers that speak OpenAI's responses: a request in, model events out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace

from mecum.kit.ids import new_id
from mecum.rooms.models import ModelEvent, ModelRequest
from mecum.rooms.models.retries import Learned, Retries
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Target, Upstream
from mecum.rooms.models.wires.jsons import JsonObject, dumps
from mecum.rooms.models.wires.keeping import tag
from mecum.rooms.models.wires.reading import Asker
from mecum.rooms.models.wires.responses_request import Terms, build, learned
from mecum.rooms.models.wires.responses_stream import ResponseReader

PATH = "/responses"


class OpenAiResponses:
    def __init__(self, upstream: Upstream, settings: ModelsSettings) -> None:
        self._asker = Asker(upstream, settings.provider_line_limit_bytes)
        self._settings = settings
        self._known = Learned(Terms(), lasting=lambda terms: replace(terms, returned=True))

    def stream(self, target: Target, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask. A failure before the first event is tried again where that can help; afterwards never.

        Raises:
            MecumError: as in `failures`.
        """
        model, by = target.upstream_model, tag(target, of_account=True)
        return self._known.asking(
            target.endpoint.provider,
            model,
            lambda terms: self._once(target, request, build(request, model, terms, by), by),
            lambda terms, said: learned(terms, build(request, model, terms, by), said),
            Retries(self._settings, patient=target.is_alone),
        )

    def _once(
        self, target: Target, request: ModelRequest, body: JsonObject, by: str
    ) -> AsyncGenerator[ModelEvent, None]:
        reader = ResponseReader(target.endpoint.provider, f"call_{new_id().hex}")
        return self._asker.answered(target, request, PATH, dumps(body), reader, by)
