"""One line in front of one pool of model servers: strict bands, and fair queues inside each. Pure: time is given.

A server that is sent too much slows down for everybody, and what was sent can't be put in another order. So the line
is here, and the server's own stays short.

Bands are strict: somebody who waits at a screen goes before a program, a program before work in the background, and
that before bulk. A lower band may fill a server only up to its ceiling while a higher one is about, so that a newcomer
of the higher one finds room. What has waited too long is served now and then whatever its band: nothing starves.

Inside a band each tenant has a counter of what it was served, in weighted tokens, and the smallest is next: Virtual
Token Counter (Sheng et al., OSDI 2024, arXiv 2401.00588). A tenant that comes back after a pause is lifted to the
smallest counter of those who are there: it has no claim for the time that it was away. The paper charges output as it
is made; here the expected length is charged at the start and set right at the end.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal, TypeAlias, get_args

Band: TypeAlias = Literal["interactive", "api", "background", "bulk"]
BANDS: tuple[Band, ...] = get_args(Band)
State: TypeAlias = Literal["waiting", "running", "gone"]

INPUT_WEIGHT = 1.0
OUTPUT_WEIGHT = 2.0
"""A token that is written costs a server about twice one that is read (the default of VTC, llm-d and AIBrix)."""
CEILINGS: dict[Band, float] = {"interactive": 1.0, "api": 0.95, "background": 0.85, "bulk": 0.7}
ABOUT_S = 10.0
"""So long after its last arrival a higher band counts as being about, and lower ones leave room for it."""
STARVING_EVERY = 8
"""Of so many that are let in, one may be somebody who has waited too long in a lower band."""
HALF_LIFE_S = 300.0
IDLE_TENANTS_KEPT = 10_000
STALE_MAX = 256
"""So many entries of tickets that have gone may stay in a list of arrivals before it is cleaned."""


@dataclass(slots=True, eq=False)
class Ticket:
    """A place in the line.

    Args:
        tenant: whose counter is charged.
        weight: of the tenant: with twice as much it gets twice as much.
        input_tokens, output_tokens: as expected.
        arrived: seconds of the caller's clock.
        lines: in how many lines the same call stands: each counts only a share of it as waiting.
    """

    tenant: str
    band: Band
    input_tokens: int
    output_tokens: int
    arrived: float
    weight: float = 1.0
    state: State = "waiting"
    lines: int = 1

    @property
    def tokens(self) -> int:
        """What it occupies of a server."""
        return self.input_tokens + self.output_tokens

    @property
    def cost(self) -> float:
        return cost(self.input_tokens, self.output_tokens)

    @property
    def share(self) -> float:
        """Of its cost, what this line has to serve, about."""
        return self.cost / self.lines


def cost(input_tokens: float, output_tokens: float) -> float:
    """What a tenant is charged, in tokens as read."""
    return INPUT_WEIGHT * input_tokens + OUTPUT_WEIGHT * output_tokens


@dataclass(slots=True)
class _Tenant:
    """A tenant in one band: its queue, and what it was served (`counter`), of which `expected` is still to come."""

    counter: float = 0.0
    expected: float = 0.0
    idle_since: float = 0.0
    waiting: deque[Ticket] = field(default_factory=deque[Ticket])
    running: int = 0


class _Fair:
    """The queues of one band; every step takes logarithmic time.

    The heap holds (counter, order, tenant) of those with somebody waiting, `_arrivals` the tickets as they came: stale
    entries of both are passed over.
    """

    def __init__(self) -> None:
        self._tenants: dict[str, _Tenant] = {}
        self._idle: OrderedDict[str, None] = OrderedDict()
        self._heap: list[tuple[float, int, str]] = []
        self._arrivals: deque[Ticket] = deque()
        self._order = 0
        self._last_left = 0.0
        self._waiting_tenants = 0
        self.waiting = 0
        self.waiting_cost = 0.0

    def push(self, ticket: Ticket, now: float, is_first: bool) -> None:
        name = ticket.tenant
        tenant = self._tenants.setdefault(name, _Tenant())
        if not tenant.waiting:
            self._lift(tenant, now)
        (tenant.waiting.appendleft if is_first else tenant.waiting.append)(ticket)
        self._arrivals.append(ticket)
        self._waits(ticket, tenant)

    def head(self) -> Ticket | None:
        """Whose turn it is."""
        while self._heap:
            counter, _, name = self._heap[0]
            tenant = self._tenants.get(name)
            if tenant is not None and tenant.waiting and tenant.counter == counter:
                return tenant.waiting[0]
            heapq.heappop(self._heap)
        return None

    def oldest(self) -> Ticket | None:
        while self._arrivals and self._arrivals[0].state != "waiting":
            self._arrivals.popleft()
        return self._arrivals[0] if self._arrivals else None

    def newest(self) -> Ticket | None:
        while self._arrivals and self._arrivals[-1].state != "waiting":
            self._arrivals.pop()
        return self._arrivals[-1] if self._arrivals else None

    def take(self, ticket: Ticket) -> None:
        """It is served: its tenant is charged what is expected."""
        tenant = self._tenants[ticket.tenant]
        self._drop(ticket, tenant)
        tenant.running += 1
        tenant.expected += cost(0, ticket.output_tokens) / ticket.weight
        self._charge(ticket.tenant, tenant, ticket.cost / ticket.weight)
        self._last_left = tenant.counter - tenant.expected

    def give_back(self, ticket: Ticket) -> None:
        """It stops being served and waits again, before all others of its tenant, which is charged nothing."""
        tenant = self._tenants[ticket.tenant]
        tenant.running -= 1
        tenant.expected -= cost(0, ticket.output_tokens) / ticket.weight
        tenant.waiting.appendleft(ticket)
        self._arrivals.appendleft(ticket)
        self._charge(ticket.tenant, tenant, -ticket.cost / ticket.weight)
        self._waits(ticket, tenant)

    def remove(self, ticket: Ticket, now: float) -> None:
        """It has gone away without being served."""
        tenant = self._tenants[ticket.tenant]
        self._drop(ticket, tenant)
        self._rest(ticket.tenant, tenant, now)

    def settle(self, ticket: Ticket, true_cost: float, now: float) -> None:
        """It is over: the tenant's counter is set right."""
        tenant = self._tenants[ticket.tenant]
        tenant.running -= 1
        tenant.expected -= cost(0, ticket.output_tokens) / ticket.weight
        self._charge(ticket.tenant, tenant, (true_cost - ticket.cost) / ticket.weight)
        self._rest(ticket.tenant, tenant, now)

    def queued(self, tenant: str) -> int:
        known = self._tenants.get(tenant)
        return len(known.waiting) if known is not None else 0

    def ahead(self, ticket: Ticket) -> float:
        """Cost of what is served before `ticket` in this band, about: tenants take turns."""
        tenant = self._tenants.get(ticket.tenant)
        if tenant is None or not tenant.waiting:
            return self.waiting_cost
        own = sum(each.share for each in takewhile(lambda each: each is not ticket, tenant.waiting))
        others = self.waiting_cost - sum(each.share for each in tenant.waiting)
        return own + max(0.0, min(others, (own + ticket.share) * (self._waiting_tenants - 1)))

    def counters(self) -> dict[str, float]:
        return {name: tenant.counter for name, tenant in self._tenants.items()}

    def _drop(self, ticket: Ticket, tenant: _Tenant) -> None:
        tenant.waiting.remove(ticket)
        self._waiting_tenants -= not tenant.waiting
        self._count(ticket, -1)

    def _waits(self, ticket: Ticket, tenant: _Tenant) -> None:
        """`ticket` was put into the queue of its tenant."""
        self._idle.pop(ticket.tenant, None)
        self._count(ticket, 1)
        if len(tenant.waiting) == 1:
            self._waiting_tenants += 1
            self._offer(ticket.tenant, tenant)
        if len(self._arrivals) > STALE_MAX + 4 * self.waiting:
            self._arrivals = deque(dict.fromkeys(each for each in self._arrivals if each.state == "waiting"))

    def _count(self, ticket: Ticket, by: int) -> None:
        self.waiting += by
        self.waiting_cost = self.waiting_cost + by * ticket.share if self.waiting else 0.0

    def _charge(self, name: str, tenant: _Tenant, amount: float) -> None:
        tenant.counter += amount
        self._offer(name, tenant)

    def _offer(self, name: str, tenant: _Tenant) -> None:
        if tenant.waiting:
            self._order += 1
            heapq.heappush(self._heap, (tenant.counter, self._order, name))

    def _lift(self, tenant: _Tenant, now: float) -> None:
        """No claim for the time away; an old debt fades. The paper's lines 7 to 13.

        What the others are only expected to take does not count: most answers are shorter, and a newcomer would stand
        behind all of theirs.
        """
        head = self.head()
        first = None if head is None else self._tenants[head.tenant]
        least = self._last_left if first is None else first.counter - first.expected
        debt = max(0.0, tenant.counter - least)
        if tenant.running == 0:
            debt *= 0.5 ** (max(0.0, now - tenant.idle_since) / HALF_LIFE_S)
        tenant.counter = least + debt

    def _rest(self, name: str, tenant: _Tenant, now: float) -> None:
        if tenant.waiting or tenant.running:
            return
        tenant.idle_since = now
        self._idle[name] = None
        if len(self._idle) > IDLE_TENANTS_KEPT:
            oldest, _ = self._idle.popitem(last=False)
            del self._tenants[oldest]


