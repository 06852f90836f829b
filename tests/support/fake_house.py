"""A server process with a small app instead of Mecum: `python tests/support/fake_house.py`, told by its environment.

FAKE_GATE     a named pipe: importing takes until somebody has written to it
FAKE_REFUSE   building the app is refused
FAKE_STUCK    draining blocks the whole process
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from mecum.cli.edge import Asgi, Receive, Scope, Send
from mecum.cli.serve import House, run
from mecum.kit.errors import StartError


@dataclass
class FakeApp:
    """GET /pid, /database, /crash, /print; /slow answers when the app is draining, /hang and /hang/deaf never."""

    setup_url: str | None = None
    ready: bool = False
    draining: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def asgi(self) -> Asgi:
        return self._respond

    async def start(self) -> None:
        self.ready = True
        self.setup_url = f"http://localhost:{os.environ['MECUM_PORT']}/set-up#fake"

    async def drain(self, seconds: float) -> None:
        if os.environ.get("FAKE_STUCK"):
            time.sleep(60)  # noqa: ASYNC251  on purpose: nothing else may run
        self.draining.set()

    async def stop(self) -> None:
        self.ready = False

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/crash":
            os._exit(3)
        if path.startswith("/hang"):
            if path == "/hang/deaf":
                signal.signal(signal.SIGABRT, signal.SIG_IGN)
            hang_for_ever()
        if path == "/slow":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"begun ", "more_body": True})
            await self.draining.wait()
            await send({"type": "http.response.body", "body": b"and finished"})
            return
        if path == "/print":
            print("this is no event")
        said = {"/pid": str(os.getpid()), "/database": os.environ.get("MECUM_DATABASE_URL", "")}
        body = said.get(path, "fake").encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


def hang_for_ever() -> None:
    """In the event loop: nothing else in this process gets a turn."""
    threading.Event().wait()


async def build(_settings: object) -> FakeApp:
    if os.environ.get("FAKE_REFUSE"):
        raise StartError("owner_needed", "There is no owner yet.", "Start on this machine alone first.")
    return FakeApp()


def house() -> House:
    gate = os.environ.get("FAKE_GATE")
    if gate:
        Path(gate).read_bytes()
    return House(load=lambda: None, build=build)


if __name__ == "__main__":
    run(house)
