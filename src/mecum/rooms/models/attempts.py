"""Whom a call asks, one after the other, while nothing of its answer has come.

What one account refuses, another may take at once: a Retry-After holds its own account alone (the gate does that), and
a call waits for it only when nobody else is left. After the first byte nothing is repeated.
"""

from __future__ import annotations

from dataclasses import dataclass

from mecum.kit.errors import MecumError
from mecum.rooms.models.failures import AUTOMATIC, TOO_MUCH
from mecum.rooms.models.resting import Resting
from mecum.rooms.models.retries import Retries
from mecum.rooms.models.routes import Remote, Route
from mecum.rooms.models.settings import ModelsSettings

ELSEWHERE = AUTOMATIC | {
    "models.provider_key",
    "models.provider_timeout",
    "models.provider_garbage",
    "models.provider_unknown_model",
    "models.network_off",
}
"""Codes after which another account, or another model of the route, is asked: they say nothing of the request."""


@dataclass(frozen=True, slots=True)
class Again:
    """How the call goes on: after `wait_s` seconds, at one of the pools `tiers`; empty: where it is."""

    wait_s: float = 0.0
    tiers: tuple[tuple[str, ...], ...] = ()


class Attempts:
    """The attempts of one call along a route."""

    def __init__(self, route: Route, resting: Resting, settings: ModelsSettings) -> None:
        self._route = route
        self._left = route
        self._resting = resting
        self._retries = Retries(settings)

    def at(self, pool: str) -> Remote:
        """Who is asked in the pool that let the call in."""
        if self._route.is_single:
            return self._route.first
        here = (each for route in (self._left, self._route) for each in route if each.endpoint.pool == pool)
        return next(here, self._left.first)

    def worked(self, remote: Remote) -> None:
        self._resting.worked(remote)

    def failed(self, remote: Remote, error: MecumError) -> Again | None:
        """How the call goes on after `remote` failed; None: not at all, `error` is final."""
        if self._route.is_single:
            wait_s = self._retries.pause(error)
            return None if wait_s is None else Again(wait_s)
        if error.code not in ELSEWHERE:
            return None
        is_pressed = error.code in TOO_MUCH
        if not is_pressed:
            self._resting.failed(remote)
        left = self._left.without((remote,))
        if left is not None or is_pressed:
            # The gate knows until when each account is held, and lets the call in where that ends first.
            if not self._retries.take():
                return None
            self._left = left or self._route
            return Again(0.0, self._left.pools)
        wait_s = self._retries.pause(error)
        if wait_s is None:
            return None
        self._left = self._route
        return Again(wait_s, self._route.pools)
