"""kill -9 at random moments: nothing is lost, nothing happens twice, nothing stays stuck, nothing unknown is silent.

10 kills with `make test`, 100 with `make full`, whose figures stand in docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import command

pytestmark = pytest.mark.anyio

WRITERS = 6
SEED = 20261123


def spawn(environment: dict[str, str]) -> subprocess.Popen[str]:
    command_line = [sys.executable, "-m", "tests.crash.server"]
    return subprocess.Popen(command_line, env=environment, stdout=subprocess.PIPE, text=True)


@dataclass
class Server:
    """A server process that is killed and started again on the same data, database and port."""

    environment: dict[str, str]
    port: int = 0
    process: subprocess.Popen[str] | None = None
    starts: list[float] = field(default_factory=list[float])

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    async def start(self) -> None:
        began = time.monotonic()
        environment = self.environment | {"MECUM_PORT": str(self.port)}
        self.process = spawn(environment)
        assert self.process.stdout is not None
        while True:
            line = await asyncio.to_thread(self.process.stdout.readline)
            assert line, "the server ended before it was ready"
            event = json.loads(line)
            self.port = event.get("port", self.port)
            if event["event"] == "ready":
                self.starts.append(time.monotonic() - began)
                return

    def kill(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(15)
        self.process.stdout.close()


@dataclass
class Posted:
    """A message that the server has accepted, and what must come of it."""

    thread: str
    client_id: str
    answer: str
    once: str | None
    again: str | None


class Client:
    """A person's client: it repeats what was not answered, with the same client id."""

    def __init__(self, server: Server, key: str) -> None:
        self._server = server
        self._headers = {"authorization": f"Bearer {key}"}
        self.posted: list[Posted] = []

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        while True:
            try:
                timeout = aiohttp.ClientTimeout(total=10)
                async with (
                    aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session,
                    session.request(method, self._server.url + path, json=body) as response,
                ):
                    if response.status < 400:
                        return await response.json() if response.status != 204 else None
                    assert response.status == 503, await response.text()
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass  # The server is dead: a client tries again.
            await asyncio.sleep(0.1)

    async def post(self, number: int, chance: random.Random) -> None:
        label = f"m{number}"
        tools: list[tuple[str, str]] = []
        if chance.random() < 0.6:
            tools.append(("write_once", json.dumps({"label": label})))
        if chance.random() < 0.4:
            tools.append(("write_again", json.dumps({"label": label})))
        chance.shuffle(tools)
        text = f"Answer {number}: " + " ".join(f"w{i}" for i in range(30))
        told = command(tools=tools, text=text, interval_ms=15)
        body = {"client_id": f"c{number}", "text": f"{label} {told}"}
        done = await self.call("POST", "/api/messages", body)
        names = [name for name, _ in tools]
        once = label if "write_once" in names else None
        again = label if "write_again" in names else None
        self.posted.append(Posted(done["thread"], body["client_id"], text, once, again))

    async def log(self, thread: str) -> list[dict[str, Any]]:
        return (await self.call("GET", f"/api/threads/{thread}/events?limit=1000"))["items"]


@asynccontextmanager
async def house(database_url: str, data: Path, provider: str) -> AsyncGenerator[tuple[Server, str]]:
    effects = data / "effects"
    effects.mkdir()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("MECUM_") and name != "PYTHONPATH"
    } | {
        "MECUM_DATA": str(data / "data"),
        "MECUM_DATABASE_URL": database_url,
        "MECUM_TEST_EFFECTS": str(effects),
        "MECUM_LOCAL_MODEL": "none",
        "MECUM_LOG_LEVEL": "error",
    }
    server = Server(environment)
    await server.start()
    try:
        key = await asyncio.to_thread(_key, environment)
        model = {"name": "fake", "base_url": provider, "model": "fake"}
        await Client(server, key).call("POST", "/api/providers", model)
        yield server, key
    finally:
        server.kill()


def _key(environment: dict[str, str]) -> str:
    def mecum(*words: str, given: str = "") -> str:
        command_line = [sys.executable, "-m", "mecum.cli.main", *words]
        return subprocess.run(
            command_line, env=environment, input=given, capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()

    mecum("people", "add", "owner@example.org", "--role", "owner", "--password-stdin", given="eight wooden lanterns\n")
    scopes = [word for scope in ("chat", "threads", "admin") for word in ("--scope", scope)]
    return mecum("keys", "add", "--person", "owner@example.org", "--name", "crash", *scopes)


async def wreck(server: Server, client: Client, kills: int, chance: random.Random) -> None:
    """Writers post all the time; the server dies at random moments and comes back."""
    numbers = iter(range(1_000_000))
    over = asyncio.Event()

    async def writer() -> None:
        while not over.is_set():
            await client.post(next(numbers), chance)
            await asyncio.sleep(chance.uniform(0.05, 0.4))

    writers = [asyncio.create_task(writer()) for _ in range(WRITERS)]
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0.3, 2.0))
        server.kill()
        await server.start()
    over.set()
    await asyncio.gather(*writers)


