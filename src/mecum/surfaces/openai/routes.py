"""The routes of `/v1`, plain Starlette: they are in the way of every token."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar, cast

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mecum.kit.errors import MecumError
from mecum.kit.http import Authenticate, credentials, internal_error, read_body, require
from mecum.kit.leaving import UntilLeft
from mecum.kit.streams import Streams
from mecum.kit.telemetry import route_template
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant
from mecum.rooms.models import Bulk, Relay, RelayResponse
from mecum.surfaces.openai.bulk import BulkDoor, limit_of
from mecum.surfaces.openai.chat import EntityChat
from mecum.surfaces.openai.making import Answered, made
from mecum.surfaces.openai.relayed import Relayed
from mecum.surfaces.openai.repeating import Attempt, attempt_of
from mecum.surfaces.openai.requests import refused
from mecum.surfaces.openai.responses import EntityResponses, Found, unknown_response
from mecum.surfaces.openai.wire import dumps

logger = logging.getLogger(__name__)

T = TypeVar("T")

ENTITY = "mecum"
CREATED = 1_764_000_000
NUMBER_DIGITS_MAX = 12
ITEMS_PAGE, ITEMS_PAGE_MAX = 20, 100
OK, CLIENT_LEFT = 200, 499
"""For the figures alone: nobody is there who could read it."""

Handler = Callable[[Request, Principal], Awaitable[ASGIApp]]


class Endpoint:
    """`handler` behind authentication, with every error in OpenAI's shape. An ASGI app: nothing else stands around it,
    see `mecum.kit.direct`.
    """

    def __init__(
        self, authenticate: Authenticate, handler: Handler, error: Callable[[MecumError], RelayResponse]
    ) -> None:
        self._authenticate = authenticate
        self._handler = handler
        self._error = error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            caller = await self._authenticate(credentials(request))
            response = await self._handler(request, caller)
            await response(scope, receive, send)
            return
        except MecumError as error:
            instead: ASGIApp = Relayed(self._error(error))
        except ClientDisconnect:
            instead = Response(status_code=CLIENT_LEFT)
        except Exception:
            logger.exception("unexpected error on %s", route_template(scope))
            instead = Relayed(self._error(internal_error()))
        # Where a response had begun the server takes no second one, and cuts the connection: it is not complete.
        await instead(scope, receive, send)


class Doors:
    """Both doors: model `mecum` is the entity, any other name is the relay."""

    def __init__(
        self, authenticate: Authenticate, relay: Relay, assistant: Assistant, streams: Streams, images_max: int
    ) -> None:
        self._authenticate = authenticate
        self._streams = streams
        self._relay = relay
        self._chat = EntityChat(assistant, ENTITY, images_max)
        self._responses = EntityResponses(assistant, ENTITY, images_max)

    def endpoint(self, handler: Handler) -> Endpoint:
        """`handler` behind authentication."""
        return Endpoint(self._authenticate, handler, self._relay.error)

    async def chat_completions(self, request: Request, caller: Principal) -> ASGIApp:
        body = await read_body(request, self._relay.body_limit_bytes)
        given = entity_request(body)
        if given is None:
            return Relayed(await until_left(request, self._relay.chat_completions(caller, body)))
        self._admit(caller, given)
        asked, posted = await self._chat.start(caller, given, await attempt(request, given))
        if asked.stream:
            return self._streams.response(caller, "answer", self._chat.chunks(caller, posted, asked))
        return answered(await until_left(request, self._chat.whole(caller, posted, asked)))

    async def create_response(self, request: Request, caller: Principal) -> ASGIApp:
        body = await read_body(request, self._relay.body_limit_bytes)
        given = entity_request(body)
        if given is None:
            return Relayed(await until_left(request, self._relay.responses(caller, body)))
        self._admit(caller, given)
        asked, posted = await self._responses.start(caller, given, await attempt(request, given))
        if asked.stream:
            return self._streams.response(caller, "answer", self._responses.events(caller, posted, stored=asked.store))
        if asked.background:
            return answer(await self._responses.now(caller, posted.run))
        return answered(await until_left(request, self._responses.whole(caller, posted, asked)))

    def _admit(self, caller: Principal, given: Mapping[str, Any]) -> None:
        """Before the run is posted: what can't be streamed is not begun. Raises Forbidden, TooMany."""
        require(caller, "chat")
        if given.get("stream") is True:
            self._streams.check(caller, "answer")

    async def get_response(self, request: Request, caller: Principal) -> ASGIApp:
        found = await self._entitys(request, caller)
        streams = request.query_params.get("stream") == "true"
        if found is not None and streams:
            after = starting_after(request.query_params.get("starting_after"))
            events = self._responses.events(caller, found.posted, stored=True, after=after)
            return self._streams.response(caller, "answer", events)
        if found is not None:
            return answered(Answered(self._responses.render(found.run, found.result), made(found.result)))
        stored = await self._relay.response(caller, request.path_params["response_id"])
        if not streams or stored.status != OK:
            return Relayed(stored)
        raise refused("stream", "This response can be read as a whole only.")

    async def delete_response(self, request: Request, caller: Principal) -> ASGIApp:
        found = await self._entitys(request, caller)
        if found is not None:
            return answer(await self._responses.delete(caller, found))
        return Relayed(await self._relay.delete(caller, request.path_params["response_id"]))

    async def cancel_response(self, request: Request, caller: Principal) -> ASGIApp:
        found = await self._entitys(request, caller)
        if found is not None:
            return answer(await self._responses.cancel(caller, found))
        return Relayed(await self._relay.cancel(caller, request.path_params["response_id"]))

    async def input_items(self, request: Request, caller: Principal) -> ASGIApp:
        found, query = await self._entitys(request, caller), request.query_params
        after, order = query.get("after"), query.get("order", "desc")
        limit = limit_of(query.get("limit"), ITEMS_PAGE, ITEMS_PAGE_MAX)
        if found is not None:
            return answer(await self._responses.input_items(caller, found, after, limit, order))
        response_id = request.path_params["response_id"]
        items = await self._relay.input_items(caller, response_id, after=after, limit=limit, order=order)
        return Relayed(items)

    async def _entitys(self, request: Request, caller: Principal) -> Found | None:
        """The entity's response that the path names. None: the relay answers, for what is not there as well.

        Raises:
            Forbidden: the caller may use neither door. NotFound: it is not the entity's, and the relay is not for it.
        """
        if not caller.has("chat"):
            require(caller, "models")
            return None
        response_id = request.path_params["response_id"]
        found = await self._responses.find(caller, response_id)
        if found is None and not caller.has("models"):
            raise unknown_response(response_id)
        return found

    async def embeddings(self, request: Request, caller: Principal) -> ASGIApp:
        body = await read_body(request, self._relay.body_limit_bytes)
        return Relayed(await until_left(request, self._relay.embeddings(caller, body)))

    async def list_models(self, request: Request, caller: Principal) -> ASGIApp:
        """The entity first, then the catalogue, for callers that may use them."""
        data: list[Mapping[str, Any]] = [entity_model()] if caller.has("chat") else []
        if caller.has("models"):
            listed = await collected(await self._relay.models(caller))
            data += listed["data"]
        return answer({"object": "list", "data": data})

    async def get_model(self, request: Request, caller: Principal) -> ASGIApp:
        name = request.path_params["model"]
        return answer(entity_model()) if name == ENTITY else Relayed(await self._relay.model(caller, name))


