"""What is killed, and comes back: a server on a database of its own, or the whole of `mecum up`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import aiohttp

from tests.support.processes import REPO

SERVER = (sys.executable, "-m", "tests.crash.server")
READY_WITHIN_S = 90
UP = """
import sys
from pathlib import Path
from mecum.cli.up import Options, run_up
options = Options(host="127.0.0.1", port={port}, data=Path({data!r}))
sys.exit(run_up(options, json=True, server={server!r}))
"""


class Victim(Protocol):
    """Something that serves at `url`, dies at `strike` and serves again when it returns."""

    starts: list[float]
    environment: dict[str, str]

    @property
    def url(self) -> str: ...

    async def start(self) -> None: ...

    async def strike(self, chance: random.Random) -> None: ...

    def end(self) -> None: ...


@dataclass
class Server:
    """A server process that is killed and started again on the same data, database and port."""

    environment: dict[str, str]
    port: int = 0
    process: subprocess.Popen[str] | None = None
    starts: list[float] = field(default_factory=list[float])

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    async def start(self) -> None:
        began = time.monotonic()
        environment = self.environment | {"MECUM_PORT": str(self.port)}
        self.process = _spawn(SERVER, environment)
        assert self.process.stdout is not None
        while True:
            line = await asyncio.to_thread(self.process.stdout.readline)
            assert line, "the server ended before it was ready"
            event = json.loads(line)
            self.port = event.get("port", self.port)
            if event["event"] == "ready":
                self.starts.append(time.monotonic() - began)
                return

    async def strike(self, chance: random.Random) -> None:
        self.end()
        await self.start()

    def end(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(15)
        self.process.stdout.close()


@dataclass
class Installation:
    """`mecum up` with its database. The supervisor, the database or the server is killed, whichever chance wants.

    The first has to be started again, as a service manager does; the others it starts again by itself.
    """

    environment: dict[str, str]
    data: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    starts: list[float] = field(default_factory=list[float])

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    async def start(self) -> None:
        self.port = self.port or _free_port()
        program = UP.format(port=self.port, data=str(self.data), server=SERVER)
        self.process = _spawn([sys.executable, "-c", program], self.environment, stdout=subprocess.DEVNULL)
        await self._ready()

    async def strike(self, chance: random.Random) -> None:
        assert self.process is not None
        who = chance.choice(["supervisor", "database", "server"])
        if who == "supervisor":
            self.process.kill()
            self.process.wait(15)
            await self.start()
            return
        with suppress(ProcessLookupError, FileNotFoundError):
            os.kill(self._database() if who == "database" else self._server(), signal.SIGKILL)
        await self._ready()

    def end(self) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait(30)

    def _database(self) -> int:
        return int((self.data / "pg" / "postmaster.pid").read_text().split("\n")[0])

    def _server(self) -> int:
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        found = [pid for pid in children if "tests.crash.server" in Path(f"/proc/{pid}/cmdline").read_text()]
        if not found:
            raise ProcessLookupError
        return int(found[0])

    async def _ready(self) -> None:
        began = time.monotonic()
        async with asyncio.timeout(READY_WITHIN_S), aiohttp.ClientSession() as session:
            while True:
                with suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with session.get(f"{self.url}/readyz", timeout=aiohttp.ClientTimeout(total=5)) as answer:
                        if answer.status == 200:
                            break
                await asyncio.sleep(0.1)
        self.starts.append(time.monotonic() - began)


def _spawn(command: Sequence[str], env: dict[str, str], stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    return subprocess.Popen(command, env=env, cwd=REPO, stdout=stdout, text=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]
