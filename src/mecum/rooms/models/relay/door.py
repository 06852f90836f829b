"""Implements `mecum.rooms.models.Relay`: every answer, and every error, in OpenAI's wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from mecum.kit.errors import BadRequest, MecumError, NotFound
from mecum.kit.http import require
from mecum.kit.types import Principal
from mecum.rooms.models import CatalogueModel, RelayResponse
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.relay.answers import error_answer, whole
from mecum.rooms.models.relay.chat import ChatDoor
from mecum.rooms.models.relay.responses import ResponsesDoor
from mecum.rooms.models.relay.shelf import Shelf
from mecum.rooms.models.relay.vectors import VectorsDoor
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store.responses import StoredResponse
from mecum.rooms.models.wires.jsons import JsonObject, text

ITEMS_PAGE_MAX = 100


class RelayRoom:
    def __init__(
        self,
        catalogue: Catalogue,
        chat: ChatDoor,
        responses: ResponsesDoor,
        vectors: VectorsDoor,
        shelf: Shelf,
        settings: ModelsSettings,
    ) -> None:
        self.body_limit_bytes = settings.relay_body_limit_bytes
        self._catalogue = catalogue
        self._chat = chat
        self._responses = responses
        self._vectors = vectors
        self._shelf = shelf

    async def chat_completions(self, principal: Principal, body: bytes) -> RelayResponse:
        return await _answered(principal, lambda: self._chat.answer(principal, body))

    async def responses(self, principal: Principal, body: bytes) -> RelayResponse:
        return await _answered(principal, lambda: self._responses.answer(principal, body))

    async def embeddings(self, principal: Principal, body: bytes) -> RelayResponse:
        return await _answered(principal, lambda: self._vectors.answer(principal, body))

    async def models(self, principal: Principal) -> RelayResponse:
        async def listed() -> RelayResponse:
            data = [_model(each) for each in await self._catalogue.listed(principal)]
            return whole({"object": "list", "data": data})

        return await _answered(principal, listed)

    async def model(self, principal: Principal, name: str) -> RelayResponse:
        async def found() -> RelayResponse:
            for each in await self._catalogue.usable(principal):
                if each.name == name:
                    return whole(_model(each))
            raise NotFound(
                "models.unknown",
                f"There is no model called {name[:128]}.",
                "GET /v1/models lists the models.",
                params={"model": name[:128], "kind": ""},
            )

        return await _answered(principal, found)

    async def response(self, principal: Principal, response_id: str) -> RelayResponse:
        async def found() -> RelayResponse:
            return whole((await self._shelf.get(principal, response_id)).response)

        return await _answered(principal, found)

    async def input_items(
        self, principal: Principal, response_id: str, *, after: str | None = None, limit: int = 20, order: str = "desc"
    ) -> RelayResponse:
        async def found() -> RelayResponse:
            return whole(_items_page(await self._shelf.get(principal, response_id), after, limit, order))

        return await _answered(principal, found)

    async def cancel(self, principal: Principal, response_id: str) -> RelayResponse:
        async def cancelled() -> RelayResponse:
            stored = await self._shelf.get(principal, response_id)
            if not stored.background:
                raise BadRequest(
                    "models.not_background",
                    "Only a background response can be cancelled.",
                    "Close the connection of any other one.",
                )
            return whole((await self._shelf.cancel(principal, stored)).response)

        return await _answered(principal, cancelled)

    async def delete(self, principal: Principal, response_id: str) -> RelayResponse:
        async def removed() -> RelayResponse:
            await self._shelf.remove(principal, response_id)
            return whole({"id": response_id, "object": "response", "deleted": True})

        return await _answered(principal, removed)

    def error(self, error: MecumError) -> RelayResponse:
        return error_answer(error)


async def _answered(principal: Principal, make: Callable[[], Awaitable[RelayResponse]]) -> RelayResponse:
    try:
        require(principal, "models")
        return await make()
    except MecumError as error:
        return error_answer(error)


def _model(model: CatalogueModel) -> JsonObject:
    return {"id": model.name, "object": "model", "created": 0, "owned_by": model.provider}


def _items_page(stored: StoredResponse, after: str | None, limit: int, order: str) -> JsonObject:
    """The items that came with a request, newest first unless `order` is `asc`."""
    digits = stored.id.partition("_")[2]
    start = len(stored.conversation) - stored.input_count
    given = stored.conversation[start:]
    items = [{"id": f"item_{digits}{place:04x}", **_shown(item)} for place, item in enumerate(given)]
    if order != "asc":
        items.reverse()
    ids = [str(item["id"]) for item in items]
    begin = ids.index(after) + 1 if after in ids else 0
    page = items[begin : begin + max(1, min(limit, ITEMS_PAGE_MAX))]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": begin + len(page) < len(items),
    }


def _shown(item: JsonObject) -> JsonObject:
    """An item in its long form: a message may have been given as its text alone, without its type."""
    content = item.get("content")
    if text(item.get("type")) not in ("", "message") or not isinstance(content, str):
        return item
    part: JsonObject = {"type": "input_text", "text": content}
    if item.get("role") == "assistant":
        part = {"type": "output_text", "text": content, "annotations": []}
    return {"type": "message", "status": "completed", **item, "content": [part]}
