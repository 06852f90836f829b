"""Another process that runs an embedded database, and short statements."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import psycopg

REPO = Path(__file__).parent.parent.parent


def fetch(url: str, statement: str) -> str:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return str(row[0])


def holder(
    data: Path, *, dies_with_us: bool, user: str | None = None, python: Path = Path(sys.executable)
) -> subprocess.Popen[str]:
    """Another process that runs a server on `data` and prints the server's number."""
    death = "signal.SIGINT" if dies_with_us else "None"
    program = f"""
import signal, sys
from pathlib import Path
from mecum.kit.embedded_pg import EmbeddedPostgres
server = EmbeddedPostgres(Path({str(data)!r}), durable=False, parent_death_signal={death})
server.start()
print(server.pid, flush=True)
sys.stdin.read()
server.stop()
"""
    wheels = Path(psycopg.__file__).parent.parent
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{REPO / 'src'}:{wheels}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.Popen(
        [python, "-c", program],
        env=environment,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str], *, kill: bool = False) -> int:
    if kill:
        process.kill()
        process.wait()
    process.communicate(timeout=30)
    return process.returncode
