"""The gate for asyncio: a line and a limit in front of each account of a provider. One loop is its only writer.

Whoever waits for the built-in engine waits for as long as it takes until its weights are here.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeAlias, TypeVar

from mecum.kit.clock import Clock
from mecum.kit.errors import TooMany
from mecum.rooms.models import Usage, metrics
from mecum.rooms.models.gate.fair import BANDS, Band
from mecum.rooms.models.gate.line import Line
from mecum.rooms.models.gate.pool import TICK_S, Pool, Slots
from mecum.rooms.models.gate.pools import Pools, Told
from mecum.rooms.models.gate.pressure import REFUSED_HOLD_MAX_S, Pressure
from mecum.rooms.models.gate.rate import NOTHING_STATED, Stated
from mecum.rooms.models.gate.reporting import Question, Reports
from mecum.rooms.models.gate.standing import Asked, Standing
from mecum.rooms.models.gate.watching import Watch
from mecum.rooms.models.settings import ModelsSettings

JITTER = 0.3
"""A Retry-After is up to so much longer, so that those who were refused do not come back all at once."""
SAY_EVERY_S = 1.0
ANSWER_S = 0.25
"""Another replica that decides says so soon what becomes of a call; after this it counts as waiting."""
OWN_SHARE = 0.75
"""Of the line for slots, one person's calls may take so much."""

Refusal: TypeAlias = Callable[[float | None], TooMany]
"""For whom there is no place; given the seconds until there is one, about, where they are known."""
Answered = TypeVar("Answered")


class Wanted(Exception):
    """Somebody is to have the place, and what was done in it was stopped."""


class Place:
    """A call's place at the gate, from standing in the line to its end."""

    def __init__(self, gate: Gate, standing: Standing) -> None:
        self._gate = gate
        self.standing = standing
        self._turn: asyncio.Future[None] | None = None
        self._answer: asyncio.Future[None] | None = None
        self._wanted: asyncio.Event | None = None

    @property
    def pool(self) -> str:
        """Where it was let in; while it waits, where it would be first of all."""
        return self.standing.pool

    @property
    def is_in(self) -> bool:
        return self.standing.state == "running"

    @property
    def is_alone(self) -> bool:
        """Whether nobody else is in its pool, nor waits for it."""
        line = self._gate.pools.pool(self.pool).line
        return self.is_in and line.running == 1 and not line.waiting

    @property
    def wanted(self) -> asyncio.Event:
        """Of a call that gives way: somebody is to have its place."""
        if self._wanted is None:
            self._wanted = asyncio.Event()
            if self.standing.is_wanted:
                self._wanted.set()
        return self._wanted

    def look(self) -> None:
        """There may be more slots than a moment ago."""
        self._gate.pools.look(self.pool, self._gate.now())

    def about_s(self) -> float | None:
        return self._gate.pools.about_s(self.standing, self._gate.now())

    def told(self) -> None:
        """The standing has changed."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)
        if self._turn is not None and not self._turn.done() and self.standing.state != "waiting":
            self._turn.set_result(None)
        if self._wanted is not None and self.standing.is_wanted:
            self._wanted.set()

    async def answer(self) -> None:
        """Wait for what another replica says that decides. Raises as `turn`."""
        self._answer = asyncio.get_running_loop().create_future()
        await asyncio.wait({self._answer}, timeout=ANSWER_S)
        self._answer = None
        if self.standing.state == "gone":
            raise self._gate.turned_away(self.standing)

    async def turn(self) -> None:
        """Wait for one's turn.

        Raises:
            TooMany: it did not come in time, or somebody of a higher band took the last place.
        """
        while not await self.turn_within(SAY_EVERY_S):
            pass

    async def turn_within(self, seconds: float) -> bool:
        """Whether the turn came within `seconds`. Raises as `turn`."""
        if self.standing.state == "waiting":
            self._turn = asyncio.get_running_loop().create_future()
            await asyncio.wait({self._turn}, timeout=seconds)
            self._turn = None
        if self.is_in:
            return True
        if self.standing.state == "gone" or self._gate.has_waited_enough(self.standing):
            raise self._gate.turned_away(self.standing)
        return False

    @property
    def gives_way(self) -> bool:
        return self.standing.asked.gives_way != "never"

    async def unless_wanted(
        self, work: Callable[[], Awaitable[Answered]], undo: Callable[[Answered], None] | None = None
    ) -> Answered:
        """What comes of `work`, which is done to its end, or stopped when the place is wanted.

        Args:
            undo: lets go of what came of it just as the caller was cancelled.

        Raises:
            Wanted: it was stopped. The place is still taken, until `again` or the end of the call.
        """
        if not self.gives_way:
            return await work()
        working, wanted = asyncio.ensure_future(work()), asyncio.ensure_future(self.wanted.wait())
        try:
            await asyncio.wait({working, wanted}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            if undo is not None and working.done() and not working.cancelled() and working.exception() is None:
                undo(working.result())
            raise
        finally:
            is_done = working.done()
            working.cancel()
            wanted.cancel()
            await asyncio.gather(working, wanted, return_exceptions=True)
        if not is_done:
            raise Wanted
        return working.result()

    def again(self, tiers: tuple[tuple[str, ...], ...] = ()) -> None:
        """Leave the place, in which nothing was answered, and wait for another one: at the head of one's queue,
        uncharged, in any pool that the call may go to.

        Args:
            tiers: it may go to these from now on; empty: to the same.
        """
        if self.is_in:
            metrics.gate_returned.labels(self.pool, self.standing.band).inc()
        if self._wanted is not None:
            self._wanted.clear()
        self._gate.pools.again(self.standing, self._gate.now(), tiers)

    def first(self) -> None:
        """The first of the answer came."""
        if self.standing.first_at is None:
            self._gate.pools.first(self.standing, self._gate.now())
            self._gate.watch.began(self.standing)

    def over(self, usage: Usage | None) -> None:
        """The call has ended, in whatever way; what it took is charged."""
        if self.standing.state == "gone":
            return
        input_tokens = usage.input - usage.cached if usage is not None else self.standing.asked.input_tokens
        output_tokens = usage.output if usage is not None else 0
        self._gate.watch.over(self.standing, input_tokens + output_tokens, self._gate.now())
        self._gate.pools.over(self.standing, input_tokens, output_tokens, self._gate.now())


@dataclass(frozen=True, slots=True)
class Join:
    """What a replica's gate brings to that of all: see `Pools`."""

    new_pool: Callable[[str], Pool]
    told: Told
    watch: Watch
    now: Callable[[], float]
    patience_s: float
    starving_s: float


