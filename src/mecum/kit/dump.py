"""Dump and restore of the database part of a backup, for the embedded database and for any other.

A dump is PostgreSQL's custom format, made by `pg_dump` from one snapshot while the service runs. A restore is one
transaction: at any failure the database is as it was before.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, unquote, urlsplit

from mecum.kit.embedded_pg import tool
from mecum.kit.embedded_pg.binaries import missing
from mecum.kit.errors import BadRequest, Conflict, StartError, Unavailable

__all__ = ["dump_database", "holds_data", "restore_database"]

LOCK_TIMEOUT_MS = 30_000
CHUNK_BYTES = 1 << 20
MAGIC = b"PGDMP"
ERROR_CHARS = 800
NAMED_MAX = 20

Progress = Callable[[int], None]


def dump_database(url: str, file: Path, *, progress: Progress = lambda _: None) -> None:
    """Write all of the database to `file` (mode 600), which appears only when it is complete and on disk.

    Args:
        url: `postgresql://...`, as everywhere.
        progress: told the bytes written so far.

    Raises:
        Unavailable: the database can't be reached or does not let us read.
        StartError: no `pg_dump` that can read this server.
    """
    part = file.with_name(f"{file.name}.part")
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--lock-wait-timeout={LOCK_TIMEOUT_MS}"]
    command = [str(_tool("pg_dump")), "--no-password", *options]
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as target:
            _stream(command, _connection(url), target, progress)
            target.flush()
            os.fsync(target.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def restore_database(url: str, file: Path, *, drop_others: bool = False, progress: Progress = lambda _: None) -> None:
    """Put the database into the state of `file`: all schemas but `public` are replaced. The service must not run
    meanwhile.

    Args:
        progress: told the bytes of statements sent so far.
        drop_others: also drop schemas that are not in the dump (the embedded database is Mecum's alone, so nobody else
            misses them).

    Raises:
        BadRequest: `file` is not a dump.
        Conflict: the database has schemas that the dump does not know, and `drop_others` is False; or something still
            uses it.
        Unavailable: the database can't be reached, or refuses a statement; it is unchanged.
        StartError: the programs are missing.
    """
    with file.open("rb") as source:
        if source.read(len(MAGIC)) != MAGIC:
            raise _unreadable(file, "it is no database dump")
    schemas = _schemas_in_dump(file)
    connection = _connection(url)
    present = _schemas_in_database(connection)
    others = ", ".join(sorted(set(present) - set(schemas))[:NAMED_MAX])
    if others and not drop_others:
        raise Conflict(
            "backup_other_schemas",
            f"The database holds schemas that are not in the backup: {others}.",
            "Restore into an empty database, or drop them first.",
            params={"schemas": others},
        )
    _apply(connection, file, present, progress)


def holds_data(url: str) -> bool:
    """Whether the database has schemas beside `public`.

    Raises:
        Unavailable: the database can't be reached.
    """
    return bool(_schemas_in_database(_connection(url)))


def is_in_use(url: str) -> bool:
    """Whether a process of ours is connected to the database, wherever it runs.

    Raises:
        Unavailable: the database can't be reached.
    """
    return _asked(_connection(url), _OURS) != ["0"]


# The name that every connection of ours gives itself: see `Database`.
_OURS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'mecum' AND pid <> pg_backend_pid()
"""
_CREATE_SCHEMA = re.compile(r"^CREATE SCHEMA (.+);$", re.MULTILINE)
# `public` stays: the extensions live there, and only a superuser can make those again.
_SCHEMAS = r"""
SELECT quote_ident(nspname) FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public') ORDER BY nspname
"""


