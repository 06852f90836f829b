"""The last routes of an interface: an address without a route is an error of that interface, never the web client's
page, which answers everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from mecum.kit.errors import MecumError, MethodNotAllowed, NotFound

Render: TypeAlias = Callable[[MecumError], Response]

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def unmatched_routes(prefix: str, routes: Sequence[BaseRoute], render: Render) -> list[BaseRoute]:
    """Take whatever is left below `prefix`: 405 where one of `routes` has the address for another method, else 404."""
    endpoint = _Unmatched(tuple(routes), render)
    return [Route(path, endpoint, include_in_schema=False) for path in (prefix, f"{prefix}/{{rest:path}}")]


class _Unmatched:
    """An ASGI endpoint, so that it takes every method."""

    def __init__(self, routes: Sequence[BaseRoute], render: Render) -> None:
        self._routes = routes
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        allowed = [each for each in METHODS if self._answers(scope, each)]
        if allowed:
            answer = self._render(MethodNotAllowed(detail="That is not possible at this address."))
            answer.headers["allow"] = ", ".join(allowed)
        else:
            answer = self._render(NotFound("route_unknown", "There is nothing at this address."))
        await answer(scope, receive, send)

    def _answers(self, scope: Scope, method: str) -> bool:
        wanted: Scope = {**scope, "method": method}
        wanted["path_params"] = {}
        return any(route.matches(wanted)[0] is Match.FULL for route in self._routes)
