"""Around every request: its id, a span, and figures. Plain ASGI, because it stands in every hot path."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any

from opentelemetry import context as otel_context
from opentelemetry.propagate import extract
from opentelemetry.trace import SpanKind

from mecum.kit.ids import encode, new_id
from mecum.kit.telemetry.logs import request_id
from mecum.kit.telemetry.metrics import requests_open, requests_total, response_start_seconds
from mecum.kit.telemetry.tracing import SpanSpec, is_tracing

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
ROUTES_MAX = 500
TRACE_CONTEXT = (b"traceparent", b"tracestate")
UNMATCHED, OTHER = "unmatched", "other"
REQUEST = SpanSpec(
    "HTTP",
    "A request, to the last byte of its answer. Once its route is known its name is method and route.",
    ("http.request.method", "http.route", "http.response.status_code"),
    of="http.request.method",
    kind=SpanKind.SERVER,
)


class TelemetryMiddleware:
    """Gives each request an id, returned as `x-request-id`, and counts and times it by route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._routes: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        name = encode("req", new_id())
        token = request_id.set(name)
        scope.setdefault("state", {})["request_id"] = name
        carrier = _carrier(scope) if is_tracing() else None
        parent = otel_context.attach(extract(carrier)) if carrier else None
        try:
            if scope["type"] == "http":
                await self._http(scope, receive, send, name)
            else:
                await self._app(scope, receive, send)
        finally:
            if parent is not None:
                otel_context.detach(parent)
            request_id.reset(token)

    async def _http(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        method = scope["method"] if scope["method"] in METHODS else OTHER
        started = time.perf_counter()
        status = 500  # what the server makes of an error that nobody caught
        route = ""

        async def noting(message: Message) -> None:
            nonlocal status, route
            if message["type"] == "http.response.start":
                status, route = message["status"], self._route(scope)
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name.encode())]
                response_start_seconds.labels(route).observe(time.perf_counter() - started)
            await send(message)

        requests_open.inc()
        try:
            with REQUEST.around({"http.request.method": method}) as current:
                try:
                    await self._app(scope, receive, noting)
                finally:
                    route = route or self._route(scope)
                    if current.is_recording():
                        current.set_attribute("http.route", route)
                        current.set_attribute("http.response.status_code", status)
                        current.update_name(f"{method} {route}")
        finally:
            requests_open.dec()
            requests_total.labels(method, route, str(status)).inc()

    def _route(self, scope: Scope) -> str:
        """A bounded set of labels whatever strangers ask for."""
        route = route_template(scope)
        if route in self._routes:
            return route
        if len(self._routes) >= ROUTES_MAX:
            return OTHER
        self._routes.add(route)
        return route


def route_template(scope: MutableMapping[str, Any]) -> str:
    """The path with its parameters' names instead of their values; what is mounted, only where."""
    if scope.get("root_path"):
        return f"{scope['root_path']}/*"
    params: dict[str, object] | None = scope.get("path_params")
    if params is None:
        return UNMATCHED
    path: str = scope["path"]
    for name, value in reversed(params.items()):
        if value == "":
            continue  # a rest of the path that is not there
        before, found, after = path.rpartition(str(value))
        if found:
            path = f"{before}{{{name}}}{after}"
    return path


def _carrier(scope: Scope) -> dict[str, str]:
    """The W3C trace context of the caller, if any."""
    return {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in TRACE_CONTEXT}