def openai_routes(
    authenticate: Authenticate,
    relay: Relay,
    bulk: Bulk,
    assistant: Assistant,
    streams: Streams,
    *,
    images_max: int,
) -> Sequence[BaseRoute]:
    """The routes, bound to the rooms that answer them. `images_max`: how many pictures the entity shows to a model."""
    doors = Doors(authenticate, relay, assistant, streams, images_max)
    batch = BulkDoor(bulk)

    def route(path: str, handler: Handler, method: str) -> Route:
        return Route(f"/v1{path}", doors.endpoint(handler), methods=[method])

    return [
        route("/chat/completions", doors.chat_completions, "POST"),
        route("/responses", doors.create_response, "POST"),
        route("/responses/{response_id}", doors.get_response, "GET"),
        route("/responses/{response_id}", doors.delete_response, "DELETE"),
        route("/responses/{response_id}/cancel", doors.cancel_response, "POST"),
        route("/responses/{response_id}/input_items", doors.input_items, "GET"),
        route("/embeddings", doors.embeddings, "POST"),
        route("/files", batch.upload, "POST"),
        route("/files", batch.files, "GET"),
        route("/files/{file_id}", batch.file, "GET"),
        route("/files/{file_id}", batch.remove_file, "DELETE"),
        route("/files/{file_id}/content", batch.content, "GET"),
        route("/batches", batch.create, "POST"),
        route("/batches", batch.batches, "GET"),
        route("/batches/{batch_id}", batch.batch, "GET"),
        route("/batches/{batch_id}/cancel", batch.cancel, "POST"),
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
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, dict):
        return None
    found = cast("dict[str, Any]", given)
    return found if found.get("model") == ENTITY else None


def starting_after(text: str | None) -> int:
    """The number of the event after which a stream begins; -1 from its beginning. Raises BadRequest."""
    if text is None:
        return -1
    if not text.isascii() or not text.isdigit() or len(text) > NUMBER_DIGITS_MAX:
        raise refused("starting_after", "starting_after must be the sequence_number of an event.")
    return int(text)


async def attempt(request: Request, body: Mapping[str, Any]) -> Attempt:
    return await attempt_of(request.headers.get("idempotency-key", ""), request.url.path, body)


def entity_model() -> dict[str, Any]:
    return {"id": ENTITY, "object": "model", "created": CREATED, "owned_by": "mecum"}


def answer(value: Mapping[str, Any]) -> Response:
    return Response(dumps(value), media_type="application/json", headers={"cache-control": "no-store"})


def answered(whole: Answered) -> Response:
    response = answer(whole.value)
    response.headers.update(whole.headers)
    return response


async def until_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. Raises ClientDisconnect when the client leaves before."""
    with UntilLeft(request.scope, request.receive):
        return await work


async def collected(response: RelayResponse) -> dict[str, Any]:
    body = response.body
    return json.loads(body if isinstance(body, bytes) else b"".join([part async for part in body]))
