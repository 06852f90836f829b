"""Processes under measurement: on which core they run, what they have used, what they hold. Linux only, by /proc."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

TARGET_CORE, LOAD_CORE = 0, 1
READY_WITHIN_S = 180.0
STOP_WITHIN_S = 20.0
POLL_S = 0.02


class NotStarted(Exception):
    """It ended by itself, or did not answer in time."""


def settle(core: int, pid: int = 0) -> None:
    """Let a process, this one by default, run on that core alone, where there is more than one; what it starts too."""
    if core < (os.cpu_count() or 1):
        os.sched_setaffinity(pid, {core})


def boost(pid: int, niceness: int) -> None:
    """Go before others on a busy machine. In a session of its own a process needs its group's niceness raised too."""
    if niceness:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.setpriority(os.PRIO_PROCESS, int(task.name), niceness)
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


@contextmanager
def running(
    command: Sequence[str], core: int, log: Path, env: Mapping[str, str], niceness: int = 0
) -> Iterator[subprocess.Popen[bytes]]:
    """A process for the length of the block, its output in `log`. What comes after runs on the core of the load."""
    settle(core)
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=env, start_new_session=True)
    settle(LOAD_CORE)
    boost(process.pid, niceness)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until_healthy(url: str, process: subprocess.Popen[bytes]) -> float:
    """Seconds until `url` answers 200.

    Raises:
        NotStarted: the process ended, or READY_WITHIN_S passed.
    """
    began = time.perf_counter()
    while time.perf_counter() - began < READY_WITHIN_S:
        if process.poll() is not None:
            raise NotStarted(f"it ended with {process.returncode}")
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as response:
            if response.status == 200:
                return time.perf_counter() - began
        time.sleep(POLL_S)
    raise NotStarted(f"{url} did not answer within {READY_WITHIN_S:.0f} s")


def family(pid: int) -> list[int]:
    """The process and all that descend from it."""
    found = [pid]
    for each in found:
        with suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def cpu_s(pids: Iterable[int]) -> float:
    """Seconds of a core that all their threads have run, by the scheduler's own count in nanoseconds."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def resident_mb(pids: Iterable[int]) -> float:
    total = 0
    for pid in pids:
        with suppress(OSError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6
