"""Closed-loop load: so many callers, each asking again as soon as it was answered. Raw sockets, no client library."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import uvloop

from bench.gateway.upstream import CHUNKS, PACE_S

MARK = b"data: "
LAST_CHUNK = b"\r\n0\r\n\r\n"
TAIL = 8
"""As many bytes of what came before are looked at again as a mark or an end can be cut into."""
STREAM_S = CHUNKS * PACE_S
ANSWER_WITHIN_S = 120.0
PAUSE_AFTER_ERROR_S = 0.05


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, and by how many callers at once. Streams that are paced begin one after the other."""

    name: str
    callers: int
    streamed: bool = False
    paced: bool = False

    @property
    def offered_per_s(self) -> float:
        """Chunks that the upstream would write to so many callers; 0 where it does not pace them."""
        return self.callers / PACE_S if self.paced else 0.0


@dataclass(frozen=True, slots=True)
class Door:
    """Where a target takes chat completions, up to /v1, and what opens it."""

    url: str
    key: str
    model: str
    paced_model: str = ""
    paced_url: str = ""

    def request(self, case: Case) -> tuple[str, int, bytes]:
        """Host, port, and the request as bytes."""
        address = urlsplit((case.paced and self.paced_url) or self.url)
        asked = {
            "model": (case.paced and self.paced_model) or self.model,
            "messages": [{"role": "user", "content": "Say something about foxes, please."}],
            **({"stream": True} if case.streamed else {}),
        }
        body = json.dumps(asked).encode()
        lines = (
            f"POST {address.path}/chat/completions HTTP/1.1",
            f"Host: {address.netloc}",
            f"Authorization: Bearer {self.key}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        )
        return address.hostname or "", address.port or 80, "\r\n".join((*lines, "", "")).encode() + body


@dataclass(slots=True)
class Tally:
    """What was seen. Times count inside the measured window alone."""

    counting: bool = False
    events: int = 0
    whole_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Measured:
    """What a case gave; the processor time is that of the serving process, and of its database beside it."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    first_p50_ms: float
    first_p99_ms: float
    chunks_per_s: float
    cpu_ms_per_request: float
    cpu_us_per_chunk: float
    database_ms_per_request: float
    errors: Counter[str]


class Connection(asyncio.Protocol):
    """One connection that is kept; it counts the events of an answer without reading them."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._answered: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self.closed = False

    async def ask(self, request: bytes) -> tuple[int, int, float]:
        """Status, events, and when the first of the body came. Raises OSError."""
        assert self._transport is not None
        self._head: bytes | None = b""
        self._tail = b""
        self._status = self._events = 0
        self._left: int | None = None
        self._first_at = 0.0
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await self._answered
        return self._status, self._events, self._first_at

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionError("closed"))

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            data = self._read_head(self._head + data)
            if not data:
                return
        if not self._first_at:
            self._first_at = time.perf_counter()
        seen = self._tail + data
        events = seen.count(MARK) - self._tail.count(MARK)
        self._tail = seen[-TAIL:]
        self._events += events
        self._tally.events += events
        if self._left is None:
            over = self._tail.endswith(LAST_CHUNK)
        else:
            self._left -= len(data)
            over = self._left <= 0
        if over and self._answered is not None and not self._answered.done():
            self._answered.set_result(None)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _read_head(self, data: bytes) -> bytes:
        """What of `data` belongs to the body."""
        head, end, body = data.partition(b"\r\n\r\n")
        if not end:
            self._head = data
            return b""
        self._head = None
        self._status = int(head[9:12])
        _, found, length = head.lower().partition(b"\r\ncontent-length:")
        self._left = int(length.partition(b"\r\n")[0]) if found else None
        return body


def measure(
    door: Door, case: Case, *, warm_s: float, seconds: float, cpu_s: Callable[[], tuple[float, float]]
) -> Measured:
    """Ask for `warm_s` and then, counting, for `seconds`.

    Args:
        cpu_s: what the serving process has used so far, and its database.
    """
    return uvloop.run(_measure(door, case, warm_s, seconds, cpu_s))


async def _measure(
    door: Door, case: Case, warm_s: float, seconds: float, cpu_s: Callable[[], tuple[float, float]]
) -> Measured:
    tally = Tally()
    warm_s = max(warm_s, 1.5 * STREAM_S) if case.paced else warm_s
    end = time.perf_counter() + warm_s + seconds
    callers = [asyncio.create_task(_caller(door, case, number, end, tally)) for number in range(case.callers)]
    await asyncio.sleep(warm_s)
    tally.counting, events, (served, kept), began = True, tally.events, cpu_s(), time.perf_counter()
    await asyncio.sleep(seconds)
    took, (served_after, kept_after) = time.perf_counter() - began, cpu_s()
    tally.counting, events = False, tally.events - events
    await asyncio.gather(*callers)
    answers = len(tally.whole_s)
    cpu, database = served_after - served, kept_after - kept
    return Measured(
        requests_per_s=answers / took,
        p50_ms=quantile_ms(tally.whole_s, 0.5),
        p99_ms=quantile_ms(tally.whole_s, 0.99),
        first_p50_ms=quantile_ms(tally.first_s, 0.5),
        first_p99_ms=quantile_ms(tally.first_s, 0.99),
        chunks_per_s=events / took,
        cpu_ms_per_request=cpu / answers * 1e3 if answers else 0.0,
        cpu_us_per_chunk=cpu / events * 1e6 if events else 0.0,
        database_ms_per_request=database / answers * 1e3 if answers else 0.0,
        errors=tally.errors,
    )


async def _caller(door: Door, case: Case, number: int, end: float, tally: Tally) -> None:
    host, port, request = door.request(case)
    connection: Connection | None = None
    if case.paced:
        await asyncio.sleep(STREAM_S * number / case.callers)
    while (began := time.perf_counter()) < end:
        try:
            if connection is None or connection.closed:
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(lambda: Connection(tally), host, port)
                began = time.perf_counter()
            status, events, first_at = await connection.ask(request)
        except OSError as error:  # TimeoutError is one
            tally.errors[type(error).__name__] += 1
            await asyncio.sleep(PAUSE_AFTER_ERROR_S)
            continue
        if status != 200 or (case.streamed and events < CHUNKS):
            tally.errors[f"status {status}, {events} events"] += 1
        elif tally.counting:
            tally.whole_s.append(time.perf_counter() - began)
            tally.first_s.append(first_at - began)
    if connection is not None:
        connection.close()


def quantile_ms(seconds: list[float], share: float) -> float:
    """Where `share` of them are below; 0 where there are none."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1e3 if ordered else 0.0
