"""Routes that are in the way of every token are reached past the framework, whose layers cost more than their work."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

from starlette.routing import BaseRoute, Route

from mecum.kit.arrival import Receive, Scope, Send

Asgi: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class Direct:
    """Passes a request for one of `routes` straight to its endpoint, any other to `app`, which has them all.

    Args:
        routes: those with a fixed path whose endpoint is an ASGI app that answers its own errors; others are `app`'s.
    """

    def __init__(self, app: Asgi, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._endpoints: dict[tuple[str, str], Asgi] = {
            (method, route.path): route.app
            for route in routes
            if isinstance(route, Route) and not route.param_convertors and not inspect.isroutine(route.endpoint)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoints.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if endpoint is None:
            await self._app(scope, receive, send)
        else:
            scope["path_params"] = {}
            await endpoint(scope, receive, send)
