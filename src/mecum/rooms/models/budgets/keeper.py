"""Lets calls on as budgets allow, and keeps what this process has drawn of them.

The way of a call has no query in it as long as a block lasts: the rules of a caller are known for some seconds, and
what is free in the block is a subtraction. Accounting goes with the usage records, in one transaction (`meter.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias
from uuid import UUID

from mecum.kit.clock import Clock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import MecumError
from mecum.kit.types import Principal
from mecum.rooms.models import metrics
from mecum.rooms.models.budgets import refusals
from mecum.rooms.models.budgets.purse import Purse
from mecum.rooms.models.budgets.reservation import Charge, Need, Reservation, longest
from mecum.rooms.models.budgets.rules import Amounts, Rule, in_force
from mecum.rooms.models.budgets.telling import Crossing
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import budgets as store
from mecum.rooms.models.store.budgets import Asked, Drawn, Spending

logger = logging.getLogger(__name__)

FRESH_S = 5.0
CALLERS_KEPT = 20_000
TICK_S = 1.0
IDLE_S = 3.0
"""A block that nobody used for so long goes back: others may need it, and a crash would count it as spent."""
LAPSED_AT_ONCE = 100
SWEEP_AT_ONCE = 10_000
LOOK_AGAIN_S = 0.5

Caller: TypeAlias = tuple[UUID, UUID, UUID | None]
"""Person, organisation, and the key that pays."""


@dataclass(slots=True)
class _Known:
    """The rules of a caller, as read at a moment of the monotonic clock."""

    rules: tuple[Rule, ...]
    read_at: float
    is_renewing: bool = False


class Keeper:
    def __init__(self, db: Database, clock: Clock, settings: ModelsSettings) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._lease = dt.timedelta(seconds=settings.budget_lease_s)
        self._known: OrderedDict[Caller, _Known] = OrderedDict()
        self._purses: dict[tuple[UUID, UUID], Purse] = {}
        self._past: set[Purse] = set()
        self._kept_at = float("-inf")
        self._reading: set[asyncio.Task[None]] = set()
        self._ticker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._ticker = asyncio.create_task(self._tick(), name="models.budgets")

    async def stop(self) -> None:
        """Give back what was drawn and not spent. The meter has written what was spent."""
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        await asyncio.gather(*self._reading)
        try:
            await self._give_back(self.purses)
        except MecumError:
            logger.warning("What was drawn of budgets could not be given back; it comes free with its lease")

    def forget(self) -> None:
        """A budget has changed: read anew."""
        self._known.clear()

    async def reserve(self, principal: Principal, need: Need) -> Reservation:
        """Hold what a call may take, of each budget that it has to keep to.

        Raises:
            TooMany: a hard budget has not enough left, also after a short wait for calls that are under way.
            Unavailable: a budget can't be asked because the database is away.
        """
        rules = await self._rules(principal) if need.counts else ()
        if not rules:
            return Reservation()
        now = self._clock.now()
        purses = [self._purse(rule, rule.owner(principal), now) for rule in rules]
        hard = [purse for purse in purses if purse.rule.hard]
        reservation = await self._held(hard, need) if hard else Reservation()
        reservation.held = (*reservation.held, *((purse, 0) for purse in purses if not purse.rule.hard))
        return reservation

    @asynccontextmanager
    async def locked(self, purses: Iterable[Purse]) -> AsyncGenerator[None]:
        """Inside the block nobody else draws from or accounts for `purses`. Before any row is locked, in one order."""
        async with AsyncExitStack() as stack:
            for purse in sorted(set(purses), key=lambda each: each.lease):
                await stack.enter_async_context(purse.drawing)
            yield

    async def account(self, connection: AsyncConnection, charges: Iterable[Charge]) -> list[Crossing]:
        """Write what was spent, in the caller's transaction and inside `locked`; `accounted` once that is committed.

        Gives how each budget stood before and after.
        """
        spent = _summed(charges)
        spendings = [_spending(purse, amount) for purse, amount in spent.items()]
        standing = await store.account(connection, spendings, self._expires_at())
        for purse in spent:
            if purse.block and (purse.lease not in standing or not standing[purse.lease].stood):
                _lost(purse)
        after = {purse: standing[purse.lease].spent for purse in spent if purse.lease in standing}
        return [Crossing(purse, total - spent[purse], total) for purse, total in after.items()]

    def accounted(self, charges: Iterable[Charge]) -> None:
        for purse, amount in _summed(charges).items():
            purse.written(amount)

    async def _held(self, purses: list[Purse], need: Need) -> Reservation:
        """Hold of `purses`, all of them or none."""
        whole = need.bound(self._longest(need))
        if all(purse.lacking(whole.of(purse.rule.unit)) == 0 for purse in purses):
            return self._take(purses, whole, self._longest(need))  # as long as plenty is left
        until = self._clock.monotonic() + self._settings.budget_wait_max_s
        while True:
            lacking = await self._lacking(purses, need)
            if lacking is None:
                return self._hold(purses, need)
            purse, drawn = lacking
            may_come = purse.reserved > 0 or drawn.leased > purse.block
            if not may_come or self._clock.monotonic() >= until:
                metrics.budget_refused.labels(purse.rule.subject, purse.rule.unit).inc()
                raise refusals.spent(purse.rule, purse.window, self._settings.currency, self._clock.now())
            await purse.moved(LOOK_AGAIN_S)

    async def _lacking(self, purses: list[Purse], need: Need) -> tuple[Purse, Drawn] | None:
        """Draw what is missing; the first budget that has not enough for the shortest useful answer."""
        for purse in purses:
            unit = purse.rule.unit
            wish, least = (need.bound(output).of(unit) for output in (self._longest(need), need.output_least))
            if wish == 0 or purse.lacking(wish) == 0:
                continue
            async with purse.drawing:
                while purse.lacking(wish) > 0:
                    drawn = await self._draw(purse, need, wish)
                    if purse.lacking(least) == 0:
                        break
                    if drawn.amount == 0:
                        return purse, drawn
                    # The block was less than was thought: its lease had run out.
        return None

    async def _draw(self, purse: Purse, need: Need, wish: int) -> Drawn:
        usual = need.bound(self._usual(need)).of(purse.rule.unit)
        least = need.bound(need.output_least).of(purse.rule.unit)
        asked = Asked(purse.lacking(least), purse.lacking(usual), purse.lacking(wish), purse.block_size)
        async with self._db.transaction() as connection:
            drawn = await store.draw(connection, _spending(purse, 0), asked, self._expires_at())
        if drawn is None:
            self.forget()
            raise refusals.gone()
        purse.block = drawn.open
        return drawn

    def _hold(self, purses: list[Purse], need: Need) -> Reservation:
        """Hold as long an answer as there is room for in all of `purses`, which have enough for the shortest."""
        output = min(longest(need, purse, self._longest(need)) for purse in purses)
        return self._take(purses, need.bound(output), output, shortened=output < self._usual(need))

    def _take(self, purses: list[Purse], bound: Amounts, output: int, *, shortened: bool = False) -> Reservation:
        held, now = [(purse, bound.of(purse.rule.unit)) for purse in purses], self._clock.monotonic()
        for purse, amount in held:
            purse.hold(amount, now)
        return Reservation(held, output, shortened)

    def _longest(self, need: Need) -> int:
        """The longest answer that is let on."""
        return self._settings.budget_answer_tokens_max if need.output_tokens is None else need.output_tokens

    def _usual(self, need: Need) -> int:
        """The answer for which there should be room, even if little is left."""
        longest = self._longest(need)
        return min(self._settings.budget_answer_tokens, longest) if need.output_tokens is None else longest

    async def _rules(self, principal: Principal) -> tuple[Rule, ...]:
        caller = (principal.person, principal.organisation, principal.paying_key)
        known = self._known.get(caller)
        if known is None:
            return (await self._read(caller)).rules
        if self._clock.monotonic() - known.read_at >= FRESH_S and not known.is_renewing:
            known.is_renewing = True
            task = asyncio.create_task(self._renew(caller, known))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
        return known.rules

    async def _read(self, caller: Caller) -> _Known:
        async with self._db.transaction() as connection:
            found = await store.of(connection, *caller)
        known = self._known[caller] = _Known(in_force(found), self._clock.monotonic())
        self._known.move_to_end(caller)
        while len(self._known) > CALLERS_KEPT:
            self._known.popitem(last=False)
        return known

    async def _renew(self, caller: Caller, known: _Known) -> None:
        try:
            await self._read(caller)
        except MecumError:
            logger.warning("Budgets can't be read; those that were known go on")
            known.read_at = self._clock.monotonic()
            known.is_renewing = False

    def _purse(self, rule: Rule, owner: UUID, now: dt.datetime) -> Purse:
        """The purse of today's period; that of an earlier one is kept until its last call has ended."""
        purse = self._purses.get((rule.id, owner))
        if purse is not None and purse.window.starts_at <= now < purse.window.ends_at and purse.rule == rule:
            return purse
        if purse is not None:
            self._past.add(purse)
        purse = self._purses[rule.id, owner] = Purse(rule, owner, rule.window(now), self._clock.monotonic())
        return purse

    @property
    def purses(self) -> list[Purse]:
        """What this process has to do with, those of earlier periods included."""
        return [*self._purses.values(), *self._past]

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                await self.tend()
            except MecumError:
                logger.warning("Budgets wait for the database")

    async def tend(self) -> None:
        """Give idle blocks back and drop purses that nobody needs; now and then renew leases and book lapsed ones."""
        now = self._clock.monotonic()
        idle = [purse for purse in self.purses if purse.is_idle and now - purse.used_at >= IDLE_S]
        await self._give_back(idle)
        for purse in idle:
            self._past.discard(purse)
            if self._purses.get((purse.rule.id, purse.owner)) is purse and purse.is_idle and not purse.block:
                del self._purses[purse.rule.id, purse.owner]
        if now - self._kept_at >= self._lease.total_seconds() / 4:
            self._kept_at = now
            await self._keep()
            await self.book_lapsed()

    async def book_lapsed(self) -> None:
        """Count as spent what processes that died had drawn."""
        async with self._db.transaction() as connection:
            lost = await store.book_lapsed(connection, self._clock.now(), LAPSED_AT_ONCE)
        if lost:
            logger.warning("A process ended before it accounted for %d units of budgets: they count as spent", lost)
            metrics.budget_unattributed.inc(lost)

    async def sweep(self) -> None:
        """The job: forget counts as old as the oldest usage record."""
        before = self._clock.now() - dt.timedelta(days=self._settings.usage_days)
        async with self._db.transaction() as connection:
            await store.sweep(connection, before, SWEEP_AT_ONCE)

    async def _give_back(self, purses: list[Purse]) -> None:
        """End the leases of purses without calls under way."""
        async with self.locked(purse for purse in purses if purse.block and not purse.drawing.locked()):
            blocks = {purse: purse.block for purse in purses if purse.is_idle and purse.block}
            if not blocks:
                return
            for purse in blocks:
                purse.block = 0  # Nobody may take from it meanwhile.
            try:
                async with self._db.transaction() as connection:
                    given = [_spending(purse, 0, ends=True) for purse in blocks]
                    await store.account(connection, given, self._expires_at())
            except BaseException:
                for purse, block in blocks.items():
                    purse.block = block
                raise

    async def _keep(self) -> None:
        """Renew the leases of all blocks."""
        purses = [purse for purse in self.purses if purse.block]
        if not purses:
            return
        async with self.locked(purses):
            async with self._db.transaction() as connection:
                standing = await store.keep(connection, [purse.lease for purse in purses], self._expires_at())
            for purse in purses:
                if purse.lease not in standing:
                    _lost(purse)

    def _expires_at(self) -> dt.datetime:
        return self._clock.now() + self._lease


def _summed(charges: Iterable[Charge]) -> dict[Purse, int]:
    sums: dict[Purse, int] = {}
    for purse, amount in charges:
        sums[purse] = sums.get(purse, 0) + amount
    return sums


def _spending(purse: Purse, spent: int, *, ends: bool = False) -> Spending:
    return Spending(purse.rule.id, purse.owner, purse.window, spent, purse.lease, ends)


def _lost(purse: Purse) -> None:
    """Its lease ran out, because this process or the database stood still: the block was counted as spent."""
    purse.block = 0
