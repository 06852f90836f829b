"""The part of migrating that needs alembic: loaded only when there is something to migrate."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from mecum.kit.errors import StartError


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(files("mecum.migrations")))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def upgrade(connection: Connection) -> None:
    """Apply what is missing, in the caller's transaction.

    Raises:
        StartError: the database was written by a newer Mecum.
    """
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
