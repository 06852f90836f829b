"""What stands in front of the engines: nothing, rate caps, a plain queue with a measured limit, or the gate."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from bench.gate.load import Request
from mecum.rooms.models.gate.line import Line
from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.pools import EXPECTED_TOKENS, FOLLOW, Pools
from mecum.rooms.models.gate.pressure import Pressure
from mecum.rooms.models.gate.standing import Asked, Standing
from mecum.rooms.models.settings import ModelsSettings

PER_MINUTE = 60
"""Calls a minute of a tenant with weight 1, where rate caps are the policy."""
SETTINGS = ModelsSettings()


class World(Protocol):
    """What a policy can do."""

    def send(self, request: Request, engine: str, now: float) -> None: ...

    def take_back(self, request: Request, now: float) -> None: ...

    def reject(self, request: Request) -> None: ...


class Policy(Protocol):
    def arrives(self, request: Request, now: float) -> None: ...

    def began(self, request: Request, now: float) -> None: ...

    def ended(self, request: Request, now: float) -> None: ...

    def tick(self, now: float) -> None:
        """Once a second."""
        ...

    def waiting(self) -> dict[str, int]:
        """How many calls of each tenant wait."""
        ...


NewPolicy = Callable[[World, tuple[str, ...]], Policy]


class Straight:
    """Everything is sent at once, in turn to each engine."""

    def __init__(self, world: World, engines: tuple[str, ...]) -> None:
        self._world = world
        self._engines = engines
        self._sent = 0

    def arrives(self, request: Request, now: float) -> None:
        self._sent += 1
        self._world.send(request, self._engines[self._sent % len(self._engines)], now)

    def began(self, request: Request, now: float) -> None:
        return None

    def ended(self, request: Request, now: float) -> None:
        return None

    def tick(self, now: float) -> None:
        return None

    def waiting(self) -> dict[str, int]:
        return {}


class Caps(Straight):
    """So many calls a minute of each tenant; what is beyond is rejected, whatever the engines have to do."""

    def __init__(self, world: World, engines: tuple[str, ...]) -> None:
        super().__init__(world, engines)
        self._minutes: defaultdict[tuple[str, int], int] = defaultdict(int)

    def arrives(self, request: Request, now: float) -> None:
        minute = (request.tenant, int(now // 60))
        self._minutes[minute] += 1
        if self._minutes[minute] > PER_MINUTE * request.weight:
            self._world.reject(request)
        else:
            super().arrives(request, now)


@dataclass(slots=True)
class _Sent:
    engine: str
    tokens: int
    at: float
    first_at: float = 0.0


class Queue:
    """One queue in order of arrival, with the limits that the gate would measure."""

    def __init__(self, world: World, engines: tuple[str, ...]) -> None:
        self._world = world
        self._pressures = {name: pressure() for name in engines}
        self._used = dict.fromkeys(engines, 0)
        self._calls = dict.fromkeys(engines, 0)
        self._queue: deque[Request] = deque()
        self._sent: dict[Request, _Sent] = {}
        self._expected = EXPECTED_TOKENS

    def arrives(self, request: Request, now: float) -> None:
        self._queue.append(request)
        self._go_on(now)

    def began(self, request: Request, now: float) -> None:
        sent = self._sent[request]
        sent.first_at = now
        self._pressures[sent.engine].began("model", now - sent.at, request.input_tokens, now, self._calls[sent.engine])

    def ended(self, request: Request, now: float) -> None:
        sent = self._sent.pop(request)
        self._used[sent.engine] -= sent.tokens
        written = request.output_tokens
        self._pressures[sent.engine].ended("model", now - sent.first_at, written, sent.tokens, self._calls[sent.engine])
        self._calls[sent.engine] -= 1
        self._expected += FOLLOW * (written - self._expected)
        self._go_on(now)

    def tick(self, now: float) -> None:
        for name, each in self._pressures.items():
            each.tick(self._used[name], self._calls[name], bool(self._queue), now)
        self._go_on(now)

    def waiting(self) -> dict[str, int]:
        found: defaultdict[str, int] = defaultdict(int)
        for request in self._queue:
            found[request.tenant] += 1
        return found

    def _go_on(self, now: float) -> None:
        while self._queue:
            request = self._queue[0]
            if now - request.at >= wait_max_s(request):
                self._world.reject(self._queue.popleft())
                continue
            tokens = request.input_tokens + round(self._expected)
            name = min(self._used, key=lambda each: self._used[each] / self._pressures[each].limit)
            if self._used[name] and self._used[name] + tokens > self._pressures[name].limit:
                return
            self._queue.popleft()
            self._used[name] += tokens
            self._calls[name] += 1
            self._sent[request] = _Sent(name, tokens, now)
            self._world.send(request, name, now)


class TheGate:
    """Ours: `Pools` as it runs in the server, with its default settings."""

    def __init__(self, world: World, engines: tuple[str, ...]) -> None:
        self._world = world
        self._engines = engines
        self._requests: dict[Standing, Request] = {}
        self._standings: dict[Request, Standing] = {}
        self._wanted: list[Standing] = []
        patience_s, starving_s = SETTINGS.gate_fallback_after_s, SETTINGS.gate_starving_s
        self.pools = Pools(self._new_pool, self._told, patience_s=patience_s, starving_s=starving_s)
        self._now = 0.0
        self.sent_back = 0

    def arrives(self, request: Request, now: float) -> None:
        self._now = now
        asked = Asked(
            (self._engines,),
            "model",
            request.tenant,
            request.band,
            request.input_tokens,
            weight=request.weight,
            gives_way="before_first" if request.kind == "bulk" else "never",
        )
        standing = self.pools.enter(asked, now)
        if standing.state == "gone":
            self._world.reject(request)
            return
        self._requests[standing], self._standings[request] = request, standing
        if standing.state == "running":
            self._world.send(request, standing.pool, now)
        self._make_way(now)

    def began(self, request: Request, now: float) -> None:
        self.pools.first(self._standings[request], now)

    def ended(self, request: Request, now: float) -> None:
        self._now = now
        self._over(request, request.output_tokens, now)

    def tick(self, now: float) -> None:
        self._now = now
        self.pools.tick(now)
        for standing, request in list(self._requests.items()):
            if standing.state == "waiting" and now - request.at >= wait_max_s(request):
                self._over(request, 0, now)
                self._world.reject(request)

    def waiting(self) -> dict[str, int]:
        found: defaultdict[str, int] = defaultdict(int)
        for standing in self._requests:
            found[standing.asked.tenant] += standing.state == "waiting"
        return found

    def limits(self) -> Mapping[str, float]:
        return {pool.name: pool.pressure.limit for pool in self.pools.all()}

    def _over(self, request: Request, written: int, now: float) -> None:
        standing = self._standings.pop(request)
        del self._requests[standing]
        self.pools.over(standing, request.input_tokens, written, now)

    def _told(self, standing: Standing) -> None:
        request = self._requests.get(standing)
        if request is None:
            return  # It is just entering, and looked at there.
        if standing.state == "running" and not standing.is_wanted:
            self._world.send(request, standing.pool, self._now)
        elif standing.is_wanted:
            self._wanted.append(standing)
        elif standing.state == "gone":
            del self._requests[standing], self._standings[request]
            self._world.reject(request)

    def _make_way(self, now: float) -> None:
        """Who was asked to leave does so; nothing of its answer has come."""
        while self._wanted:
            standing = self._wanted.pop()
            self.sent_back += 1
            self._world.take_back(self._requests[standing], now)
            self.pools.again(standing, now)

    def _new_pool(self, name: str) -> Pool:
        line = Line(
            queue_max=SETTINGS.gate_queue_max,
            tenant_queue_max=SETTINGS.gate_tenant_queue_max,
            starving_after_s=SETTINGS.gate_starving_s,
        )
        return Pool(name, line, pressure())


def pressure() -> Pressure:
    return Pressure(start=SETTINGS.gate_tokens_start, least=SETTINGS.gate_tokens_min, most=SETTINGS.gate_tokens_max)


def wait_max_s(request: Request) -> float:
    is_low = request.band not in ("interactive", "api")
    return SETTINGS.gate_wait_low_max_s if is_low else SETTINGS.gate_wait_max_s


POLICIES: dict[str, NewPolicy] = {
    "nothing": Straight,
    "rate caps": Caps,
    "plain queue": Queue,
    "the gate": TheGate,
}
