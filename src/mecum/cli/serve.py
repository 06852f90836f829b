"""The server process: `python -m mecum.cli.serve`, usually started by `mecum up`.

It listens and answers `/healthz` at once, imports and builds the app beside that, and then hands all requests to it.

    starting   503 for everything but /healthz
    open       the app answers
    draining   SIGTERM: the app refuses new work and finishes or hands back what runs, at most 6 s
    stopping   503 again, open responses end within 1 s, the app stops

Exit codes: 0 stopped as asked, 78 refused to start (starting again changes nothing), anything else is a crash.
"""

from __future__ import annotations

import asyncio
import faulthandler
import gc
import importlib
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any, Protocol

import uvloop

from mecum.cli.edge import CONNECTIONS_MAX, Asgi, HttpServer, Switchboard, http_server, listen
from mecum.cli.link import BEAT_S, EXIT_ORPHANED, EXIT_REFUSED, LINE_BYTES_MAX, SUPERVISED, Events, decode, refusal
from mecum.kit.embedded_pg import DirectoryLock
from mecum.kit.errors import StartError

logger = logging.getLogger(__name__)

DRAIN_S = 6.0
STOP_S = 1.5
ORPHAN_EXIT_S = 12.0
READY_POLL_S = 0.05
OPEN_FILES = 65_536
COLLECTED_AFTER = (20_000, 10, 20)
EXIT_CRASHED = 1
LOCK_FILE = "server.lock"
PURPOSE = "mecum up, its server"


class App(Protocol):
    """What `mecum.app.build` gives."""

    @property
    def asgi(self) -> Asgi: ...
    @property
    def setup_url(self) -> str | None: ...
    @property
    def ready(self) -> bool: ...
    async def start(self) -> None: ...
    async def drain(self, seconds: float) -> None: ...
    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class House:
    """What is heavy to import: how settings are read, and how the app is built from them."""

    load: Callable[[], Any]
    build: Callable[[Any], Awaitable[App]]


def mecum_house() -> House:
    """Takes seconds of one core, so it runs in a thread. The only importer of `mecum.app` beside tests."""
    settings, app = importlib.import_module("mecum.settings"), importlib.import_module("mecum.app")
    telemetry = importlib.import_module("mecum.kit.telemetry")

    async def build(chosen: Any) -> App:
        telemetry.configure_logging(chosen.kit.log_level, chosen.kit.log_format)
        telemetry.configure_tracing()
        return await app.build(chosen)

    return House(settings.load, build)