def _schemas_in_dump(file: Path) -> list[str]:
    """As SQL identifiers."""
    command = [_tool("pg_restore"), "--section=pre-data", "--file=-", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise _unreadable(file, done.stderr)
    return _CREATE_SCHEMA.findall(done.stdout)


def _schemas_in_database(connection: dict[str, str]) -> list[str]:
    """As SQL identifiers."""
    return _asked(connection, _SCHEMAS)


def _asked(connection: dict[str, str], query: str) -> list[str]:
    """The rows of a query of one column."""
    command = [str(_tool("psql")), "--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--command", query]
    done = subprocess.run(command, env=_environment(connection), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise _refusal(done.stderr)
    return done.stdout.split("\n")[:-1]


def _apply(connection: dict[str, str], file: Path, drop: list[str], progress: Progress) -> None:
    """pg_restore's statements go to psql in one transaction that is committed only after pg_restore has ended well."""
    options = ["--no-owner", "--no-privileges", "--no-comments"]
    psql = [
        str(_tool("psql")),
        "--no-psqlrc",
        "--no-password",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        "--output=/dev/null",
    ]
    database = subprocess.Popen(psql, env=_environment(connection), stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert database.stdin is not None and database.stderr is not None
    errors = _Words(database.stderr)
    begin = ["BEGIN;", f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS};", "SET LOCAL client_min_messages = error;"]
    script = "\n".join([*begin, *(f"DROP SCHEMA {name} CASCADE;" for name in drop), ""])
    try:
        database.stdin.write(script.encode())
        _stream([str(_tool("pg_restore")), *options, "--file=-", str(file)], {}, database.stdin, progress)
        database.stdin.write(b"\nCOMMIT;\n")
        database.stdin.flush()
    except BrokenPipeError:
        pass  # psql has stopped at an error: its exit code and words say which
    except Unavailable as error:
        raise _unreadable(file, error.detail) from error
    finally:
        with suppress(BrokenPipeError):
            database.stdin.close()
        code = database.wait()
        words = errors.read()
    if code != 0:
        raise _refusal(words)


def _stream(command: list[str], connection: dict[str, str], target: IO[bytes], progress: Progress) -> None:
    process = subprocess.Popen(command, env=_environment(connection), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    errors = _Words(process.stderr)
    written = 0
    try:
        while chunk := process.stdout.read(CHUNK_BYTES):
            target.write(chunk)
            written += len(chunk)
            progress(written)
    except BaseException:
        process.kill()
        raise
    finally:
        code = process.wait()
        words = errors.read()
        process.stdout.close()
    if code != 0:
        raise _refusal(words)


class _Words:
    """The last words of a program, read beside its work so that it never waits for a reader."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._kept: list[bytes] = []
        self._reader = threading.Thread(target=self._drain, daemon=True)
        self._reader.start()

    def read(self) -> str:
        self._reader.join()
        self._source.close()
        return b"".join(self._kept).decode("utf-8", "replace")

    def _drain(self) -> None:
        while chunk := self._source.read(4096):
            self._kept[:] = [*self._kept[-4:], chunk]


def _unreadable(file: Path, words: str) -> BadRequest:
    reason = words.strip()[-ERROR_CHARS:]
    return BadRequest(
        "backup_not_a_dump",
        f"{file} can't be restored: {reason}",
        "Name a file that `mecum backup` wrote, and check that it is complete.",
        params={"file": str(file), "reason": reason},
    )


def _refusal(errors: str) -> Unavailable | Conflict | StartError:
    words = errors.strip()[-ERROR_CHARS:]
    if "server version mismatch" in words:
        return StartError(
            "postgres_tools_old",
            f"The database is newer than our programs: {words}",
            "Install PostgreSQL's newer client programs.",
            params={"reason": words},
        )
    if "lock timeout" in words or "canceling statement due to lock" in words:
        return in_use()
    return Unavailable(
        "backup_failed", f"The database refused: {words}", "The database is unchanged.", params={"reason": words}
    )


def in_use() -> Conflict:
    return Conflict("backup_in_use", "Something still uses the database.", "Stop Mecum, then try again.")


def _connection(url: str) -> dict[str, str]:
    """libpq's variables for `url`: a command line can be read by every user of the machine, an environment can't."""
    parts = urlsplit(url)
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    port = str(parts.port) if parts.port else query.get("port", "")
    wanted = {
        "PGHOST": query.get("host") or parts.hostname or "",
        "PGPORT": port,
        "PGUSER": unquote(parts.username or query.get("user", "")),
        "PGPASSWORD": unquote(parts.password or query.get("password", "")),
        "PGDATABASE": unquote(parts.path.lstrip("/")) or query.get("dbname", ""),
        "PGSSLMODE": query.get("sslmode") or query.get("ssl", ""),
        "PGSSLROOTCERT": query.get("sslrootcert", ""),
        "PGCONNECT_TIMEOUT": "15",
        "PGAPPNAME": "mecum",
    }
    return {name: value for name, value in wanted.items() if value}


def _environment(connection: dict[str, str]) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "LC_ALL": "C.UTF-8",
        "HOME": os.environ.get("HOME", "/"),
        **connection,
    }


def _tool(name: str) -> Path:
    """The wheel's program, or the machine's where the wheel has none."""
    with suppress(StartError):
        return tool(name)
    found = shutil.which(name)
    if found is None:
        raise missing(name)
    return Path(found)
