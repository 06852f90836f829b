"""Real processes of Mecum under test, and short HTTP requests to them."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

REPO = Path(__file__).parent.parent.parent
FAKE_SERVER = (sys.executable, str(REPO / "tests" / "support" / "fake_house.py"))
EXIT_WITHIN_S = 20


def environment(**more: str) -> dict[str, str]:
    """Ours without the settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MECUM_", "FAKE_"))}
    search = [str(REPO / "src"), str(REPO), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": ":".join(search), **more}


class Process:
    """A process that reports events as JSON lines. Killed at the end of the block if it still runs."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self.popen = subprocess.Popen(
            command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/"
        )
        self.events: list[dict[str, Any]] = []

    @property
    def pid(self) -> int:
        return self.popen.pid

    def event(self, name: str) -> dict[str, Any]:
        """The next event of this name; those before it are kept in `events`."""
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            found = json.loads(line)
            self.events.append(found)
            if found["event"] == name:
                return found
        raise AssertionError(f"it ended without {name!r}: {self.events} {self.errors()}")

    def tell(self, message: Mapping[str, object]) -> None:
        assert self.popen.stdin is not None
        self.popen.stdin.write(json.dumps(message).encode() + b"\n")
        self.popen.stdin.flush()

    def errors(self) -> str:
        assert self.popen.stderr is not None
        return self.popen.stderr.read().decode()

    def wait(self) -> int:
        return self.popen.wait(EXIT_WITHIN_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()
        for stream in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
            if stream is not None:
                stream.close()


def get(port: int, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (lower case) and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()
