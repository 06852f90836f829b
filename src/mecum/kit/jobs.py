"""Durable jobs: Procrastinate behind a small face.

A job is deferred inside the caller's transaction: it exists exactly when the rows it is about exist. Arguments are
ids only, never content. A job may run more than once (its worker may die after the work and before the note about
it), so every handler is idempotent.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import procrastinate
from procrastinate import BaseRetryStrategy, JobContext, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition, Job
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from mecum.kit.db import AsyncConnection, Database, psycopg_url
from mecum.kit.errors import DatabaseUnavailable
from mecum.kit.job_metrics import count_waiting, watched
from mecum.kit.telemetry import trace_parent

logger = logging.getLogger(__name__)

SCHEMA = "jobs"
Queue: TypeAlias = Literal["default", "runs", "bulk"]
"""`runs`: answers in the making, which mostly wait for a model; `bulk`: work that takes hours. All else must not wait
behind them.
"""
HEARTBEAT_S = 3.0
STALLED_AFTER_S = 12.0
SWEEP_EVERY_S = 4.0
RESTART_WAIT_S, RESTART_WAIT_MAX_S = 0.5, 10.0
FAILED_KEPT_HOURS = 72
FORGET_EVERY_S = 3600.0
WAIT_MAX_S = 600.0
DEFERRED_IN = "_deferred_in"
"""The argument with the span in which a job was deferred; there only while spans are sent somewhere."""

_DEFER = text(
    f"""SELECT {SCHEMA}.procrastinate_defer_jobs_v1(ARRAY[ROW(
        :queue, :task, :priority, :lock, :queueing_lock, CAST(:args AS jsonb), CAST(:at AS timestamptz)
    )::{SCHEMA}.procrastinate_job_to_defer_v1])"""
)


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A kind of job.

    Args:
        name: `room.verb`, stable: rows in the database name it.
        run: the handler; keyword arguments are those of `defer`.
        attempts_max: how often it is tried again when it raises (None: for ever). When the database is away, a job
            waits for it as long as it takes.
        given_up: is run instead of a last failure, with the same arguments, until it succeeds: for jobs whose end
            somebody waits for.
        cron: a schedule (`minute hour day month weekday`, optionally seconds first), or None.
        queue: which worker takes it.
        wait_max_s: the waits between tries double from 2 s up to this. Jobs with the same lock wait with it.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    attempts_max: int | None = 10
    given_up: Callable[..., Awaitable[None]] | None = None
    cron: str | None = None
    queue: Queue = "default"
    wait_max_s: float = WAIT_MAX_S


@dataclass(frozen=True, slots=True)
class _Backoff(BaseRetryStrategy):
    """Procrastinate's own doubles without an end."""

    spec: JobSpec

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        is_last = isinstance(exception, Exception) and _is_last(self.spec, exception, job.attempts)
        if is_last and self.spec.given_up is None:
            return None
        return RetryDecision(retry_in={"seconds": int(backoff_s(self.spec, job.attempts))})


def backoff_s(spec: JobSpec, attempts: int) -> float:
    """Seconds until the next try, after `attempts` earlier ones."""
    return min(2.0 ** min(attempts + 1, 20), spec.wait_max_s)


def _used_up(spec: JobSpec, attempts: int) -> bool:
    return spec.attempts_max is not None and attempts >= spec.attempts_max


