"""Applying migrations: alembic over the tree in `mecum.migrations`, one process at a time.

Versions are files `NNNN_<room>_<what>.py`, each in one schema, expand first and contract a release later.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from sqlalchemy import Connection, text

from mecum.kit.db import AsyncConnection, Database

LOCK = int.from_bytes(hashlib.sha256(b"mecum.migrations").digest()[:7])


async def migrate(database: Database) -> None:
    """Bring the schema to this version's head.

    Raises:
        StartError: the database was written by a newer Mecum.
    """
    async with database.transaction() as connection:
        await connection.execute(text("SELECT set_config('statement_timeout', '0', true)"))
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        if await _revision(connection) != head():
            await connection.run_sync(_upgrade)


def head() -> str:
    """The newest revision: the tree is linear and its file names begin with their revision (a test sees to both)."""
    names = (entry.name for entry in files("mecum.migrations").joinpath("versions").iterdir())
    return max(name[:4] for name in names if name[:4].isdigit() and name.endswith(".py"))


async def _revision(connection: AsyncConnection) -> str | None:
    """The revision of the database; None before its first migration."""
    made = await connection.execute(text("SELECT to_regclass('kit.alembic_version')"))
    if made.scalar_one() is None:
        return None
    return (await connection.execute(text("SELECT version_num FROM kit.alembic_version"))).scalar_one_or_none()


def _upgrade(connection: Connection) -> None:
    from mecum.kit.upgrade import upgrade  # alembic: half a second and 11 MB that most starts do not need

    upgrade(connection)
