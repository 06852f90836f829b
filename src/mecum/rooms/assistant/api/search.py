"""Search."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from mecum.kit.http import ThreadsCaller
from mecum.kit.ids import encode
from mecum.rooms.assistant.searching import PAGE_MAX, Found, Searching
from mecum.rooms.assistant.wire import message_id, render_thread


def build_router(searching: Searching) -> APIRouter:
    router = APIRouter(prefix="/api/threads/search", tags=["threads"])

    @router.get("")
    async def search_threads(
        caller: ThreadsCaller,
        q: Annotated[str, Query(max_length=500)],
        cursor: Annotated[str | None, Query(max_length=500)] = None,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
    ) -> JSONResponse:
        """Where words stand in your threads, best first; what has all of them comes before what has some.

        `where` says in what: in a `title`, in a `message`, or in a `file` (its name or its text). `message` is where to
        go to. The `snippet` is plain text in pieces; `hit` are those that were looked for.
        """
        page = await searching.search(caller, q, cursor=cursor, limit=limit)
        return JSONResponse({"items": [_rendered(found) for found in page.items], "next": page.next})

    return router


def _rendered(found: Found) -> dict[str, Any]:
    hit = found.hit
    file = None
    if hit.attachment is not None:
        file = {"id": encode("att", hit.attachment), "name": hit.name, "anchor": dict(hit.anchor)}
    return {
        "thread": render_thread(hit.thread),
        "where": hit.where,
        "message": message_id(hit.message),
        "file": file,
        "snippet": [{"text": text, "hit": is_hit} for text, is_hit in found.excerpt],
        "at": hit.at.isoformat().replace("+00:00", "Z"),
    }
