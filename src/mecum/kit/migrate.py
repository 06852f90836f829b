"""Applying migrations: alembic over the tree in `mecum.migrations`, one process at a time.

Versions are files `NNNN_<room>_<what>.py`, each in one schema, expand first and contract a release later.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from mecum.kit.db import Database
from mecum.kit.errors import StartError

LOCK = int.from_bytes(hashlib.sha256(b"mecum.migrations").digest()[:7])


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(files("mecum.migrations")))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


async def migrate(database: Database) -> None:
    """Bring the schema to this version's head.

    Raises:
        StartError: the database was written by a newer Mecum.
    """
    async with database.transaction() as connection:
        await connection.execute(text("SELECT set_config('statement_timeout', '0', true)"))
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    directory = scripts()
    head = directory.get_current_head()
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS kit"))
    environment = EnvironmentContext(Config(), directory)

    def steps(revision: Any, _context: object) -> Any:
        if revision:
            known = {script.revision for script in directory.walk_revisions()}
            if not {revision} <= known and not set(revision) <= known:
                raise StartError(
                    "database_newer",
                    "This database was written by a newer version of Mecum.",
                    "Install that version again, or restore a backup from before.",
                )
        return directory._upgrade_revs(head or "head", revision)  # pyright: ignore[reportPrivateUsage]

    environment.configure(connection=connection, fn=steps, version_table_schema="kit", transactional_ddl=True)
    with environment.begin_transaction():
        environment.run_migrations()
