"""Durable jobs: how they are tried again, and that slow answers do not stop the rest."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import DatabaseUnavailable
from mecum.kit.jobs import Jobs, JobSpec, backoff_s
from mecum.kit.outbox import Outbox, OutboxEvent, Subscription
from mecum.kit.telemetry import exposition, span
from tests.support.jobs import HandJobs
from tests.support.spans import kept_spans

pytestmark = pytest.mark.anyio

WITHIN_S = 20
SEEN = ("posting", "process default")
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


def counted(job: str) -> dict[str, float]:
    """How often that job ended, by how."""
    found = {
        sample.labels["outcome"]: sample.value
        for family in text_string_to_metric_families(exposition()[0].decode())
        for sample in family.samples
        if sample.name == "mecum_jobs_total" and sample.labels["job"] == job
    }
    assert set(found) <= {"done", "retried", "given_up", "failed", "handed_back"}
    return found


async def test_how_a_job_ended_is_counted(database: Database) -> None:
    healed, hopeless = Work([ValueError("once")]), Work([ValueError("first"), ValueError("second")])
    given_up = JobSpec("kit.hopeless", hopeless.run, attempts_max=1, given_up=hopeless.give_up)
    for work, spec in ((healed, JobSpec("kit.healed", healed.run)), (hopeless, given_up)):
        async with working(database, spec), asyncio.timeout(WITHIN_S):
            await work.over.wait()
    assert counted("kit.healed") == {"retried": 1, "done": 1}
    assert counted("kit.hopeless") == {"retried": 1, "given_up": 1}


async def test_a_job_that_nobody_gives_up_on_has_failed_in_the_end(database: Database) -> None:
    over = asyncio.Event()

    async def break_down(thing: str) -> None:
        over.set()
        raise ValueError(thing)

    async with working(database, JobSpec("kit.broken", break_down, attempts_max=0)), asyncio.timeout(WITHIN_S):
        await over.wait()
    assert counted("kit.broken") == {"failed": 1}


async def test_what_is_due_and_waits_is_counted_and_what_comes_later_is_not(database: Database, jobs: HandJobs) -> None:
    jobs.add([JobSpec("test.now", nothing), JobSpec("test.answer", nothing, queue="runs")])
    now = dt.datetime.now(dt.UTC)
    async with database.transaction() as connection:
        await jobs.defer(connection, "test.now")
        await jobs.defer(connection, "test.now", at=now - dt.timedelta(seconds=90))
        await jobs.defer(connection, "test.now", at=now + dt.timedelta(hours=1))
        await jobs.defer(connection, "test.answer", at=now + dt.timedelta(hours=1))
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE jobs.procrastinate_events SET at = now() - interval '30 seconds'"))
    await jobs.measure()
    shown = exposition()[0].decode()
    oldest_s = float(shown.partition('mecum_jobs_oldest_seconds{queue="default"} ')[2].partition("\n")[0])
    assert 'mecum_jobs_waiting{queue="default"} 2.0' in shown
    assert 'mecum_jobs_waiting{queue="runs"} 0.0' in shown
    assert 90 <= oldest_s < 100


async def test_the_age_of_a_job_without_a_time_counts_from_when_it_was_deferred(
    database: Database, jobs: HandJobs
) -> None:
    jobs.add([JobSpec("test.now", nothing)])
    async with database.transaction() as connection:
        await jobs.defer(connection, "test.now")
        await connection.execute(text("UPDATE jobs.procrastinate_events SET at = now() - interval '30 seconds'"))
    await jobs.measure()
    oldest_s = float(exposition()[0].decode().partition('oldest_seconds{queue="default"} ')[2].partition("\n")[0])
    assert 30 <= oldest_s < 40


async def test_a_job_is_linked_to_where_it_was_deferred_and_does_not_see_that(database: Database) -> None:
    work = Work([])
    with kept_spans() as spans:
        with span("posting"):
            async with working(database, JobSpec("kit.work", work.run)), asyncio.timeout(WITHIN_S):
                await work.over.wait()
        posting, job = (next(each for each in spans.get_finished_spans() if each.name == name) for name in SEEN)
    assert work.tried == ["it"]
    assert posting.context is not None
    assert [link.context.span_id for link in job.links] == [posting.context.span_id]
