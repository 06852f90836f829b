"""The PostgreSQL that comes with Mecum: one server per data directory, started by us and gone with us.

    data/
      pg/                  the cluster, owned by the server's user
      run/                 its socket, mode 0700, same user
      pg.lock              who has the data directory
      postgres.password    of the role `mecum`, mode 600
      logs/postgres.log    what the server says, without words of people
      socket-directory     where the socket is when the path of run/ is too long
      postgres-programs/   a copy of the programs, where the server's user can't reach the installed ones

The role `mecum` owns the database `mecum`, may create databases and is not a superuser: an injected statement reaches
neither files nor programs. Light: nothing here imports a database driver.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mecum.kit.embedded_pg.binaries import tool
from mecum.kit.embedded_pg.launcher import EmbeddedPostgres, make_data_directory, running_url
from mecum.kit.embedded_pg.lock import DirectoryLock
from mecum.kit.errors import StartError

__all__ = ["DirectoryLock", "EmbeddedPostgres", "database_of", "make_data_directory", "running_url", "tool"]

WAIT_FOR_OTHERS_S = 30.0
_POLL_S = 0.05


@contextmanager
def database_of(data: Path, purpose: str) -> Generator[str]:
    """The URL of the database of `data`, whether or not Mecum runs: for commands.

    Uses the server that runs; without one it starts its own for as long as the block takes.

    Raises:
        StartError: neither works, or another process has had the data directory for 30 s without a server that answers.
    """
    deadline = time.monotonic() + WAIT_FOR_OTHERS_S
    own = EmbeddedPostgres(data, purpose=purpose)
    while True:
        try:
            own.start()
            break
        except StartError as error:
            url = running_url(data) if error.code == "data_in_use" else None
            if url is not None:
                yield url
                return
            if error.code != "data_in_use" or time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)
    try:
        yield own.url()
    finally:
        own.stop()
