"""`mecum up`: the supervisor. It starts the database and the server, keeps them running and stops them in order.

Small and synchronous, with light imports: it must work when the rest does not. A child that ends is an event of its
loop; a server that hangs is ended (watch.py), and then is one too. When it is killed itself, the kernel tells the
children (parent-death signal) and the next `mecum up` adopts what is left.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

from mecum.cli.child import Server, read_some
from mecum.cli.link import BEAT, EXIT_REFUSED, Event, refusal
from mecum.cli.report import Report
from mecum.cli.watch import Patience, Watch
from mecum.kit.embedded_pg import DirectoryLock, EmbeddedPostgres, make_data_directory
from mecum.kit.errors import StartError

SERVER = (sys.executable, "-m", "mecum.cli.serve")
PURPOSE = "mecum up"
LOCK_FILE = "mecum.lock"

TICK_S = 1.0
BACKOFF_MIN_S = 1.0
BACKOFF_MAX_S = 30.0
STEADY_AFTER_S = 60.0  # a server that ran this long starts again without waiting longer than the first time
SERVER_STOP_S = 8.5
DATABASE_STOP_S = 1.5  # together with the server's 10 s; what was committed survives a harder stop
COMMAND_WAIT_S = 60.0  # for a command that has the database, such as a backup
EXIT_FAILED = 1


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. `database_url` is the operator's own PostgreSQL; without it the embedded one is started in `data`."""

    host: str
    port: int
    data: Path
    public_url: str = ""
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: str = ""
    database_url: str = ""
    patience: Patience = Patience()


def run_up(options: Options, *, json: bool = False, server: Sequence[str] = SERVER) -> int:
    """Run until SIGTERM or SIGINT.

    Args:
        json: events as JSON lines instead of sentences.
        server: the command of the server process.

    Returns:
        The exit code: 0 stopped as asked, 78 refused to start as it is set up, 1 anything else.
    """
    report = Report(json=json)
    try:
        require_safe_address(options)
        return Supervisor(options, report, server).run()
    except StartError as error:
        report.say(refusal(error))
        return EXIT_FAILED if error.retryable else EXIT_REFUSED


