"""Durable jobs in tests: deferred for real, run by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import text

from mecum.kit.db import Database
from mecum.kit.jobs import Jobs, JobSpec

JOBS_MAX = 1000

_DUE = text(
    """SELECT id, task_name, args FROM jobs.procrastinate_jobs
    WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= :now) ORDER BY priority DESC, id LIMIT 1"""
)
_WAITING = text(
    "SELECT task_name, scheduled_at FROM jobs.procrastinate_jobs WHERE status = 'todo' ORDER BY id LIMIT 1000"
)
_SET = text("UPDATE jobs.procrastinate_jobs SET status = CAST(:status AS jobs.procrastinate_job_status) WHERE id = :id")
_DONE = text("DELETE FROM jobs.procrastinate_jobs WHERE id = :id")


class HandJobs(Jobs):
    """Jobs that wait in the database until a test runs them, one after the other, in this very task."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, database.url)
        self._hand_database = database
        self.specs: dict[str, JobSpec] = {}

    def add(self, specs: Sequence[JobSpec]) -> None:
        super().add(specs)
        self.specs |= {spec.name: spec for spec in specs}

    async def waiting(self) -> list[tuple[str, dt.datetime | None]]:
        """Names of waiting jobs, with the time before which they do not run."""
        async with self._hand_database.transaction() as connection:
            return [(row.task_name, row.scheduled_at) for row in await connection.execute(_WAITING)]

    async def run_due(self, now: dt.datetime) -> list[str]:
        """Run what is due at `now`, and what that defers, until nothing is left. Returns the names in order.

        What a handler raises is raised here, and its job keeps waiting.
        """
        names: list[str] = []
        while len(names) < JOBS_MAX:
            async with self._hand_database.transaction() as connection:
                row = (await connection.execute(_DUE, {"now": now})).one_or_none()
            if row is None:
                return names
            await self._set(row.id, "doing")
            try:
                await self.specs[row.task_name].run(**row.args)
            except BaseException:
                await self._set(row.id, "todo")
                raise
            async with self._hand_database.transaction() as connection:
                await connection.execute(_DONE, {"id": row.id})
            names.append(row.task_name)
        raise AssertionError(f"Jobs defer jobs without end: {names[-5:]}")

    async def _set(self, job: int, status: str) -> None:
        async with self._hand_database.transaction() as connection:
            await connection.execute(_SET, {"id": job, "status": status})
