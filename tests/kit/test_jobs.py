"""Durable jobs: how they are tried again, and that slow answers do not stop the rest."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import DatabaseUnavailable
from mecum.kit.jobs import Jobs, JobSpec, backoff_s
from mecum.kit.outbox import Outbox, OutboxEvent, Subscription
from tests.support.jobs import HandJobs

pytestmark = pytest.mark.anyio

WITHIN_S = 20
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


@dataclass
class Work:
    """A job that fails with each of `errors` in turn, and then is done."""

    errors: list[Exception]
    tried: list[str] = field(default_factory=list[str])
    given_up_on: list[str] = field(default_factory=list[str])
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, thing: str) -> None:
        self.tried.append(thing)
        if self.errors:
            raise self.errors.pop(0)
        self.over.set()

    async def give_up(self, thing: str) -> None:
        self.given_up_on.append(thing)
        self.over.set()


@asynccontextmanager
async def working(database: Database, spec: JobSpec) -> AsyncGenerator[Jobs]:
    jobs = Jobs(database, database.url)
    jobs.add([spec])
    await jobs.start()
    try:
        async with database.transaction() as connection:
            await jobs.defer(connection, spec.name, thing="it")
        yield jobs
    finally:
        await jobs.stop(1)


async def test_a_job_that_fails_is_tried_again(database: Database) -> None:
    work = Work([ValueError("once")])
    async with working(database, JobSpec("kit.work", work.run)), asyncio.timeout(WITHIN_S):
        await work.over.wait()
    assert work.tried == ["it", "it"]


async def test_a_job_that_fails_for_good_is_given_up_with_its_arguments(database: Database) -> None:
    work = Work([ValueError("first"), ValueError("second")])
    spec = JobSpec("kit.work", work.run, attempts_max=1, given_up=work.give_up)
    async with working(database, spec), asyncio.timeout(WITHIN_S):
        await work.over.wait()
    assert (work.tried, work.given_up_on) == (["it", "it"], ["it"])


async def test_a_job_is_not_given_up_because_the_database_is_away(database: Database) -> None:
    work = Work([DatabaseUnavailable("disk_full")])
    spec = JobSpec("kit.work", work.run, attempts_max=0, given_up=work.give_up)
    async with working(database, spec), asyncio.timeout(WITHIN_S):
        await work.over.wait()
    assert (work.tried, work.given_up_on) == (["it", "it"], [])
