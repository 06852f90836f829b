"""A running server on a cluster: found through its `postmaster.pid`, whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from mecum.kit.errors import StartError
from mecum.kit.process import wait_gone

Status: TypeAlias = Literal["starting", "ready", "stopping", "unknown"]

LEFTOVERS_WITHIN_S = 15.0
PID_FILE = "postmaster.pid"
_STATUSES: dict[str, Status] = {"starting": "starting", "ready": "ready", "stopping": "stopping"}


@dataclass(frozen=True, slots=True)
class PidFile:
    """What the server notes about itself (PostgreSQL, src/include/utils/pidfile.h)."""

    pid: int
    socket_directory: str
    status: Status


class Postmaster:
    """The server's first process: our child, or adopted from a supervisor that died."""

    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None = None) -> None:
        self.pid = pid
        self.child = child

    def alive(self) -> bool:
        if self.child is not None:
            return self.child.poll() is None
        return not wait_gone(self.pid, 0)

    def send(self, number: signal.Signals) -> None:
        if self.child is not None:
            self.child.send_signal(number)
            return
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def wait(self, timeout_s: float) -> bool:
        """Returns: whether it ended within `timeout_s`."""
        gone = wait_gone(self.pid, timeout_s)
        if gone and self.child is not None:
            self.child.wait()
        return gone


def read_pid_file(cluster: Path) -> PidFile | None:
    """The notes of the last server, running or not; None where there is none or it is still being written."""
    try:
        lines = (cluster / PID_FILE).read_text("utf-8", "replace").split("\n")
    except FileNotFoundError:
        return None
    if not lines[0].strip().isdigit():
        return None
    socket_directory = lines[4].strip() if len(lines) > 4 else ""
    status = _STATUSES.get(lines[7].strip(), "unknown") if len(lines) > 7 else "unknown"
    return PidFile(int(lines[0]), socket_directory, status)


def find(cluster: Path) -> Postmaster | None:
    """The server that runs on `cluster`. A process that merely got the same number later is not taken for it.

    Raises:
        StartError: another process has the number and hides from us what it does.
    """
    notes = read_pid_file(cluster)
    works_here = notes is not None and _works_in(notes.pid, cluster)
    if notes is not None and works_here is None:
        raise StartError(
            "postgres_unclear",
            f"Process {notes.pid} may be the database server of {cluster}, which can't be told from here.",
            f"Stop it. If it is something else, remove {cluster / PID_FILE}.",
            params={"pid": notes.pid, "folder": str(cluster), "file": str(cluster / PID_FILE)},
        )
    return Postmaster(notes.pid) if notes is not None and works_here else None


def forget_foreign_pid(cluster: Path) -> None:
    """Make PostgreSQL see that the note of a dead server is stale when its number belongs to another process by now.

    The first line gets our own number, which PostgreSQL never takes for a server because we are its parent. The file
    itself must stay: its shared memory key is how PostgreSQL notices that processes of the dead server still run.
    """
    notes = read_pid_file(cluster)
    if notes is None or wait_gone(notes.pid, 0):
        return
    with open(os.open(cluster / PID_FILE, os.O_RDWR | os.O_NOFOLLOW), "r+", encoding="utf-8") as file:
        lines = file.read().split("\n")
        file.seek(0)
        file.write("\n".join([str(os.getpid()), *lines[1:]]))
        file.truncate()


def wait_for_leftovers(cluster: Path) -> None:
    """Give the processes of a killed server time to notice and end (Linux)."""
    if sys.platform != "linux" or not (cluster / PID_FILE).exists():
        return
    for entry in os.listdir("/proc"):
        if entry.isdigit() and _works_in(int(entry), cluster):
            wait_gone(int(entry), LEFTOVERS_WITHIN_S)


def _works_in(pid: int, cluster: Path) -> bool | None:
    """Every process of a server has its cluster as working directory. None: it is hidden from us (proc(5))."""
    if sys.platform != "linux":
        return not wait_gone(pid, 0)
    here = cluster.stat()
    try:
        if os.stat(f"/proc/{pid}").st_uid != here.st_uid:
            return False
        there = os.stat(f"/proc/{pid}/cwd")
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        return None
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
