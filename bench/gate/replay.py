"""One run: calls as they arrive, a policy, engines; events in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import inf

from bench.gate.engine import Engine
from bench.gate.load import WEIGHTS, Request, Scene
from bench.gate.policies import NewPolicy
from mecum.rooms.models.gate.fair import cost

AFTER_S = 300.0
"""So long after the last arrival the run goes on at most."""


@dataclass(slots=True)
class Ran:
    """What came of a run.

    Args:
        work: what the engines did while the neighbour asked for more than they can do, in tokens as written.
        gap: the largest difference of what two tenants of one band were served while both of them waited, by weight.
        bound: twice the largest prompt or all that was written at once, by their prices: VTC's.
    """

    requests: list[Request]
    scene: Scene
    work: float = 0.0
    gap: float = 0.0
    bound: float = 0.0


@dataclass(slots=True)
class Gaps:
    """The largest service gap between tenants that wait, looked at once a second."""

    largest: float = 0.0
    running_tokens: float = 0.0
    since: dict[tuple[str, str], float] = field(default_factory=dict[tuple[str, str], float])

    def look(self, waiting: Sequence[tuple[str, str]], served: dict[str, float]) -> None:
        before, self.since = self.since, {}
        for one, other in waiting:
            difference = served.get(one, 0.0) - served.get(other, 0.0)
            began = self.since[one, other] = before.get((one, other), difference)
            self.largest = max(self.largest, abs(difference - began))


class Replay:
    """See `run`. It is the `World` of its policy."""

    def __init__(self, requests: Sequence[Request], new: NewPolicy, replicas: Sequence[int]) -> None:
        self._engines = {f"engine{number}": Engine(each) for number, each in enumerate(replicas)}
        self._at: dict[Request, str] = {}
        self._policy = new(self, tuple(self._engines))
        self._requests = [replace(each) for each in requests]
        self._served: dict[str, float] = {}
        self._gaps = Gaps()
        self._bands = {each.tenant: each.band for each in requests}

    def send(self, request: Request, engine: str, now: float) -> None:
        request.sent_at = now
        self._at[request] = engine
        self._engines[engine].add(request, now)

    def take_back(self, request: Request, now: float) -> None:
        request.sent_at = None
        self._engines[self._at.pop(request)].take_back(request, now)

    def reject(self, request: Request) -> None:
        request.is_rejected = True

    def run(self, scene: Scene) -> Ran:
        """Until all is answered, or it takes too long."""
        ran = Ran(self._requests, scene)
        arrivals = iter(self._requests)
        coming = next(arrivals, None)
        tick_at, ends_at = 1.0, scene.seconds + AFTER_S
        while True:
            name, engine_at = min(
                ((key, each.next_at()) for key, each in self._engines.items()), key=lambda one: one[1]
            )
            arrives_at = inf if coming is None else coming.at
            now = min(arrives_at, engine_at, tick_at)
            if now > ends_at or (coming is None and not self._at and not any(self._policy.waiting().values())):
                break
            if now == tick_at:
                self._policy.tick(now)
                self._look(now)
                for moment, sign in zip(scene.noise, (-1, 1), strict=True):
                    if now - 1.0 < moment <= now:
                        ran.work += sign * sum(each.done_work for each in self._engines.values())
                tick_at += 1.0
            elif now == engine_at:
                self._step(name, now)
            elif coming is not None:
                self._policy.arrives(coming, now)
                coming = next(arrivals, None)
        ran.gap = self._gaps.largest
        prompt = max(each.input_tokens for each in self._requests)
        ran.bound = 2 * max(cost(prompt, 0), cost(0, self._gaps.running_tokens))
        return ran

    def _step(self, name: str, now: float) -> None:
        request, what = self._engines[name].pop(now)
        if what == "first":
            request.first_at = now
            self._policy.began(request, now)
            return
        request.ended_at = now
        del self._at[request]
        self._serve(request, request.output_tokens)
        self._policy.ended(request, now)

    def _serve(self, request: Request, written: float) -> None:
        tenant = request.tenant
        price = cost(request.input_tokens, written) / WEIGHTS[request.kind]
        self._served[tenant] = self._served.get(tenant, 0.0) + price

    def _look(self, now: float) -> None:
        served = dict(self._served)
        tokens = 0.0
        for engine in self._engines.values():
            for request, written in engine.running(now).items():
                tokens += request.input_tokens + written
                price = cost(request.input_tokens, written) / WEIGHTS[request.kind]
                served[request.tenant] = served.get(request.tenant, 0.0) + price
        self._gaps.running_tokens = max(self._gaps.running_tokens, tokens)
        waiting = sorted(name for name, many in self._policy.waiting().items() if many)
        self._gaps.look([pair for pair in combinations(waiting, 2) if self._is_of_one_band(*pair)], served)

    def _is_of_one_band(self, one: str, other: str) -> bool:
        return self._bands[one] == self._bands[other]
