"""One PostgreSQL server for a test session: the one that comes with Mecum, in a temporary directory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from mecum.kit.embedded_pg import EmbeddedPostgres
from tests.support.data_directory import memory, open_folder


@contextmanager
def running_postgres() -> Generator[str]:
    """A server of its own that never waits for the disk. Gives the URL of its administrative database."""
    with (
        open_folder(memory()) as folder,
        EmbeddedPostgres(folder / "data", max_connections=100, durable=False, purpose="tests") as server,
    ):
        yield server.url("postgres")
