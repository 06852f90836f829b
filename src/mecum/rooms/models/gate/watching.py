"""The last hour of the gate, in memory: what was asked, served and waited, what a pool took. Pure: time is given.

A point is ten seconds of one pool. Points in which nothing happened are not kept, so that idle pools cost nothing.
What a call took is known at its end and spread over the time that it ran; a call that still runs is counted as if it
were as fast as those before it.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from mecum.rooms.models.gate.line import BANDS, Band
from mecum.rooms.models.gate.pool import Pool
from mecum.rooms.models.gate.standing import Standing

POINT_S = 10.0
POINTS = 360
WAIT_LEAST_S, WAIT_STEP = 0.05, 1.1
"""Waits are counted in steps: a shorter one is none, each step is a tenth longer than the one before."""
SLOW_SHARE = 0.95
FIRST_WORDS_KEPT = 50
FIRST_WORD_S = 300.0
"""A time to the first word that was measured longer ago says nothing of now."""
FOLLOW = 0.05
BAND_NUMBER: dict[Band, int] = {band: number for number, band in enumerate(BANDS)}


def _zeros() -> list[float]:
    return [0.0] * len(BANDS)


def _counters() -> list[Counter[int]]:
    return [Counter() for _ in BANDS]


@dataclass(slots=True)
class Point:
    """Ten seconds of one pool; the first four by band.

    Args:
        asked, let_in: tokens as expected, of calls that came and that were let in. served: tokens as they were.
        waits: how many had waited so many steps. refused: calls that were turned away.
        over_budget: of them, those that a budget refused, which asked for `forbidden` tokens.
        degraded: tokens that were served with something taken away, when they had been.
        limit, used: tokens or calls at once, at the end of it.
    """

    asked: list[float] = field(default_factory=_zeros)
    let_in: list[float] = field(default_factory=_zeros)
    served: list[float] = field(default_factory=_zeros)
    waits: list[Counter[int]] = field(default_factory=_counters)
    refused: int = 0
    over_budget: int = 0
    forbidden: int = 0
    degraded: int = 0
    limit: float | None = None
    used: float = 0.0


@dataclass(slots=True)
class _Watched:
    """What is known of one pool."""

    points: dict[int, Point] = field(default_factory=dict[int, Point])
    first_words: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=FIRST_WORDS_KEPT))
    waiting_since: dict[Band, float] = field(default_factory=dict[Band, float])
    seconds_per_token: float | None = None

    def point(self, number: int) -> Point:
        found = self.points.get(number)
        if found is None:
            found = self.points[number] = Point()
        return found


@dataclass(frozen=True, slots=True)
class PoolHour:
    """How much a pool took at once, and how much it had: tokens or calls."""

    name: str
    limit: Sequence[float]
    used: Sequence[float]


@dataclass(frozen=True, slots=True)
class Hour:
    """The last hour of all pools, oldest first.

    Args:
        ages_s: how long ago each point began.
        served: tokens a second by band. unmet: tokens a second that were asked and not let in.
        degraded: tokens a second from which something was taken away; they are among those that were served.
        waits: seconds that nineteen of twenty waited at most, by band; None where nobody was let in.
        refused: calls that were turned away. over_budget: of them, those that a budget refused.
    """

    ages_s: Sequence[float]
    served: Mapping[Band, Sequence[float]]
    unmet: Sequence[float]
    degraded: Sequence[float]
    waits: Mapping[Band, Sequence[float | None]]
    refused: int
    over_budget: int
    pools: Sequence[PoolHour]


class Watch:
    """Hears of every call at the gate."""

    def __init__(self) -> None:
        self._pools: dict[str, _Watched] = {}

    def asked(self, standing: Standing) -> None:
        """A call has come."""
        point = self._pool(standing.pool).point(_number(standing.arrived))
        point.asked[BAND_NUMBER[standing.band]] += _tokens(standing)

    def admitted(self, standing: Standing) -> None:
        """It was let in. Whoever had left a place to wait again came long ago."""
        if standing.has_returned:
            return
        point = self._pool(standing.pool).point(_number(standing.sent_at))
        band = BAND_NUMBER[standing.band]
        point.let_in[band] += _tokens(standing)
        point.waits[band][_step(standing.sent_at - standing.arrived)] += 1

    def began(self, standing: Standing) -> None:
        """The first of its answer came."""
        if standing.first_at is not None:
            self._pool(standing.pool).first_words.append((standing.first_at, standing.first_at - standing.sent_at))

    def over(self, standing: Standing, tokens: int, now: float) -> None:
        """It has ended and took so many tokens; called while it still stands where it ran."""
        if standing.state != "running" or tokens <= 0:
            return
        pool = self._pool(standing.pool)
        _spread(pool, BAND_NUMBER[standing.band], tokens, standing.sent_at, now)
        pace = (now - standing.sent_at) / tokens
        before = pool.seconds_per_token
        pool.seconds_per_token = pace if before is None else before + FOLLOW * (pace - before)

    def refused(self, standing: Standing, now: float) -> None:
        """It was turned away."""
        self._pool(standing.pool).point(_number(now)).refused += 1

    def over_budget(self, pool: str, tokens: int, now: float) -> None:
        """A call that asked for so many tokens was refused by a budget, and never stood in a line."""
        point = self._pool(pool).point(_number(now))
        point.forbidden += tokens
        point.refused += 1
        point.over_budget += 1

    def degraded(self, pool: str, tokens: int, now: float) -> None:
        """A call that took so many tokens has ended, and something was taken away from its answer."""
        self._pool(pool).point(_number(now)).degraded += tokens

    def tick(self, pools: Iterable[Pool], now: float) -> None:
        """Once a second."""
        for pool in pools:
            watched = self._pools.get(pool.name)
            if watched is None:
                continue
            if pool.line.running or pool.line.waiting:
                point = watched.point(_number(now))
                point.limit, point.used = limit_of(pool), used_of(pool)
            for band in BANDS:
                if not pool.line.waiting_in(band):
                    watched.waiting_since.pop(band, None)
                elif band not in watched.waiting_since:
                    watched.waiting_since[band] = now
            self._forget(watched, now)

    def first_word_s(self, pool: str, now: float) -> float | None:
        """Seconds from sending a call to the first of its answer, the median of the last few."""
        watched = self._pools.get(pool)
        fresh = [] if watched is None else [took for at, took in watched.first_words if now - at <= FIRST_WORD_S]
        return median(fresh) if fresh else None

    def waiting_s(self, pool: str, band: Band, now: float) -> float | None:
        """For so long there has been somebody of that band in the line."""
        watched = self._pools.get(pool)
        since = None if watched is None else watched.waiting_since.get(band)
        return None if since is None else now - since

    def hour(self, pools: Iterable[Pool], now: float, elsewhere: Iterable[Pool] = ()) -> Hour:
        """The last hour, up to the last whole point.

        Args:
            elsewhere: pools in which another replica decides, which knows what came and went there; who was turned
                away here, or got less, is known here.
        """
        last = _number(now) - 1
        numbers = range(last - POINTS + 1, last + 1)
        known = {pool.name: (pool, self._with_running(pool, now)) for pool in pools}
        here = _rows([watched for _, watched in known.values()], numbers)
        there = _rows([self._pools[pool.name] for pool in elsewhere if pool.name in self._pools], numbers)
        everywhere = [[*ours, *theirs] for ours, theirs in zip(here, there, strict=True)]
        forbidden = (sum(point.forbidden for point in row) for row in everywhere)
        return Hour(
            ages_s=[now - number * POINT_S for number in numbers],
            served={
                band: [sum(point.served[at] for point in row) / POINT_S for row in here]
                for band, at in BAND_NUMBER.items()
            },
            unmet=[(_unmet(row) + refused) / POINT_S for row, refused in zip(here, forbidden, strict=True)],
            degraded=[sum(point.degraded for point in row) / POINT_S for row in everywhere],
            waits={band: [_slowest(row, at) for row in here] for band, at in BAND_NUMBER.items()},
            refused=sum(point.refused for row in everywhere for point in row),
            over_budget=sum(point.over_budget for row in everywhere for point in row),
            pools=[_pool_hour(pool, watched, numbers) for pool, watched in known.values()],
        )

    def _with_running(self, pool: Pool, now: float) -> _Watched:
        """What is known of `pool`, with what its running calls have had so far, about."""
        watched = self._pools.get(pool.name) or _Watched()
        pace = watched.seconds_per_token
        if not pace:
            return watched
        points = {number: replace(point, served=list(point.served)) for number, point in watched.points.items()}
        seen = _Watched(points)
        for standing in pool.standings.values():
            ran_s = now - standing.sent_at
            if standing.state == "running" and ran_s > 0:
                so_far = min(float(_tokens(standing)), ran_s / pace)
                _spread(seen, BAND_NUMBER[standing.band], so_far, standing.sent_at, now)
        return seen

    def _pool(self, name: str) -> _Watched:
        found = self._pools.get(name)
        if found is None:
            found = self._pools[name] = _Watched()
        return found

    @staticmethod
    def _forget(watched: _Watched, now: float) -> None:
        oldest = _number(now) - POINTS + 1
        for number in [number for number in watched.points if number < oldest]:
            del watched.points[number]


def limit_of(pool: Pool) -> float:
    """How many tokens at once, or calls where the pool has slots."""
    return pool.pressure.limit if pool.slots is None else float(pool.slots())


def used_of(pool: Pool) -> float:
    """How many of them it has."""
    return float(pool.line.running_tokens if pool.slots is None else pool.line.running)


def _tokens(standing: Standing) -> int:
    return standing.asked.input_tokens + standing.expected


def _number(at: float) -> int:
    return int(at // POINT_S)


def _step(wait_s: float) -> int:
    return 0 if wait_s < WAIT_LEAST_S else 1 + round(math.log(wait_s / WAIT_LEAST_S, WAIT_STEP))


def _spread(watched: _Watched, band: int, tokens: float, since: float, until: float) -> None:
    """Count tokens that were served between two moments, evenly."""
    last = _number(until)
    first = max(_number(since), last - POINTS + 1)
    if first == last:
        watched.point(last).served[band] += tokens
        return
    rate = tokens / (until - since)
    for number in range(first, last + 1):
        part_s = min(until, (number + 1) * POINT_S) - max(since, number * POINT_S)
        watched.point(number).served[band] += rate * part_s


def _rows(pools: Sequence[_Watched], numbers: range) -> list[list[Point]]:
    """The points of each number."""
    return [[point for watched in pools if (point := watched.points.get(number)) is not None] for number in numbers]


def _unmet(points: Sequence[Point]) -> float:
    return max(0.0, sum(sum(point.asked) - sum(point.let_in) for point in points))


def _slowest(points: Sequence[Point], band: int) -> float | None:
    """What nineteen of twenty waited at most."""
    steps: Counter[int] = Counter()
    for point in points:
        steps.update(point.waits[band])
    left = SLOW_SHARE * steps.total()
    for step in sorted(steps):
        left -= steps[step]
        if left <= 0:
            return 0.0 if step == 0 else WAIT_LEAST_S * WAIT_STEP ** (step - 1)
    return None


def _pool_hour(pool: Pool, watched: _Watched, numbers: range) -> PoolHour:
    """Where a point is missing nothing ran, and the limit was what it had been."""
    found = [watched.points.get(number) for number in numbers]
    stated = [None if point is None else point.limit for point in found]
    limit = next((each for each in stated if each is not None), limit_of(pool))
    limits: list[float] = []
    for each in stated:
        limit = limit if each is None else each
        limits.append(limit)
    return PoolHour(pool.name, limits, [0.0 if point is None else point.used for point in found])
