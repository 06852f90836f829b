"""What failed is left alone for a while, as long as somebody else can answer."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.rooms.models.routes import Remote, Route

REST_S, REST_MAX_S = 5.0, 300.0
RESTING_KEPT = 10_000


class Resting:
    """Which models rest at which accounts. A rest is longer each time, until a call works."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[tuple[UUID, UUID], tuple[float, float]] = OrderedDict()

    def failed(self, remote: Remote) -> None:
        key = (remote.account.id, remote.model.id)
        _, before_s = self._until.pop(key, (0.0, 0.0))
        rest_s = min(REST_MAX_S, before_s * 2) or REST_S
        self._until[key] = (self._clock.monotonic() + rest_s, rest_s)
        if len(self._until) > RESTING_KEPT:
            self._until.popitem(last=False)

    def worked(self, remote: Remote) -> None:
        if self._until:
            self._until.pop((remote.account.id, remote.model.id), None)

    def last(self, route: Route) -> Route:
        """`route` with those that rest behind all others."""
        if not self._until or route.is_single:
            return route
        asleep = tuple(each for each in route if self._rests(each))
        awake = route.without(asleep) if asleep else None
        return route if awake is None else replace(route, tiers=(*awake.tiers, asleep))

    def _rests(self, remote: Remote) -> bool:
        found = self._until.get((remote.account.id, remote.model.id))
        return found is not None and found[0] > self._clock.monotonic()
