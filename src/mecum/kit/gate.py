"""What every request passes before the app, as plain ASGI: whose address it is, which host, how large, and whether
work is taken.

Streams are not touched: nothing here wraps a response body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping, Sequence
from ipaddress import ip_address
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response

from mecum.kit.errors import MecumError, TooLarge, Unavailable
from mecum.kit.http import problem
from mecum.kit.settings import Network, is_loopback

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Render: TypeAlias = Callable[[MecumError], Response]

FORWARDED_MAX = 20
LOOPBACK_NAMES = ("127.0.0.1", "[::1]", "0.0.0.0")  # noqa: S104  what a browser may have been given, not what we bind
DAY_S = 86_400
READING = ("GET", "HEAD", "OPTIONS")


class Gate:
    """The outer layer of the app.

    Args:
        app: what is inside.
        public_url: where browsers find us; a page asked for by a loopback number is sent there, so that cookies and
            passkeys work.
        trusted_proxies: whose X-Forwarded headers are believed.
        body_limit_bytes: largest body, except below a path of `own_limits`, whose routes have limits of their own.
        hsts_days: for so long browsers come by https alone (RFC 6797), where the public URL is https; 0 binds nobody.
    """

    def __init__(
        self,
        app: Asgi,
        *,
        public_url: str,
        trusted_proxies: Sequence[Network],
        body_limit_bytes: int,
        own_limits: Iterable[str],
        hsts_days: int,
    ) -> None:
        self._app = app
        self._public = urlsplit(public_url)
        self._trusted = tuple(trusted_proxies)
        self._body_limit = body_limit_bytes
        self._own_limits = tuple(own_limits)
        # Never for this machine's own names: browsers would refuse http to every other service of it.
        binds = self._public.scheme == "https" and not is_loopback(self._public.hostname or "") and hsts_days > 0
        self._hsts = f"max-age={hsts_days * DAY_S}".encode() if binds else None
        self.draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self._believe_proxy(scope)
        if self._hsts is not None and scope["scheme"] == "https":
            send = _with_header(send, (b"strict-transport-security", self._hsts))
        refusal = self._refuse(scope)
        if refusal is not None:
            await refusal(scope, receive, send)  # pyright: ignore[reportArgumentType]
            return
        if scope["path"].startswith(self._own_limits):
            await self._app(scope, receive, send)
            return
        await self._limited(scope, receive, send)

    def _refuse(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if self.draining and scope["method"] not in READING:
            error = Unavailable("draining", "Mecum is about to restart.", "Try again in a few seconds.", retry_after=3)
            return _rendered(scope["path"], error)
        host = headers.get("host", "").rsplit(":", 1)[0]
        wants_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
        if wants_page and host in LOOPBACK_NAMES and self._public.hostname == "localhost":
            query = scope["query_string"].decode("latin-1")
            return RedirectResponse(f"{self._public.geturl()}{scope['path']}{'?' + query if query else ''}", 307)
        declared = headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._body_limit and not scope["path"].startswith(self._own_limits):
            return _rendered(scope["path"], self._too_large())
        return None

    def _believe_proxy(self, scope: Scope) -> None:
        """Take address and scheme from the last hop that is not a trusted proxy (X-Forwarded headers, see RFC 7239)."""
        peer = scope.get("client")
        if not self._trusted or not peer or not self._is_trusted(peer[0]):
            return
        headers = Headers(scope=scope)
        hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()][-FORWARDED_MAX:]
        while hops and self._is_trusted(hops[-1]):
            hops.pop()
        if hops and _is_address(hops[-1]):
            scope["client"] = (hops[-1], 0)
        if headers.get("x-forwarded-proto") in ("http", "https"):
            scope["scheme"] = headers["x-forwarded-proto"]

    def _is_trusted(self, address: str) -> bool:
        if not _is_address(address):
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._trusted if network.version == parsed.version)

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the body while it is read; a client that declared less than it sends is cut off."""
        received = 0
        answered = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._body_limit:
                raise self._too_large()
            return message

        async def noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except TooLarge as error:
            if answered:
                raise
            await _rendered(scope["path"], error)(scope, receive, send)  # pyright: ignore[reportArgumentType]

    def _too_large(self) -> TooLarge:
        limit = self._body_limit
        return TooLarge("body_too_large", f"The request is larger than {limit:,} bytes.", params={"limit_bytes": limit})


def _with_header(send: Send, header: tuple[bytes, bytes]) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), header]
        await send(message)

    return sent


def _rendered(path: str, error: MecumError) -> Response:
    return openai_error(error) if path.startswith("/v1/") else problem(error)


def openai_error(error: MecumError) -> Response:
    """`error` in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    message = f"{error.detail} {error.hint}".strip()
    body = {"error": {"message": message, "type": kind, "param": error.params.get("param"), "code": error.code}}
    headers = {"cache-control": "no-store"}
    if error.retry_after is not None:
        headers["retry-after"] = str(max(1, round(error.retry_after)))
    return JSONResponse(body, error.status, headers)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
