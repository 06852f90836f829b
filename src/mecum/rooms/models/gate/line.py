"""One line in front of one pool of model servers: strict bands, and fair queues inside each. Pure: time is given.

A server that is sent too much slows down for everybody, and what was sent can't be put in another order. So the line
is here, and the server's own stays short.

Bands are strict: somebody who waits at a screen goes before a program, a program before work in the background, and
that before bulk. A lower band may fill a server only up to its ceiling while a higher one is about, so that a newcomer
of the higher one finds room. What has waited too long is served now and then whatever its band: nothing starves.
"""

from __future__ import annotations

from collections.abc import Iterable

from mecum.rooms.models.gate.fair import BANDS, Band, Fair, Ticket, cost

CEILINGS: dict[Band, float] = {"interactive": 1.0, "api": 0.75, "background": 0.7, "bulk": 0.6}
"""While a higher band is about. The limit follows what is measured, whoever fills it: what is kept free costs nothing
in all, and is what people who come all at once find, beside a neighbour who takes whatever there is."""
ABOUT_S = 10.0
"""So long after its last arrival a higher band counts as being about, and lower ones leave room for it."""
STARVING_EVERY = 8
"""Of so many that are let in, one may be somebody who has waited too long in a lower band."""


class Line:
    """The line of one pool.

    Args:
        queue_max: how many may wait altogether.
        tenant_queue_max: how many of one tenant, but for bulk: that leaves its places to all others.
        starving_after_s: after such a wait the band does not count any more, now and then.
    """

    def __init__(self, *, queue_max: int, tenant_queue_max: int, starving_after_s: float) -> None:
        self._queue_max = queue_max
        self._tenant_queue_max = tenant_queue_max
        self._starving_after_s = starving_after_s
        self._fair = {band: Fair() for band in BANDS}
        self._last_seen = dict.fromkeys(BANDS, float("-inf"))
        self._since_starving = 0
        self.running_tokens = 0
        self.running = 0
        self.at_a_screen = 0
        """Of those that run, how many are of somebody at a screen."""
        self.waiting = 0

    def waiting_in(self, band: Band) -> int:
        return self._fair[band].waiting

    def here(self, tenant: str, band: Band) -> int:
        """How many calls of `tenant` wait or run in this band."""
        return self._fair[band].here(tenant)

    def counters(self, band: Band) -> dict[str, float]:
        """What each tenant was served in this band, in weighted tokens."""
        return self._fair[band].counters()

    def join(self, ticket: Ticket, is_first: bool = False) -> Ticket | None:
        """Stand in the line, `is_first` before all others of the same tenant.

        Returns: who has to go instead where the line is full: the newest of a lower band, or of bulk the last of
            whoever has most waiting; else `ticket` itself.
        """
        fair = self._fair[ticket.band]
        self._last_seen[ticket.band] = max(self._last_seen[ticket.band], ticket.arrived)
        queued = fair.queued(ticket.tenant)
        displaced = None
        if queued >= self._tenant_queue_max and ticket.band != "bulk":
            displaced = ticket
        elif self.waiting >= self._queue_max:
            displaced = self._newest_below(ticket.band) or self._last_of_most(fair, queued) or ticket
        if displaced is ticket:
            ticket.state = "gone"
            return ticket
        if displaced is not None:
            self.leave(displaced, ticket.arrived)
        self.waiting += 1
        fair.push(ticket, ticket.arrived, is_first)
        return displaced

    def takes(self, ticket: Ticket) -> bool:
        """Whether there would be a place in the line for `ticket`, without sending away anybody of its own band."""
        if ticket.band != "bulk" and self._fair[ticket.band].queued(ticket.tenant) >= self._tenant_queue_max:
            return False
        return self.waiting < self._queue_max or self._newest_below(ticket.band) is not None

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
            self.take(ticket)
            admitted.append(ticket)
        return admitted

    def take(self, ticket: Ticket) -> None:
        """Let in `ticket`, which waits, whatever room there is."""
        ticket.state = "running"
        self._fair[ticket.band].take(ticket)
        self.waiting -= 1
        self.running += 1
        if ticket.band == "interactive":
            self.at_a_screen += 1
        self.running_tokens += ticket.tokens

    def squeeze(self, ticket: Ticket) -> None:
        """Stand in the line, however long it is."""
        self.waiting += 1
        self._fair[ticket.band].push(ticket, ticket.arrived, is_first=True)

    def would_admit(self, ticket: Ticket, limit_tokens: float, limit_running: float, now: float) -> bool:
        """Whether `ticket` would be let in at once if it joined: nobody of its band or above waits, and it fits."""
        upto = BANDS[: BANDS.index(ticket.band) + 1]
        if self.running >= limit_running or any(self._fair[band].waiting for band in upto):
            return False
        return self._has_room(ticket, limit_tokens, self.ceiling(ticket.band, now))

    def give_back(self, ticket: Ticket) -> None:
        """`ticket`, which is in, waits again, uncharged and before all others of its tenant."""
        if ticket.state == "running":
            ticket.state = "waiting"
            self.waiting += 1
            self.running -= 1
            if ticket.band == "interactive":
                self.at_a_screen -= 1
            self.running_tokens -= ticket.tokens
            self._fair[ticket.band].give_back(ticket)

    def finish(self, ticket: Ticket, input_tokens: int, output_tokens: int, now: float) -> None:
        """It is over and took so much. Harmless when it was over already, or never began."""
        if ticket.state != "running":
            self.leave(ticket, now)
            return
        ticket.state = "gone"
        self.running -= 1
        if ticket.band == "interactive":
            self.at_a_screen -= 1
        self.running_tokens -= ticket.tokens
        self._fair[ticket.band].settle(ticket, cost(input_tokens, output_tokens), now)

    def ahead(self, ticket: Ticket) -> float:
        """Cost of all that is served before `ticket`, which waits, about."""
        above = BANDS[: BANDS.index(ticket.band)]
        return sum(self._fair[band].waiting_cost for band in above) + self._fair[ticket.band].ahead(ticket)

    def wants_more(self, now: float) -> bool:
        """Whether somebody waits for the limit itself, and not for a ceiling far below it."""
        highest = self._highest()
        return highest is not None and self.ceiling(highest, now) >= CEILINGS["api"]

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
            if not self._has_room(head, limit_tokens, self.ceiling(band, now)):
                # A lower band must not slip past somebody who only needs a little more room.
                return None
            self._since_starving += starving is not None
            return head
        return None

    def _has_room(self, ticket: Ticket, limit_tokens: float, ceiling: float) -> bool:
        return self.running == 0 or self.running_tokens + ticket.tokens <= limit_tokens * ceiling

    def ceiling(self, band: Band, now: float) -> float:
        """What share of the server this band may fill now."""
        above = BANDS[: BANDS.index(band)]
        is_somebody_about = any(now - self._last_seen[each] <= ABOUT_S for each in above)
        return CEILINGS[band] if is_somebody_about else 1.0

    def _highest(self) -> Band | None:
        """The highest band that has somebody waiting."""
        return next((band for band in BANDS if self._fair[band].waiting), None)

    def _starving(self, now: float) -> Ticket | None:
        """Who has waited too long below the highest band that has somebody waiting."""
        highest = self._highest()
        if highest is None or self._fair[highest].waiting == self.waiting:
            return None
        below: Iterable[Band] = BANDS[BANDS.index(highest) + 1 :]
        oldest = [ticket for band in below if (ticket := self._fair[band].oldest()) is not None]
        first = min(oldest, key=lambda ticket: ticket.arrived, default=None)
        return first if first is not None and now - first.arrived > self._starving_after_s else None

    def _last_of_most(self, fair: Fair, queued: int) -> Ticket | None:
        """Of bulk, who has to go for a tenant that has `queued` waiting: one of a tenant with more than that."""
        if fair is not self._fair["bulk"] or not fair.waiting:
            return None
        last = fair.last_of_most()
        return last if fair.queued(last.tenant) > queued + 1 else None

    def _newest_below(self, band: Band) -> Ticket | None:
        for lower in reversed(BANDS[BANDS.index(band) + 1 :]):
            newest = self._fair[lower].newest()
            if newest is not None:
                return newest
        return None
