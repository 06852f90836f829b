"""kill -9 while programs spend: a hard budget is never under-counted, and what nobody can account for is said."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.crash.test_kill import SEED, alive, settings
from tests.crash.victims import Server
from tests.support.fake_provider import FakeProvider

pytestmark = pytest.mark.anyio

PROGRAMS = 8
LEASE_S = 5
BUDGET = {"subject": "each_person", "unit": "tokens", "amount": 10_000_000, "period": "month"}
SUMS = """
    SELECT (SELECT coalesce(sum(input_tokens + output_tokens), 0) FROM models.usage) AS recorded,
        (SELECT coalesce(sum(spent), 0) FROM models.budget_window) AS spent,
        (SELECT coalesce(sum(unattributed), 0) FROM models.budget_window) AS unattributed,
        (SELECT coalesce(sum(leased), 0) FROM models.budget_window) AS leased,
        (SELECT count(*) FROM models.budget_lease) AS leases
"""


class Programs:
    """Programs that ask the relay all the time, whatever becomes of it."""

    def __init__(self, victim: Server, key: str) -> None:
        self.outcomes: Counter[str] = Counter()
        self._victim = victim
        self._key = key
        self._over = asyncio.Event()

    async def run(self, kills: int, chance: random.Random) -> None:
        asking = [asyncio.create_task(self._ask(number)) for number in range(PROGRAMS)]
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(0.3, 1.5))
            await self._victim.strike(chance)
        await asyncio.sleep(1)
        self._over.set()
        await asyncio.gather(*asking)

    async def _ask(self, number: int) -> None:
        headers = {"authorization": f"Bearer {self._key}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while not self._over.is_set():
                number += PROGRAMS
                streams = number % 2 == 0
                said: dict[str, Any] = {"messages": [{"role": "user", "content": f"Call {number}"}], "stream": streams}
                try:
                    async with session.post(
                        f"{self._victim.url}/v1/chat/completions", json={"model": "fake"} | said
                    ) as answer:
                        await answer.read()
                        self.outcomes[str(answer.status)] += 1
                except (aiohttp.ClientError, OSError):
                    self.outcomes["gone"] += 1
                    await asyncio.sleep(0.05)


async def settled(database_url: str) -> dict[str, int]:
    """The sums, once no lease is open: those of dead processes run out after some seconds."""
    async with asyncio.timeout(6 * LEASE_S):
        while True:
            async with await psycopg.AsyncConnection.connect(database_url) as connection:
                cursor = await connection.execute(SUMS)
                row = await cursor.fetchone()
                names = [column.name for column in cursor.description or ()]
                found = {name: int(value) for name, value in zip(names, row or (), strict=True)}
            if found["leases"] == 0:
                return found
            await asyncio.sleep(0.3)


async def kill_spenders(database_url: str, folder: Path, kills: int) -> None:
    environment = settings(
        folder / "data", folder / "effects", MECUM_DATABASE_URL=database_url, MECUM_BUDGET_LEASE_S=str(LEASE_S)
    )
    victim, chance = Server(environment), random.Random(SEED)
    async with FakeProvider() as provider, alive(victim, provider.base_url) as key:
        async with aiohttp.ClientSession(headers={"authorization": f"Bearer {key}"}) as session:
            answer = await session.post(f"{victim.url}/api/budgets", json=BUDGET)
            assert answer.status == 201, await answer.text()
        programs = Programs(victim, key)
        await programs.run(kills, chance)
        found = await settled(database_url)
        told = sum(sum(record.told) for record in provider.requests if record.told is not None)
    print(f"\nkills {kills}, calls {dict(programs.outcomes)}, the provider counts {told}, {found}")
    assert programs.outcomes["200"] > 10 * kills and programs.outcomes["gone"] > 0
    assert found["leased"] == 0
    assert found["spent"] >= told, "under-counted"
    assert found["spent"] - found["unattributed"] == found["recorded"], "records and budgets are written together"
    assert found["recorded"] <= told


@pytest.mark.timeout(200)
async def test_four_kills_of_a_server_that_spends_hide_nothing_from_a_budget(database_url: str, tmp_path: Path) -> None:
    await kill_spenders(database_url, tmp_path, kills=4)


@pytest.mark.full
@pytest.mark.timeout(1800)
async def test_fifty_kills_of_a_server_that_spends_hide_nothing_from_a_budget(
    database_url: str, tmp_path: Path
) -> None:
    await kill_spenders(database_url, tmp_path, kills=50)
