"""`/v1/files` and `/v1/batches`: OpenAI's Batch API, for models of the relay."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp

from mecum.kit.http import read_body, require
from mecum.kit.types import Principal
from mecum.rooms.models import Bulk
from mecum.surfaces.openai.forms import Form
from mecum.surfaces.openai.relayed import Relayed
from mecum.surfaces.openai.requests import refused

BODY_BYTES_MAX = 64 * 1024
FILES_PAGE = FILES_PAGE_MAX = 10_000
BATCHES_PAGE, BATCHES_PAGE_MAX = 20, 100
DIGITS_MAX = 6


class BulkDoor:
    def __init__(self, bulk: Bulk) -> None:
        self._bulk = bulk

    async def upload(self, request: Request, caller: Principal) -> ASGIApp:
        require(caller, "models")
        return Relayed(await self._bulk.upload(caller, Form(request, self._bulk.file_limit_bytes)))

    async def files(self, request: Request, caller: Principal) -> ASGIApp:
        query = request.query_params
        order = query.get("order", "desc")
        if order not in ("asc", "desc"):
            raise refused("order", "order must be asc or desc.")
        limit = limit_of(query.get("limit"), FILES_PAGE, FILES_PAGE_MAX)
        found = await self._bulk.files(
            caller, after=query.get("after"), limit=limit, order=order, purpose=query.get("purpose")
        )
        return Relayed(found)

    async def file(self, request: Request, caller: Principal) -> ASGIApp:
        return Relayed(await self._bulk.file(caller, request.path_params["file_id"]))

    async def content(self, request: Request, caller: Principal) -> ASGIApp:
        return Relayed(await self._bulk.content(caller, request.path_params["file_id"]))

    async def remove_file(self, request: Request, caller: Principal) -> ASGIApp:
        return Relayed(await self._bulk.remove_file(caller, request.path_params["file_id"]))

    async def create(self, request: Request, caller: Principal) -> ASGIApp:
        return Relayed(await self._bulk.create(caller, await read_body(request, BODY_BYTES_MAX)))

    async def batches(self, request: Request, caller: Principal) -> ASGIApp:
        query = request.query_params
        limit = limit_of(query.get("limit"), BATCHES_PAGE, BATCHES_PAGE_MAX)
        return Relayed(await self._bulk.batches(caller, after=query.get("after"), limit=limit))

    async def batch(self, request: Request, caller: Principal) -> ASGIApp:
        return Relayed(await self._bulk.batch(caller, request.path_params["batch_id"]))

    async def cancel(self, request: Request, caller: Principal) -> ASGIApp:
        return Relayed(await self._bulk.cancel(caller, request.path_params["batch_id"]))


def limit_of(text: str | None, usual: int, most: int) -> int:
    """The `limit` of a list. Raises BadRequest."""
    if text is None:
        return usual
    if not text.isascii() or not text.isdigit() or len(text) > DIGITS_MAX or not 1 <= int(text) <= most:
        raise refused("limit", f"limit must be a number from 1 to {most}.")
    return int(text)
