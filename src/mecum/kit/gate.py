"""What every request passes before the app, as plain ASGI: whose address it is, which host, how large and how slow, and
whether work is taken.

Streams are not touched: nothing here wraps the response of a request without a body, nor one of `/v1`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse, Response

from mecum.kit.arrival import Arrival, Message, Pace, Receive, Scope, Send, declared_bytes, too_large
from mecum.kit.errors import MecumError, TooLarge, TooSlow, Unavailable
from mecum.kit.http import headers_of, problem
from mecum.kit.i18n import I18n
from mecum.kit.settings import Network, is_loopback

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
        i18n: words for refusals, in the language of the request.
        public_url: where browsers find us; a page asked for by a loopback number is sent there, so that cookies and
            passkeys work.
        trusted_proxies: whose X-Forwarded headers are believed.
        body_limit_bytes: largest body, except below a path of `own_limits`, whose routes have limits of their own.
        pace: how slowly a body may come.
        hsts_days: for so long browsers come by https alone (RFC 6797), where the public URL is https; 0 binds nobody.
    """

    def __init__(
        self,
        app: Asgi,
        *,
        i18n: I18n,
        public_url: str,
        trusted_proxies: Sequence[Network],
        body_limit_bytes: int,
        pace: Pace,
        own_limits: Iterable[str],
        hsts_days: int,
    ) -> None:
        self._app = app
        self._i18n = i18n
        self._public = urlsplit(public_url)
        self._trusted = tuple(trusted_proxies)
        self._body_limit = body_limit_bytes
        self._pace = pace
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
        if not _has_body(scope):
            await self._app(scope, receive, send)
            return
        limit = None if scope["path"].startswith(self._own_limits) else self._body_limit
        arrival = Arrival(receive, self._pace, limit)
        if scope["path"].startswith("/v1/"):
            await self._app(scope, arrival.receive, send)  # its routes say what went wrong in its own shape
        else:
            await self._limited(scope, arrival, send)

    def _refuse(self, scope: Scope) -> Response | None:
        if self.draining and scope["method"] not in READING:
            error = Unavailable("draining", "Mecum is about to restart.", "Try again in a few seconds.", retry_after=3)
            return self._rendered(scope, error)
        if scope["method"] == "GET" and self._is_page_by_number(scope):
            query = scope["query_string"].decode("latin-1")
            return RedirectResponse(f"{self._public.geturl()}{scope['path']}{'?' + query if query else ''}", 307)
        if scope["path"].startswith(self._own_limits):
            return None
        if (declared_bytes(scope) or 0) > self._body_limit:
            return self._rendered(scope, too_large(self._body_limit))
        return None

    def _is_page_by_number(self, scope: Scope) -> bool:
        """Whether a browser asks for a page by an address where cookies and passkeys do not work."""
        headers = Headers(scope=scope)
        host = headers.get("host", "").rsplit(":", 1)[0]
        named = host in LOOPBACK_NAMES and self._public.hostname == "localhost"
        return named and "text/html" in headers.get("accept", "")

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

    async def _limited(self, scope: Scope, arrival: Arrival, send: Send) -> None:
        """Say that the body was refused, whatever the app makes of a body that breaks off."""
        answered = replaced = False

        async def noted(message: Message) -> None:
            nonlocal answered, replaced
            if arrival.refusal is not None and not answered:
                replaced = answered = True
                refusal = self._rendered(scope, arrival.refusal)
                await refusal(scope, arrival.receive, send)  # pyright: ignore[reportArgumentType]
            answered = True
            if not replaced:
                await send(message)

        try:
            await self._app(scope, arrival.receive, noted)
        except (TooLarge, TooSlow):
            if answered:
                raise
            await noted({})

    def _rendered(self, scope: Scope, error: MecumError) -> Response:
        if scope["path"].startswith("/v1/"):
            return openai_error(error)
        language = self._i18n.negotiate(Headers(scope=scope).get("accept-language", ""))
        return problem(error, self._i18n.error(language, error))


def _has_body(scope: Scope) -> bool:
    """Whether a body follows the headers (RFC 9112, section 6.3)."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return value != b"0"
        if name == b"transfer-encoding":
            return True
    return False


def _with_header(send: Send, header: tuple[bytes, bytes]) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), header]
        await send(message)

    return sent


def openai_error(error: MecumError) -> Response:
    """`error` in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`."""
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(error.status, "invalid_request_error" if error.status < 500 else "server_error")
    message = f"{error.detail} {error.hint}".strip()
    body = {"error": {"message": message, "type": kind, "param": error.params.get("param"), "code": error.code}}
    return JSONResponse(body, error.status, headers_of(error))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
