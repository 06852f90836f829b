"""Live text: from a running answer to the bus and the checkpoint, and from log, checkpoint and bus to a reader."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mecum.kit.bus import Bus, Lagged, person_channel
from mecum.kit.clock import Clock
from mecum.kit.db import Database
from mecum.kit.errors import Unavailable
from mecum.kit.ids import encode
from mecum.rooms.assistant import Event, Frame
from mecum.rooms.assistant.events import MESSAGE_ASSISTANT, RUN_STARTED
from mecum.rooms.assistant.store import log, runs
from mecum.rooms.assistant.store.runs import Fenced, RunRow
from mecum.rooms.assistant.wire import dumps, render_event

logger = logging.getLogger(__name__)

DELTA_EVERY_S = 0.033
DELTA_SHARE_S = 0.0005
"""Each further answer that streams in this process adds this to the pause between deltas: 200 at once pause 0.1 s."""
CHECKPOINT_EVERY_S = 1.0
PING_EVERY_S = 15.0
LOG_PAGE = 200
SOUGHT_AGAIN_CHARS = 200


def channel(thread: UUID) -> str:
    return f"thread:{thread.hex}"


async def wake(bus: Bus, thread: UUID, person: UUID, seq: int) -> None:
    """Tell readers that the log has grown up to `seq`, and the person's surfaces that the thread has changed."""
    await bus.publish(channel(thread), dumps({"type": "log", "data": {"seq": seq}}))
    await bus.publish(person_channel(person), dumps({"type": "thread", "thread": thread.hex}))


class LiveAnswer:
    """The text of one attempt: deltas to the bus at most every 33 ms, the whole text to the checkpoint at most once a
    second.

    `stopped` is set when the person asks to stop; `fenced` when another worker took over.
    """

    _streaming = 0

    def __init__(self, database: Database, bus: Bus, clock: Clock, run: RunRow, prefix: str) -> None:
        self._database = database
        self._bus = bus
        self._clock = clock
        self._run = run
        self._prefix = prefix
        self._sent = {"text": len(prefix), "reasoning": 0}
        self.text = prefix
        self.reasoning = ""
        self.interrupted = asyncio.Event()
        self.stopped = False
        self.fenced = False
        self._dirty = asyncio.Event()
        self._saved = (prefix, "")
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def new_text(self) -> str:
        """What this attempt added after the steps before it."""
        return self.text[len(self._prefix) :].lstrip("\n")

    def add(self, text: str) -> None:
        if self._prefix and self.text == self._prefix:
            self.text += "\n\n"
        self.text += text
        self._dirty.set()

    def think(self, text: str) -> None:
        self.reasoning += text
        self._dirty.set()

    async def waiting(self, reason: str, progress: float | None, about_seconds: float | None) -> None:
        data = {
            "run": encode("run", self._run.id),
            "reason": reason,
            "progress": progress,
            "about_seconds": about_seconds,
        }
        await self._bus.publish(channel(self._run.place.thread), dumps({"type": "waiting", "data": data}))

    async def begin(self) -> None:
        """Make the attempt known: readers drop the text of an older one. Its checkpoint is written already."""
        data = {**self._address(), "text": self.text, "reasoning": self.reasoning}
        await self._bus.publish(channel(self._run.place.thread), dumps({"type": "checkpoint", "data": data}))
        LiveAnswer._streaming += 1
        self._tasks = [asyncio.create_task(self._send_deltas()), asyncio.create_task(self._keep_checkpoint())]

    async def end(self) -> None:
        if not self._tasks:
            return
        LiveAnswer._streaming -= 1
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._tasks = []
        await self._publish_new()

    def _address(self) -> dict[str, Any]:
        return {
            "message": encode("msg", self._run.answer_message),
            "run": encode("run", self._run.id),
            "attempt": self._run.attempt,
        }

    async def _send_deltas(self) -> None:
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            await self._publish_new()
            await asyncio.sleep(DELTA_EVERY_S + DELTA_SHARE_S * max(0, LiveAnswer._streaming - 50))

    async def _publish_new(self) -> None:
        for kind, whole in (("text", self.text), ("reasoning", self.reasoning)):
            offset = self._sent[kind]
            if len(whole) > offset:
                self._sent[kind] = len(whole)
                data = {**self._address(), "offset": offset, "text": whole[offset:], "channel": kind}
                await self._bus.publish(channel(self._run.place.thread), dumps({"type": "delta", "data": data}))

    async def _keep_checkpoint(self) -> None:
        while True:
            await asyncio.sleep(CHECKPOINT_EVERY_S)
            try:
                await self.save()
            except Fenced:
                self.fenced = True
                self.interrupted.set()
                return
            except Unavailable as error:
                logger.warning("A checkpoint could not be written: %s", error.code)

    async def save(self) -> None:
        """Write the checkpoint. Raises Fenced: another worker has the run."""
        saved = (self.text, self.reasoning)
        async with self._database.transaction() as connection:
            if saved == self._saved:
                row = await runs.fence(connection, self._run)
            else:
                row = await runs.save_checkpoint(connection, self._run, *saved, self._clock.now())
        self._saved = saved
        if row.stop_requested:
            self.stop()

    def stop(self) -> None:
        self.stopped = True
        self.interrupted.set()


