"""Shared copies, and the public page behind a link."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict

from mecum.kit.http import PAGE_SIZE, PAGE_SIZE_MAX, ThreadsCaller
from mecum.kit.ids import decode, encode
from mecum.rooms.assistant.sharing import Sharing
from mecum.rooms.assistant.store.shares import Share

Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)]
Cursor = Annotated[str | None, Query(max_length=60)]


class ShareBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    upto: str | None = None


def build_router(sharing: Sharing) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["sharing"])

    def rendered(share: Share) -> dict[str, Any]:
        return {
            "id": encode("shr", share.id),
            "thread": encode("thr", share.thread),
            "title": share.title,
            "url": sharing.url(share),
            "created_at": share.created_at.isoformat().replace("+00:00", "Z"),
        }

    async def listed(caller: ThreadsCaller, thread: str | None, cursor: str | None, limit: int) -> JSONResponse:
        page = await sharing.listed(
            caller,
            cursor=None if cursor is None else decode("shr", cursor),
            limit=limit,
            thread=None if thread is None else decode("thr", thread),
        )
        return JSONResponse({"items": [rendered(share) for share in page.items], "next": page.next})

    @router.post("/threads/{thread}/shares", status_code=201)
    async def share_thread(caller: ThreadsCaller, thread: str, body: ShareBody) -> JSONResponse:
        """Make a read-only copy of the selected branch behind a link. What is written later is not in it."""
        upto = None if body.upto is None else decode("msg", body.upto)
        return JSONResponse(rendered(await sharing.share(caller, decode("thr", thread), upto)), 201)

    @router.get("/threads/{thread}/shares")
    async def list_thread_shares(
        caller: ThreadsCaller, thread: str, cursor: Cursor = None, limit: Limit = PAGE_SIZE
    ) -> JSONResponse:
        """The links of one thread, newest first."""
        return await listed(caller, thread, cursor, limit)

    @router.get("/shares")
    async def list_shares(caller: ThreadsCaller, cursor: Cursor = None, limit: Limit = PAGE_SIZE) -> JSONResponse:
        """All links you have made, newest first."""
        return await listed(caller, None, cursor, limit)

    @router.delete("/shares/{share}", status_code=204)
    async def withdraw_share(caller: ThreadsCaller, share: str) -> Response:
        """Withdraw a link: from now on it leads nowhere."""
        await sharing.withdraw(caller, decode("shr", share))
        return Response(status_code=204)

    @router.get("/shared/{token}")
    async def open_shared(token: Annotated[str, Path(max_length=100)]) -> JSONResponse:
        """The copy behind a link, for anybody who has it."""
        headers = {"cache-control": "no-store", "x-robots-tag": "noindex"}
        return JSONResponse(dict(await sharing.open(token)), headers=headers)

    return router
