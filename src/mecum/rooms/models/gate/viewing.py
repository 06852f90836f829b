"""The pools as they are now, for whoever looks at them: what each has, who waits, and why. Pure: time is given."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias
from uuid import UUID

from mecum.rooms.models.gate.line import BANDS, Band, Ticket
from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.pools import Pools
from mecum.rooms.models.gate.standing import Standing
from mecum.rooms.models.gate.watching import Watch, limit_of, used_of

PoolState: TypeAlias = Literal["free", "full", "held", "absent"]
"""Absent: somebody waits for the built-in model, which can't be asked yet."""
Reason: TypeAlias = Literal["held", "minute", "absent", "ceiling", "full", "behind"]
"""Nothing is sent to the provider for a while; the tokens of its minute are used; the built-in model is not there; the
band's ceiling is reached; there is no room for anybody; others come before."""
GROUPS_SHOWN = 50
FULL = 0.95
LARGE_SHARE = 0.5
"""Who has more than so much of a pool while others wait is named."""


@dataclass(frozen=True, slots=True)
class BandView:
    """
    Args:
        used: tokens at once, or calls where the pool has slots.
        ceiling: the share of the pool that this band may fill now.
        waiting_s: for so long there has been somebody in the line; None: nobody is.
    """

    band: Band
    used: float
    running: int
    waiting: int
    ceiling: float
    waiting_s: float | None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has so large a share of what a pool takes."""

    tenant: str
    key: UUID | None
    share: float


@dataclass(frozen=True, slots=True)
class PoolView:
    """
    Args:
        limit, used: tokens at once, or calls where `unit` says so.
        slowdown: how many times slower than unpressed it is.
        held_s: so long nothing is sent to it.
        first_word_s: from sending a call to the first of its answer, median; None: nothing was measured lately.
        largest: who has most of it while others wait.
    """

    name: str
    unit: Literal["tokens", "calls"]
    state: PoolState
    limit: float
    used: float
    bands: Sequence[BandView]
    slowdown: float
    held_s: float
    first_word_s: float | None
    largest: Holder | None

    @property
    def waiting(self) -> int:
        return sum(band.waiting for band in self.bands)


@dataclass(frozen=True, slots=True)
class WaitView:
    """Calls of one tenant and band that wait in one line.

    Args:
        longest_s: what the first of them has waited.
        ceiling: of the band, where it is the reason. before: groups that come first, where they are.
        about_s: when the first of them will start; None: there is nothing by which to tell.
    """

    pool: str
    tenant: str
    key: UUID | None
    band: Band
    calls: int
    longest_s: float
    why: Reason
    ceiling: float
    before: int
    about_s: float | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """
    Args:
        waits: the longest first, `GROUPS_SHOWN` at most; `groups`: how many there are.
        waiting: calls, each once in however many lines it stands. longest_s: by band, where somebody waits.
    """

    pools: Sequence[PoolView]
    waits: Sequence[WaitView]
    groups: int
    waiting: int
    longest_s: dict[Band, float]


def view(pools: Pools, watch: Watch, names: Collection[str], now: float, *, only_slots: bool = False) -> Snapshot:
    """The pools of these names at this moment, and others that have something to do.

    Args:
        only_slots: leave out pools in which another replica decides, and who waits for those.
    """
    seen = [pool for pool in pools.all() if pool.slots is not None or not only_slots]
    views = [_pool(pool, watch, now) for pool in seen if pool.name in names or pool.standings]
    waiting = {each: None for pool in seen for each in pool.standings.values() if each.state == "waiting"}
    if only_slots:
        own = {pool.name for pool in seen}
        waiting = {each: None for each in waiting if each.tickets.keys() <= own}
    longest: dict[Band, float] = {}
    for standing in waiting:
        band = standing.band
        longest[band] = max(longest.get(band, 0.0), now - standing.arrived)
    groups = _groups(waiting)
    waits = sorted((_wait(pools, group, groups, now) for group in groups), key=lambda each: -each.longest_s)
    return Snapshot(views, waits[:GROUPS_SHOWN], len(groups), len(waiting), longest)


Group: TypeAlias = list[Standing]


def _groups(waiting: Iterable[Standing]) -> list[Group]:
    """Calls by line, band, tenant and key; the first to come is the first of its group."""
    found: dict[tuple[str, Band, str, UUID | None], Group] = defaultdict(list)
    for standing in sorted(waiting, key=lambda each: each.arrived):
        asked = standing.asked
        found[(next(iter(standing.tickets)), standing.band, asked.tenant, asked.key)].append(standing)
    return list(found.values())


def _pool(pool: Pool, watch: Watch, now: float) -> PoolView:
    used, running = dict.fromkeys(BANDS, 0.0), dict.fromkeys(BANDS, 0)
    by_holder: dict[tuple[str, UUID | None], float] = defaultdict(float)
    for ticket, standing in pool.standings.items():
        if ticket.state == "running":
            size = ticket.tokens if pool.slots is None else 1
            used[ticket.band] += size
            running[ticket.band] += 1
            by_holder[ticket.tenant, standing.asked.key] += size
    bands = [
        BandView(
            band,
            used[band],
            running[band],
            pool.line.waiting_in(band),
            pool.line.ceiling(band, now),
            watch.waiting_s(pool.name, band, now),
        )
        for band in BANDS
    ]
    return PoolView(
        name=pool.name,
        unit="tokens" if pool.slots is None else "calls",
        state=_state(pool, now),
        limit=limit_of(pool),
        used=used_of(pool),
        bands=bands,
        slowdown=pool.pressure.slowdown,
        held_s=pool.pressure.held_s(now),
        first_word_s=watch.first_word_s(pool.name, now),
        largest=_largest(pool, by_holder),
    )


def _state(pool: Pool, now: float) -> PoolState:
    if pool.is_held(now):
        return "held"
    if not limit_of(pool):
        return "absent" if pool.line.waiting else "free"
    return "full" if pool.line.waiting or pool.fullness >= FULL else "free"


def _largest(pool: Pool, by_holder: dict[tuple[str, UUID | None], float]) -> Holder | None:
    limit = limit_of(pool)
    if not by_holder or not limit or not pool.line.waiting:
        return None
    tenant, key = max(by_holder, key=lambda each: by_holder[each])
    share = by_holder[tenant, key] / max(limit, used_of(pool))
    others_wait = any(
        each.state == "waiting" and (each.asked.tenant, each.asked.key) != (tenant, key)
        for each in pool.standings.values()
    )
    return Holder(tenant, key, share) if share > LARGE_SHARE and others_wait else None


def _wait(pools: Pools, group: Group, groups: Sequence[Group], now: float) -> WaitView:
    first = group[0]
    name, ticket = next(iter(first.tickets.items()))
    pool, asked = pools.pool(name), first.asked
    ceiling = pool.line.ceiling(first.band, now)
    before = sum(_is_before(other[0], first, name) for other in groups if other is not group)
    return WaitView(
        pool=name,
        tenant=asked.tenant,
        key=asked.key,
        band=first.band,
        calls=len(group),
        longest_s=now - first.arrived,
        why=_reason(pool, ticket, ceiling, before, now),
        ceiling=ceiling,
        before=before,
        about_s=pools.about_s(first, now),
    )


def _is_before(other: Standing, first: Standing, pool: str) -> bool:
    """Whether `other` stands in the same line and comes before `first`, as far as its band says, or its arrival."""
    if pool not in other.tickets:
        return False
    mine, theirs = BANDS.index(first.band), BANDS.index(other.band)
    return theirs < mine or (theirs == mine and other.arrived < first.arrived)


def _reason(pool: Pool, ticket: Ticket, ceiling: float, before: int, now: float) -> Reason:
    limit, used = limit_of(pool), used_of(pool)
    size = ticket.tokens if pool.slots is None else 1
    if pool.is_held(now):
        return "held"
    if pool.is_spent(now):
        return "minute"
    if not limit:
        return "absent"
    fits_but_for_ceiling = used >= limit * ceiling or used + size <= limit
    if pool.slots is None and ceiling < 1.0 and used + size > limit * ceiling and fits_but_for_ceiling:
        return "ceiling"
    if used + size > limit or pool.line.running >= pool.limits()[1]:
        return "behind" if before else "full"
    return "behind"