class Line:
    """The line of one pool.

    Args:
        queue_max: how many may wait altogether.
        tenant_queue_max: how many of one tenant.
        starving_after_s: after such a wait the band does not count any more, now and then.
    """

    def __init__(self, *, queue_max: int, tenant_queue_max: int, starving_after_s: float) -> None:
        self._queue_max = queue_max
        self._tenant_queue_max = tenant_queue_max
        self._starving_after_s = starving_after_s
        self._fair = {band: _Fair() for band in BANDS}
        self._last_seen = dict.fromkeys(BANDS, float("-inf"))
        self._since_starving = 0
        self.running_tokens = 0
        self.running = 0
        self.waiting = 0

    def waiting_in(self, band: Band) -> int:
        return self._fair[band].waiting

    def counters(self, band: Band) -> dict[str, float]:
        """What each tenant was served in this band, in weighted tokens."""
        return self._fair[band].counters()

    def join(self, ticket: Ticket, is_first: bool = False) -> Ticket | None:
        """Stand in the line, `is_first` before all others of the same tenant.

        Returns: who has to go instead: `ticket` itself where the line is full, or the newest of a lower band.
        """
        fair = self._fair[ticket.band]
        self._last_seen[ticket.band] = max(self._last_seen[ticket.band], ticket.arrived)
        if fair.queued(ticket.tenant) >= self._tenant_queue_max:
            ticket.state = "gone"
            return ticket
        displaced = None
        if self.waiting >= self._queue_max:
            displaced = self._newest_below(ticket.band)
            if displaced is None:
                ticket.state = "gone"
                return ticket
            self.leave(displaced, ticket.arrived)
        self.waiting += 1
        fair.push(ticket, ticket.arrived, is_first)
        return displaced

    def leave(self, ticket: Ticket, now: float) -> None:
        """Go away before one's turn. Harmless when it has come, or one is gone already."""
        if ticket.state == "waiting":
            ticket.state = "gone"
            self.waiting -= 1
            self._fair[ticket.band].remove(ticket, now)

    def admit(self, limit_tokens: float, limit_running: float, now: float) -> list[Ticket]:
        """Let in whose turn it is, as long as there is room: at most so many tokens, and so many, at once.

        Somebody who is larger than the whole server is let in alone.
        """
        admitted: list[Ticket] = []
        while self.waiting and self.running < limit_running:
            ticket = self._next(limit_tokens, now)
            if ticket is None:
                break
            ticket.state = "running"
            self._fair[ticket.band].take(ticket)
            self.waiting -= 1
            self.running += 1
            self.running_tokens += ticket.tokens
            admitted.append(ticket)
        return admitted

    def would_admit(self, ticket: Ticket, limit_tokens: float, limit_running: float, now: float) -> bool:
        """Whether `ticket` would be let in at once if it joined: nobody of its band or above waits, and it fits."""
        upto = BANDS[: BANDS.index(ticket.band) + 1]
        if self.running >= limit_running or any(self._fair[band].waiting for band in upto):
            return False
        return self._has_room(ticket, limit_tokens, self._ceiling(ticket.band, now))

    def give_back(self, ticket: Ticket) -> None:
        """`ticket`, which is in, waits again, uncharged and before all others of its tenant."""
        if ticket.state == "running":
            ticket.state = "waiting"
            self.waiting += 1
            self.running -= 1
            self.running_tokens -= ticket.tokens
            self._fair[ticket.band].give_back(ticket)

    def finish(self, ticket: Ticket, input_tokens: int, output_tokens: int, now: float) -> None:
        """It is over and took so much. Harmless when it was over already, or never began."""
        if ticket.state != "running":
            self.leave(ticket, now)
            return
        ticket.state = "gone"
        self.running -= 1
        self.running_tokens -= ticket.tokens
        self._fair[ticket.band].settle(ticket, cost(input_tokens, output_tokens), now)

    def ahead(self, ticket: Ticket) -> float:
        """Cost of all that is served before `ticket`, which waits, about."""
        above = BANDS[: BANDS.index(ticket.band)]
        return sum(self._fair[band].waiting_cost for band in above) + self._fair[ticket.band].ahead(ticket)

    def _next(self, limit_tokens: float, now: float) -> Ticket | None:
        """Whose turn it is, if there is room for them."""
        starving = self._starving(now)
        if starving is not None and self._since_starving >= STARVING_EVERY - 1:
            if not self._has_room(starving, limit_tokens, 1.0):
                return None  # The room that becomes free is kept for it.
            self._since_starving = 0
            return starving
        for band in BANDS:
            head = self._fair[band].head() if self._fair[band].waiting else None
            if head is None:
                continue
            if not self._has_room(head, limit_tokens, self._ceiling(band, now)):
                # A lower band must not slip past somebody who only needs a little more room.
                return None
            self._since_starving += starving is not None
            return head
        return None

    def _has_room(self, ticket: Ticket, limit_tokens: float, ceiling: float) -> bool:
        return self.running == 0 or self.running_tokens + ticket.tokens <= limit_tokens * ceiling

    def _ceiling(self, band: Band, now: float) -> float:
        above = BANDS[: BANDS.index(band)]
        is_somebody_about = any(now - self._last_seen[each] <= ABOUT_S for each in above)
        return CEILINGS[band] if is_somebody_about else 1.0

    def _starving(self, now: float) -> Ticket | None:
        """Who has waited too long below the highest band that has somebody waiting."""
        highest = next((band for band in BANDS if self._fair[band].waiting), None)
        if highest is None or self._fair[highest].waiting == self.waiting:
            return None
        below: Iterable[Band] = BANDS[BANDS.index(highest) + 1 :]
        oldest = [ticket for band in below if (ticket := self._fair[band].oldest()) is not None]
        first = min(oldest, key=lambda ticket: ticket.arrived, default=None)
        return first if first is not None and now - first.arrived > self._starving_after_s else None

    def _newest_below(self, band: Band) -> Ticket | None:
        for lower in reversed(BANDS[BANDS.index(band) + 1 :]):
            newest = self._fair[lower].newest()
            if newest is not None:
                return newest
        return None