def require_safe_address(options: Options) -> None:
    """Beyond this machine only with a public URL and https. Whether there is an owner is the server's to say.

    Raises:
        StartError: what is missing.
    """
    if (options.tls_cert is None) != (options.tls_key is None):
        raise StartError("tls_half", "A certificate needs its key.", "Give --tls-cert and --tls-key, or neither.")
    if _is_loopback(options.host):
        return
    if not options.public_url:
        raise StartError(
            "public_url_needed",
            f"{options.host} can be reached from other machines, and Mecum does not know its address there.",
            "Give --public-url https://..., or listen on this machine alone: --host 127.0.0.1",
            params={"host": options.host},
        )
    if options.tls_cert is None and not options.trusted_proxies:
        raise StartError(
            "tls_needed",
            f"{options.host} can be reached from other machines, which takes https.",
            "Give --tls-cert and --tls-key, or name the proxy in front that does https in MECUM_TRUSTED_PROXIES.",
            params={"host": options.host},
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return False


class Supervisor:
    """The loop: waits for signals, for words of the server and for ends of children, and acts on them."""

    def __init__(self, options: Options, report: Report, command: Sequence[str]) -> None:
        self._options = options
        self._report = report
        self._server = Server(command, _environment(options))
        self._watch = Watch(options.patience, TICK_S)
        self._database = None if options.database_url else EmbeddedPostgres(options.data, purpose=PURPOSE)
        self._database_url = options.database_url
        self._began = time.monotonic()
        self._restart_at: float | None = None
        self._backoff_s = BACKOFF_MIN_S
        self._database_backoff_s = BACKOFF_MIN_S
        self._database_at = 0.0
        self._stops_asked = 0
        self._exit_code = 0
        self._port = options.port

    def run(self) -> int:
        """Raises: StartError: the data directory is in use, or the database does not start."""
        options = self._options
        make_data_directory(options.data)
        lock = DirectoryLock(options.data / LOCK_FILE, PURPOSE)
        lock.acquire()
        with self._wakeups() as wakeup:
            try:
                self._report.say({"event": "starting", "data": str(options.data)})
                self._start_all()
                while not self._stops_asked:
                    self._turn(wakeup)
            finally:
                self._stop_all(wakeup)
                lock.release()
        self._report.say({"event": "stopped"})
        return self._exit_code

    def _start_all(self) -> None:
        """The server is started first: it listens and imports while the database gets ready."""
        self._start_server()
        if self._database is not None:
            self._start_database(self._database)
        self._server.tell({"database_url": self._database_url})

    def _start_server(self) -> None:
        self._server.start()
        self._watch.process_started()

    def _start_database(self, database: EmbeddedPostgres) -> None:
        if not (self._options.data / "pg").is_dir():
            self._report.say({"event": "database_created"})
        deadline = time.monotonic() + COMMAND_WAIT_S
        told = False
        while True:
            try:
                database.start(lambda: self._stops_asked > 0)
                break
            except StartError as error:
                if error.code == "start_cancelled":
                    return
                purpose = error.params.get("purpose")
                if error.code != "data_in_use" or purpose == PURPOSE or time.monotonic() > deadline:
                    raise
                if not told:
                    self._report.say({"event": "waiting_for", "purpose": str(purpose)})
                    told = True
            time.sleep(0.1)
            if self._stops_asked:
                return
        url, before = database.url(), self._database_url
        self._database_url = url
        self._report.say({"event": "database", "pid": database.pid, "adopted": database.adopted})
        if before not in ("", url):
            self._server.signal(signal.SIGTERM)  # it knows the old address; it is started again with the new one

    def _turn(self, wakeup: socket.socket) -> None:
        self._wait(wakeup, self._timeout())
        code = self._hear()
        if code is not None:
            self._server_ended(code)
        now = time.monotonic()
        self._watch_server(now)
        if self._restart_at is not None and now >= self._restart_at and not self._stops_asked:
            self._restart_at = None
            self._start_server()
            self._server.tell({"database_url": self._database_url})
        if self._database is not None:
            self._tend(self._database, now)

    def _watch_server(self, now: float) -> None:
        verdict = self._watch.turn(now)
        if verdict is None or self._server.pid is None:
            return
        if verdict == signal.SIGABRT:
            silent_s = round(self._watch.silent_s, 1)
            self._report.say({"event": "server_hung", "pid": self._server.pid, "silent_s": silent_s})
        self._server.signal(verdict)
        self._server.signal(signal.SIGCONT)  # one that was stopped can't write where it stands

    def _hear(self) -> int | None:
        """Take in what the server said. Returns: its exit code, once, when these were its last words."""
        code = self._server.ended()
        for event in self._server.events():
            self._heard(event)
        if code is not None:
            self._server.forget()
        return code

    def _heard(self, event: Event) -> None:
        if event.get("event") == BEAT:
            self._watch.beat()
            return
        port = event.get("port")
        if event.get("event") == "listening" and isinstance(port, int):
            self._port = port
            event = {**event, "address": self._address}
        elif event.get("event") == "ready":
            self._watch.process_ready()
            event = {**event, "address": self._address, "seconds": round(time.monotonic() - self._began, 3)}
        self._report.say(event)

    @property
    def _address(self) -> str:
        scheme = "https" if self._options.tls_cert else "http"
        return self._options.public_url or f"{scheme}://localhost:{self._port}"

    def _server_ended(self, code: int) -> None:
        if code == EXIT_REFUSED:
            self._exit_code = EXIT_REFUSED
            self._stops_asked += 1
            return
        if time.monotonic() - self._server.started_at >= STEADY_AFTER_S:
            self._backoff_s = BACKOFF_MIN_S
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        event = {"event": "server_stopped", "how": how, "exit_code": code, "restart_in_s": self._backoff_s}
        self._report.say(event)
        self._restart_at = time.monotonic() + self._backoff_s
        self._backoff_s = min(self._backoff_s * 2, BACKOFF_MAX_S)
        self._began = self._restart_at

    def _tend(self, database: EmbeddedPostgres, now: float) -> None:
        if database.alive():
            database.tend()
            return
        if now < self._database_at:
            return
        self._report.say({"event": "database_stopped"})
        try:
            self._start_database(database)
            self._database_backoff_s = BACKOFF_MIN_S
        except StartError as error:
            again_s = self._database_backoff_s
            self._report.say({**refusal(error), "event": "database_failed", "restart_in_s": again_s})
            self._database_at = time.monotonic() + self._database_backoff_s
            self._database_backoff_s = min(self._database_backoff_s * 2, BACKOFF_MAX_S)

    def _stop_all(self, wakeup: socket.socket) -> None:
        """The server first, because it needs the database to hand back what it has not finished."""
        deadline = time.monotonic() + SERVER_STOP_S
        asked = self._stops_asked
        self._server.signal(signal.SIGTERM)
        while self._server.pid is not None:
            if self._hear() is not None:
                break
            left = deadline - time.monotonic()
            if left <= 0 or self._stops_asked > asked:  # a person who asks again is in a hurry
                self._server.signal(signal.SIGKILL)
            self._wait(wakeup, min(max(left, 0.05), TICK_S))
        if self._database is not None:
            self._database.stop(DATABASE_STOP_S)

    def _timeout(self) -> float:
        if self._restart_at is None:
            return TICK_S
        return min(max(self._restart_at - time.monotonic(), 0), TICK_S)

    def _wait(self, wakeup: socket.socket, timeout_s: float) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(wakeup, selectors.EVENT_READ)
            if self._server.output is not None:
                selector.register(self._server.output, selectors.EVENT_READ)
            selector.select(timeout_s)
        while read_some(wakeup.fileno()) is not None:
            pass

    @contextmanager
    def _wakeups(self) -> Generator[socket.socket]:
        """A socket that becomes readable at every signal, the end of a child among them."""
        ours, signals = socket.socketpair()
        ours.setblocking(False)
        signals.setblocking(False)

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._stops_asked += 1

        def child(_number: int, _frame: FrameType | None) -> None:
            """Only wakes the loop."""

        handlers: dict[signal.Signals, Callable[[int, FrameType | None], None]] = {
            signal.SIGTERM: stop,
            signal.SIGINT: stop,
            signal.SIGHUP: stop,
            signal.SIGCHLD: child,
        }
        if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
            del handlers[signal.SIGHUP]  # nohup: the end of the terminal is not ours
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        before_wakeup = signal.set_wakeup_fd(signals.fileno(), warn_on_full_buffer=False)
        try:
            yield ours
        finally:
            signal.set_wakeup_fd(before_wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            ours.close()
            signals.close()


def _environment(options: Options) -> dict[str, str]:
    given = {
        "MECUM_HOST": options.host,
        "MECUM_PORT": str(options.port),
        "MECUM_DATA": str(options.data),
        "MECUM_PUBLIC_URL": options.public_url,
        "MECUM_TLS_CERT": str(options.tls_cert or ""),
        "MECUM_TLS_KEY": str(options.tls_key or ""),
        "MECUM_TRUSTED_PROXIES": options.trusted_proxies,
    }
    return {**os.environ, **{name: value for name, value in given.items() if value}}