class Jobs:
    """Defers jobs and runs them.

    Args:
        database: where jobs are deferred.
        direct_url: the worker's own connection; with a transaction pooler in front of the database it must go past it.
        concurrency: how many jobs of this process run at once, by queue.
        sole_worker: nobody else works on this database, so jobs left by a dead worker are taken up at once at start.
    """

    def __init__(
        self,
        database: Database,
        direct_url: str,
        *,
        concurrency: Mapping[Queue, int] | None = None,
        sole_worker: bool = True,
    ) -> None:
        self._database = database
        self._concurrency = concurrency or {"default": 32, "runs": 32, "bulk": 8}
        self._sole_worker = sole_worker
        connector = procrastinate.PsycopgConnector(
            conninfo=psycopg_url(direct_url), kwargs={"options": f"-c search_path={SCHEMA}"}, min_size=1, max_size=8
        )
        self._app = procrastinate.App(connector=connector)
        self._queues: dict[str, Queue] = {}
        self._workers: list[asyncio.Task[None]] = []
        self._sweeper: asyncio.Task[None] | None = None
        self._stopping = False

    def add(self, specs: Sequence[JobSpec]) -> None:
        """Register kinds of jobs. Only while the house is built."""
        for spec in specs:
            attempt = self._app.task(name=spec.name, queue=spec.queue, retry=_Backoff(spec), pass_context=True)
            task = attempt(_attempt(spec))
            self._queues[spec.name] = spec.queue
            if spec.cron:
                self._app.periodic(cron=spec.cron)(_without_timestamp(self._app, spec, task.name))

    async def defer(
        self,
        connection: AsyncConnection,
        name: str,
        *,
        lock: str | None = None,
        queueing_lock: str | None = None,
        at: dt.datetime | None = None,
        priority: int = 0,
        **arguments: str | int | None,
    ) -> bool:
        """Put a job on the queue, in the transaction of `connection`.

        Args:
            lock: jobs with the same lock run one after the other.
            queueing_lock: at most one waiting job has it; then False is returned and nothing is queued.
            at: not before this time.
        """
        if name not in self._queues:
            raise ValueError(f"No job is called {name}.")
        if (parent := trace_parent()) is not None:
            arguments[DEFERRED_IN] = parent
        values = {
            "queue": self._queues[name],
            "task": name,
            "priority": priority,
            "lock": lock,
            "queueing_lock": queueing_lock,
            "args": json.dumps(arguments),
            "at": at,
        }
        if queueing_lock is None:
            await connection.execute(_DEFER, values)
            return True
        try:
            async with connection.begin_nested():
                await connection.execute(_DEFER, values)
        except IntegrityError:
            return False
        return True

    async def measure(self) -> None:
        """Count what waits, for the metrics.

        Raises:
            Unavailable: the database is away.
        """
        async with self._database.transaction() as connection:
            await count_waiting(connection, self._concurrency)

    async def start(self) -> None:
        await self._app.open_async()
        self._workers = [
            asyncio.create_task(self._work(queue), name=f"jobs.worker.{queue}") for queue in self._concurrency
        ]
        self._sweeper = asyncio.create_task(self._sweep(), name="jobs.sweeper")

    async def stop(self, seconds: float = 5.0) -> None:
        """Take no new jobs, let the running ones end, cancel them after 4 s, hand them back to the queue.

        Args:
            seconds: until the rest is handed back although it did not end; more than those 4.
        """
        self._stopping = True
        for task in (self._sweeper, *self._workers):
            if task is not None:
                task.cancel()
        if self._workers:
            await asyncio.wait(self._workers, timeout=seconds)
        with contextlib.suppress(ConnectorException):
            await self._retry_own_unfinished()
        await self._app.close_async()

    async def _work(self, queue: Queue) -> None:
        """Run a worker for `queue`, and another one whenever it ends: it does so when the database goes away."""
        wait_s = RESTART_WAIT_S
        while not self._stopping:
            began = asyncio.get_running_loop().time()
            try:
                await self._work_once(queue)
            except (ConnectorException, OSError) as error:
                logger.warning("The job worker lost the database, trying again: %s", type(error).__name__)
            if asyncio.get_running_loop().time() - began > RESTART_WAIT_MAX_S:
                wait_s = RESTART_WAIT_S
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RESTART_WAIT_MAX_S)

    async def _work_once(self, queue: Queue) -> None:
        if self._sole_worker:
            # What the worker before held and could not hand back; it is gone by now.
            await self._retry_stalled(0.0, queue)
        await self._app.run_worker_async(
            name=queue,
            queues=[queue],
            concurrency=self._concurrency[queue],
            install_signal_handlers=False,
            fetch_job_polling_interval=1.0,
            abort_job_polling_interval=30.0,
            shutdown_graceful_timeout=4.0,
            update_heartbeat_interval=HEARTBEAT_S,
            stalled_worker_timeout=STALLED_AFTER_S,
            delete_jobs=DeleteJobCondition.SUCCESSFUL,
        )

    async def _sweep(self) -> None:
        """Give back what dead workers held, forget old failures."""
        forgotten_at = -FORGET_EVERY_S
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await self._retry_stalled(STALLED_AFTER_S)
                if (now := asyncio.get_running_loop().time()) - forgotten_at > FORGET_EVERY_S:
                    await self._app.job_manager.delete_old_jobs(
                        FAILED_KEPT_HOURS, include_failed=True, include_cancelled=True, include_aborted=True
                    )
                    forgotten_at = now
            except (ConnectorException, OSError) as error:
                logger.warning("Stalled jobs can't be looked for: %s", type(error).__name__)

    async def _retry_stalled(self, seconds_since_heartbeat: float, queue: Queue | None = None) -> None:
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(queue=queue, seconds_since_heartbeat=seconds_since_heartbeat):
            logger.info("A job of a dead worker is taken up again: %s", job.task_name)
            await manager.retry_job(job)

    async def _retry_own_unfinished(self) -> None:
        if self._sole_worker:
            await self._retry_stalled(0.0)


def _attempt(spec: JobSpec) -> Callable[..., Awaitable[None]]:
    async def run(context: JobContext, **arguments: str | int | None) -> None:
        deferred_in = arguments.pop(DEFERRED_IN, None)
        with watched(spec.queue, spec.name, None if deferred_in is None else str(deferred_in)) as ending:
            try:
                await spec.run(**arguments)
                ending.outcome = "done"
            except Exception as error:
                is_last = _is_last(spec, error, context.job.attempts)
                if not is_last or spec.given_up is None:
                    ending.outcome = "failed" if is_last else "retried"
                    raise
                logger.exception("The job %s is given up", spec.name)
                ending.outcome = "retried"
                await spec.given_up(**arguments)
                ending.outcome = "given_up"

    return run


def _is_last(spec: JobSpec, error: Exception, attempts: int) -> bool:
    """Whether a job that failed is not tried again. When the database is away, a job waits for it."""
    return not isinstance(error, DatabaseUnavailable) and _used_up(spec, attempts)


def _without_timestamp(app: procrastinate.App, spec: JobSpec, name: str) -> Any:
    @app.task(name=f"{name}@cron", queue=spec.queue, queueing_lock=f"{name}@cron", pass_context=False)
    async def scheduled(timestamp: int) -> None:
        with watched(spec.queue, spec.name) as ending:
            try:
                await spec.run()
                ending.outcome = "done"
            except Exception:
                ending.outcome = "failed"
                raise

    return scheduled
