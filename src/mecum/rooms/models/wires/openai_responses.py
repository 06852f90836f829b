"""The adapter for providers that speak OpenAI's responses: a request in, model events out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from mecum.kit.ids import new_id
from mecum.rooms.models import Finish, ModelEvent, ModelRequest
from mecum.rooms.models.retries import Learned, Retries
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.tokens import estimate_input
from mecum.rooms.models.upstream import Target, Upstream
from mecum.rooms.models.wires.jsons import JsonObject, dumps
from mecum.rooms.models.wires.keeping import tag
from mecum.rooms.models.wires.reading import asked
from mecum.rooms.models.wires.responses_request import Terms, build, learned
from mecum.rooms.models.wires.responses_stream import ResponseReader

PATH = "/responses"


class OpenAiResponses:
    def __init__(self, upstream: Upstream, settings: ModelsSettings) -> None:
        self._upstream = upstream
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

    async def _once(
        self, target: Target, request: ModelRequest, body: JsonObject, by: str
    ) -> AsyncGenerator[ModelEvent, None]:
        endpoint, limit = target.endpoint, self._settings.provider_line_limit_bytes
        reader = ResponseReader(endpoint.provider, f"call_{new_id().hex}")
        async with aclosing(asked(self._upstream, endpoint, PATH, dumps(body), reader, limit)) as events:
            async for event in events:
                yield event
        assert reader.finish is not None
        usage = reader.usage(estimate_input(request.messages, request.tools))
        state = reader.kept.state(by, usage.reasoning)
        yield Finish(reader.finish, usage, target.name, endpoint.provider, state=state)
