"""The gate for asyncio: a line and a limit in front of each provider. One loop is its only writer.

What a connected provider takes at once is measured, in tokens. The built-in engine has slots, none while its weights
are on their way: whoever waits for it waits for as long as that takes.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TypeAlias

from mecum.kit.clock import Clock
from mecum.kit.errors import TooMany
from mecum.rooms.models import Usage, metrics
from mecum.rooms.models.gate.line import BANDS, Band, Line, Ticket, cost
from mecum.rooms.models.gate.pressure import Pressure
from mecum.rooms.models.settings import ModelsSettings

TICK_S = 1.0
JITTER = 0.3
"""A Retry-After is up to so much longer, so that those who were refused do not come back all at once."""
SAY_EVERY_S = 1.0
RATE_HALF_LIFE_S = 10.0
EXPECTED_TOKENS = 400.0
FOLLOW = 0.05
OWN_SHARE = 0.75
"""Of the line for slots, one person's calls may take so much."""

Refusal: TypeAlias = Callable[[float | None], TooMany]
"""For whom there is no place; given the seconds until there is one, about, where they are known."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what.

    Args:
        pool: the provider, whose account has the limits.
        output_tokens_max: of the answer, where the caller set a limit.
        gives_way: nobody waits for it; where there are slots it leaves for anybody who comes, see `Place.wanted`.
    """

    pool: str
    model: str
    tenant: str
    band: Band
    input_tokens: int
    output_tokens_max: int | None = None
    weight: float = 1.0
    gives_way: bool = False


@dataclass(slots=True)
class _Pool:
    """
    Args:
        refusal: what somebody hears for whom there is no place.
        slots: how many calls at once, where that is known; None where the tokens at once are measured.
    """

    name: str
    line: Line
    pressure: Pressure
    refusal: Refusal
    slots: Callable[[], int] | None = None
    aside: set[Place] = field(default_factory=set["Place"])
    served_per_s: float | None = None
    served_cost: float = 0.0
    expected: dict[str, float] = field(default_factory=dict[str, float])
    turns: dict[Ticket, asyncio.Future[None]] = field(default_factory=dict[Ticket, "asyncio.Future[None]"])

    def admit(self, now: float) -> None:
        """Let in whose turn it is."""
        if self.pressure.held_s(now) > 0:
            return
        tokens, calls = (self.pressure.limit, inf) if self.slots is None else (inf, self.slots())
        for ticket in self.line.admit(tokens, calls, now):
            admitted, waited_seconds = metrics.admissions_of(self.name, ticket.band)
            admitted.inc()
            waited_seconds.observe(now - ticket.arrived)
            self.wake(ticket)

    def wake(self, ticket: Ticket) -> None:
        """It need not wait any more: it is in, or gone."""
        turn = self.turns.pop(ticket, None)
        if turn is not None and not turn.done():
            turn.set_result(None)

    def about_s(self, ticket: Ticket, now: float) -> float | None:
        """How long it will take until it is its turn; None: nothing was served yet by which to tell."""
        held_s = self.pressure.held_s(now)
        if not self.served_per_s:
            return held_s or None
        return held_s + self.line.ahead(ticket) / self.served_per_s

    def turned_away(self, ticket: Ticket, about_s: float | None) -> TooMany:
        metrics.gate_refused.labels(self.name, ticket.band).inc()
        return self.refusal(about_s)

    def tick(self, now: float) -> None:
        rate = self.served_cost / TICK_S
        self.served_cost = 0.0
        if rate:
            share = 1 - 0.5 ** (TICK_S / RATE_HALF_LIFE_S)
            before = rate if self.served_per_s is None else self.served_per_s
            self.served_per_s = before + share * (rate - before)
        if self.slots is None:
            self.pressure.tick(self.line.running_tokens)
        self.admit(now)
        self._show()

    def _show(self) -> None:
        for band in BANDS:
            metrics.gate_waiting.labels(self.name, band).set(self.line.waiting_in(band))
        metrics.gate_running.labels(self.name).set(self.line.running)
        metrics.gate_running_tokens.labels(self.name).set(self.line.running_tokens)
        metrics.gate_limit_tokens.labels(self.name).set(self.pressure.limit)


class Place:
    """A call's place at the gate, from standing in the line to its end."""

    def __init__(self, gate: Gate, pool: _Pool, ticket: Ticket, asked: Asked, clock: Clock) -> None:
        self._gate = gate
        self._pool = pool
        self._ticket = ticket
        self._asked = asked
        self._clock = clock
        self._sent_at = ticket.arrived
        self._first_at: float | None = None
        self.wanted = asyncio.Event()
        """Of a call that gives way: somebody has come."""

    @property
    def is_in(self) -> bool:
        return self._ticket.state == "running"

    @property
    def is_alone(self) -> bool:
        """Whether nobody else is at this provider, nor waits for it."""
        return self.is_in and self._pool.line.running == 1 and not self._pool.line.waiting

    def look(self) -> None:
        """There may be more slots than a moment ago."""
        self._pool.admit(self._clock.monotonic())

    def about_s(self) -> float | None:
        return self._pool.about_s(self._ticket, self._clock.monotonic())

    async def turn(self) -> None:
        """Wait for one's turn.

        Raises:
            TooMany: it did not come in time, or somebody of a higher band took the last place.
        """
        while not await self.turn_within(SAY_EVERY_S):
            pass

    async def turn_within(self, seconds: float) -> bool:
        """Whether the turn came within `seconds`. Raises as `turn`."""
        turn = self._pool.turns.get(self._ticket)
        if turn is not None:
            await asyncio.wait({turn}, timeout=seconds)
            self._sent_at = self._clock.monotonic()
        if self.is_in:
            return True
        if self._ticket.state == "gone" or (self._pool.slots is None and self._has_waited_enough()):
            raise self._pool.turned_away(self._ticket, self.about_s())
        return False

    def _has_waited_enough(self) -> bool:
        waited_s = self._clock.monotonic() - self._ticket.arrived
        return waited_s >= self._gate.wait_max_s(self._ticket.band)

    def first(self) -> None:
        """The first of the answer came."""
        if self._first_at is None:
            self._first_at = self._clock.monotonic()
            self._pool.pressure.began(self._asked.model, self._first_at - self._sent_at, self._ticket.input_tokens)

    def over(self, usage: Usage | None) -> None:
        """The call has ended, in whatever way; what it took is charged."""
        now = self._clock.monotonic()
        pool, ticket = self._pool, self._ticket
        was_in = self.is_in
        input_tokens = usage.input - usage.cached if usage is not None else ticket.input_tokens
        output_tokens = usage.output if usage is not None else 0
        pool.turns.pop(ticket, None)
        pool.line.finish(ticket, input_tokens, output_tokens, now)
        if was_in:
            pool.served_cost += cost(input_tokens, output_tokens)
            if self._first_at is not None:
                pool.pressure.ended(self._asked.model, now - self._first_at, output_tokens, ticket.tokens)
                self._gate.learn(self._asked, output_tokens)
        pool.admit(now)


