"""The benchmark of the relay still runs, counts what goes wrong, and compares what it says it compares."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from bench.gateway.load import Case, Door, Measured, measure
from bench.gateway.tables import PLAIN, STREAM, Target, ratios, times_of

ROOT = Path(__file__).resolve().parent.parent.parent
FIGURES = Measured(
    requests_per_s=1_000.0,
    p50_ms=1.0,
    p99_ms=2.0,
    first_p50_ms=1.0,
    first_p99_ms=2.0,
    chunks_per_s=20_000.0,
    cpu_ms_per_request=0.5,
    cpu_us_per_chunk=10.0,
    database_ms_per_request=0.1,
    errors=Counter(),
)


def target(cpu_ms_per_request: float, cpu_us_per_chunk: float) -> Target:
    plain = replace(FIGURES, cpu_ms_per_request=cpu_ms_per_request)
    stream = replace(FIGURES, cpu_us_per_chunk=cpu_us_per_chunk)
    return Target(1.0, 100.0, {PLAIN: plain, STREAM: stream})


def test_the_small_run_gives_figures_of_mecum_and_no_error():
    command = [sys.executable, "-m", "bench.gateway", "--small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=55)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^\| errors \| 0 \| 0 \|$", done.stdout, re.MULTILINE), done.stdout
    per_request = re.findall(r"^\| CPU ms per request \| ([\d.,]+) \| ([\d.,]+) \|$", done.stdout, re.MULTILINE)
    per_chunk = re.findall(r"^\| CPU µs per chunk \| ([\d.,]+) \| ([\d.,]+) \|$", done.stdout, re.MULTILINE)
    assert len(per_request) == len(per_chunk) == 1, done.stdout
    assert done.stdout.splitlines()[-1] == "ratio requests n/a chunks n/a"


def test_the_last_line_says_how_many_times_as_much_a_cpu_second_gives():
    results = {"mecum": target(0.4, 12.0), "litellm": target(12.0, 480.0)}
    assert times_of(results) == (30.0, 40.0)
    assert ratios(results) == "ratio requests 30.0 chunks 40.0"


def test_an_answer_that_is_no_answer_counts_as_an_error():
    async def refusing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # The client has gone.
            while await reader.readuntil(b"}]}"):
                writer.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno")
        writer.close()

    @asynccontextmanager
    async def server() -> AsyncGenerator[int]:
        listening = await asyncio.start_server(refusing, "127.0.0.1", 0)
        async with listening:
            yield listening.sockets[0].getsockname()[1]

    async def measured() -> Measured:
        async with server() as port:
            door = Door(f"http://127.0.0.1:{port}/v1", "key", "fake")
            case = Case("plain", 1)
            return await asyncio.to_thread(measure, door, case, warm_s=0.0, seconds=0.05, cpu_s=lambda: (0.0, 0.0))

    found = asyncio.run(measured())
    assert found.requests_per_s == 0
    assert found.errors["status 503, 0 events"] > 0
