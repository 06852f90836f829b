"""What operators see of jobs: a span around each, how it ended, and how many wait."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from opentelemetry.trace import SpanKind
from prometheus_client import Counter, Gauge, Histogram
from sqlalchemy import text

from mecum.kit.db import AsyncConnection
from mecum.kit.telemetry import REGISTRY, SpanSpec, link_to
from mecum.kit.telemetry.metrics import LONG_SECONDS

Outcome: TypeAlias = Literal["done", "retried", "given_up", "failed", "handed_back"]
COUNTED_MAX = 10_000
"""So many that wait are counted, and no more: an operator learns nothing from the rest, and counting takes time."""

JOB = SpanSpec(
    "process",
    "A durable job, linked to the span in which it was deferred. `process` and the name of its queue.",
    ("messaging.system", "messaging.destination.name", "messaging.operation.type", "mecum.job", "mecum.job.outcome"),
    of="messaging.destination.name",
    kind=SpanKind.CONSUMER,
)
jobs_total = Counter(
    "mecum_jobs",
    "Jobs that ended, by how: done, retried (later, after an error), given_up (with what is done then), failed, "
    "handed_back (the process ends).",
    ("queue", "job", "outcome"),
    registry=REGISTRY,
)
job_seconds = Histogram(
    "mecum_job_seconds", "How long a job took.", ("queue",), buckets=LONG_SECONDS, registry=REGISTRY
)
jobs_running = Gauge("mecum_jobs_running", "Jobs that this process is doing.", ("queue",), registry=REGISTRY)
jobs_waiting = Gauge(
    "mecum_jobs_waiting",
    f"Jobs of all processes that are due and wait, {COUNTED_MAX:,} of all queues at most.",
    ("queue",),
    registry=REGISTRY,
)
jobs_oldest_seconds = Gauge(
    "mecum_jobs_oldest_seconds", "How long the oldest job that is due has waited.", ("queue",), registry=REGISTRY
)

WAITING = text(
    """SELECT due.queue_name, due.jobs,
        greatest(due.since_due, extract(epoch FROM now() - min(deferred.at)), 0)::float8 AS oldest
    FROM (
        SELECT queue_name, count(*) AS jobs, extract(epoch FROM max(now() - scheduled_at)) AS since_due,
            min(id) FILTER (WHERE scheduled_at IS NULL) AS first
        FROM (
            SELECT id, queue_name, scheduled_at FROM jobs.procrastinate_jobs
            WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()) LIMIT :most
        ) AS looked_at
        GROUP BY queue_name
    ) AS due
    LEFT JOIN jobs.procrastinate_events AS deferred ON deferred.job_id = due.first AND deferred.type = 'deferred'
    GROUP BY due.queue_name, due.jobs, due.since_due"""
)
"""One look at the partial index of jobs that wait; when a job was deferred stands in its events alone."""


@dataclass(slots=True)
class Ending:
    """How a job ends: the block that does it says so."""

    outcome: Outcome = "handed_back"


@contextmanager
def watched(queue: str, job: str, deferred_in: str | None = None) -> Generator[Ending]:
    """Measure the job that is done in the block. `deferred_in` is what `trace_parent` gave when it was deferred."""
    ending, began = Ending(), time.monotonic()
    about = {
        "messaging.system": "procrastinate",
        "messaging.destination.name": queue,
        "messaging.operation.type": "process",
        "mecum.job": job,
    }
    jobs_running.labels(queue).inc()
    try:
        with JOB.around(about, link_to(deferred_in)) as span:
            try:
                yield ending
            finally:
                span.set_attribute("mecum.job.outcome", ending.outcome)
    finally:
        jobs_running.labels(queue).dec()
        job_seconds.labels(queue).observe(time.monotonic() - began)
        jobs_total.labels(queue, job, ending.outcome).inc()


async def count_waiting(connection: AsyncConnection, queues: Iterable[str]) -> None:
    """Set the gauges of what waits."""
    found = {row[0]: (row[1], row[2]) for row in await connection.execute(WAITING, {"most": COUNTED_MAX})}
    for queue in queues:
        waiting, oldest_s = found.get(queue, (0, 0.0))
        jobs_waiting.labels(queue).set(waiting)
        jobs_oldest_seconds.labels(queue).set(oldest_s)