@dataclass
class _Reader:
    """Where one reader stands: last event, and the partial answer that it holds."""

    seq: int
    message: str = ""
    attempt: int = 0
    have: int = 0
    have_reasoning: int = 0
    looked_for: tuple[str, int, int] | None = None

    @property
    def position(self) -> str:
        return f"{self.seq}:{self.attempt}:{self.have}" if self.attempt else str(self.seq)

    def event(self, event: Event) -> Frame:
        self.seq = event.seq
        if event.type == MESSAGE_ASSISTANT:
            self.message, self.attempt, self.have, self.have_reasoning = "", 0, 0, 0
        return Frame("event", self.position, dumps(render_event(event)))

    def take_checkpoint(self, data: dict[str, Any]) -> Frame:
        self.message, self.attempt = data["message"], data["attempt"]
        self.have, self.have_reasoning = len(data["text"]), len(data["reasoning"])
        return Frame("checkpoint", self.position, dumps(data))

    def missing(self, data: dict[str, Any]) -> str | None:
        """The part of a delta that the reader lacks, "" when none; None when there is a gap before it."""
        if (data["message"], data["attempt"]) != (self.message, self.attempt):
            return "" if data["attempt"] < self.attempt and data["message"] == self.message else None
        have = self.have if data["channel"] == "text" else self.have_reasoning
        return None if data["offset"] > have else data["text"][have - data["offset"] :]

    def take_delta(self, data: dict[str, Any], text: str) -> Frame:
        offset = self.have if data["channel"] == "text" else self.have_reasoning
        if data["channel"] == "text":
            self.have += len(text)
        else:
            self.have_reasoning += len(text)
        return Frame("delta", self.position, dumps({**data, "offset": offset, "text": text}))


