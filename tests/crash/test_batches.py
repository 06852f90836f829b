"""kill -9 in the middle of a batch: each line has one result, and none that had one is asked again."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path

import psycopg
import pytest
from openai import AsyncOpenAI
from openai.types import Batch

from mecum.kit.db import psycopg_url
from tests.crash.test_kill import alive, settings
from tests.crash.victims import Server
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import command

LINES, KILLS = 60, 3
AT_ONCE = 8
POLLS = 450


def requests() -> bytes:
    lines = [
        {
            "custom_id": str(number),
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": "fake",
                "messages": [{"role": "user", "content": f"{number:03} {command(text='x', first_byte_ms=60)}"}],
            },
        }
        for number in range(LINES)
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def with_a_result(database_url: str) -> set[int]:
    with psycopg.connect(psycopg_url(database_url)) as connection:
        return {row[0] - 1 for row in connection.execute("SELECT number FROM models.batch_line").fetchall()}


def asked(fake: FakeProvider, since: int = 0) -> Counter[int]:
    return Counter(int(request.body["messages"][-1]["content"][:3]) for request in fake.requests[since:])


def client_of(victim: Server, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{victim.url}/v1", api_key=key, max_retries=0, timeout=20)


async def completed(client: AsyncOpenAI, batch: str) -> Batch:
    """Poll, as callers of batches do."""
    for _ in range(POLLS):
        found = await client.batches.retrieve(batch)
        if found.status == "completed":
            return found
        await asyncio.sleep(0.2)
    raise AssertionError("not in time")


@pytest.mark.timeout(240)
async def test_a_batch_outlives_kills_and_asks_for_nothing_that_has_a_result(database_url: str, tmp_path: Path) -> None:
    more = {"MECUM_DATABASE_URL": database_url, "MECUM_BATCH_LINES_AT_ONCE": str(AT_ONCE)}
    victim = Server(settings(tmp_path / "data", tmp_path / "effects", **more))
    async with FakeProvider() as fake, alive(victim, fake.base_url) as key, client_of(victim, key) as client:
        file = await client.files.create(file=("in.jsonl", requests()), purpose="batch")
        batch = await client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        done, since = set[int](), 0
        for kill in range(KILLS):
            await fake.seen(12 * (kill + 1))
            victim.end()
            done, since = with_a_result(database_url), len(fake.requests)
            await victim.start()
            await fake.seen(since)
            assert not done & set(asked(fake, since)), "what has a result is not asked again"
        found = await completed(client, batch.id)
        assert not done & set(asked(fake, since))
        assert found.request_counts
        assert found.request_counts.completed == LINES
        assert found.output_file_id
        output = (await client.files.content(found.output_file_id)).text.splitlines()
    assert sorted(int(json.loads(line)["custom_id"]) for line in output) == list(range(LINES))
    assert sum(asked(fake).values()) <= LINES + KILLS * AT_ONCE
