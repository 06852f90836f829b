"""How fast Mecum starts, what its help imports, and what it takes to be idle.

python bench/start.py
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.report import Row, write

MECUM = Path(sys.executable).with_name("mecum")
FORBIDDEN = ("sqlalchemy", "procrastinate", "mcp", "fastapi", "textual")
HELP_TRIES = 15
STARTS = 3
READY_WITHIN_S = 120.0
IDLE_FOR_S = 10.0


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the command to the first 200, and MB by process name once it has been idle for a while."""

    health_s: float
    ready_s: float
    memory_mb: dict[str, float]


def main() -> int:
    help_ms = [timed_ms([str(MECUM), "--help"]) for _ in range(HELP_TRIES)]
    asyncio_ms = [timed_ms([sys.executable, "-c", "import asyncio"]) for _ in range(HELP_TRIES)]
    imported = imported_by_help()
    with data_directory() as data:
        first = start(data, idle_s=0)
        later = [start(data, idle_s=IDLE_FOR_S if number == STARTS else 0) for number in range(1, STARTS + 1)]
    idle = later[-1].memory_mb
    rows = [
        Row("`mecum --help`", statistics.median(help_ms), "ms", 200, note=spread(help_ms, "ms")),
        Row(
            "`import asyncio` alone, in the same run",
            statistics.median(asyncio_ms),
            "ms",
            note="to compare machines by",
        ),
        Row("of " + ", ".join(FORBIDDEN) + ": imported by help", len(imported), "", 0, note=", ".join(imported)),
        Row("first start, `/readyz`", first.ready_s, "s", note="makes the database"),
        Row("second start, `/healthz`", median(later, "health_s"), "s", 1.0, note=f"median of {STARTS}"),
        Row(
            "second start, `/readyz`", median(later, "ready_s"), "s", 4.0, note=f"median of {STARTS}, embedded database"
        ),
        Row(
            "idle memory of the server",
            idle.get("server", 0.0),
            "MB",
            150,
            note="resident, no app linked, built-in model off",
        ),
        *(
            Row(f"idle memory, {name}", mb, "MB", note="proportional share")
            for name, mb in sorted(idle.items())
            if name != "server"
        ),
    ]
    return 0 if write("start", "Start and idle", rows) else 1


def timed_ms(command: list[str]) -> float:
    """Wall time of one run of `command`."""
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=True, env=environment())
    return (time.perf_counter() - began) * 1000


def imported_by_help() -> list[str]:
    """Which of the heavy libraries are loaded after `mecum --help`."""
    program = (
        "import json, sys\n"
        "from mecum.cli.main import main\n"
        "sys.argv = ['mecum', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(json.dumps([name for name in {FORBIDDEN!r} if name in sys.modules]), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment()
    )
    return json.loads(done.stderr.strip().splitlines()[-1])


def start(data: Path, *, idle_s: float) -> Start:
    """Start on `data`, wait until ready, stay idle for `idle_s`, stop."""
    port = free_port()
    began = time.perf_counter()
    with (data.parent / "log").open("ab") as log:
        command = [str(MECUM), "up", "--data", str(data), "--port", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment(), start_new_session=True)
    try:
        health_s = wait_for(f"http://localhost:{port}/healthz", began, process)
        ready_s = wait_for(f"http://localhost:{port}/readyz", began, process)
        if idle_s:
            time.sleep(idle_s)
        return Start(health_s, ready_s, memory_mb(process.pid) if idle_s else {})
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(url: str, began: float, process: subprocess.Popen[bytes]) -> float:
    """Seconds from `began` to the first 200 of `url`."""
    while time.perf_counter() - began < READY_WITHIN_S:
        if process.poll() is not None:
            raise RuntimeError(f"mecum up ended with {process.returncode}")
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as response:
            if response.status == 200:
                return time.perf_counter() - began
        time.sleep(0.01)
    raise TimeoutError(f"{url} did not answer within {READY_WITHIN_S:.0f} s")


def memory_mb(supervisor: int) -> dict[str, float]:
    """MB of the server (resident); of it and all others also their share of shared pages."""
    found: dict[str, float] = {}
    for pid in (supervisor, *descendants(supervisor)):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        if "mecum.cli.serve" in command:
            found["server"] = rollup_mb(pid, "Rss")
            name = "server, proportional"
        elif pid == supervisor:
            name = "supervisor"
        else:
            name = "database" if "postgres" in command else "other children"
        found[name] = found.get(name, 0.0) + rollup_mb(pid, "Pss")
    return found


def descendants(pid: int) -> Iterator[int]:
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            yield child
            yield from descendants(child)


def rollup_mb(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024 / 1e6
    return 0.0


@contextmanager
def data_directory() -> Iterator[Path]:
    """An empty one, removed afterwards. As root the database has a user of its own, who must get there."""
    parent = Path(tempfile.mkdtemp(prefix="mecum-bench-"))
    parent.chmod(0o711)
    try:
        yield parent / "data"
    finally:
        shutil.rmtree(parent, ignore_errors=True)


def environment() -> dict[str, str]:
    """Without the settings of another installation; nothing is downloaded, no model is loaded."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MECUM_")}
    return {**kept, "MECUM_LOCAL_MODEL": "none", "MECUM_ALLOW_NETWORK": "0"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def median(starts: list[Start], name: str) -> float:
    return statistics.median(getattr(each, name) for each in starts)


def spread(values: list[float], unit: str) -> str:
    return f"median of {len(values)}, {min(values):.0f} to {max(values):.0f} {unit}"


if __name__ == "__main__":
    sys.exit(main())