class Follower:
    """Reads a thread of `person` for one surface: log, then checkpoint, then bus.

    Args:
        recheck: raises when whoever reads may read no further. Asked at each ping, and when rights have changed.
    """

    def __init__(
        self, database: Database, bus: Bus, thread: UUID, person: UUID, recheck: Callable[[], Awaitable[None]]
    ) -> None:
        self._database = database
        self._bus = bus
        self._thread = thread
        self._person = person
        self._recheck = recheck

    async def follow(self, position: str) -> AsyncGenerator[Frame, None]:
        reader, held = _parse(position)
        while True:
            try:
                async with self._bus.subscribe(channel(self._thread), person_channel(self._person)) as frames:
                    async for frame in self._catch_up(reader, held):
                        yield frame
                    async for frame in self._live(reader, frames):
                        yield frame
                return
            except Lagged:
                held = None
                yield Frame("reset", "", b"{}")

    async def _catch_up(self, reader: _Reader, held: tuple[int, int] | None) -> AsyncIterator[Frame]:
        before = reader.seq
        async for frame in self._log(reader):
            yield frame
        async with self._database.transaction() as connection:
            saved = await runs.checkpoint_of(connection, self._thread)
            newer = (
                await log.read_types(connection, self._thread, after=before, upto=reader.seq)
                if held
                else frozenset[str]()
            )
        if saved is None:
            return
        if newer & {RUN_STARTED, MESSAGE_ASSISTANT}:
            held = None  # What the reader holds belongs to an earlier answer: attempts are counted per run.
        data = _checkpoint_data(saved)
        if held and held[0] == saved.attempt and not saved.reasoning:
            # A reader may be ahead of the checkpoint, which is written once a second: the bus has what comes after.
            reader.message, reader.attempt, reader.have = data["message"], saved.attempt, held[1]
            rest = saved.text[held[1] :]
            if rest:
                address = {key: data[key] for key in ("message", "run", "attempt")}
                yield reader.take_delta({**address, "offset": held[1], "channel": "text"}, rest)
        elif (data["message"], saved.attempt) != (reader.message, reader.attempt) or len(saved.text) > reader.have:
            if held or reader.attempt:
                yield Frame("reset", "", dumps({"message": data["message"]}))
            yield reader.take_checkpoint(data)

    async def _log(self, reader: _Reader) -> AsyncIterator[Frame]:
        while True:
            async with self._database.transaction() as connection:
                events = await log.read(connection, self._thread, after=reader.seq, limit=LOG_PAGE)
            for event in events:
                yield reader.event(event)
            if len(events) < LOG_PAGE:
                return

    async def _live(self, reader: _Reader, frames: AsyncIterator[bytes]) -> AsyncIterator[Frame]:
        while True:
            try:
                async with asyncio.timeout(PING_EVERY_S):
                    raw = await anext(frames)
            except TimeoutError:
                await self._recheck()
                async for frame in self._log(reader):
                    yield frame
                yield Frame("ping", "", b"{}")
                continue
            except StopAsyncIteration:
                return
            message = json.loads(raw)
            async for frame in self._one(reader, message["type"], message.get("data", {})):
                yield frame

    async def _one(self, reader: _Reader, kind: str, data: dict[str, Any]) -> AsyncIterator[Frame]:
        if kind == "rights":
            await self._recheck()
        elif kind == "log" and data["seq"] > reader.seq:
            async for frame in self._log(reader):
                yield frame
        elif kind == "waiting":
            yield Frame("waiting", "", dumps(data))
        elif kind == "checkpoint":
            if (data["message"], data["attempt"]) != (reader.message, reader.attempt):
                async for frame in self._look(reader, data):
                    yield frame
        elif kind == "delta":
            text = reader.missing(data)
            if text is None:
                async for frame in self._look(reader, data):
                    yield frame
                text = reader.missing(data)
            if text:
                yield reader.take_delta(data, text)

    async def _look(self, reader: _Reader, data: dict[str, Any]) -> AsyncIterator[Frame]:
        """Read log and checkpoint for a frame that does not follow what the reader holds, once per 200 characters of
        it.

        The bus keeps frames of answers that are finished: the checkpoint row, which goes when an answer is written,
        is the truth.
        """
        sought = (data["message"], data["attempt"], data.get("offset", 0) // SOUGHT_AGAIN_CHARS)
        if sought != reader.looked_for:
            reader.looked_for = sought
            async for frame in self._catch_up(reader, None):
                yield frame


def _checkpoint_data(saved: runs.Checkpoint) -> dict[str, Any]:
    return {
        "message": encode("msg", saved.message),
        "run": encode("run", saved.run),
        "attempt": saved.attempt,
        "text": saved.text,
        "reasoning": saved.reasoning,
    }


def _parse(position: str) -> tuple[_Reader, tuple[int, int] | None]:
    """`seq` or `seq:attempt:offset`; what can't be read starts from the beginning, which loses nothing."""
    parts = position.split(":")
    if not all(part.isdecimal() and len(part) < 16 for part in parts) or len(parts) not in (1, 3):
        return _Reader(0), None
    return _Reader(int(parts[0])), (int(parts[1]), int(parts[2])) if len(parts) == 3 else None
