"""Starting, adopting and stopping the server of a data directory."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from mecum.kit.embedded_pg import binaries
from mecum.kit.embedded_pg.account import account_for, require_reachable
from mecum.kit.embedded_pg.cluster import DATABASE, ROLE, ensure_cluster, environment, not_ours, read_password
from mecum.kit.embedded_pg.lock import DirectoryLock, not_writable
from mecum.kit.embedded_pg.log import LogFile
from mecum.kit.embedded_pg.postmaster import Postmaster, find, forget_foreign_pid, read_pid_file, wait_for_leftovers
from mecum.kit.embedded_pg.sockets import socket_directory
from mecum.kit.errors import StartError
from mecum.kit.process import Account, guarded, spawn

LOCK_FILE = "pg.lock"
START_TIMEOUT_S = 600.0
ORPHAN_SETTLE_S = 1.0
ORPHAN_STOP_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
ASK_EVERY_S = 1.0
IMMEDIATE_TIMEOUT_S = 10.0
_POLL_S = 0.01
_POLL_MAX_S = 0.1


class EmbeddedPostgres:
    """The PostgreSQL that comes with Mecum, on one data directory, reachable through a socket there alone.

    Args:
        data: the data directory; made when it is not there. `pg/` and `run/` in it are the server's.
        shared_buffers_mb: the server's page cache, MiB.
        max_connections: of all clients together.
        durable: False forgets the last seconds in a power cut and is for tests.
        parent_death_signal: what the server gets when this process dies: SIGINT lets it shut down in order. None lets
            it run on, and the next one to start here adopts it.
        purpose: what is said to whoever is refused because we hold the data directory.
    """

    def __init__(
        self,
        data: Path,
        *,
        shared_buffers_mb: int = 64,
        max_connections: int = 60,
        durable: bool = True,
        parent_death_signal: signal.Signals | None = signal.SIGINT,
        purpose: str = "mecum up",
    ) -> None:
        self.data = data.absolute()
        self._settings = _settings(shared_buffers_mb, max_connections, durable)
        self._parent_death_signal = parent_death_signal
        self._lock = DirectoryLock(self.data / LOCK_FILE, purpose)
        self._log = LogFile(self.data / "logs" / "postgres.log")
        self._postmaster: Postmaster | None = None
        self._log_start = 0
        self._has_run = False
        self._socket_directory = ""
        self._password = ""

    tool = staticmethod(binaries.tool)

    @property
    def pid(self) -> int | None:
        return None if self._postmaster is None else self._postmaster.pid

    @property
    def adopted(self) -> bool:
        """Whether the server was started by a process that is gone."""
        return self._postmaster is not None and self._postmaster.child is None

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Start the server, or adopt the one that runs, and return when it accepts connections.

        After a crash of the server it may be called again.

        Args:
            cancelled: asked while waiting; True gives up, stops the server and raises.

        Raises:
            StartError: the data directory is in use, of another major version or not reachable, or the server does not
                start.
        """
        if self._postmaster is not None and self._postmaster.alive():
            return
        if self._has_run and not (self.data / "pg").is_dir():
            raise StartError(
                "data_gone",
                f"The database in {self.data} has been removed while it ran.",
                "Put it back, or stop Mecum and start it again to begin anew.",
                params={"data": str(self.data)},
                retryable=True,
            )
        make_data_directory(self.data)
        self._lock.acquire()
        try:
            account = account_for(self.data / "pg")
            require_reachable(self.data, account)
            cluster = ensure_cluster(self.data, account)
            self._password = read_password(self.data)
            self._postmaster = self._adopt(cluster) or self._launch(cluster, account)
            self._wait_until_ready(cluster, cancelled)
            self._has_run = True
        except BaseException:
            self.stop()
            raise

    def url(self, database: str = DATABASE) -> str:
        """`postgresql://mecum:PASSWORD@/DATABASE?host=SOCKET_DIRECTORY`, for libpq, asyncpg and SQLAlchemy alike."""
        return _url(self._password, self._socket_directory, database)

    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._postmaster is not None and self._postmaster.alive()

    def tend(self) -> None:
        """Keep the log within its limit; call it now and then."""
        self._log.trim()

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Shut the server down in order; after `timeout_s` at once (nothing committed is lost, the next start
        recovers).
        """
        postmaster, self._postmaster = self._postmaster, None
        if postmaster is not None and postmaster.alive() and not _ended_in_order(postmaster, timeout_s):
            postmaster.send(signal.SIGQUIT)
            if not postmaster.wait(IMMEDIATE_TIMEOUT_S):
                postmaster.send(signal.SIGKILL)
                postmaster.wait(IMMEDIATE_TIMEOUT_S)
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _adopt(self, cluster: Path) -> Postmaster | None:
        found = find(cluster)
        if found is None:
            return None
        if _is_going(found, cluster):
            if not found.wait(ORPHAN_STOP_TIMEOUT_S):
                raise StartError(
                    "postgres_stopping",
                    f"The database of an earlier run (process {found.pid}) is still shutting down.",
                    "Wait for it, then start again.",
                    params={"pid": found.pid},
                    retryable=True,
                )
            return None
        return found

    def _launch(self, cluster: Path, account: Account | None) -> Postmaster:
        wait_for_leftovers(cluster)
        forget_foreign_pid(cluster)
        sockets = socket_directory(self.data, account)
        programs = binaries.bin_directory(self.data, account)
        command = [str(programs / "postgres"), "-D", str(cluster), "-k", str(sockets), *self._settings]
        self._log.trim()
        self._log_start = self._log.size()
        log = self._log.open()
        try:
            child = spawn(
                guarded(command, death_signal=self._parent_death_signal, account=account, umask=0o077),
                env=environment(cluster),
                cwd=Path("/"),
                stdout=log,
                stderr=log,
            )
        finally:
            os.close(log)
        return Postmaster(child.pid, child)

    def _wait_until_ready(self, cluster: Path, cancelled: Callable[[], bool]) -> None:
        """PostgreSQL notes its state in a file (as pg_ctl reads it); recovery after a crash may take minutes."""
        assert self._postmaster is not None
        deadline = time.monotonic() + START_TIMEOUT_S
        pause_s = _POLL_S
        while True:
            notes = read_pid_file(cluster)
            if notes is not None and notes.pid == self._postmaster.pid and notes.status == "ready":
                self._socket_directory = notes.socket_directory
                return
            if self._postmaster.wait(pause_s):
                raise self._start_error("The database stopped while it was starting")
            if cancelled():
                raise StartError("start_cancelled", "Starting was called off.", retryable=True)
            if time.monotonic() > deadline:
                raise self._start_error(f"The database was not ready within {START_TIMEOUT_S:.0f} s")
            pause_s = min(pause_s * 1.2, _POLL_MAX_S)

    def _start_error(self, what: str) -> StartError:
        tail = self._log.tail(self._log_start)[-800:] if self._log.path.exists() else ""
        return StartError(
            "postgres_failed",
            f"{what}: {tail}",
            f"Look into {self._log.path}, and check free space and memory.",
            params={"reason": f"{what}: {tail}", "log": str(self._log.path)},
            retryable=True,
        )


def running_url(data: Path, database: str = DATABASE) -> str | None:
    """The URL of the server that runs on `data` right now, whoever started it; None where there is none.

    Raises:
        StartError: it runs, but belongs to another user.
    """
    cluster = data.absolute() / "pg"
    try:
        if not cluster.is_dir() or find(cluster) is None:
            return None
        notes = read_pid_file(cluster)
    except PermissionError as error:
        raise not_ours(data) from error
    if notes is None or notes.status != "ready":
        return None
    return _url(read_password(data), notes.socket_directory, database)


def _is_going(orphan: Postmaster, cluster: Path) -> bool:
    """Whether the server of a dead process is shutting down; it can't be asked to stay then.

    Its parent-death signal may have been sent this moment, so it has a while to show.
    """
    deadline = time.monotonic() + ORPHAN_SETTLE_S
    while time.monotonic() < deadline:
        notes = read_pid_file(cluster)
        if notes is None or notes.status == "stopping" or orphan.wait(_POLL_S):
            return True
    return False


def _ended_in_order(postmaster: Postmaster, timeout_s: float) -> bool:
    """Whether it shut down. It is asked again and again: one that has only begun may not hear yet."""
    deadline = time.monotonic() + timeout_s
    while (left_s := deadline - time.monotonic()) > 0:
        postmaster.send(signal.SIGINT)
        if postmaster.wait(min(ASK_EVERY_S, left_s)):
            return True
    return False


def _url(password: str, socket_directory: str, database: str) -> str:
    name, host = quote(database, safe=""), quote(socket_directory, safe="/")
    return f"postgresql://{ROLE}:{quote(password, safe='')}@/{name}?host={host}"


def make_data_directory(data: Path) -> None:
    """Closed to others. As root others may walk through, because the database's user must, but not look around."""
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        if not data.is_dir():
            data.mkdir()
            data.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise not_writable(data, error) from error


def _settings(shared_buffers_mb: int, max_connections: int, durable: bool) -> list[str]:
    settings = {
        "listen_addresses": "",
        "port": "5432",
        "unix_socket_permissions": "0700",
        "shared_buffers": f"{shared_buffers_mb}MB",
        "max_connections": str(max_connections),
        "fsync": "on" if durable else "off",
        "synchronous_commit": "on" if durable else "off",
        "full_page_writes": "on" if durable else "off",
        # Many small statements on few cores: a worker process per statement costs more than it gives.
        "max_parallel_workers_per_gather": "0",
        "io_method": "sync",
        "jit": "off",
        "max_wal_size": "512MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # The log is for what happens to the server. Words of people stand in statements, parameters and details: none
        # of them here.
        "log_statement": "none",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
        "log_parameter_max_length": "0",
        "log_parameter_max_length_on_error": "0",
        "log_checkpoints": "off",
        "logging_collector": "off",
    }
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
