"""kill -9 at random moments: nothing is lost, nothing happens twice, nothing stays stuck, nothing unknown is silent.

`make test` kills the server 10 times and any part of an installation 3 times, `make full` 100 and 30 times. Its figures
stand in docs/reliability.md.
"""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.crash.clients import Client, Posted, Reader
from tests.crash.counting import count, told
from tests.crash.victims import Installation, Server, Victim
from tests.support.data_directory import open_folder
from tests.support.fake_provider import FakeProvider
from tests.support.processes import environment

pytestmark = pytest.mark.anyio

WRITERS = 6
READERS_MAX = 12
SEED = 20261123


@asynccontextmanager
async def alive(victim: Victim, provider: str) -> AsyncGenerator[str]:
    """The victim at work with the fake model. Yields its owner's key."""
    await victim.start()
    try:
        key = await asyncio.to_thread(owner_key, victim.environment)
        model = {"name": "fake", "base_url": provider, "model": "fake"}
        await Client(victim, key).call("POST", "/api/providers", model)
        yield key
    finally:
        victim.end()


def owner_key(environment: dict[str, str]) -> str:
    def mecum(*words: str, given: str = "") -> str:
        command_line = [sys.executable, "-m", "mecum.cli.main", *words]
        return subprocess.run(
            command_line, env=environment, input=given, capture_output=True, text=True, check=True, timeout=60
        ).stdout.strip()

    mecum("people", "add", "owner@example.org", "--role", "owner", "--password-stdin", given="eight wooden lanterns\n")
    scopes = [word for scope in ("chat", "models", "threads", "admin") for word in ("--scope", scope)]
    return mecum("keys", "add", "--person", "owner@example.org", "--name", "crash", *scopes)


class Wreck:
    """Writers post all the time, into new threads and into those of before; readers follow; the victim dies and comes
    back."""

    def __init__(self, victim: Victim, key: str, chance: random.Random) -> None:
        self._victim = victim
        self._key = key
        self._chance = chance
        self._over = asyncio.Event()
        self._numbers = iter(range(1_000_000))
        self._following: list[asyncio.Task[None]] = []
        self.client = Client(victim, key)
        self.readers: list[Reader] = []

    async def run(self, kills: int) -> None:
        writers = [asyncio.create_task(self._write()) for _ in range(WRITERS)]
        for _ in range(kills):
            await asyncio.sleep(self._chance.uniform(0.3, 2.0))
            await self._victim.strike(self._chance)
        self._over.set()
        await asyncio.gather(*writers)

    async def _write(self) -> None:
        thread: str | None = None
        while not self._over.is_set():
            goes_on = thread if self._chance.random() < 0.5 else None
            thread = await self.client.post(next(self._numbers), self._chance, goes_on)
            if goes_on is None and len(self.readers) < READERS_MAX:
                reader = Reader(self._victim, self._key, thread)
                self.readers.append(reader)
                self._following.append(asyncio.create_task(reader.read()))
            await asyncio.sleep(self._chance.uniform(0.05, 0.4))

    async def judge(self, effects: Path) -> tuple[Counter[str], Counter[str]]:
        """What went wrong, and what there was, once everything is quiet."""
        threads: dict[str, list[Posted]] = {}
        for posted in self.client.posted:
            threads.setdefault(posted.thread, []).append(posted)
        logs = {thread: await self.client.settled(thread, self._chance) for thread in threads}
        async with asyncio.timeout(60):
            await asyncio.gather(*(reader.until(len(logs[reader.thread])) for reader in self.readers))
        for task in self._following:
            task.cancel()
        wrong: Counter[str] = Counter()
        done = os.listdir(effects)
        for thread, log in logs.items():
            found = count(threads[thread], log, done)
            if found:
                print(f"\n{dict(found)} in {thread}:\n{told(log)}")
            wrong += found
        for reader in self.readers:
            wrong += reader.judge(logs[reader.thread])
        types = Counter(event["type"] for log in logs.values() for event in log)
        there = {"messages": len(self.client.posted), "threads": len(threads), "readers": len(self.readers)}
        return wrong, Counter({**there, "acts": types["act.intended"], "asked": types["act.unknown"]})


async def run_kills(victim: Victim, effects: Path, kills: int) -> None:
    chance = random.Random(SEED)
    async with FakeProvider() as provider, alive(victim, provider.base_url) as key:
        wreck = Wreck(victim, key, chance)
        await wreck.run(kills)
        wrong, there = await wreck.judge(effects)
    starts = sorted(victim.starts)
    print(
        f"\nkills {kills}, {', '.join(f'{name} {number}' for name, number in there.items())}, "
        f"ready again after {starts[len(starts) // 2]:.1f} s (median), wrong: {dict(wrong) or 'nothing'}"
    )
    assert there["messages"] > kills
    assert not wrong


def settings(data: Path, effects: Path, **more: str) -> dict[str, str]:
    effects.mkdir()
    return environment(
        MECUM_DATA=str(data),
        MECUM_TEST_EFFECTS=str(effects),
        MECUM_LOCAL_MODEL="none",
        MECUM_LOG_LEVEL="error",
        **more,
    )


async def kill_servers(database_url: str, folder: Path, kills: int) -> None:
    effects = folder / "effects"
    victim = Server(settings(folder / "data", effects, MECUM_DATABASE_URL=database_url))
    await run_kills(victim, effects, kills)


async def kill_anything(kills: int) -> None:
    with open_folder() as folder:
        effects = folder / "effects"
        await run_kills(Installation(settings(folder / "data", effects), folder / "data"), effects, kills)


@pytest.mark.timeout(300)
async def test_ten_kills_of_the_server_lose_nothing_and_double_nothing(database_url: str, tmp_path: Path) -> None:
    await kill_servers(database_url, tmp_path, kills=10)


@pytest.mark.timeout(300)
async def test_kills_of_supervisor_database_and_server_lose_nothing_and_double_nothing() -> None:
    await kill_anything(kills=3)


@pytest.mark.full
@pytest.mark.timeout(3600)
async def test_a_hundred_kills_of_the_server_lose_nothing_and_double_nothing(database_url: str, tmp_path: Path) -> None:
    await kill_servers(database_url, tmp_path, kills=100)


@pytest.mark.full
@pytest.mark.timeout(3600)
async def test_thirty_kills_of_any_part_lose_nothing_and_double_nothing() -> None:
    await kill_anything(kills=30)
