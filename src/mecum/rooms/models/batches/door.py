"""Implements `mecum.rooms.models.Bulk`: every answer, and every error, in OpenAI's wire."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Literal
from urllib.parse import quote

from mecum.kit.errors import MecumError
from mecum.kit.http import require
from mecum.kit.types import Principal
from mecum.kit.uploads import Upload
from mecum.rooms.models import RelayResponse
from mecum.rooms.models.batches.files import Files
from mecum.rooms.models.batches.ordering import Ordering
from mecum.rooms.models.batches.shapes import batch_object, file_object, list_object
from mecum.rooms.models.relay.answers import error_answer, whole
from mecum.rooms.models.settings import ModelsSettings

OK = 200


class BulkRoom:
    def __init__(self, files: Files, ordering: Ordering, settings: ModelsSettings) -> None:
        self.file_limit_bytes = settings.batch_file_limit_bytes
        self._files = files
        self._ordering = ordering

    async def upload(self, principal: Principal, upload: Upload) -> RelayResponse:
        async def kept() -> RelayResponse:
            return whole(file_object(await self._files.upload(principal, upload)))

        return await _answered(principal, kept)

    async def files(
        self,
        principal: Principal,
        *,
        after: str | None = None,
        limit: int = 10_000,
        order: Literal["asc", "desc"] = "desc",
        purpose: str | None = None,
    ) -> RelayResponse:
        async def listed() -> RelayResponse:
            found = await self._files.listed(
                principal, after=after, limit=limit, newest_first=order == "desc", purpose=purpose
            )
            return whole(list_object([file_object(each) for each in found[:limit]], has_more=len(found) > limit))

        return await _answered(principal, listed)

    async def file(self, principal: Principal, file: str) -> RelayResponse:
        async def found() -> RelayResponse:
            return whole(file_object(await self._files.get(principal, file)))

        return await _answered(principal, found)

    async def content(self, principal: Principal, file: str) -> RelayResponse:
        async def read() -> RelayResponse:
            found = await self._files.get(principal, file)
            headers = {
                "content-type": "application/octet-stream",
                "content-length": str(found.size_bytes),
                "content-disposition": f"attachment; filename*=UTF-8''{quote(found.filename, errors='replace')}",
                "x-content-type-options": "nosniff",
                "cache-control": "no-store",
            }
            return RelayResponse(OK, headers, _pieces(await self._files.content(found)))

        return await _answered(principal, read)

    async def remove_file(self, principal: Principal, file: str) -> RelayResponse:
        async def removed() -> RelayResponse:
            found = await self._files.remove(principal, file)
            return whole({"id": file_object(found)["id"], "object": "file", "deleted": True})

        return await _answered(principal, removed)

    async def create(self, principal: Principal, body: bytes) -> RelayResponse:
        async def created() -> RelayResponse:
            return whole(batch_object(await self._ordering.create(principal, body)))

        return await _answered(principal, created)

    async def batches(self, principal: Principal, *, after: str | None = None, limit: int = 20) -> RelayResponse:
        async def listed() -> RelayResponse:
            found = await self._ordering.listed(principal, after, limit)
            return whole(list_object([batch_object(each) for each in found[:limit]], has_more=len(found) > limit))

        return await _answered(principal, listed)

    async def batch(self, principal: Principal, batch: str) -> RelayResponse:
        async def found() -> RelayResponse:
            return whole(batch_object(await self._ordering.get(principal, batch)))

        return await _answered(principal, found)

    async def cancel(self, principal: Principal, batch: str) -> RelayResponse:
        async def cancelled() -> RelayResponse:
            return whole(batch_object(await self._ordering.cancel(principal, batch)))

        return await _answered(principal, cancelled)


async def _answered(principal: Principal, make: Callable[[], Awaitable[RelayResponse]]) -> RelayResponse:
    try:
        require(principal, "models")
        return await make()
    except MecumError as error:
        return error_answer(error)


async def _pieces(content: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    async for piece in content:
        yield piece
