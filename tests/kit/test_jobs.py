"""Durable jobs: how they are tried again, and that slow answers do not stop the rest."""

from __future__ import annotations

import asyncio
import datetime as dt

import pytest
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.jobs import Jobs, JobSpec, backoff_s
from mecum.kit.outbox import Outbox, OutboxEvent, Subscription
from tests.support.jobs import HandJobs

pytestmark = pytest.mark.anyio

FORGET_ONE = "DELETE FROM jobs.procrastinate_jobs WHERE id = (SELECT min(id) FROM jobs.procrastinate_jobs)"


async def nothing() -> None:
    return None


def test_waits_between_tries_double_up_to_a_limit() -> None:
    spec = JobSpec("test.job", nothing, wait_max_s=30)
    assert [backoff_s(spec, attempts) for attempts in (0, 1, 3, 10, 5_000)] == [2, 4, 16, 30, 30]


async def test_answers_that_take_long_do_not_hold_up_other_work(database: Database) -> None:
    released, done, slow = asyncio.Event(), asyncio.Event(), asyncio.Semaphore(0)

    async def answer() -> None:
        slow.release()
        await released.wait()

    async def other() -> None:
        done.set()

    jobs = Jobs(database, database.url, concurrency={"default": 1, "runs": 2})
    jobs.add([JobSpec("test.answer", answer, queue="runs"), JobSpec("test.other", other)])
    async with database.transaction() as connection:
        for _ in range(3):
            await jobs.defer(connection, "test.answer")
        await jobs.defer(connection, "test.other")
    await jobs.start()
    try:
        async with asyncio.timeout(20):
            await slow.acquire()
            await slow.acquire()
            await done.wait()
        assert slow.locked(), "a third answer has begun, over the limit"
    finally:
        released.set()
        await jobs.stop(5.0)


async def test_an_event_nobody_wants_is_not_written_and_one_not_heard_yet_is_kept(database: Database) -> None:
    async def hear(_: OutboxEvent) -> None:
        return None

    clock = ManualClock(dt.datetime(2026, 5, 4, 9, tzinfo=dt.UTC))
    jobs = HandJobs(database)
    outbox = Outbox(database, jobs, clock)
    outbox.subscribe([Subscription("test.Happened", "test.hear", hear, wants=lambda payload: payload["who"] == "me")])
    async with database.transaction() as connection:
        await outbox.publish(connection, "test.Happened", who="you")
        await outbox.publish(connection, "test.Happened", who="me")
        await outbox.publish(connection, "test.Happened", who="me")
        await connection.execute(text(FORGET_ONE))
    assert await kept(database) == 2
    clock.advance(30 * 86_400)
    await jobs.specs["outbox.sweep"].run()
    assert await kept(database) == 1


async def kept(database: Database) -> int:
    async with database.transaction() as connection:
        return (await connection.execute(text("SELECT count(*) FROM kit.outbox"))).scalar_one()
