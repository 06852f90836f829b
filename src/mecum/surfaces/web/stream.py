"""One stream per tab: which threads changed, and how many notifications wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from mecum.kit.bus import Bus, Lagged, person_channel
from mecum.kit.errors import NotFound
from mecum.kit.http import ThreadsCaller
from mecum.kit.sse import SSE_HEADERS, encode_frame
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant

PING_EVERY_S = 15.0
GATHER_S = 0.2
"""Changes of one thread within this time are told once: a run writes several events in a row."""

Unread = Callable[[Principal], Awaitable[int]]


def stream_router(bus: Bus, assistant: Assistant, unread: Unread) -> APIRouter:
    """`GET /api/me/stream`: frames `threads`, `notification`, `reset` (load the list again) and `ping`."""
    router = APIRouter(prefix="/api", tags=["surfaces"])

    @router.get("/me/stream", response_class=StreamingResponse)
    async def my_stream(caller: ThreadsCaller) -> StreamingResponse:
        """A stream of what changes for you: threads, and how many notifications wait."""
        frames = _frames(bus, assistant, unread, caller)
        return StreamingResponse(frames, headers=SSE_HEADERS, media_type="text/event-stream")

    return router


async def _frames(bus: Bus, assistant: Assistant, unread: Unread, caller: Principal) -> AsyncIterator[bytes]:
    yield encode_frame("notification", _json({"unread": await unread(caller)}))
    while True:
        try:
            async with bus.subscribe(person_channel(caller.person)) as raw:
                async for frame in _changes(raw, assistant, unread, caller):
                    yield frame
            return
        except Lagged:
            yield encode_frame("reset", b"{}")


async def _changes(
    raw: AsyncIterator[bytes], assistant: Assistant, unread: Unread, caller: Principal
) -> AsyncIterator[bytes]:
    while True:
        changed, notified = await _gather(raw)
        for thread in changed:
            try:
                found = await assistant.render(caller, thread)
            except NotFound:
                continue  # Another space's thread of the same person: not for this surface.
            yield encode_frame("threads", _json({"thread": found}))
        if notified:
            yield encode_frame("notification", _json({"unread": await unread(caller)}))
        if not changed and not notified:
            yield encode_frame("ping", b"{}")


async def _gather(raw: AsyncIterator[bytes]) -> tuple[list[UUID], bool]:
    """The threads that changed and whether a notification came; empty when nothing happened for a while."""
    changed: dict[UUID, None] = {}
    notified = False
    wait_s = PING_EVERY_S
    while True:
        try:
            async with asyncio.timeout(wait_s):
                message = json.loads(await anext(raw))
        except TimeoutError:
            return list(changed), notified
        wait_s = GATHER_S
        if message["type"] == "thread":
            changed[UUID(hex=message["thread"])] = None
        else:
            notified = True


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
