"""Attachments."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, File, Header, UploadFile
from fastapi.responses import JSONResponse, Response, StreamingResponse

from mecum.kit.http import ChatCaller, ThreadsCaller
from mecum.kit.ids import decode
from mecum.rooms.assistant.files.attachments import Attachments, render

PIECE_BYTES = 256 * 1024
SHOWN_INLINE = ("image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain")
_RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})$")


def _id(text: str) -> UUID:
    return decode("att", text)


def build_router(attachments: Attachments) -> APIRouter:
    router = APIRouter(prefix="/api/attachments", tags=["attachments"])

    @router.post("", status_code=201)
    async def upload_attachment(caller: ChatCaller, file: Annotated[UploadFile, File()]) -> JSONResponse:
        """Upload a file, to be named in a message. `state` says when its text has been read."""
        return JSONResponse(render(await attachments.upload(caller, file.filename or "file", _pieces(file))), 201)

    @router.get("/{attachment}")
    async def get_attachment(caller: ThreadsCaller, attachment: str) -> JSONResponse:
        """What is known about a file."""
        return JSONResponse(render(await attachments.get(caller, _id(attachment))))

    @router.get("/{attachment}/content", response_class=Response)
    async def get_attachment_content(
        caller: ThreadsCaller, attachment: str, range_: Annotated[str | None, Header(alias="range")] = None
    ) -> Response:
        """A file's bytes; `Range` gives a part."""
        found = await attachments.get(caller, _id(attachment))
        start, end = _range(range_, found.size_bytes)
        inline = found.media_type in SHOWN_INLINE
        headers = {
            "content-disposition": f"{'inline' if inline else 'attachment'}; filename*=UTF-8''{quote(found.name)}",
            "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
            "cache-control": "private, max-age=3600",
            "accept-ranges": "bytes",
            "content-length": str(end - start),
        }
        partial = (start, end) != (0, found.size_bytes)
        if partial:
            headers["content-range"] = f"bytes {start}-{end - 1}/{found.size_bytes}"
        body = await attachments.content(caller, found.id, start, end)
        media_type = found.media_type if inline else "application/octet-stream"
        return StreamingResponse(body, 206 if partial else 200, headers, media_type)

    @router.delete("/{attachment}", status_code=204)
    async def remove_attachment(caller: ChatCaller, attachment: str) -> Response:
        """Remove a file that was not sent yet."""
        await attachments.remove(caller, _id(attachment))
        return Response(status_code=204)

    return router


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


def _range(header: str | None, size: int) -> tuple[int, int]:
    """The asked range as start and end (not included); the whole file where it can't be met (RFC 9110, 14.2)."""
    found = _RANGE.match(header or "")
    if found is None or int(found[1]) >= size:
        return 0, size
    start = int(found[1])
    return start, min(size, int(found[2]) + 1) if found[2] and int(found[2]) >= start else size
