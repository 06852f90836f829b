"""Who the database server runs as.

PostgreSQL refuses root. As an ordinary user it runs as that user; as root it gets a system user of its own that owns
`pg/` and `run/` and nothing else. That user must be able to walk to them, and no folder is ever opened for it: who
closed it had a reason.
"""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from mecum.kit.errors import StartError
from mecum.kit.process import Account

SYSTEM_USER = "mecum-postgres"
USERADD_TIMEOUT_S = 20.0


def account_for(cluster: Path) -> Account | None:
    """The account for the server of `cluster`, or None for the current user.

    As root an existing cluster keeps its owner.

    Raises:
        StartError: root, and there is no way to make a system user.
    """
    if os.geteuid() != 0:
        return None
    if cluster.is_dir():
        owner = cluster.stat()
        if owner.st_uid != 0:
            return Account(_name(owner.st_uid), owner.st_uid, owner.st_gid)
    return _system_user()


def closed_parent(path: Path, account: Account) -> Path | None:
    """The first folder above `path` (links resolved) that `account` can't walk through, or None."""
    for parent in reversed(path.resolve().parents):
        if not _can_enter(parent.stat(), account):
            return parent
    return None


def require_reachable(data: Path, account: Account | None) -> None:
    """Refuse a data directory that `account` can't reach.

    Raises:
        StartError: names the folder that is closed, and what to do.
    """
    if account is None:
        return
    closed = closed_parent(data / "pg", account)
    if closed is None:
        return
    raise StartError(
        "data_not_reachable",
        f"As root the database runs as the system user {account.name}, which can't enter {closed}.",
        "Use a data directory elsewhere (--data /var/lib/mecum), run Mecum as an ordinary user, or allow it: "
        f"chmod o+x {closed}",
        params={"folder": str(closed), "user": account.name},
    )


def own(path: Path, account: Account | None) -> None:
    """Give one file or folder of ours to `account`."""
    if account is not None:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _can_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _system_user() -> Account:
    existing = _lookup()
    if existing is not None:
        return existing
    program = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    problem = "there is no useradd"
    if program is not None:
        command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=USERADD_TIMEOUT_S)
        # Also when it failed: another process may have made the user in between.
        existing = _lookup()
        if existing is not None:
            return existing
        problem = done.stderr.strip()[-300:]
    raise StartError(
        "postgres_no_user",
        f"As root the database needs the system user {SYSTEM_USER}, which can't be made ({problem}).",
        "Make that user, run Mecum as an ordinary user, or set MECUM_DATABASE_URL to a PostgreSQL of your own.",
        params={"user": SYSTEM_USER, "reason": problem},
    )


def _lookup() -> Account | None:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
