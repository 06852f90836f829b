"""Making a cluster (PostgreSQL's word for a server's files), all or nothing, and checking that ours can open it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from mecum.kit.embedded_pg import binaries
from mecum.kit.embedded_pg.account import own
from mecum.kit.errors import StartError
from mecum.kit.process import Account, guarded

ROLE = "mecum"
DATABASE = "mecum"
SUPERUSER = "postgres"
PASSWORD_FILE = "postgres.password"  # noqa: S105  the name of a file
PART_PREFIX = "pg.part-"
INITDB_TIMEOUT_S = 120.0
FIRST_NORMAL_OBJECT_ID = 16384  # PostgreSQL, src/include/access/transam.h

# Everything that no statement of a client can leak into a log line. Errors in statements reach the client, who words
# them.
_ROLE_SETTINGS = ("log_min_messages = 'log'", "log_min_error_statement = 'panic'")

_ACCESS = f"""\
# Written by Mecum. Only its own role comes in, by socket and password; the superuser by single-user mode alone.
local all {ROLE} scram-sha-256
"""


def ensure_cluster(data: Path, account: Account | None) -> Path:
    """The cluster of `data`, made when there is none.

    It is built under another name and renamed when it is complete, so a kill in between leaves nothing half-made.

    Raises:
        StartError: it was made by another major version, or can't be made.
    """
    for leftover in data.glob(f"{PART_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    cluster = data / "pg"
    if cluster.is_dir():
        _require_same_major(cluster)
        return cluster
    # A new name each time: initdb of a process that was killed just now may still be writing to, or removing, its own.
    part = Path(tempfile.mkdtemp(prefix=PART_PREFIX, dir=data))
    own(part, account)
    password = secrets.token_urlsafe(24)
    _write_password(data, password)
    programs = binaries.bin_directory(data, account)
    _initialise(programs, part, account)
    _single_user(
        programs,
        part,
        account,
        "postgres",
        [
            f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'",
            f"GRANT pg_monitor TO {ROLE}",
            *(f"ALTER ROLE {ROLE} SET {setting}" for setting in _ROLE_SETTINGS),
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}",
        ],
    )
    # In both, because an extension that is not trusted can't be created by the role: databases made later have it from
    # the template.
    for database in ("template1", DATABASE):
        _single_user(programs, part, account, database, ["CREATE EXTENSION IF NOT EXISTS vector"])
    (part / "pg_hba.conf").write_text(_ACCESS, "utf-8")
    # syncfs is one call instead of a thousand: 0.06 s instead of 4 s on a busy disk.
    method = "syncfs" if sys.platform == "linux" else "fsync"
    _run([str(programs / "initdb"), "--sync-only", f"--sync-method={method}", "-D", str(part)], part, account)
    part.rename(cluster)
    _sync_folder(data)
    return cluster


def read_password(data: Path) -> str:
    """Raises: StartError: it is missing or not readable for the current user."""
    try:
        return (data / PASSWORD_FILE).read_text("ascii").strip()
    except FileNotFoundError as error:
        raise StartError(
            "database_no_password",
            f"{data / PASSWORD_FILE} is missing, so nobody can sign in to the database.",
            "Restore that file, or restore a backup into a new data directory.",
            params={"file": str(data / PASSWORD_FILE)},
        ) from error
    except PermissionError as error:
        raise not_ours(data) from error


def not_ours(folder: Path) -> StartError:
    return StartError(
        "data_not_ours",
        f"{folder} belongs to another user.",
        "Run this as the user that runs Mecum.",
        params={"folder": str(folder)},
    )


def environment(cluster: Path) -> dict[str, str]:
    """What the server's processes see: none of our secrets."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(cluster)}


def _require_same_major(cluster: Path) -> None:
    try:
        found = (cluster / "PG_VERSION").read_text("ascii").strip()
    except FileNotFoundError:
        found = "?"
    except PermissionError as error:
        raise not_ours(cluster) from error
    if found == str(binaries.major()):
        return
    raise StartError(
        "database_other_version",
        f"The data in {cluster} was written by PostgreSQL {found}; this Mecum brings {binaries.version()}.",
        f"With the Mecum that wrote it: mecum backup FILE. Then move {cluster} away, and with this one: "
        "mecum restore FILE.",
        params={"folder": str(cluster), "found": found, "ours": binaries.version()},
    )


def _write_password(data: Path, password: str) -> None:
    """Written and on disk before the cluster that needs it."""
    path = data / PASSWORD_FILE
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(f"{password}\n")
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _initialise(programs: Path, part: Path, account: Account | None) -> None:
    # The builtin provider sorts the same on every machine and after every upgrade of the system's C library.
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command = [
        str(programs / "initdb"),
        "-D",
        str(part),
        "-U",
        SUPERUSER,
        "--auth=reject",
        "--no-sync",
        "--no-instructions",
    ]
    _run([*command, *locale], part, account)
    # Otherwise what single-user mode makes gets numbers of the system's own objects, and pg_dump leaves it out.
    _run([str(programs / "pg_resetwal"), f"--next-oid={FIRST_NORMAL_OBJECT_ID}", "-D", str(part)], part, account)


def _single_user(programs: Path, part: Path, account: Account | None, database: str, statements: list[str]) -> None:
    settings = [
        "-c",
        "exit_on_error=on",
        "-c",
        "fsync=off",
        "-c",
        "log_min_messages=error",
        "-c",
        "log_min_error_statement=panic",
    ]
    command = [str(programs / "postgres"), "--single", "-D", str(part), *settings, database]
    _run(command, part, account, "".join(f"{statement}\n" for statement in statements))


def _run(command: list[str], part: Path, account: Account | None, words: str = "") -> None:
    try:
        done = subprocess.run(
            guarded(command, account=account, umask=0o077),
            input=words.encode(),
            capture_output=True,
            check=False,
            timeout=INITDB_TIMEOUT_S,
            env=environment(part),
            cwd="/",
        )
    except subprocess.TimeoutExpired as error:
        raise _not_made(f"it took longer than {INITDB_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip()[-600:]
        with suppress(OSError):
            shutil.rmtree(part)
        raise _not_made(reason)


def _not_made(reason: str) -> StartError:
    return StartError(
        "postgres_not_made",
        f"The database can't be made: {reason}",
        "Check free space and the rights of the data directory, then try again.",
        params={"reason": reason},
        retryable=True,
    )
