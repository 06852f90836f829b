"""Event streams that stay open: how many one person may have, and that they end in order with the process."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal, TypeAlias
from uuid import UUID

from prometheus_client import Counter as Counted
from prometheus_client import Gauge

from mecum.kit.errors import Forbidden, TooMany, Unauthenticated, Unavailable
from mecum.kit.http import Stream
from mecum.kit.sse import SSE_HEADERS
from mecum.kit.telemetry import REGISTRY

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from mecum.kit.types import Principal

logger = logging.getLogger(__name__)

Kind: TypeAlias = Literal["thread", "person", "answer"]
RETRY_AFTER_S = 30.0

streams_open = Gauge(
    "mecum_streams_open",
    "Event streams that are open: of a thread, of what changes for a person, of an answer under /v1.",
    ("kind",),
    registry=REGISTRY,
)
streams_refused = Counted(
    "mecum_streams_refused", "Event streams of persons who had too many.", ("kind",), registry=REGISTRY
)


class Streams:
    """The event streams of this process.

    Args:
        per_person_max: how many one person may have open.
    """

    def __init__(self, per_person_max: int) -> None:
        self._per_person_max = per_person_max
        self._of: Counter[UUID] = Counter()
        self._open: set[EventStream] = set()
        self._ended = False

    def check(self, caller: Principal, kind: Kind) -> None:
        """Whether the caller may open one more.

        Raises:
            TooMany: they have as many as they may. Unavailable: the process ends.
        """
        if self._ended:
            raise Unavailable("draining", "Mecum is about to restart.", "Try again in a few seconds.", retry_after=3)
        if self._of[caller.person] >= self._per_person_max:
            streams_refused.labels(kind).inc()
            raise TooMany(
                "too_many_streams",
                f"{self._per_person_max} event streams of yours are open already.",
                "Close some tabs or programs, or try again later.",
                params={"limit": self._per_person_max},
                retry_after=RETRY_AFTER_S,
            )

    def response(self, caller: Principal, kind: Kind, body: AsyncGenerator[bytes, None]) -> EventStream:
        """The answer that streams `body`. Where there is no room for it, it says so instead: see `check`."""
        return EventStream(self, caller, kind, body)

    def end(self) -> None:
        """End those that clients take up again where they stood. No more are opened.

        An answer that breaks off is not ended: it must not look complete.
        """
        self._ended = True
        for stream in tuple(self._open):
            if stream.kind != "answer":
                stream.end()

    @contextmanager
    def holding(self, stream: EventStream) -> Generator[None]:
        """Count `stream` as open. Raises as `check`."""
        self.check(stream.caller, stream.kind)
        person = stream.caller.person
        self._of[person] += 1
        self._open.add(stream)
        try:
            with streams_open.labels(stream.kind).track_inprogress():
                yield
        finally:
            self._open.discard(stream)
            self._of[person] -= 1
            if not self._of[person]:
                del self._of[person]


class EventStream(Stream):
    """A stream of server-sent events of `caller`. A body that may not or can't go on ends it in order."""

    def __init__(self, streams: Streams, caller: Principal, kind: Kind, body: AsyncGenerator[bytes, None]) -> None:
        super().__init__(body, headers=SSE_HEADERS, media_type="text/event-stream")
        self.caller = caller
        self.kind: Kind = kind
        self._streams = streams
        self._sending: asyncio.Task[None] | None = None
        self._is_over = False

    def end(self) -> None:
        """End the stream here, between two frames, as if its body were complete."""
        self._is_over = True
        if self._sending is not None:
            self._sending.cancel()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._streams.holding(self):
                await super().__call__(scope, receive, send)
        finally:
            await self._body.aclose()

    async def stream_response(self, send: Send) -> None:
        self._sending = asyncio.current_task()
        try:
            if self._is_over and self._sending is not None:
                self._sending.cancel()  # as soon as the head is out
            await super().stream_response(send)
        except asyncio.CancelledError:
            if not self._is_over:
                raise
            await self._end(send)
        except (Unauthenticated, Forbidden, Unavailable) as error:
            # The client learns why when it asks again: what it came with is void, or the database is away.
            logger.info("a stream of kind %s ends: %s", self.kind, error.code)
            await self._end(send)

    @staticmethod
    async def _end(send: Send) -> None:
        await send({"type": "http.response.body", "body": b"", "more_body": False})
