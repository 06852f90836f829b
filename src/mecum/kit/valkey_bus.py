"""The live bus of many processes: one Valkey stream per channel.

Each process publishes through one connection, in batches, and reads all channels that somebody listens to through
another one that blocks. A reader that may have missed frames (Valkey was away, the process stood still, a stream was
trimmed before it was read) cuts its subscribers off with Lagged: they read the log again, and nobody misses a frame
without knowing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from mecum.kit.bus import FRAMES_KEPT, SECONDS_KEPT, SUBSCRIBER_QUEUE, QueueFrames, cut_off
from mecum.kit.errors import Unavailable

logger = logging.getLogger(__name__)

PREFIX = "mecum:bus:"
STREAM_LIVES_S = 60
"""How long a stream outlives its last frame. A reader that stood still for longer than STALL_S may have missed one."""
STALL_S = 45.0
BLOCK_MS = 5000
TIMEOUT_S = 5.0
BATCH_MAX = 512
WAITING_MAX = 16_384
PACE_S = 0.004
RETRY_FIRST_S, RETRY_MAX_S = 0.1, 2.0
FRAME, LOST = b"f", b"l"

EntryId: TypeAlias = tuple[int, int]
Entry: TypeAlias = tuple[bytes, dict[bytes, bytes]]


@dataclass(eq=False)
class _Subscriber:
    """Somebody who listens to a channel. Frames up to `after` were given already; while `early` is a list, live ones
    wait there. `kept`: whether what the channel still keeps is wanted too."""

    queue: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue[bytes | None](SUBSCRIBER_QUEUE))
    kept: bool = True
    after: EntryId = (0, 0)
    early: list[tuple[EntryId, bytes]] | None = field(default_factory=list[tuple[EntryId, bytes]])

    def give(self, entry: EntryId, frame: bytes) -> None:
        if self.early is not None:
            self.early.append((entry, frame))
        elif entry > self.after:
            self.after = entry
            if self.queue.full():
                cut_off(self.queue)
            else:
                self.queue.put_nowait(frame)


@dataclass
class _Channel:
    position: EntryId | None = None
    subscribers: set[_Subscriber] = field(default_factory=set[_Subscriber])


class ValkeyBus:
    """See `mecum.kit.bus.Bus`. Made by `connect`."""

    def __init__(self, writer: Valkey, reader: Valkey, prefix: str) -> None:
        self._writer = writer
        self._reader = reader
        self._prefix = prefix
        self._control = f"{prefix}control:{secrets.token_hex(8)}"
        self._control_position: EntryId = (0, 0)
        self._channels: dict[str, _Channel] = {}
        self._waiting: deque[tuple[str, bytes, bytes]] = deque()
        self._lost: set[str] = set()
        self._something = asyncio.Event()
        self._last_read = time.monotonic()
        self._tasks = [self._run(self._write()), self._run(self._read())]

    @classmethod
    async def connect(cls, url: str, *, prefix: str = PREFIX) -> ValkeyBus:
        """A bus on the Valkey server at `url` (valkey://, valkeys://, redis://, rediss:// or unix://).

        Raises:
            Unavailable: it can't be reached.
        """
        address = url.replace("redis", "valkey", 1) if url.startswith("redis") else url
        writer = Valkey.from_url(address, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
        reader = Valkey.from_url(address, socket_timeout=TIMEOUT_S + BLOCK_MS / 1000, socket_connect_timeout=TIMEOUT_S)
        try:
            await _ping(writer)
        except (ValkeyError, OSError) as error:
            await writer.aclose()
            await reader.aclose()
            kind = type(error).__name__
            hint = "Check MECUM_VALKEY_URL and that the server runs."
            raise Unavailable("valkey_unavailable", f"Valkey can't be reached ({kind}).", hint) from error
        return cls(writer, reader, prefix)

    async def publish(self, channel: str, frame: bytes) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self._lost |= {name for name, _, _ in self._waiting}
            self._waiting.clear()
        self._waiting.append((channel, FRAME, frame))
        self._something.set()

    @asynccontextmanager
    async def subscribe(self, channel: str, *also: str) -> AsyncGenerator[AsyncIterator[bytes]]:
        async with AsyncExitStack() as stack:
            subscriber = await stack.enter_async_context(self._listening(channel, _Subscriber()))
            for name in also:
                await stack.enter_async_context(self._listening(name, _Subscriber(subscriber.queue, kept=False)))
            yield QueueFrames(subscriber.queue)

    @asynccontextmanager
    async def _listening(self, channel: str, subscriber: _Subscriber) -> AsyncGenerator[_Subscriber]:
        here = self._channels.setdefault(channel, _Channel())
        here.subscribers.add(subscriber)
        try:
            await self._begin(channel, here, subscriber)
            yield subscriber
        finally:
            here.subscribers.discard(subscriber)
            if not here.subscribers and self._channels.get(channel) is here:
                del self._channels[channel]

    async def close(self) -> None:
        while unfinished := {task for task in self._tasks if not task.done()}:
            for task in unfinished:
                task.cancel()  # Again and again: while it connects, the client takes a cancellation for a failure.
            await asyncio.wait(unfinished, timeout=0.05)
        self._cut_off_all()
        with contextlib.suppress(ValkeyError, OSError):
            await self._writer.delete(self._control)
        await self._writer.aclose()
        await self._reader.aclose()

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.create_task(work, name="bus")

    def _key(self, channel: str) -> str:
        return f"{self._prefix}{channel}"

    async def _begin(self, channel: str, here: _Channel, subscriber: _Subscriber) -> None:
        """Give what is still kept, then what came meanwhile, and make the reader follow the channel.

        Without Valkey there is nothing to give: the subscriber waits, and is cut off when Valkey is back.
        """
        try:
            entries, now_ms = await self._kept(channel)
        except (ValkeyError, OSError) as error:
            logger.warning("The live bus can't be read: %s", type(error).__name__)
            entries, now_ms = [], 0
        for entry, values in entries:
            number = _number(entry)
            if subscriber.kept and number[0] >= now_ms - SECONDS_KEPT * 1000 and FRAME in values:
                subscriber.queue.put_nowait(values[FRAME])
            subscriber.after = number
        early, subscriber.early = subscriber.early or [], None
        for number, frame in early:
            subscriber.give(number, frame)
        if here.position is None:
            here.position = subscriber.after
            with contextlib.suppress(ValkeyError, OSError):  # The reader finds out by itself that Valkey is away.
                await self._wake_reader()

    async def _kept(self, channel: str) -> tuple[list[Entry], int]:
        """The last frames of a channel, and the server's time in ms."""
        pipe = self._writer.pipeline(transaction=False)
        pipe.xrevrange(self._key(channel), count=FRAMES_KEPT)
        pipe.time()  # pyright: ignore[reportUnknownMemberType]
        entries, (seconds, micros) = cast("tuple[list[Entry], tuple[int, int]]", await pipe.execute())
        return entries[::-1], seconds * 1000 + micros // 1000

    async def _wake_reader(self) -> None:
        pipe = self._writer.pipeline(transaction=False)
        pipe.xadd(self._control, {b"w": b""}, maxlen=1)
        pipe.expire(self._control, 3600)
        await pipe.execute()

    async def _write(self) -> None:
        """Publish what waits, many frames at a time, in order."""
        wait_s = RETRY_FIRST_S
        while True:
            await self._something.wait()
            batch = self._take()
            try:
                await self._send(batch)
                wait_s = RETRY_FIRST_S
            except (ValkeyError, OSError) as error:
                if wait_s == RETRY_FIRST_S:
                    logger.warning("Frames of the live bus are lost: %s", type(error).__name__)
                self._lost |= {channel for channel, _, _ in batch}
                await asyncio.sleep(wait_s)
                wait_s = min(2 * wait_s, RETRY_MAX_S)
            if not self._waiting and not self._lost:
                self._something.clear()

    def _take(self) -> list[tuple[str, bytes, bytes]]:
        """The next frames; before them word to the listeners of channels that lost some."""
        batch = [(channel, LOST, b"") for channel in self._lost]
        self._lost.clear()
        while self._waiting and len(batch) < BATCH_MAX:
            batch.append(self._waiting.popleft())
        return batch

    async def _send(self, batch: list[tuple[str, bytes, bytes]]) -> None:
        pipe = self._writer.pipeline(transaction=False)
        for channel, kind, content in batch:
            pipe.xadd(self._key(channel), {kind: content}, maxlen=FRAMES_KEPT)
        for channel in {channel for channel, _, _ in batch}:
            pipe.expire(self._key(channel), STREAM_LIVES_S)
        await pipe.execute()

    async def _read(self) -> None:
        while True:
            try:
                found = await self._next_entries()
            except (ValkeyError, OSError) as error:
                logger.warning("The live bus stands still: %s", type(error).__name__)
                await self._until_back()
                self._last_read = time.monotonic()
                self._cut_off_all()
                continue
            if time.monotonic() - self._last_read > STALL_S:
                self._cut_off_all()
            self._last_read = time.monotonic()
            for key, entries in found:
                self._dispatch(key.decode(), entries)
            if found:
                await asyncio.sleep(PACE_S)  # Collects: a read costs as much for one frame as for many.

    async def _until_back(self) -> None:
        wait_s = RETRY_FIRST_S
        while True:
            await asyncio.sleep(wait_s)
            wait_s = min(2 * wait_s, RETRY_MAX_S)
            with contextlib.suppress(ValkeyError, OSError):
                await _ping(self._reader)
                return

    async def _next_entries(self) -> list[tuple[bytes, list[Entry]]]:
        followed = {
            self._key(name): _text(channel.position)
            for name, channel in self._channels.items()
            if channel.position is not None
        }
        streams = {self._control: _text(self._control_position), **followed}
        found = await self._reader.xread(cast("dict[Any, Any]", streams), count=FRAMES_KEPT, block=BLOCK_MS)
        return cast("list[tuple[bytes, list[Entry]]]", found or [])

    def _dispatch(self, key: str, entries: list[Entry]) -> None:
        last = _number(entries[-1][0])
        if key == self._control:
            self._control_position = last
            return
        channel = self._channels.get(key.removeprefix(self._prefix))
        if channel is None:
            return
        channel.position = last
        if len(entries) >= FRAMES_KEPT or any(LOST in values for _, values in entries):
            _cut_off_channel(channel)  # As many as are kept: older ones may have been trimmed unread.
            return
        for entry, values in entries:
            number = _number(entry)
            for subscriber in channel.subscribers:
                subscriber.give(number, values[FRAME])

    def _cut_off_all(self) -> None:
        for channel in self._channels.values():
            _cut_off_channel(channel)


async def _ping(client: Valkey) -> None:
    await cast("Coroutine[Any, Any, bool]", client.ping())  # pyright: ignore[reportUnknownMemberType]


def _cut_off_channel(channel: _Channel) -> None:
    for subscriber in channel.subscribers:
        cut_off(subscriber.queue)


def _number(entry: bytes) -> EntryId:
    milliseconds, _, sequence = entry.partition(b"-")
    return int(milliseconds), int(sequence)


def _text(entry: EntryId) -> str:
    return f"{entry[0]}-{entry[1]}"