class Replicas(Protocol):
    """Joins this gate to those of other replicas."""

    def pools(self, join: Join) -> Pools:
        """The pools of this gate."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def reports(self, question: Question) -> Reports:
        """What the others see."""
        ...


class Gate:
    """
    Args:
        replicas: the other server processes, where there are any.
    """

    def __init__(self, clock: Clock, settings: ModelsSettings, replicas: Replicas | None = None) -> None:
        self.now = clock.monotonic
        self._settings = settings
        self.replicas = replicas
        self.watch = Watch()
        patience_s, starving_s = settings.gate_fallback_after_s, settings.gate_starving_s
        self.pools = (
            Pools(self._measured, self._told, patience_s=patience_s, starving_s=starving_s)
            if replicas is None
            else replicas.pools(Join(self._measured, self._told, self.watch, self.now, patience_s, starving_s))
        )
        self._refusals: dict[str, Refusal] = {}
        self._stated: dict[str, Stated] = {}
        self._places: dict[Standing, Place] = {}
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if self.replicas is not None:
            await self.replicas.start()
        self._ticker = asyncio.create_task(self._tick(), name="models.gate")

    async def stop(self) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        if self.replicas is not None:
            await self.replicas.stop()

    @asynccontextmanager
    async def enter(self, asked: Asked) -> AsyncGenerator[Place, None]:
        """Stand in the line; inside the block `turn` waits for the turn, and leaving it gives the place back.

        Raises:
            TooMany: no place, not even in the line.
        """
        place = await self.line_up(asked)
        try:
            yield place
        finally:
            self.leave(place, None)

    async def line_up(self, asked: Asked) -> Place:
        """As `enter`; the caller says `leave` in any case."""
        standing = self.pools.enter(asked, self.now())
        self.watch.asked(standing)
        if standing.state == "gone":
            raise self.turned_away(standing)
        place = self._places[standing] = Place(self, standing)
        if standing.is_unheard:
            try:
                await place.answer()
            except BaseException:
                self.leave(place, None)
                raise
        return place

    def leave(self, place: Place, usage: Usage | None) -> None:
        """The call has ended, in whatever way; what it took is charged."""
        self._places.pop(place.standing, None)
        place.over(usage)

    def refused(self, pool: str, retry_after_s: float | None) -> None:
        """The provider said that it is too much: nothing more is sent until it is worth another try."""
        metrics.gate_cooldowns.labels(pool).inc()
        longest_s = self._settings.provider_retry_after_max_s
        bounded_s = None if retry_after_s is None else min(retry_after_s, longest_s)
        held_s = self.pools.refused(pool, bounded_s, self.now())
        asyncio.get_running_loop().call_later(held_s, lambda: self.pools.look(pool, self.now()))

    def over_budget(self, asked: Asked) -> None:
        """A budget refused it before it could stand here: what it asked for is demand that nobody served."""
        pool = self.pools.pool(asked.tiers[0][0])
        self.watch.over_budget(pool.name, asked.input_tokens + self.pools.expects(asked), self.now())

    def add_slots(self, name: str, slots: Slots, queue_max: int, refusal: Refusal) -> None:
        """Say of a provider how many calls it takes at once, which may change, and how many may wait for it.

        One person's may not fill the whole line.
        """
        own_max = max(1, round(queue_max * OWN_SHARE))
        self._refusals[name] = refusal
        self.pools.add(self._pool(name, queue_max, own_max, slots))

    def state(self, limits: Mapping[str, Stated]) -> None:
        """What the operator states of accounts, by pool; of all others nothing."""
        for name in limits.keys() | self._stated.keys():
            stated = limits.get(name, NOTHING_STATED)
            if stated != self._stated.get(name, NOTHING_STATED):
                self.pools.pool(name).state(stated, self.now())
        self._stated = dict(limits)

    def turned_away(self, standing: Standing) -> TooMany:
        """What somebody hears for whom there is no place."""
        metrics.gate_refused.labels(standing.pool, standing.band).inc()
        self.watch.refused(standing, self.now())
        refusal = self._refusals.get(standing.pool) or partial(busy, standing.pool)
        return refusal(self.pools.about_s(standing, self.now()))

    def has_waited_enough(self, standing: Standing) -> bool:
        """Whether it waits for what is measured, and longer than it should. Slots are waited for with patience."""
        if all(self.pools.pool(name).slots is not None for name in standing.tickets):
            return False
        return self.now() - standing.arrived >= self.patience_s(standing.band)

    def wait_s(self, asked: Asked) -> float:
        """How long a call would wait if it came now, about; infinite where there is no place for it."""
        return self.pools.wait_s(asked, self.now())

    def patience_s(self, band: Band) -> float:
        """After such a wait a call of that band is turned away."""
        most = self._settings
        return most.gate_wait_max_s if band in ("interactive", "api") else most.gate_wait_low_max_s

    def _told(self, standing: Standing) -> None:
        if standing.state == "running" and not standing.is_wanted:
            metrics.gate_admitted.labels(standing.pool, standing.band).inc()
            metrics.gate_wait_seconds.labels(standing.band).observe(standing.sent_at - standing.arrived)
            self.watch.admitted(standing)
        place = self._places.get(standing)
        if place is not None:
            place.told()

    def _measured(self, name: str) -> Pool:
        return self._pool(name, self._settings.gate_queue_max, self._settings.gate_tenant_queue_max, None)

    def _pool(self, name: str, queue_max: int, tenant_queue_max: int, slots: Slots | None) -> Pool:
        most = self._settings
        line = Line(queue_max=queue_max, tenant_queue_max=tenant_queue_max, starving_after_s=most.gate_starving_s)
        pressure = Pressure(
            start=most.gate_tokens_start,
            least=most.gate_tokens_min,
            most=most.gate_tokens_max,
            held_at_most_s=min(REFUSED_HOLD_MAX_S, most.provider_retry_after_max_s),
        )
        return Pool(name, line, pressure, slots)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.pools.tick(self.now())
            self.watch.tick(self.pools.all(), self.now())
            for pool in self.pools.all():
                _show(pool)


def _show(pool: Pool) -> None:
    for band in BANDS:
        metrics.gate_waiting.labels(pool.name, band).set(pool.line.waiting_in(band))
    metrics.gate_running.labels(pool.name).set(pool.line.running)
    metrics.gate_running_tokens.labels(pool.name).set(pool.line.running_tokens)
    metrics.gate_limit_tokens.labels(pool.name).set(pool.pressure.limit)


def busy(provider: str, about_s: float | None) -> TooMany:
    after_s = None if about_s is None else max(1.0, about_s * (1 + JITTER * secrets.randbelow(1000) / 1000))
    return TooMany(
        "models.busy",
        f"{provider} has too much to do right now.",
        "Try again later.",
        params={"provider": provider},
        retry_after=after_s,
    )


__all__ = ["SAY_EVERY_S", "Asked", "Gate", "Place", "Wanted", "busy"]
