"""Where the server's socket is: `run/` in the data directory, or a short folder when that path is too long."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from mecum.kit.embedded_pg.account import own
from mecum.kit.errors import StartError
from mecum.kit.process import Account

SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 107 bytes on Linux and 103 on macOS, and PostgreSQL makes a lock file name of it.
PATH_BYTES_MAX = 100
RECORD = "socket-directory"


def socket_directory(data: Path, account: Account | None) -> Path:
    """The folder for the socket, made with mode 0700 for the server's user.

    Raises:
        StartError: the folder belongs to somebody else.
    """
    inside = data.resolve() / "run"
    if len(os.fsencode(inside / SOCKET_NAME)) <= PATH_BYTES_MAX:
        _make(inside, account)
        return inside
    recorded = _recorded(data)
    if recorded is not None:
        with suppress(OSError, StartError):
            _make(recorded, account)
            return recorded
    outside = Path(tempfile.mkdtemp(prefix="mecum-", dir=_runtime_directory(account)))
    own(outside, account)
    (data / RECORD).write_text(f"{outside}\n", "utf-8")
    return outside


def _recorded(data: Path) -> Path | None:
    with suppress(FileNotFoundError):
        text = (data / RECORD).read_text("utf-8").strip()
        return Path(text) if text else None
    return None


def _runtime_directory(account: Account | None) -> str:
    """$XDG_RUNTIME_DIR is closed to others, so a system user needs a common place."""
    own_runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if (
        account is None
        and own_runtime
        and len(os.fsencode(own_runtime)) < PATH_BYTES_MAX // 2
        and os.path.isdir(own_runtime)
    ):
        return own_runtime
    return "/tmp"  # noqa: S108  short everywhere; mkdtemp makes a 0700 folder with a name that can't be guessed


def _make(folder: Path, account: Account | None) -> None:
    """In a common place somebody else may have made the folder: then it is not ours to trust."""
    user = os.geteuid() if account is None else account.uid
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        folder.chmod(0o700)
        own(folder, account)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != user or status.st_mode & 0o077:
        raise StartError(
            "socket_folder_not_ours",
            f"{folder} must be a folder with mode 0700 of the user that the database runs as.",
            f"Remove it; Mecum makes it again: rm -r {folder}",
            params={"folder": str(folder)},
        )
