"""Child processes that can't outlive us, grow without limit or get in the way.

Light: the supervisor imports it. A child runs in a session of its own, so that Ctrl-C reaches the supervisor alone and
children are stopped in order. Children in asyncio code are started with `asyncio.create_subprocess_exec(*guarded(...),
start_new_session=True)` from the loop's thread.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias

__all__ = ["Account", "guarded", "spawn", "wait_gone"]

Stream: TypeAlias = int | IO[bytes] | None

_EXEC = str(Path(__file__).with_name("_exec.py"))
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Account:
    """A system user that a child runs as."""

    name: str
    uid: int
    gid: int


def guarded(
    argv: Sequence[str],
    *,
    death_signal: signal.Signals | None = signal.SIGTERM,
    account: Account | None = None,
    memory_bytes: int | None = None,
    nice: int = 0,
    oom_score: int = 0,
    umask: int | None = None,
) -> list[str]:
    """The command line that runs `argv` guarded; `argv[0]` is an absolute path.

    Args:
        death_signal: what the kernel sends the child when the *thread* that starts it ends (Linux); None: it may
            outlive us.
        account: whom to become; only root can.
        memory_bytes: limit of private memory (RLIMIT_DATA). Mapped files, such as model weights, do not count.
        nice: added to the priority value: 10 gives way to everything else.
        oom_score: -1000 to 1000; the kernel ends the highest first when memory is short. Only root may go below 0.
        umask: of the child.
    """
    settings: dict[str, str] = {}
    if death_signal is not None:
        settings |= {"parent": str(os.getpid()), "signal": str(int(death_signal))}
    if account is not None:
        settings["user"] = f"{account.uid}:{account.gid}"
    if memory_bytes is not None:
        settings["memory"] = str(memory_bytes)
    if nice:
        settings["nice"] = str(nice)
    if oom_score:
        settings["oom"] = str(oom_score)
    if umask is not None:
        settings["umask"] = f"{umask:o}"
    return [sys.executable, "-I", "-S", _EXEC, *(f"{key}={value}" for key, value in settings.items()), "--", *argv]


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: Stream = subprocess.DEVNULL,
    stdout: Stream = None,
    stderr: Stream = None,
) -> subprocess.Popen[bytes]:
    """Start a command (usually from `guarded`) in a session of its own.

    May be called from any thread: the parent-death signal follows the thread that forks, so outside the main thread one
    that lives as long as the process does it.
    """

    def popen() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command, env=env, cwd=cwd, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True
        )

    if threading.current_thread() is threading.main_thread():
        return popen()
    return _keeper().submit(popen).result()


_keeper_lock = threading.Lock()
_keepers: list[ThreadPoolExecutor] = []


def _keeper() -> ThreadPoolExecutor:
    with _keeper_lock:
        if not _keepers:
            _keepers.append(ThreadPoolExecutor(max_workers=1, thread_name_prefix="children"))
        return _keepers[0]


def wait_gone(pid: int, timeout_s: float) -> bool:
    """Wait until a process, child or not, has ended; a child that ended and was not yet reaped counts as gone.

    Returns: whether it is gone.
    """
    if sys.platform == "linux":
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        except OSError:
            return _poll_gone(pid, timeout_s)  # a kernel or sandbox without pidfd_open(2)
        try:
            return _readable(descriptor, timeout_s)
        finally:
            os.close(descriptor)
    return _poll_gone(pid, timeout_s)


def _poll_gone(pid: int, timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while _exists(pid):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _readable(descriptor: int, timeout_s: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, timeout_s) * 1000))


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
