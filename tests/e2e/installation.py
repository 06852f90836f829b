"""An installation as an operator starts it: `mecum up` as a process, on a database of its own."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.data_directory import open_folder
from tests.support.processes import Process, environment


@dataclass(frozen=True)
class Installation:
    """A running `mecum up`. `setup_url` is the link that it printed."""

    process: Process
    data: Path
    url: str
    setup_url: str

    def kill_server(self) -> None:
        """kill -9 of the server; the supervisor lives on."""
        listening = [event for event in self.process.events if event["event"] == "listening"]
        os.kill(listening[-1]["pid"], signal.SIGKILL)

    def until(self, event: str) -> dict[str, Any]:
        return self.process.event(event)


@contextmanager
def installation(database_url: str = "", **settings: str) -> Generator[Installation]:
    """`settings` are `MECUM_*` without the prefix, in small letters. Without a database URL it has the embedded one."""
    named = {f"MECUM_{name.upper()}": value for name, value in settings.items()}
    chosen = {"MECUM_LOCAL_MODEL": "none", "MECUM_LOG_LEVEL": "error", "MECUM_ALLOW_NETWORK": "0", **named}
    if database_url:
        chosen["MECUM_DATABASE_URL"] = database_url
    with open_folder() as folder:
        data = folder / "data"
        command = [
            sys.executable,
            "-m",
            "mecum.cli.main",
            "up",
            "--json",
            "--port",
            str(free_port()),
            "--data",
            str(data),
        ]
        process = Process(command, environment(**chosen))
        try:
            ready = process.event("ready")
            yield Installation(process, data, ready["address"], ready["setup_url"] or "")
        finally:
            process.popen.send_signal(signal.SIGTERM)
            process.popen.communicate(timeout=30)


def free_port() -> int:
    """A port that was free a moment ago: the server needs the same again when it comes back."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]
