"""The queues of one band: fair between tenants. Pure: time is given.

Each tenant has a counter of what it was served, in weighted tokens, and the smallest is next: Virtual Token Counter
(Sheng et al., OSDI 2024, arXiv 2401.00588). A tenant that comes back after a pause is lifted to the smallest counter of
those who are there: it has no claim for the time that it was away. The paper charges output as it is made; here the
expected length is charged at the start and set right at the end.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Literal, TypeAlias, get_args

Band: TypeAlias = Literal["interactive", "api", "background", "bulk"]
BANDS: tuple[Band, ...] = get_args(Band)
State: TypeAlias = Literal["waiting", "running", "gone"]

INPUT_WEIGHT = 1.0
OUTPUT_WEIGHT = 2.0
"""A token that is written costs a server about twice one that is read (the default of VTC, llm-d and AIBrix)."""
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


class Fair:
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
        tenant = self._tenants.get(name)
        if tenant is None:
            tenant = self._tenants[name] = _Tenant()
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

    def here(self, tenant: str) -> int:
        """How many calls of `tenant` wait or run."""
        known = self._tenants.get(tenant)
        return len(known.waiting) + known.running if known is not None else 0

    def last_of_most(self) -> Ticket:
        """The last in the queue of the tenant that has most waiting, of whom there is one."""
        return max(self._tenants.values(), key=lambda tenant: len(tenant.waiting)).waiting[-1]

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