async def settle(client: Client, thread: str, chance: random.Random) -> list[dict[str, Any]]:
    """The log once the thread is idle; questions about unknown acts are answered on the way."""
    async with asyncio.timeout(120):
        while True:
            state = (await client.call("GET", f"/api/threads/{thread}"))["state"]
            log = await client.log(thread)
            if state == "idle" and log[-1]["type"] == "run.finished":
                return log
            answered = {e["payload"]["wait"] for e in log if e["type"] == "run.answered"}
            for event in log:
                if event["type"] == "run.waiting" and event["payload"]["wait"] not in answered:
                    answer = {"answer": {"decision": chance.choice(["done", "leave", "again"])}}
                    await client.call("POST", f"/api/threads/{thread}/waits/{event['payload']['wait']}", answer)
            await asyncio.sleep(0.1)


def count(posted: Posted, log: list[dict[str, Any]], effects: list[str]) -> Counter[str]:
    """What went wrong with one message, by kind; empty when nothing did."""
    wrong: Counter[str] = Counter()
    types = [event["type"] for event in log]
    mine = [e for e in log if e["type"] == "message.user" and e["payload"]["client_id"] == posted.client_id]
    wrong["lost messages"] += not mine
    wrong["doubled messages"] += len(mine) > 1
    answers = [event["payload"] for event in log if event["type"] == "message.assistant"]
    wrong["lost answers"] += not answers
    wrong["doubled answers"] += len(answers) > 1 or types.count("run.finished") > 1
    wrong["answers with other words"] += bool(answers) and answers[-1]["text"] != posted.answer
    wrong["gaps in the log"] += [event["seq"] for event in log] != list(range(1, len(log) + 1))
    once = [name for name in effects if name.startswith(f"once.{posted.once}.")]
    wrong["doubled idempotent writes"] += len(once) > 1
    wrong["lost idempotent writes"] += posted.once is not None and not once
    again = [name for name in effects if name.startswith(f"again.{posted.again}.")]
    intended = [e["id"].removeprefix("evt_") for e in log if e["type"] == "act.intended"]
    keys = Counter(re.split(r"\.", name)[2] for name in again)
    wrong["writes repeated without asking"] += any(times > 1 for times in keys.values())
    wrong["writes without an intention"] += any(key not in intended for key in keys)
    wrong["silent unknowns"] += _silent(log)
    return +wrong


def _silent(log: list[dict[str, Any]]) -> int:
    """Acts that were begun, did not end, and about which nobody was told."""
    told = {e["payload"]["call"] for e in log if e["type"] in ("act.done", "act.unknown")}
    return sum(e["type"] == "act.intended" and e["payload"]["call"] not in told for e in log)


async def run_kills(database_url: str, data: Path, kills: int) -> None:
    chance = random.Random(SEED)
    async with FakeProvider() as provider, house(database_url, data, provider.base_url) as (server, key):
        client = Client(server, key)
        await wreck(server, client, kills, chance)
        logs = [await settle(client, posted.thread, chance) for posted in client.posted]
        effects = os.listdir(data / "effects")
    wrong: Counter[str] = Counter()
    for posted, log in zip(client.posted, logs, strict=True):
        wrong += count(posted, log, effects)
    unknown = sum(event["type"] == "act.unknown" for log in logs for event in log)
    acts = sum(event["type"] == "act.intended" for log in logs for event in log)
    starts = sorted(server.starts)
    print(
        f"\nkills {kills}, messages {len(logs)}, acts {acts}, asked about unknown outcomes {unknown}, "
        f"start to ready median {starts[len(starts) // 2]:.1f} s, wrong: {dict(wrong) or 'nothing'}"
    )
    assert len(logs) > kills
    assert not wrong


@pytest.mark.timeout(300)
async def test_ten_kills_lose_nothing_and_double_nothing(database_url: str, tmp_path: Path) -> None:
    await run_kills(database_url, tmp_path, kills=10)


@pytest.mark.full
@pytest.mark.timeout(1800)
async def test_a_hundred_kills_lose_nothing_and_double_nothing(database_url: str, tmp_path: Path) -> None:
    await run_kills(database_url, tmp_path, kills=100)