class Serving:
    """One life of the server process."""

    def __init__(self, house: Callable[[], House], events: Events, server: HttpServer, board: Switchboard) -> None:
        self._house = house
        self._events = events
        self._server = server
        self._board = board
        self._loop = asyncio.get_running_loop()
        self._began = time.monotonic()
        self._stop_asked = asyncio.Event()
        self._database_url: asyncio.Future[str] = self._loop.create_future()
        self._app: App | None = None

    async def run(self, sockets: list[socket], supervised: bool) -> int:
        """Returns: the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop_asked.set)
        if supervised:
            threading.Thread(target=self._listen_to_supervisor, name="supervisor", daemon=True).start()
            self._beat()
        else:
            self._database_url.set_result(os.environ.get("MECUM_DATABASE_URL", ""))
        http = asyncio.create_task(self._server.serve(sockets), name="http")
        stop = asyncio.create_task(self._stop_asked.wait(), name="stop")
        start = asyncio.create_task(self._start(), name="start")
        self._events.send({"event": "listening", "port": sockets[0].getsockname()[1], "pid": os.getpid()})
        done, _ = await asyncio.wait({start, http, stop}, return_when=asyncio.FIRST_COMPLETED)
        if start in done and start.exception() is None and not stop.done():
            done, _ = await asyncio.wait({http, stop}, return_when=asyncio.FIRST_COMPLETED)
        code = self._exit_code(start, http, stop)
        start.cancel()
        await self._shut_down(http, orderly=code == 0)
        return code

    async def _start(self) -> None:
        house = await _in_thread(self._house)
        url = await self._database_url
        if url:
            os.environ["MECUM_DATABASE_URL"] = url
        settings = await _in_thread(house.load)
        self._app = app = await house.build(settings)
        await app.start()
        while not app.ready:  # noqa: ASYNC110  a plain value by contract, and true at once almost always
            await asyncio.sleep(READY_POLL_S)
        # What was made until now stays: keeping the collector away from it saves pauses of a tenth of a second. What a
        # request leaves behind goes by itself but for a little; looking for cycles less often saves an eighth of it.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTED_AFTER)
        self._board.connect(app.asgi)
        seconds = round(time.monotonic() - self._began, 3)
        self._events.send({"event": "ready", "setup_url": app.setup_url, "seconds": seconds})

    def _exit_code(self, start: asyncio.Task[None], http: asyncio.Task[None], stop: asyncio.Task[Any]) -> int:
        problem = start.exception() if start.done() and not start.cancelled() else None
        if isinstance(problem, StartError) and not problem.retryable:
            self._events.send(refusal(problem))
            return EXIT_REFUSED
        if problem is not None:
            logger.error("The app can't be started", exc_info=problem)
            return EXIT_CRASHED
        if http.done() and not stop.done():
            logger.error("The HTTP server ended by itself", exc_info=http.exception())
            return EXIT_CRASHED
        return 0

    async def _shut_down(self, http: asyncio.Task[None], orderly: bool) -> None:
        app = self._app
        if orderly and app is not None:
            self._events.send({"event": "draining"})
            await _within(DRAIN_S + 0.5, app.drain(DRAIN_S), "drain")
        self._board.disconnect()
        self._server.should_exit = True
        with suppress(Exception):  # reported where the exit code was chosen
            await http
        if app is not None:
            await _within(STOP_S, app.stop(), "stop")

    def _beat(self) -> None:
        """From the loop itself: what stops the loop stops this, and the supervisor notices."""
        self._events.beat()
        self._loop.call_later(BEAT_S, self._beat)

    def _listen_to_supervisor(self) -> None:
        """Runs in a thread: standard input is read without the loop, so that it works before and after it."""
        with open(0, "rb", closefd=False) as lines:
            while line := lines.readline(LINE_BYTES_MAX):
                message = decode(line) or {}
                url = message.get("database_url")
                if isinstance(url, str):
                    self._loop.call_soon_threadsafe(self._take_database_url, url)
        self._loop.call_soon_threadsafe(self._stop_asked.set)
        time.sleep(ORPHAN_EXIT_S)
        os._exit(EXIT_ORPHANED)  # nobody is left who would end a process that does not

    def _take_database_url(self, url: str) -> None:
        if not self._database_url.done():
            self._database_url.set_result(url)


async def _within(seconds: float, work: Awaitable[None], what: str) -> None:
    try:
        await asyncio.wait_for(work, seconds)
    except TimeoutError:
        logger.warning("The app did not %s within %.1f s", what, seconds)
    except Exception:
        logger.exception("The app could not %s", what)


async def _in_thread(work: Callable[[], Any]) -> Any:
    """In a thread that does not hold up the end of the process, unlike the loop's own."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Any] = loop.create_future()

    def settle(value: Any, problem: BaseException | None) -> None:
        if result.cancelled():
            return
        if problem is None:
            result.set_result(value)
        else:
            result.set_exception(problem)

    def run() -> None:
        try:
            value, problem = work(), None
        except Exception as error:  # noqa: BLE001  raised again where the result is awaited
            value, problem = None, error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, value, problem)

    threading.Thread(target=run, name="import", daemon=True).start()
    return await result


def _raise_open_files_limit() -> None:
    """The usual soft limit of 1024 is fewer than the connections we allow."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _path(name: str) -> Path | None:
    value = os.environ.get(name, "")
    return Path(value) if value else None


def main(house: Callable[[], House] = mecum_house) -> int:
    """Serve until told to stop. Returns: the exit code."""
    # Settings are not imported yet: the few that are needed to listen come straight from the environment.
    events = Events.on_stdout()
    faulthandler.enable()  # a supervisor that gives up on us sends SIGABRT: where every thread stands goes to the log
    supervised = os.environ.pop(SUPERVISED, "") == "1"
    _raise_open_files_limit()
    board = Switchboard()
    try:
        if supervised and (data := _path("MECUM_DATA")) is not None:
            # The server of a supervisor that was killed may still be finishing its work, on this very port.
            DirectoryLock(data / LOCK_FILE, PURPOSE).acquire(wait=True)
        server = http_server(board, _path("MECUM_TLS_CERT"), _path("MECUM_TLS_KEY"), _connections_max())
        sockets = listen(os.environ.get("MECUM_HOST") or "127.0.0.1", _port(os.environ.get("MECUM_PORT") or "8080"))
    except StartError as error:
        events.send(refusal(error))
        return EXIT_REFUSED
    os.environ["MECUM_PORT"] = str(sockets[0].getsockname()[1])
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)

    async def life() -> int:
        return await Serving(house, events, server, board).run(sockets, supervised)

    return loop.run_until_complete(life())


def _connections_max() -> int:
    """What is not possible is refused a moment later, when the settings are read."""
    text = os.environ.get("MECUM_CONNECTIONS_MAX", "")
    return int(text) if text.isdecimal() else CONNECTIONS_MAX


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 65536:
        return int(text)
    raise StartError("port_wrong", f"{text!r} is no port.", "Give a number up to 65535.", params={"port": text})


def run(house: Callable[[], House] = mecum_house) -> None:
    """`main`, then the end of the process: threads of libraries get no say in when that is."""
    code = main(house)
    logging.shutdown()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    run()
