"""The conversation: how soon a message is accepted, how soon its first word is there, and many threads at once.

    python -m bench.chat            against `mecum up` with a fake provider on loopback

Accepted means durable: the 202 of `POST /api/messages`. The gap is the time between two frames with text of one thread,
as its reader sees them; the provider writes a chunk every 20 ms.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp

from bench.report import Row, write
from bench.start import data_directory, environment, free_port
from tests.support.fake_replies import command

MESSAGES = 300
PACE_S = 0.05
"""A message every so often, while those before are answered and get their titles."""
THREADS = 200
CHUNKS = 2_000
CHUNK_MS = 20
STEADY_S = 2.0
"""Gaps are counted once all threads have been streaming for so long."""
READY_WITHIN_S = 60


def main() -> int:
    with data_directory() as data, house(data) as (url, key):
        rows = asyncio.run(measure(url, key))
    return 0 if write("chat", "Conversation", rows) else 1


@contextmanager
def house(
    data: Path, provider: str = "tests.support.fake_provider", settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, str]]:
    """A running installation with an owner, a key and the fake provider as its model: its address and the key."""
    port, provider_port = free_port(), free_port()
    here = {**environment(), **settings, "MECUM_DATA": str(data)}
    mecum = [sys.executable, "-m", "mecum.cli.main"]
    with tempfile.TemporaryFile() as log:
        fake = subprocess.Popen([sys.executable, "-m", provider, "--port", str(provider_port)])
        server = subprocess.Popen([*mecum, "up", "--port", str(port)], env=here, stdout=log, stderr=log)
        try:
            url = f"http://localhost:{port}"
            asyncio.run(until_ready(url))
            person = "owner@example.org"
            run(
                mecum, here, "people", "add", person, "--role", "owner", "--password-stdin", given="seven paper boats\n"
            )
            scopes = [word for scope in ("chat", "threads", "admin") for word in ("--scope", scope)]
            key = run(mecum, here, "keys", "add", "--person", person, "--name", "bench", *scopes)
            asyncio.run(connect(url, key, f"http://127.0.0.1:{provider_port}/v1"))
            yield url, key
        finally:
            for process in (server, fake):
                process.terminate()
                process.wait(20)


def run(mecum: list[str], env: dict[str, str], *words: str, given: str = "") -> str:
    done = subprocess.run([*mecum, *words], env=env, input=given, capture_output=True, text=True, check=True)
    return done.stdout.strip()


async def connect(url: str, key: str, provider: str) -> None:
    model = {"name": "fake", "base_url": provider, "model": "fake"}
    headers = {"authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(url, headers=headers) as session,
        session.post("/api/providers", json=model) as answer,
    ):
        answer.raise_for_status()


async def until_ready(url: str) -> None:
    async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                await asyncio.sleep(0)
            await asyncio.sleep(0.1)


async def measure(url: str, key: str) -> list[Row]:
    headers = {"authorization": f"Bearer {key}"}
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(url, headers=headers, connector=connector, timeout=timeout) as session:
        for number in range(20):
            await post(session, f"warm{number}", "Hello")
        accepted = await paced(session)
        rushed = [(await post(session, f"r{number}", "Hello"))[1] for number in range(MESSAGES)]
        first = [await first_text_ms(session, f"f{number}") for number in range(30)]
        gaps = await stream_many(session)
    return [
        Row("message accepted, p95", quantile(accepted, 95), "ms", 25, note=f"{MESSAGES}, {1 / PACE_S:.0f} a second"),
        Row("message accepted, median", statistics.median(accepted), "ms"),
        Row(
            "message accepted, p95, without a pause",
            quantile(rushed, 95),
            "ms",
            note="one after the other as fast as it goes: the process is busy all the time",
        ),
        Row(
            "posted to first word at the reader, median",
            statistics.median(first),
            "ms",
            note="the provider adds nothing",
        ),
        Row(
            f"gap between two frames, p99, {THREADS} threads at once",
            quantile(gaps, 99),
            "ms",
            250,
            note=f"{1000 // CHUNK_MS} chunks/s each, one process, {len(gaps):,} gaps",
        ),
        Row(f"gap, median, {THREADS} threads at once", statistics.median(gaps), "ms"),
        Row(f"gap, longest, {THREADS} threads at once", max(gaps), "ms"),
    ]


async def paced(session: aiohttp.ClientSession) -> list[float]:
    """How long each of the messages took to be accepted, in ms."""
    took: list[float] = []
    begin = time.perf_counter()
    for number in range(MESSAGES):
        await asyncio.sleep(begin + number * PACE_S - time.perf_counter())
        took.append((await post(session, f"m{number}", "Hello"))[1])
    return took


async def post(session: aiohttp.ClientSession, client_id: str, text: str) -> tuple[dict[str, Any], float]:
    began = time.perf_counter()
    async with session.post("/api/messages", json={"client_id": client_id, "text": text}) as answer:
        answer.raise_for_status()
        body = await answer.json()
    return body, (time.perf_counter() - began) * 1000


async def frames(session: aiohttp.ClientSession, thread: str) -> AsyncGenerator[tuple[str, Any, float]]:
    """(kind, data, when) of each frame of a thread's stream."""
    async with session.get(f"/api/threads/{thread}/events?stream=1") as answer:
        kind = ""
        async for line in answer.content:
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                yield kind, json.loads(line[6:]), time.perf_counter()


async def first_text_ms(session: aiohttp.ClientSession, client_id: str) -> float:
    began = time.perf_counter()
    told = command(text="one two three", interval_ms=5)
    posted, _ = await post(session, client_id, f"Go {told}")
    async for kind, data, at in frames(session, posted["thread"]):
        if kind == "delta" or (kind == "event" and data["type"] == "message.assistant"):
            return (at - began) * 1000
    raise AssertionError("the stream ended")


async def stream_many(session: aiohttp.ClientSession) -> list[float]:
    """Gaps in ms between frames with text, of all threads, once all of them stream."""
    told = command(text=" ".join(["word"] * CHUNKS), interval_ms=CHUNK_MS)
    posted = await asyncio.gather(*(post(session, f"s{number}", f"Go {told}") for number in range(THREADS)))
    times: list[list[float]] = [[] for _ in posted]

    async def read(number: int, thread: str) -> None:
        async for kind, data, at in frames(session, thread):
            if kind == "delta":
                times[number].append(at)
            elif kind == "event" and data["type"] == "run.finished":
                return

    await asyncio.gather(*(read(number, body["thread"]) for number, (body, _) in enumerate(posted)))
    from_ = max(each[0] for each in times) + STEADY_S
    to = min(each[-1] for each in times)
    if to <= from_:
        raise SystemExit(
            f"The threads never streamed all at once: {from_ - to:.1f} s between the last start and an end."
        )
    return [
        (later - earlier) * 1000
        for each in times
        for earlier, later in pairwise(each)
        if from_ <= earlier and later <= to
    ]


def quantile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100)[percent - 1]


if __name__ == "__main__":
    os.environ.pop("MECUM_DATA", None)
    sys.exit(main())
