"""Fixtures for every test: a PostgreSQL cluster per session, a fresh database per test, a clock that stands still."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
from collections.abc import AsyncGenerator, Generator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from hypothesis import settings
from psycopg import sql

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.migrate import migrate
from tests.support.jobs import HandJobs
from tests.support.postgres import running_postgres

os.environ["MECUM_ALLOW_NETWORK"] = "0"

# The same examples each time: a run tells about the change, not about luck. HYPOTHESIS_PROFILE=explore looks further.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

TEMPLATE = "mecum_template"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def pg_url() -> Generator[str]:
    """The URL of the administrative database of this session's cluster."""
    with running_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def template(pg_url: str) -> str:
    """The name of a migrated database to copy from. Nobody may stay connected to it."""
    _administer(pg_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(TEMPLATE)))
    asyncio.run(_migrated(with_database(pg_url, TEMPLATE)))
    return TEMPLATE


@pytest.fixture
def database_url(pg_url: str, template: str) -> Generator[str]:
    """The URL of a fresh, migrated database; dropped afterwards."""
    name = f"test_{next(_numbers)}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    _administer(pg_url, copy.format(sql.Identifier(name), sql.Identifier(template)))
    yield with_database(pg_url, name)
    _drop(pg_url, sql.Identifier(name))


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator[Database]:
    """A pool on a fresh, migrated database."""
    connected = Database(database_url, pool_size=5)
    yield connected
    await connected.close()


@pytest.fixture
def jobs(database: Database) -> HandJobs:
    """Jobs that wait in the database until the test says `await jobs.run_due(clock.now())`."""
    return HandJobs(database)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands at Monday 2026-03-02 09:00 UTC until told to move."""
    return ManualClock(dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC))


def with_database(url: str, name: str) -> str:
    """`url` with another database name."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _drop(url: str, name: sql.Identifier) -> None:
    """With FORCE it ends leftover connections, but not a vacuum of the server's own; without, the server ends that."""
    try:
        _administer(url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
    except psycopg.errors.InsufficientPrivilege:
        _administer(url, sql.SQL("DROP DATABASE {}").format(name))


async def _migrated(url: str) -> None:
    database = Database(url, pool_size=1)
    try:
        await migrate(database)
    finally:
        await database.close()
