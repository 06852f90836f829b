"""One pool: what one account of a provider takes, and the line in front of it. Pure: time is given.

The account owns the limit and the cool-down, however many models are asked of it. What a connected provider takes at
once is measured, in tokens; the built-in engine has slots, none while its weights are on their way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

from mecum.rooms.models.gate.fair import Ticket, cost
from mecum.rooms.models.gate.line import Line
from mecum.rooms.models.gate.pressure import Pressure
from mecum.rooms.models.gate.rate import NOTHING_STATED, Rate, Stated
from mecum.rooms.models.gate.standing import Standing

TICK_S = 1.0
RATE_HALF_LIFE_S = 10.0

Slots: TypeAlias = Callable[[], int]


@dataclass(slots=True, eq=False)
class Pool:
    """
    Args:
        slots: how many calls at once, where that is known; None where the tokens at once are measured.
        calls_max: at once, where the operator states it. rate: tokens in a minute, likewise.
        share: of the limits, what is for this process. follows: another process says who is let in.
        standings: whose a ticket is, of all that wait or run here.
        aside: those here that leave for anybody who comes. yielding: those that were let in and leave for somebody at a
            screen while nothing of their answer has come; the newest is the last.
    """

    name: str
    line: Line
    pressure: Pressure
    slots: Slots | None = None
    calls_max: float = inf
    rate: Rate | None = None
    stated: Stated = NOTHING_STATED
    share: float = 1.0
    follows: bool = False
    standings: dict[Ticket, Standing] = field(default_factory=dict[Ticket, Standing])
    aside: dict[Standing, None] = field(default_factory=dict[Standing, None])
    yielding: dict[Standing, None] = field(default_factory=dict[Standing, None])
    served_per_s: float | None = None
    served_cost: float = 0.0

    def limits(self) -> tuple[float, float]:
        """How many tokens at once, and how many calls."""
        return (self.pressure.limit * self.share, self.calls_max) if self.slots is None else (inf, self.slots())

    def limits_now(self, now: float) -> tuple[float, float]:
        """The same, with what is left of the minute."""
        tokens, calls = self.limits()
        if self.rate is not None:
            tokens = min(tokens, self.line.running_tokens + self.rate.left(now))
        return tokens, calls

    def is_spent(self, now: float) -> bool:
        """Whether nothing is left of the minute."""
        return self.rate is not None and self.rate.left(now) <= 0

    def state(self, stated: Stated, now: float) -> None:
        """The operator states its limits, or none."""
        self.stated = stated
        self.calls_max = inf if stated.calls_max is None else max(1.0, stated.calls_max * self.share)
        minute = stated.tokens_per_minute
        self.rate = None if minute is None else Rate(max(1, round(minute * self.share)), now)

    def divide(self, share: float, now: float) -> None:
        """So much of the limits is for this process from now on."""
        if share == self.share:
            return
        left = None if self.rate is None else self.rate.left(now) * share / self.share
        self.share = share
        self.state(self.stated, now)
        if self.rate is not None and left is not None:
            self.rate.follow(left, now)

    @property
    def fullness(self) -> float:
        """How much of what it takes at once it has; 1 or more: it is full."""
        tokens, calls = self.limits()
        if self.slots is None:
            return max(self.line.running_tokens / tokens, self.line.running / calls)
        return self.line.running / calls if calls else inf

    def is_held(self, now: float) -> bool:
        return self.pressure.held_s(now) > 0

    def has_room(self, ticket: Ticket, now: float) -> bool:
        """Whether `ticket` would be let in at once."""
        is_shut = self.is_held(now) or self.is_spent(now)
        return not is_shut and self.line.would_admit(ticket, *self.limits_now(now), now)

    def admit(self, now: float) -> list[Ticket]:
        """Let in whose turn it is."""
        if not self.line.waiting or self.follows or self.is_held(now) or self.is_spent(now):
            return []
        admitted = self.line.admit(*self.limits_now(now), now)
        if self.rate is not None:
            self.rate.take(sum(ticket.tokens for ticket in admitted), now)
        return admitted

    def about_s(self, ticket: Ticket, now: float) -> float | None:
        """How long it will take until it is its turn; None: nothing was served yet by which to tell."""
        held_s = max(self.pressure.held_s(now), self.rate.wait_s(now) if self.rate is not None else 0.0)
        if not self.served_per_s:
            return held_s or None
        return held_s + self.line.ahead(ticket) / self.served_per_s

    @property
    def pressed(self) -> float:
        """`fullness`, and what waits in the line beside it."""
        waiting = self.line.waiting
        return self.fullness * (1.0 + waiting / max(1, self.line.running)) if waiting else self.fullness

    def wait_s(self, ticket: Ticket, now: float) -> float:
        """How long `ticket` would wait, about, if it came now: not at all where nobody has been seen to wait."""
        if self.has_room(ticket, now):
            return 0.0
        if not self.line.takes(ticket):
            return inf
        return self.about_s(ticket, now) or 0.0

    def makes_way(self, ticket: Ticket, starving_s: float, now: float) -> Standing | None:
        """The newest call that leaves `ticket` enough room if it goes, of those that may be asked to.

        Who has waited for very long is not sent back: otherwise it might never be served.
        """
        tokens, calls = self.limits()
        for standing in reversed(self.yielding):
            goes = standing.tickets[self.name]
            left = self.line.running_tokens - goes.tokens
            fits = self.line.running == 1 or left + ticket.tokens <= tokens
            if fits and self.line.running <= calls and not standing.is_wanted and now - standing.arrived <= starving_s:
                return standing
        return None

    def over(self, ticket: Ticket, input_tokens: int, output_tokens: int, now: float) -> None:
        """The call with `ticket` has ended here and took so much."""
        if ticket.state == "running":
            self.served_cost += cost(input_tokens, output_tokens)
            if self.rate is not None:
                self.rate.take(input_tokens + output_tokens - ticket.tokens, now)
        self.forget(ticket)
        self.line.finish(ticket, input_tokens, output_tokens, now)

    def give_back(self, ticket: Ticket, now: float) -> None:
        """The call with `ticket` leaves its place, in which nothing was answered, for the head of its queue."""
        self.line.give_back(ticket)
        if self.rate is not None:
            self.rate.take(-ticket.tokens, now)

    def forget(self, ticket: Ticket) -> None:
        """`ticket` is none of this pool's any more."""
        standing = self.standings.pop(ticket, None)
        if standing is not None and standing.asked.gives_way != "never":
            self.aside.pop(standing, None)
            self.yielding.pop(standing, None)

    def tick(self, now: float) -> None:
        """Once a second: how fast it serves, and how much it takes."""
        rate = self.served_cost / TICK_S
        self.served_cost = 0.0
        if rate:
            share = 1 - 0.5 ** (TICK_S / RATE_HALF_LIFE_S)
            before = rate if self.served_per_s is None else self.served_per_s
            self.served_per_s = before + share * (rate - before)
        if self.slots is None:
            line = self.line
            self.pressure.tick(line.running_tokens, line.running, line.wants_more(now), now)
