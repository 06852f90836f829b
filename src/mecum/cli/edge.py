"""The outermost edge of the server process: sockets, limits of a connection, the switchboard in front of the app.

Light on purpose: it listens and answers `/healthz` before anything heavy is imported.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from mecum.kit.errors import StartError, Unavailable
from mecum.kit.presence import EXTENSION, Presence

if TYPE_CHECKING:
    from collections.abc import Generator

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

HEAD_BYTES_MAX = 64 * 1024  # request line and headers
HEAD_WITHIN_S = 20.0  # from the connection, or the first byte of a request, to the end of its headers
KEEP_ALIVE_S = 75  # longer than proxies keep theirs, so that they never send into a connection that we close
CONNECTIONS_MAX = 8_000  # the default of the setting, which is read before settings can be imported
BACKLOG = 2048
CLOSE_WITHIN_S = 1  # what open responses get when the process ends
CUT_OFF_WITHIN_S = 0.5  # what they take to clean up after themselves
BIND_ATTEMPTS = 5

_STARTING = Unavailable("starting", "Mecum is starting.", "Try again in a moment.", retry_after=1)
_STOPPING = Unavailable("stopping", "Mecum is stopping.", "Try again in a moment.", retry_after=5)
# No words: there is no language yet. It asks again by itself.
_PAGE = b"""<!doctype html><html><head><meta charset="utf-8"><meta http-equiv="refresh" content="1">
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>Mecum</title>
<style>html{height:100%;background:#FBFAF7;color:#6E6A63;font:17px/1.5 Inter,system-ui,sans-serif}
body{height:100%;margin:0;display:grid;place-items:center}
@media(prefers-color-scheme:dark){html{background:#161614;color:#9C978D}}</style></head>
<body><p role="status">Mecum &hellip;</p></body></html>"""


class Switchboard:
    """Answers for the app until it is there, and after it has gone; `/healthz` always."""

    def __init__(self) -> None:
        self._app: Asgi | None = None
        self._meanwhile = _STARTING

    def connect(self, app: Asgi) -> None:
        self._app = app

    def disconnect(self) -> None:
        self._app = None
        self._meanwhile = _STOPPING

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/healthz" and scope["type"] == "http":
            await _respond(send, 200, b"text/plain; charset=utf-8", b"ok\n")
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._respond_meanwhile(scope, send)
        else:
            await send({"type": "websocket.close", "code": 1013})

    async def _respond_meanwhile(self, scope: Scope, send: Send) -> None:
        error = self._meanwhile
        retry = (b"retry-after", str(error.retry_after).encode())
        if _wants_page(scope):
            await _respond(send, error.status, b"text/html; charset=utf-8", _PAGE, retry, _PAGE_POLICY)
        elif scope["path"].startswith("/v1/"):
            body = {"error": {"message": error.detail, "type": "server_error", "param": None, "code": error.code}}
            await _respond(send, error.status, b"application/json", json.dumps(body).encode(), retry)
        else:
            await _respond(send, error.status, b"application/problem+json", json.dumps(_problem(error)).encode(), retry)


_PAGE_POLICY = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'")


def _problem(error: Unavailable) -> dict[str, object]:
    """As `mecum.kit.http.problem`, which would have to be imported with all of its framework."""
    return {
        "type": f"urn:mecum:error:{error.code}",
        "title": error.code,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "hint": error.hint,
        "params": {},
        "retryable": error.retryable,
    }


def _wants_page(scope: Scope) -> bool:
    accept = b",".join(value for name, value in scope["headers"] if name == b"accept")
    return scope["method"] in ("GET", "HEAD") and b"text/html" in accept


async def _respond(send: Send, status: int, kind: bytes, body: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [
        (b"content-type", kind),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with what it lacks: limits on the bytes of a request's head and on the time until it is
    complete, and the presence of its client.
    """

    _arrived_bytes = 0
    """Of the head that is coming, at most: what comes with it in one piece is counted too."""
    _piece_bytes = 0
    _in_head = True
    _in_body = False
    _head_too_large = False
    _head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._presence = Presence()
        self._extensions: dict[str, Any] = {EXTENSION: self._presence}
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_is_there()
        super().connection_lost(exc)
        self._presence.leave()

    def data_received(self, data: bytes) -> None:
        self._piece_bytes = len(data)
        if self._in_head:
            self._arrived_bytes += self._piece_bytes
        super().data_received(data)
        if self._in_head and self._arrived_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self._head_too_large = True
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = self._extensions  # pyright: ignore[reportTypedDictNotRequiredAccess]
        self._in_head = True
        self._arrived_bytes = self._piece_bytes
        self._expect_head()

    def on_headers_complete(self) -> None:
        if self._arrived_bytes > HEAD_BYTES_MAX and self._head_bytes() > HEAD_BYTES_MAX:
            self._head_too_large = True
            raise ValueError("the head of the request is too large")
        self._in_head = False
        self._in_body = True
        self._head_is_there()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_body = False
        self._head_is_there()
        super().on_message_complete()
        if not self.pipeline:
            self.flow.resume_reading()  # a large body stopped it: nobody would see its client leave

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # Whose body is coming may be the next request, sent before this one was answered.
        if self._in_body and self.cycle.response_complete and not self.transport.is_closing():
            # Answered before it was all there: nobody reads the rest, which must not take for ever.
            self._expect_head()

    def send_400_response(self, msg: str) -> None:
        if not self._head_too_large:
            super().send_400_response(msg)
            return
        lines = [b"HTTP/1.1 431 Request Header Fields Too Large", b"content-length: 0", b"connection: close", b"", b""]
        self.transport.write(b"\r\n".join(lines))
        self.transport.close()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _expect_head(self) -> None:
        if self._head_deadline is None:
            self._head_deadline = self.loop.call_later(HEAD_WITHIN_S, self._head_is_late)

    def _head_is_there(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None

    def _head_is_late(self) -> None:
        self._head_deadline = None
        self.transport.close()


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers: the process has its own order of stopping."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        log = logging.getLogger("uvicorn.error")
        log.addFilter(_unless_cut_off)
        try:
            await super().shutdown(sockets)
            if self.server_state.tasks:  # what was cancelled writes of it when it has ended
                await asyncio.wait(set(self.server_state.tasks), timeout=CUT_OFF_WITHIN_S)
        finally:
            log.removeFilter(_unless_cut_off)


def _unless_cut_off(record: logging.LogRecord) -> bool:
    """Whether to log it. A response that is still open at the end is cut off, as it should be: uvicorn logs the
    cancellation of each as an error of the app, with its stack, and all of them together as an error once more.
    """
    if record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError):
        return False
    return not str(record.msg).startswith("Cancel %s running task(s)")


def http_server(
    app: Asgi, tls_cert: Path | None, tls_key: Path | None, connections_max: int = CONNECTIONS_MAX
) -> HttpServer:
    """Raises: StartError: the certificate and key can't be used."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        loop="none",
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=connections_max,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=CLOSE_WITHIN_S,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or str(error)
        raise StartError(
            "tls_unusable",
            f"The certificate {tls_cert} with its key {tls_key} can't be used: {reason}",
            "Check --tls-cert (the whole chain, PEM) and --tls-key.",
            params={"cert": str(tls_cert), "key": str(tls_key), "reason": reason},
        ) from error
    return HttpServer(config)


def listen(host: str, port: int) -> list[socket.socket]:
    """Listening sockets. On the usual loopback address `[::1]` too, which browsers try first for `localhost`.

    Raises:
        StartError: the port is taken, or the address is not one of this machine.
    """
    if host not in ("127.0.0.1", "localhost"):
        return [_bind(host, port)]
    for attempt in range(BIND_ATTEMPTS):
        first = _bind("127.0.0.1", port)
        try:
            return [first, *_bind_if_there("::1", first.getsockname()[1])]
        except StartError:
            first.close()
            # With port 0 the number was free on one address only: draw another.
            if port != 0 or attempt == BIND_ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _bind_if_there(host: str, port: int) -> list[socket.socket]:
    try:
        return [_bind(host, port)]
    except StartError as error:
        if error.code == "address_taken":
            raise
        return []  # a machine without IPv6


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    except ValueError:
        family = socket.AF_INET
    where = f"[{host}]:{port}" if family == socket.AF_INET6 else f"{host}:{port}"
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(
                "address_taken",
                f"Another program already listens on {where}.",
                "Stop it, or choose another port with --port.",
                params={"address": where},
            ) from error
        reason = error.strerror or str(error)
        raise StartError(
            "address_unusable",
            f"Mecum can't listen on {where}: {reason}",
            "Choose another address with --host or another port with --port.",
            params={"address": where, "reason": reason},
        ) from error
