"""One stream per tab: which threads changed, and how many notifications wait."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from mecum.kit.bus import Bus, Lagged, person_channel
from mecum.kit.errors import NotFound
from mecum.kit.http import ThreadsCaller
from mecum.kit.sse import encode_frame
from mecum.kit.streams import Streams
from mecum.kit.types import Principal
from mecum.rooms.assistant import Assistant
from mecum.rooms.people import People

PING_EVERY_S = 15.0
GATHER_S = 0.2
"""Changes of one thread within this time are told once."""

Unread = Callable[[Principal], Awaitable[int]]


def stream_router(
    bus: Bus, people: People, assistant: Assistant, unread: Unread, streams: Streams
) -> APIRouter:
    """`GET /api/me/stream`: frames `threads`, `notification`, `reset` (load the list again) and `ping`."""
    router = APIRouter(prefix="/api", tags=["surfaces"])

    @router.get("/me/stream", response_class=StreamingResponse)
    async def my_stream(caller: ThreadsCaller) -> StreamingResponse:
        """A stream of what changes for you: threads, and how many notifications wait."""
        frames = PersonStream(bus, people, assistant, unread, caller).frames()
        return streams.response(caller, "person", frames)

    return router


@dataclass(slots=True)
class _Heard:
    """What came within a moment; nothing at all when all was quiet for a while."""

    threads: dict[UUID, None] = field(default_factory=dict[UUID, None])
    bell: bool = False
    rights: bool = False

    @property
    def nothing(self) -> bool:
        return not (self.threads or self.bell or self.rights)

    def take(self, message: Mapping[str, str]) -> None:
        match message["type"]:
            case "thread":
                self.threads[UUID(hex=message["thread"])] = None
            case "rights":
                self.rights = True
            case _:
                self.bell = True


class PersonStream:
    """What changes for `caller`."""

    def __init__(self, bus: Bus, people: People, assistant: Assistant, unread: Unread, caller: Principal) -> None:
        self._bus = bus
        self._people = people
        self._assistant = assistant
        self._unread = unread
        self._caller = caller

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Raises Unauthenticated or Forbidden once what the caller came with is void."""
        yield await self._bell()
        while True:
            try:
                async with self._bus.subscribe(person_channel(self._caller.person)) as raw:
                    while True:
                        async for frame in self._told(await _gather(raw)):
                            yield frame
            except Lagged:
                yield encode_frame("reset", b"{}")

    async def _told(self, heard: _Heard) -> AsyncIterator[bytes]:
        if heard.rights or heard.nothing:
            await self._people.recheck(self._caller)
        for thread in heard.threads:
            try:
                found = await self._assistant.render(self._caller, thread)
            except NotFound:
                continue  # Another space's thread of the same person: not for this surface.
            yield encode_frame("threads", _json({"thread": found}))
        if heard.bell:
            yield await self._bell()
        if heard.nothing:
            yield encode_frame("ping", b"{}")

    async def _bell(self) -> bytes:
        return encode_frame("notification", _json({"unread": await self._unread(self._caller)}))


async def _gather(raw: AsyncIterator[bytes]) -> _Heard:
    """What comes within a moment of the first frame: a run writes several events in a row."""
    heard = _Heard()
    try:
        async with asyncio.timeout(PING_EVERY_S):
            heard.take(json.loads(await anext(raw)))
        async with asyncio.timeout(GATHER_S):
            while True:
                heard.take(json.loads(await anext(raw)))
    except TimeoutError:
        return heard


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
