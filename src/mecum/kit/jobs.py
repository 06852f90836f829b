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
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import procrastinate
from procrastinate import RetryStrategy
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import DeleteJobCondition
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from mecum.kit.db import AsyncConnection, Database, psycopg_url

logger = logging.getLogger(__name__)

SCHEMA = "jobs"
QUEUE = "default"
HEARTBEAT_S = 3.0
STALLED_AFTER_S = 12.0
SWEEP_EVERY_S = 4.0
RESTART_WAIT_S, RESTART_WAIT_MAX_S = 0.5, 10.0
FINISHED_KEPT_HOURS = 24

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
        attempts_max: how often it is tried when it raises (None: for ever); the waits between double from 2 s on.
        cron: a schedule (`minute hour day month weekday`, optionally seconds first), or None.
    """

    name: str
    run: Callable[..., Awaitable[None]]
    attempts_max: int | None = 10
    cron: str | None = None


class Jobs:
    """Defers jobs and runs them.

    Args:
        database: where jobs are deferred.
        direct_url: the worker's own connection; with a transaction pooler in front of the database it must go past it.
        concurrency: how many jobs of this process run at once.
        sole_worker: nobody else works on this database, so jobs left by a dead worker are taken up at once at start.
    """

    def __init__(self, database: Database, direct_url: str, *, concurrency: int = 32, sole_worker: bool = True) -> None:
        self._database = database
        self._concurrency = concurrency
        self._sole_worker = sole_worker
        connector = procrastinate.PsycopgConnector(
            conninfo=psycopg_url(direct_url), kwargs={"options": f"-c search_path={SCHEMA}"}, min_size=1, max_size=6
        )
        self._app = procrastinate.App(connector=connector)
        self._names: set[str] = set()
        self._worker: asyncio.Task[None] | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._stopping = False

    def add(self, specs: Sequence[JobSpec]) -> None:
        """Register kinds of jobs. Only while the house is built."""
        for spec in specs:
            retry = RetryStrategy(max_attempts=spec.attempts_max, exponential_wait=2)
            task = self._app.task(name=spec.name, queue=QUEUE, retry=retry)(spec.run)
            self._names.add(spec.name)
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
        if name not in self._names:
            raise ValueError(f"No job is called {name}.")
        values = {
            "queue": QUEUE,
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

    async def start(self) -> None:
        await self._app.open_async()
        self._worker = asyncio.create_task(self._work(), name="jobs.worker")
        self._sweeper = asyncio.create_task(self._sweep(), name="jobs.sweeper")

    async def stop(self, seconds: float = 5.0) -> None:
        """Take no new jobs, give the running ones `seconds`, hand the rest back to the queue."""
        self._stopping = True
        for task in (self._sweeper, self._worker):
            if task is not None:
                task.cancel()
        if self._worker is not None:
            await asyncio.wait({self._worker}, timeout=seconds)
        with contextlib.suppress(ConnectorException):
            await self._retry_own_unfinished()
        await self._app.close_async()

    async def _work(self) -> None:
        """Run a worker, and another one whenever it ends: it does so by itself, in good order or not, when the database
        goes away."""
        wait_s = RESTART_WAIT_S
        while not self._stopping:
            began = asyncio.get_running_loop().time()
            try:
                await self._work_once()
            except (ConnectorException, OSError) as error:
                logger.warning("The job worker lost the database, trying again: %s", type(error).__name__)
            if asyncio.get_running_loop().time() - began > RESTART_WAIT_MAX_S:
                wait_s = RESTART_WAIT_S
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RESTART_WAIT_MAX_S)

    async def _work_once(self) -> None:
        if self._sole_worker:
            # What the worker before held and could not hand back; it is gone by now.
            await self._retry_stalled(0.0)
        await self._app.run_worker_async(
            queues=[QUEUE],
            concurrency=self._concurrency,
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
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            try:
                await self._retry_stalled(STALLED_AFTER_S)
            except (ConnectorException, OSError) as error:
                logger.warning("Stalled jobs can't be looked for: %s", type(error).__name__)

    async def _retry_stalled(self, seconds_since_heartbeat: float) -> None:
        manager = self._app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=seconds_since_heartbeat):
            logger.info("A job of a dead worker is taken up again: %s", job.task_name)
            await manager.retry_job(job)

    async def _retry_own_unfinished(self) -> None:
        if self._sole_worker:
            await self._retry_stalled(0.0)


def _without_timestamp(app: procrastinate.App, spec: JobSpec, name: str) -> Any:
    @app.task(name=f"{name}@cron", queue=QUEUE, queueing_lock=f"{name}@cron", pass_context=False)
    async def scheduled(timestamp: int) -> None:
        await spec.run()

    return scheduled
