"""What this machine, or the container we live in, has to spare."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_UNLIMITED = 2**60


def available_memory_bytes(proc: Path = Path("/proc"), cgroup: Path = _CGROUP) -> int:
    """Memory that can be taken without swapping: of the machine, or what the control group still allows."""
    return min(_of_machine(proc), _of_cgroup(cgroup))


def _of_machine(proc: Path) -> int:
    try:
        for line in (proc / "meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass  # not Linux, or a sandbox that hides it: the physical memory is the next best thing
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _of_cgroup(cgroup: Path) -> int:
    """Control groups v2, with what the kernel can drop (file pages that are not in use) counted as free."""
    limit = _number(cgroup / "memory.max")
    used = _number(cgroup / "memory.current")
    if limit is None or used is None:
        return _UNLIMITED
    return max(0, limit - used + _inactive_file(cgroup))


def _inactive_file(cgroup: Path) -> int:
    try:
        lines = (cgroup / "memory.stat").read_text(encoding="ascii").splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("inactive_file ")), 0)
    except (OSError, ValueError, IndexError):
        return 0


def usable_cpus(cgroup: Path = _CGROUP) -> int:
    """Processors that this process may use: its affinity, or the quota of its control group rounded up."""
    count = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    try:
        quota, period = (cgroup / "cpu.max").read_text(encoding="ascii").split()
        if quota != "max":
            count = min(count, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        pass  # no control group, no quota
    return max(1, count)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
