"""The routes of `/v1`, plain Starlette: they are in the way of every token."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from mecum.kit.errors import BadRequest, MecumError, NotFound
from mecum.kit.http import Authenticate, credentials, read_body, require
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant
from mecum.rooms.models import Relay, RelayResponse
from mecum.surfaces.openai.chat import EntityChat
from mecum.surfaces.openai.responses import EntityResponses
from mecum.surfaces.openai.wire import dumps

ENTITY = "mecum"
CREATED = 1_764_000_000
STREAM_HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
KEY_MAX = 80

Handler = Callable[[Request, Principal], Awaitable[Response]]


class Doors:
    """Both doors: model `mecum` is the entity, any other name is the relay."""

    def __init__(self, authenticate: Authenticate, relay: Relay, assistant: Assistant) -> None:
        self._authenticate = authenticate
        self._relay = relay
        self._chat = EntityChat(assistant, ENTITY)
        self._responses = EntityResponses(assistant, ENTITY)

    def handle(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """`handler` behind authentication, with every error in OpenAI's shape."""

        async def answered(request: Request) -> Response:
            try:
                caller = await self._authenticate(credentials(request))
                request.state.principal = caller
                return await handler(request, caller)
            except MecumError as error:
                return relayed(self._relay.error(error))

        return answered

    async def chat_completions(self, request: Request, caller: Principal) -> Response:
        body = await read_body(request, self._relay.body_limit_bytes)
        given = entity_request(body)
        if given is None:
            return relayed(await self._relay.chat_completions(caller, body))
        require(caller, "chat")
        asked, posted = await self._chat.start(caller, given, idempotency_key(request))
        if asked.stream:
            return streamed(self._chat.chunks(caller, posted, asked.stream_options.include_usage))
        return answer(await self._chat.whole(caller, posted))

    async def create_response(self, request: Request, caller: Principal) -> Response:
        body = await read_body(request, self._relay.body_limit_bytes)
        given = entity_request(body)
        if given is None:
            return relayed(await self._relay.responses(caller, body))
        require(caller, "chat")
        asked, posted = await self._responses.start(caller, given, idempotency_key(request))
        if asked.stream:
            return streamed(self._responses.events(caller, posted, stored=asked.store))
        if asked.background:
            return answer(await self._responses.now(caller, f"resp_{posted.run.hex}"))
        return answer(await self._responses.whole(caller, posted))

    async def get_response(self, request: Request, caller: Principal) -> Response:
        response_id = request.path_params["response_id"]
        try:
            return answer(await self._responses.now(require(caller, "chat"), response_id))
        except (NotFound, BadRequest):
            return relayed(await self._relay.response(caller, response_id))

    async def delete_response(self, request: Request, caller: Principal) -> Response:
        response_id = request.path_params["response_id"]
        try:
            return answer(await self._responses.delete(require(caller, "chat"), response_id))
        except (NotFound, BadRequest):
            return relayed(await self._relay.delete(caller, response_id))

    async def cancel_response(self, request: Request, caller: Principal) -> Response:
        response_id = request.path_params["response_id"]
        try:
            return answer(await self._responses.cancel(require(caller, "chat"), response_id))
        except (NotFound, BadRequest):
            return relayed(await self._relay.cancel(caller, response_id))

    async def input_items(self, request: Request, caller: Principal) -> Response:
        query = request.query_params
        limit = query.get("limit", "20")
        items = await self._relay.input_items(
            caller,
            request.path_params["response_id"],
            after=query.get("after"),
            limit=int(limit) if limit.isdigit() and len(limit) < 6 else 20,
            order=query.get("order", "desc"),
        )
        return relayed(items)

    async def embeddings(self, request: Request, caller: Principal) -> Response:
        body = await read_body(request, self._relay.body_limit_bytes)
        return relayed(await self._relay.embeddings(caller, body))

    async def list_models(self, request: Request, caller: Principal) -> Response:
        """The entity first, then the catalogue, for callers that may use them."""
        data: list[Mapping[str, Any]] = [entity_model()] if caller.has("chat") else []
        if caller.has("models"):
            listed = await collected(await self._relay.models(caller))
            data += listed["data"]
        return answer({"object": "list", "data": data})

    async def get_model(self, request: Request, caller: Principal) -> Response:
        name = request.path_params["model"]
        return answer(entity_model()) if name == ENTITY else relayed(await self._relay.model(caller, name))


def openai_routes(authenticate: Authenticate, relay: Relay, assistant: Assistant) -> Sequence[BaseRoute]:
    """The routes, bound to the rooms that answer them."""
    doors = Doors(authenticate, relay, assistant)

    def route(path: str, handler: Handler, method: str) -> Route:
        return Route(f"/v1{path}", doors.handle(handler), methods=[method])

    return [
        route("/chat/completions", doors.chat_completions, "POST"),
        route("/responses", doors.create_response, "POST"),
        route("/responses/{response_id}", doors.get_response, "GET"),
        route("/responses/{response_id}", doors.delete_response, "DELETE"),
        route("/responses/{response_id}/cancel", doors.cancel_response, "POST"),
        route("/responses/{response_id}/input_items", doors.input_items, "GET"),
        route("/embeddings", doors.embeddings, "POST"),
        route("/models", doors.list_models, "GET"),
        route("/models/{model:path}", doors.get_model, "GET"),
    ]


def entity_request(body: bytes) -> dict[str, Any] | None:
    """The body as JSON when it is for the entity; None when it is for the relay, which reads it itself.

    Looking for the name in the bytes first spares the relay a parse of every body.
    """
    if b'"mecum"' not in body:
        return None
    try:
        given: object = json.loads(body)
    except ValueError:
        return None
    if not isinstance(given, dict):
        return None
    found = cast("dict[str, Any]", given)
    return found if found.get("model") == ENTITY else None


def idempotency_key(request: Request) -> str | None:
    return request.headers.get("idempotency-key", "")[:KEY_MAX] or None


def entity_model() -> dict[str, Any]:
    return {"id": ENTITY, "object": "model", "created": CREATED, "owned_by": "mecum"}


def answer(value: Mapping[str, Any]) -> Response:
    return Response(dumps(value), media_type="application/json", headers={"cache-control": "no-store"})


def streamed(body: AsyncGenerator[bytes, None]) -> Response:
    return StreamingResponse(body, headers=STREAM_HEADERS, media_type="text/event-stream")


def relayed(response: RelayResponse) -> Response:
    return StreamingResponse(response.body, response.status, dict(response.headers))


async def collected(response: RelayResponse) -> dict[str, Any]:
    return json.loads(b"".join([part async for part in response.body]))
