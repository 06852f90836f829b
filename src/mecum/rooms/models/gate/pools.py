"""All pools together: where a call stands, who is let in where, and who makes way. Pure: time is given.

A call that several accounts could serve stands in the line of each and is served by the first that has room: none is
idle while somebody waits who could go there. One that comes is let in at once where its conversation was read before,
else by the fullest that has room (pack, then spill: PolyServe, arXiv 2507.17769), so that the emptier ones stay free
for whoever is large, and nobody needs them by night. The accounts of a later tier are asked only when the earlier ones
have no room soon, or all of them are in a cool-down.

A call of bulk leaves its place to somebody at a screen who finds none, as long as nothing of its answer has come, and
goes back to the head of its queue as if it had never been served (the rule of SMG's priority scheduler). What gives
way always leaves for anybody who comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeAlias

from mecum.rooms.models.gate.fair import Band
from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.standing import Asked, Standing, Sticky

EXPECTED_TOKENS = 400.0
FOLLOW = 0.05
MODELS_KEPT = 10_000
AT_A_SCREEN = 8
"""So many calls of one tenant at once may wait and run in one pool before everything else."""

Told: TypeAlias = Callable[[Standing], None]


class Pools:
    """
    Args:
        new_pool: makes the pool of a name that is asked for first.
        told: hears of every call that is let in, loses its place in the line, or is wanted elsewhere; at once, in
            the middle of whatever it was that changed this.
        patience_s: so long a call waits for a tier before the next is asked too.
        starving_s: after such a wait a call leaves its place to nobody before its answer begins.
    """

    def __init__(self, new_pool: Callable[[str], Pool], told: Told, *, patience_s: float, starving_s: float) -> None:
        self._new_pool = new_pool
        self._told = told
        self._patience_s = patience_s
        self._starving_s = starving_s
        self._pools: dict[str, Pool] = {}
        self._sticky = Sticky()
        self._expected: dict[str, float] = {}
        self._waiting_for_tier: dict[Standing, None] = {}

    def add(self, pool: Pool) -> None:
        self._pools[pool.name] = pool

    def pool(self, name: str) -> Pool:
        found = self._pools.get(name)
        if found is None:
            found = self._pools[name] = self._new_pool(name)
        return found

    def all(self) -> Iterable[Pool]:
        return self._pools.values()

    def enter(self, asked: Asked, now: float) -> Standing:
        """Stand in the line. Its state is `gone` where there is no place, not even in a line."""
        standing = Standing(asked, self._band(asked), now, self.expects(asked), asked.tiers[0][0])
        self._stand(standing, now)
        return standing

    def _stand(self, standing: Standing, now: float) -> None:
        self._ask_tiers(standing, now)
        if standing.state == "waiting" and standing.band == "interactive":
            self._make_way(standing, now)

    def _band(self, asked: Asked) -> Band:
        """Nobody reads so many answers at once at a screen: what is beyond them is a program's."""
        if asked.band != "interactive":
            return asked.band
        return (
            "api"
            if self.pool(asked.tiers[0][0]).line.here(asked.tenant, "interactive") >= AT_A_SCREEN
            else "interactive"
        )

    def about_s(self, standing: Standing, now: float) -> float | None:
        """How long it will take until its turn; None: there is nothing by which to tell."""
        if standing.state == "gone":
            # It never stood in a line: as long as for the last one there.
            return self.pool(standing.pool).about_s(standing.ticket(1), now)
        found = [self._pools[name].about_s(ticket, now) for name, ticket in standing.tickets.items()]
        return min((each for each in found if each is not None), default=None)

    def wait_s(self, asked: Asked, now: float) -> float:
        """How long a call would wait if it came now, about; infinite where nothing is sent or no line takes it."""
        standing = Standing(asked, self._band(asked), now, self.expects(asked), asked.tiers[0][0])
        trial = standing.ticket(1)
        return min(self.pool(name).wait_s(trial, now) for names in asked.tiers for name in names)

    def fullness(self, names: Iterable[str]) -> float:
        """How full the emptiest of these pools is; who waits there counts as well."""
        return min(self.pool(name).pressed for name in names)

    def first(self, standing: Standing, now: float) -> None:
        """The first of its answer came."""
        if standing.first_at is None and standing.state == "running":
            standing.first_at = now
            pool, asked = self._pools[standing.pool], standing.asked
            if asked.gives_way == "before_first":
                pool.yielding.pop(standing, None)
            line, took_s = pool.line, now - standing.sent_at
            pool.pressure.began(asked.model, took_s, asked.input_tokens, now, line.running, line.at_a_screen)

    def over(self, standing: Standing, input_tokens: int, output_tokens: int, now: float) -> None:
        """It has ended, in whatever way, and took so much. Harmless when it had ended already."""
        was_in = standing.state == "running"
        standing.state = "gone"
        self._waiting_for_tier.pop(standing, None)
        tickets, standing.tickets = standing.tickets, {}
        for name, ticket in tickets.items():
            self._pools[name].over(ticket, input_tokens, output_tokens, now)
        if was_in and standing.first_at is not None:
            self._wrote(standing, output_tokens, now)
        self._admit(list(tickets), now)

    def again(self, standing: Standing, now: float, tiers: tuple[tuple[str, ...], ...] = ()) -> None:
        """It leaves its place, in which nothing was answered, and waits for another one: at the head of its queue,
        and uncharged.

        Args:
            tiers: it may go to these from now on; empty: to the same.
        """
        if standing.state != "running":
            return
        pool, ticket = self._pools[standing.pool], standing.tickets[standing.pool]
        standing.state, standing.is_wanted, standing.has_returned = "waiting", False, True
        pool.give_back(ticket, now)
        pool.yielding.pop(standing, None)
        if tiers:
            standing.asked = replace(standing.asked, tiers=tiers)
            if all(pool.name not in names for names in tiers):
                pool.line.leave(ticket, now)
                pool.forget(ticket)
                del standing.tickets[pool.name]
                standing.pool = tiers[0][0]
        self._admit([pool.name], now)
        asked_before, standing.tiers_asked = min(standing.tiers_asked, len(standing.asked.tiers)), 0
        while standing.state == "waiting" and standing.tiers_asked < asked_before:
            self._join(standing, now)
        self._ask_tiers(standing, now)

    def refused(self, name: str, retry_after_s: float | None, now: float) -> float:
        """The provider said that it is too much. Gives the seconds until it is asked again."""
        pool = self.pool(name)
        was_held = pool.is_held(now)
        pool.pressure.refused(now, retry_after_s)
        if not was_held:
            self._ask_next_tiers(now)
        return pool.pressure.held_s(now)

    def look(self, name: str, now: float) -> None:
        """There may be more room than a moment ago."""
        self._admit([name], now)

    def tick(self, now: float) -> None:
        """Once a second."""
        for pool in self._pools.values():
            pool.tick(now)
        self._admit(list(self._pools), now)
        self._ask_next_tiers(now)

    def _ask_next_tiers(self, now: float) -> None:
        for standing in list(self._waiting_for_tier):
            if standing.state == "waiting":
                self._ask_tiers(standing, now)

    def _ask_tiers(self, standing: Standing, now: float) -> None:
        """Stand in the lines of one tier after the other, until one has room or promises it soon."""
        tiers = len(standing.asked.tiers)
        while standing.state == "waiting" and standing.tiers_asked < tiers:
            if standing.tiers_asked and not self._is_hopeless(standing, now):
                break
            self._join(standing, now)
        if standing.state == "waiting" and not standing.tickets:
            standing.state = "gone"
        if standing.state == "waiting" and standing.tiers_asked < tiers:
            self._waiting_for_tier[standing] = None
        elif tiers > 1:
            self._waiting_for_tier.pop(standing, None)

    def _is_hopeless(self, standing: Standing, now: float) -> bool:
        """Whether the tiers that were asked have no room soon enough."""
        if all(self._pools[name].is_held(now) for name in standing.tickets):
            return True
        return now - standing.arrived + (self.about_s(standing, now) or 0.0) > self._patience_s

    def _join(self, standing: Standing, now: float) -> None:
        """Stand in the lines of the next tier."""
        names = standing.asked.tiers[standing.tiers_asked]
        standing.tiers_asked += 1
        if len(names) == 1:
            self._join_pool(standing, self.pool(names[0]), 1, now)
            return
        pools = self._in_order(standing.asked, names)
        trial = standing.ticket(1)
        for with_room in (True, False):
            for pool in pools:
                if standing.state != "waiting":
                    return
                if not with_room or pool.has_room(trial, now):
                    self._join_pool(standing, pool, len(names), now)

    def _in_order(self, asked: Asked, names: tuple[str, ...]) -> list[Pool]:
        """The pool that read the conversation before, then the fuller before the emptier."""
        sticky = self._sticky.of(asked.prefix)
        pools = [self.pool(name) for name in dict.fromkeys(names)]
        return sorted(pools, key=lambda pool: (pool.name != sticky, -pool.fullness))

    def _join_pool(self, standing: Standing, pool: Pool, lines: int, now: float) -> None:
        """Stand in the line of `pool`, unless it is full."""
        if pool.name in standing.tickets:
            return
        for aside in pool.aside:
            if not aside.is_wanted:
                self._want(aside)
        ticket = standing.ticket(lines)
        displaced = pool.line.join(ticket, standing.has_returned)
        if displaced is ticket:
            return
        standing.tickets[pool.name] = ticket
        pool.standings[ticket] = standing
        if standing.asked.gives_way == "always":
            pool.aside[standing] = None
        if displaced is not None:
            self._displace(pool, pool.standings[displaced])
        self._admit([pool.name], now)

    def _displace(self, pool: Pool, standing: Standing) -> None:
        """It lost its place in the line of `pool`; where it stands in another it goes on waiting there."""
        pool.forget(standing.tickets.pop(pool.name))
        if not standing.tickets:
            standing.state = "gone"
            self._waiting_for_tier.pop(standing, None)
            self._told(standing)

    def _admit(self, names: list[str], now: float) -> None:
        """Let in whose turn it is in these pools. Who is let in leaves the other lines, where others move up."""
        while names:
            pool = self._pools[names.pop()]
            for ticket in pool.admit(now):
                standing = pool.standings[ticket]
                if len(standing.tickets) > 1:
                    names += self._leave_others(standing, pool, now)
                self._begins(standing, pool, now)
                self._told(standing)

    def _let_in(self, standing: Standing, pool: Pool, now: float) -> None:
        """Let it in there, whatever room there is: that was decided elsewhere."""
        ticket = standing.tickets.get(pool.name)
        if ticket is None:
            ticket = standing.tickets[pool.name] = standing.ticket(1)
            pool.standings[ticket] = standing
            pool.line.squeeze(ticket)
        pool.line.take(ticket)
        if len(standing.tickets) > 1:
            self._leave_others(standing, pool, now)
        self._begins(standing, pool, now)

    def _strike(self, standing: Standing, now: float) -> None:
        """It is none of these pools' concern any more, and was never charged for."""
        standing.state = "gone"
        self._waiting_for_tier.pop(standing, None)
        tickets, standing.tickets = standing.tickets, {}
        for name, ticket in tickets.items():
            self._pools[name].forget(ticket)
            self._pools[name].line.finish(ticket, 0, 0, now)
        self._admit(list(tickets), now)

    def _begins(self, standing: Standing, pool: Pool, now: float) -> None:
        """It has been let in there."""
        if standing.asked.gives_way == "before_first":
            pool.yielding[standing] = None
        standing.state, standing.pool, standing.sent_at = "running", pool.name, now
        if not standing.asked.is_single:
            self._sticky.keep(standing.asked.prefix, pool.name)
            self._waiting_for_tier.pop(standing, None)

    def _leave_others(self, standing: Standing, pool: Pool, now: float) -> list[str]:
        """The names of the pools in whose lines it does not stand any more."""
        others = [name for name in standing.tickets if name != pool.name]
        for name in others:
            ticket, other = standing.tickets.pop(name), self._pools[name]
            other.line.leave(ticket, now)
            other.forget(ticket)
        return others

    def _make_way(self, standing: Standing, now: float) -> None:
        """Ask a call of bulk that has not begun to answer to leave its place for `standing`."""
        for name, ticket in standing.tickets.items():
            pool = self._pools[name]
            if pool.yielding and not pool.follows and not pool.is_held(now):
                goes = pool.makes_way(ticket, self._starving_s, now)
                if goes is not None:
                    self._want(goes)
                    return

    def _want(self, standing: Standing) -> None:
        standing.is_wanted = True
        self._told(standing)

    def expects(self, asked: Asked) -> int:
        """How many tokens its answer will have, about."""
        usual = round(self._expected.get(asked.model, EXPECTED_TOKENS))
        return usual if asked.output_tokens_max is None else min(usual, asked.output_tokens_max)

    def _wrote(self, standing: Standing, output_tokens: int, now: float) -> None:
        """It has ended, after the first of its answer came: how fast the rest was."""
        asked, first_at = standing.asked, standing.first_at or now
        pool = self._pools[standing.pool]
        held = asked.input_tokens + standing.expected
        people = pool.line.at_a_screen + (standing.band == "interactive")
        pool.pressure.ended(asked.model, now - first_at, output_tokens, held, pool.line.running + 1, people)
        self._learn(asked.model, output_tokens)

    def _learn(self, model: str, output_tokens: int) -> None:
        """How long answers of this model are."""
        if model in self._expected or len(self._expected) < MODELS_KEPT:
            before = self._expected.get(model, EXPECTED_TOKENS)
            self._expected[model] = before + FOLLOW * (output_tokens - before)
