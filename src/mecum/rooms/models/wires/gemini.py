"""The adapter for providers that speak Gemini's `generateContent`: a request in, model events out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from urllib.parse import quote

from mecum.kit.ids import new_id
from mecum.rooms.models import Finish, ModelEvent, ModelRequest
from mecum.rooms.models.retries import Learned, Retries
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.upstream import Target, Upstream
from mecum.rooms.models.wires.gemini_request import Terms, answers_by, build, learned
from mecum.rooms.models.wires.gemini_stream import GeminiReader
from mecum.rooms.models.wires.jsons import JsonObject, dumps
from mecum.rooms.models.wires.keeping import tag
from mecum.rooms.models.wires.reading import Asker

SIGNATURES_KEPT = 2000
SIGNATURE_CHARS_MAX = 16_384


class Gemini:
    def __init__(self, upstream: Upstream, settings: ModelsSettings) -> None:
        self._asker = Asker(upstream, settings.provider_line_limit_bytes)
        self._settings = settings
        self._known = Learned(Terms(), lasting=lambda terms: replace(terms, returned=True))
        self._signatures: OrderedDict[tuple[str, str, str], str] = OrderedDict()

    def stream(self, target: Target, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask. A failure before the first event is tried again where that can help; afterwards never.

        Raises:
            MecumError: as in `failures`.
        """
        provider, model, by = target.endpoint.provider, target.upstream_model, tag(target)

        def body(terms: Terms) -> JsonObject:
            return build(request, terms, lambda call_id: self._signatures.get((provider, model, call_id), ""), by)

        return self._known.asking(
            provider,
            model,
            lambda terms: self._once(target, request, body(terms), by),
            lambda terms, said: learned(terms, body(terms), said),
            Retries(self._settings, patient=target.is_alone),
        )

    async def _once(
        self, target: Target, request: ModelRequest, body: JsonObject, by: str
    ) -> AsyncGenerator[ModelEvent, None]:
        path, sent = _path(target.upstream_model), dumps(body)
        reader = GeminiReader(target.endpoint.provider, answers_by(request), f"call_{new_id().hex}")
        async with aclosing(self._asker.answered(target, request, path, sent, reader, by)) as events:
            async for event in events:
                if isinstance(event, Finish):
                    self._keep(target, reader.signatures)
                yield event

    def _keep(self, target: Target, signatures: dict[str, str]) -> None:
        """The signatures of calls, for those who give no state back: programs in a wire that has no place for it."""
        for call_id, signature in signatures.items():
            if len(signature) <= SIGNATURE_CHARS_MAX:
                self._signatures[(target.endpoint.provider, target.upstream_model, call_id)] = signature
        while len(self._signatures) > SIGNATURES_KEPT:
            self._signatures.popitem(last=False)


def _path(model: str) -> str:
    """Models are named with what they are, like `models/…`, which may be left out."""
    full = model if "/" in model else f"models/{model}"
    return f"/{quote(full)}:streamGenerateContent?alt=sse"
