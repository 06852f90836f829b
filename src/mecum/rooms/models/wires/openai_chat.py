"""The adapter for providers that speak OpenAI's chat completions: a request in, model events out."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from mecum.kit.ids import new_id
from mecum.rooms.models import Finish, ModelEvent, ModelRequest
from mecum.rooms.models.retries import Quirks, Retries, repeated
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.tokens import estimate_input
from mecum.rooms.models.upstream import Target, Upstream, is_openais
from mecum.rooms.models.wires.chat_request import build, without_thoughts
from mecum.rooms.models.wires.chat_stream import ChatReader
from mecum.rooms.models.wires.jsons import JsonObject, dumps
from mecum.rooms.models.wires.keeping import tag
from mecum.rooms.models.wires.reading import asked

PATH = "/chat/completions"


class OpenAiChat:
    def __init__(self, upstream: Upstream, quirks: Quirks, settings: ModelsSettings) -> None:
        self._upstream = upstream
        self._quirks = quirks
        self._settings = settings

    def stream(self, target: Target, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Ask. A failure before the first event is tried again where that can help; afterwards never.

        Raises:
            MecumError: as in `failures`.
        """
        body = build(request, target.upstream_model, keyed=is_openais(target.endpoint.base_url), by=tag(target))
        return repeated(
            lambda: self._once(target, request, body),
            lambda said: self._quirks.learn(target.endpoint.provider, body, said) or without_thoughts(body),
            Retries(self._settings, patient=target.is_alone),
        )

    async def _once(self, target: Target, request: ModelRequest, body: JsonObject) -> AsyncGenerator[ModelEvent, None]:
        endpoint, limit = target.endpoint, self._settings.provider_line_limit_bytes
        sent = dumps(self._quirks.applied(endpoint.provider, body))
        reader = ChatReader(endpoint.provider, f"call_{new_id().hex}")
        async with aclosing(asked(self._upstream, endpoint, PATH, sent, reader, limit)) as events:
            async for event in events:
                yield event
        assert reader.finish is not None
        usage = reader.usage or reader.estimated_usage(estimate_input(request.messages, request.tools))
        state = reader.kept().state(tag(target), usage.reasoning)
        yield Finish(reader.finish, usage, target.name, endpoint.provider, state=state)