class Gate:
    def __init__(self, clock: Clock, settings: ModelsSettings) -> None:
        self._clock = clock
        self._settings = settings
        self._pools: dict[str, _Pool] = {}
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._ticker = asyncio.create_task(self._tick(), name="models.gate")

    async def stop(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker

    @asynccontextmanager
    async def enter(self, asked: Asked) -> AsyncGenerator[Place, None]:
        """Stand in the line; inside the block `turn` waits for the turn, and leaving it gives the place back.

        Raises:
            TooMany: no place, not even in the line.
        """
        now = self._clock.monotonic()
        pool = self._pool(asked.pool)
        ticket = Ticket(asked.tenant, asked.band, asked.input_tokens, self._expected(pool, asked), now, asked.weight)
        for aside in pool.aside:
            aside.wanted.set()
        self._join(pool, asked, ticket, now)
        place = Place(self, pool, ticket, asked, self._clock)
        if asked.gives_way:
            pool.aside.add(place)
        try:
            yield place
        finally:
            pool.aside.discard(place)
            if ticket.state != "gone":
                place.over(None)

    def refused(self, pool: str, retry_after_s: float | None) -> None:
        """The provider said that it is too much: nothing more is sent until it is worth another try."""
        held, now = self._pool(pool), self._clock.monotonic()
        metrics.gate_cooldowns.labels(pool).inc()
        longest_s = self._settings.provider_retry_after_max_s
        held.pressure.refused(now, None if retry_after_s is None else min(retry_after_s, longest_s))
        free_at = now + held.pressure.held_s(now)
        asyncio.get_running_loop().call_later(free_at - now, lambda: held.admit(self._clock.monotonic()))

    def wait_max_s(self, band: Band) -> float:
        return self._settings.gate_wait_max_s if band in ("interactive", "api") else self._settings.gate_wait_low_max_s

    def learn(self, asked: Asked, output_tokens: int) -> None:
        """How long answers of this model are."""
        expected = self._pool(asked.pool).expected
        before = expected.get(asked.model, EXPECTED_TOKENS)
        expected[asked.model] = before + FOLLOW * (output_tokens - before)

    def _expected(self, pool: _Pool, asked: Asked) -> int:
        usual = round(pool.expected.get(asked.model, EXPECTED_TOKENS))
        return usual if asked.output_tokens_max is None else min(usual, asked.output_tokens_max)

    def _join(self, pool: _Pool, asked: Asked, ticket: Ticket, now: float) -> None:
        displaced = pool.line.join(ticket)
        if displaced is ticket:
            raise pool.turned_away(ticket, pool.about_s(ticket, now))
        if displaced is not None:
            pool.wake(displaced)
        pool.admit(now)
        if ticket.state == "waiting":
            pool.turns[ticket] = asyncio.get_running_loop().create_future()

    def add_slots(self, name: str, slots: Callable[[], int], queue_max: int, refusal: Refusal) -> None:
        """Say of a provider how many calls it takes at once, which may change, and how many may wait for it.

        One person's may not fill the whole line.
        """
        own_max = max(1, round(queue_max * OWN_SHARE))
        self._pools[name] = self._new_pool(name, queue_max, own_max, refusal, slots)

    def _pool(self, name: str) -> _Pool:
        pool = self._pools.get(name)
        if pool is None:
            most = self._settings
            pool = self._pools[name] = self._new_pool(
                name, most.gate_queue_max, most.gate_tenant_queue_max, partial(busy, name)
            )
        return pool

    def _new_pool(
        self,
        name: str,
        queue_max: int,
        tenant_queue_max: int,
        refusal: Refusal,
        slots: Callable[[], int] | None = None,
    ) -> _Pool:
        most = self._settings
        line = Line(queue_max=queue_max, tenant_queue_max=tenant_queue_max, starving_after_s=most.gate_starving_s)
        pressure = Pressure(start=most.gate_tokens_start, least=most.gate_tokens_min, most=most.gate_tokens_max)
        return _Pool(name, line, pressure, refusal, slots)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            now = self._clock.monotonic()
            for pool in self._pools.values():
                pool.tick(now)


def busy(provider: str, about_s: float | None) -> TooMany:
    after_s = None if about_s is None else max(1.0, about_s * (1 + JITTER * secrets.randbelow(1000) / 1000))
    return TooMany(
        "models.busy",
        f"{provider} has too much to do right now.",
        "Try again later.",
        params={"provider": provider},
        retry_after=after_s,
    )
