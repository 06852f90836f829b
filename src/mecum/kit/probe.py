"""Looking at the database from outside, for `mecum doctor`."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from dataclasses import dataclass

import psycopg
from psycopg import sql
from sqlalchemy import text

from mecum.kit.clock import Clock
from mecum.kit.db import Database, psycopg_url
from mecum.kit.migrate import head

LISTEN_WITHIN_S = 5.0


_FACTS = text("""
SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number,
    pg_database_size(current_database()) AS size, clock_timestamp() AS now,
    to_regclass('kit.alembic_version') IS NOT NULL AS migrated
""")
_REVISION = text("SELECT version_num FROM kit.alembic_version")


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """Args:
    version: of the server, as it says it itself; major: its first number.
    size_bytes: of the database.
    revision: of its schema, None before the first migration; head: what this Mecum wants.
    ahead: how far its clock is ahead of ours, a transaction's time included.
    """

    version: str
    major: int
    size_bytes: int
    revision: str | None
    head: str
    ahead: dt.timedelta


async def look(database: Database, clock: Clock) -> DatabaseFacts:
    """What the database says of itself. Raises Unavailable."""
    async with database.transaction() as connection:
        row = (await connection.execute(_FACTS)).one()
        ahead = row.now - clock.now()
        revision = None
        if row.migrated:
            revision = (await connection.execute(_REVISION)).scalar_one_or_none()
    return DatabaseFacts(row.version, int(row.number) // 10_000, row.size, revision, head(), ahead)


async def hears(listen_url: str, notify_url: str) -> bool:
    """Whether a connection to `listen_url` hears what is notified through `notify_url`. False behind a transaction
    pooler.

    Raises:
        OSError, psycopg.Error: one of the two can't be reached.
    """
    channel = sql.Identifier(f"mecum_doctor_{secrets.token_hex(8)}")
    async with (
        await psycopg.AsyncConnection.connect(psycopg_url(listen_url), autocommit=True) as listener,
        await psycopg.AsyncConnection.connect(psycopg_url(notify_url), autocommit=True) as speaker,
    ):
        await listener.execute(sql.SQL("LISTEN {}").format(channel))
        await speaker.execute(sql.SQL("NOTIFY {}").format(channel))
        try:
            async with asyncio.timeout(LISTEN_WITHIN_S):
                async for _ in listener.notifies():
                    return True
        except TimeoutError:
            return False
    return False
