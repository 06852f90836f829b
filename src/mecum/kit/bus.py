"""The live bus: small frames to whoever is listening now. It may lose frames; the log never does.

Each channel keeps the last frames for a while, so that a reader who has just read the log and the checkpoint finds
what came between. A subscriber that does not keep up is cut off: it reads the log again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from mecum.kit.clock import Clock

FRAMES_KEPT = 512
SECONDS_KEPT = 15.0
SUBSCRIBER_QUEUE = 1024
IDLE_CHANNELS = 4096


RIGHTS = b'{"type":"rights"}'


def person_channel(person: UUID) -> str:
    """What all open surfaces of a person hear: each thread of theirs that changed, the bell, changed rights."""
    return f"person:{person.hex}"


class Lagged(Exception):
    """The subscriber fell behind and frames were dropped: read the log again, then subscribe anew."""


class Bus(Protocol):
    async def publish(self, channel: str, frame: bytes) -> None:
        """Give `frame` to all who listen on `channel`. Never waits for them."""
        ...

    def subscribe(self, channel: str, *also: str) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Frames of `channel`: those still kept, then those to come; between them those to come of `also`. The iterator
        raises Lagged when it fell behind.

        Waiting for a frame may be cancelled (a timeout); the iterator goes on afterwards.
        """
        ...

    async def close(self) -> None: ...


async def tell_rights_changed(bus: Bus, person: UUID) -> None:
    """Have all open streams of `person` look again whether they may go on: a session or key has ended, or the person is
    disabled. Streams look by themselves every few seconds; this spares them the wait."""
    await bus.publish(person_channel(person), RIGHTS)


@dataclass
class _Channel:
    kept: deque[tuple[float, bytes]] = field(default_factory=lambda: deque[tuple[float, bytes]](maxlen=FRAMES_KEPT))
    queues: set[asyncio.Queue[bytes | None]] = field(default_factory=set[asyncio.Queue[bytes | None]])


class LocalBus:
    """The bus of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._channels: dict[str, _Channel] = {}

    async def publish(self, channel: str, frame: bytes) -> None:
        self.publish_nowait(channel, frame)

    def publish_nowait(self, channel: str, frame: bytes) -> None:
        now = self._clock.monotonic()
        here = self._channels.setdefault(channel, _Channel())
        while here.kept and here.kept[0][0] < now - SECONDS_KEPT:
            here.kept.popleft()
        here.kept.append((now, frame))
        for queue in here.queues:
            if queue.full():
                cut_off(queue)
            else:
                queue.put_nowait(frame)
        if len(self._channels) > IDLE_CHANNELS:
            self._forget_idle(now)

    @asynccontextmanager
    async def subscribe(self, channel: str, *also: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        channels = [self._channels.setdefault(name, _Channel()) for name in (channel, *also)]
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(SUBSCRIBER_QUEUE)
        horizon = self._clock.monotonic() - SECONDS_KEPT
        for at, frame in channels[0].kept:
            if at >= horizon:
                queue.put_nowait(frame)
        for each in channels:
            each.queues.add(queue)
        try:
            yield QueueFrames(queue)
        finally:
            for each in channels:
                each.queues.discard(queue)

    async def close(self) -> None:
        for channel in self._channels.values():
            for queue in channel.queues:
                cut_off(queue)

    def _forget_idle(self, now: float) -> None:
        for name, channel in list(self._channels.items()):
            if not channel.queues and (not channel.kept or channel.kept[-1][0] < now - SECONDS_KEPT):
                del self._channels[name]


def cut_off(queue: asyncio.Queue[bytes | None]) -> None:
    while not queue.empty():
        queue.get_nowait()
    queue.put_nowait(None)


class QueueFrames:
    """The frames of a queue; None means cut off.

    Not a generator, so that a cancelled wait for the next frame does not end it.
    """

    def __init__(self, queue: asyncio.Queue[bytes | None]) -> None:
        self._queue = queue

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        frame = await self._queue.get()
        if frame is None:
            raise Lagged
        return frame
