"""What replicas tell of their pools to one that is looked at, and the whole that it makes. Pure.

The writer knows of every call in the pools that are shared, so its report holds them; of the others only what the
writer can't know is told: their built-in models, and whom they turned away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from pydantic import TypeAdapter

from mecum.rooms.models.gate.line import BANDS, Band
from mecum.rooms.models.gate.pools import Pools
from mecum.rooms.models.gate.viewing import GROUPS_SHOWN, BandView, PoolState, PoolView, Snapshot, view
from mecum.rooms.models.gate.watching import Hour, PoolHour, Watch

FREEST: Sequence[PoolState] = ("free", "full", "held", "absent")
"""Whoever comes may be let in where it is freest."""


@dataclass(frozen=True, slots=True)
class Question:
    """Args: names: of pools to show, also if nothing is in them."""

    of: Literal["now", "hour"]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Args: is_whole: the pools that are shared are in it."""

    is_whole: bool
    now: Snapshot | None = None
    hour: Hour | None = None


@dataclass(frozen=True, slots=True)
class Reports:
    """Args: replicas: how many were asked."""

    replicas: int
    heard: Sequence[Report]


Seconds: TypeAlias = float | None

_REPORT = TypeAdapter(Report)
_QUESTION = TypeAdapter(Question)


def written_report(report: Report) -> bytes:
    return _REPORT.dump_json(report)


def read_report(text: bytes) -> Report:
    """Raises:
    ValueError: it is none.
    """
    return _REPORT.validate_json(text)


def written_question(question: Question) -> bytes:
    return _QUESTION.dump_json(question)


def read_question(text: bytes) -> Question:
    """Raises:
    ValueError: it is none.
    """
    return _QUESTION.validate_json(text)


def report(question: Question, pools: Pools, watch: Watch, now: float, *, is_whole: bool) -> Report:
    """What this replica sees.

    Args:
        is_whole: also the pools that are shared.
    """
    if question.of == "now":
        return Report(is_whole, now=view(pools, watch, question.names, now, only_slots=not is_whole))
    every = list(pools.all())
    own = [pool for pool in every if pool.slots is not None or is_whole]
    elsewhere = [pool for pool in every if pool not in own]
    return Report(is_whole, hour=watch.hour(own, now, elsewhere))


def one_whole(own: Report, others: Iterable[Report]) -> list[Report]:
    """Reports that add up: one that is whole, `own` if there is no other, and what is missing in it."""
    wholes = [each for each in others if each.is_whole]
    parts = [each for each in others if not each.is_whole]
    return [own, *parts] if own.is_whole else [*wholes[:1], own, *parts]


def snapshots_together(snapshots: Sequence[Snapshot]) -> Snapshot:
    """What several replicas see, of which each call is seen by one."""
    pools: dict[str, PoolView] = {}
    for pool in (pool for each in snapshots for pool in each.pools):
        pools[pool.name] = _pools_together(pools[pool.name], pool) if pool.name in pools else pool
    waits = sorted((wait for each in snapshots for wait in each.waits), key=lambda wait: -wait.longest_s)
    longest: dict[Band, float] = {}
    for band, waited_s in (item for each in snapshots for item in each.longest_s.items()):
        longest[band] = max(longest.get(band, 0.0), waited_s)
    return Snapshot(
        list(pools.values()),
        waits[:GROUPS_SHOWN],
        sum(each.groups for each in snapshots),
        sum(each.waiting for each in snapshots),
        longest,
    )


def hours_together(hours: Sequence[Hour]) -> Hour:
    """The last hour of several replicas, of which each call was seen by one."""
    pools: dict[str, list[PoolHour]] = {}
    for pool in (pool for each in hours for pool in each.pools):
        pools.setdefault(pool.name, []).append(pool)
    return Hour(
        ages_s=hours[0].ages_s,
        served={band: _sums([each.served[band] for each in hours]) for band in BANDS},
        unmet=_sums([each.unmet for each in hours]),
        degraded=_sums([each.degraded for each in hours]),
        waits={
            band: [_longest(at_once) for at_once in zip(*(each.waits[band] for each in hours), strict=True)]
            for band in BANDS
        },
        refused=sum(each.refused for each in hours),
        over_budget=sum(each.over_budget for each in hours),
        pools=[
            PoolHour(name, _sums([each.limit for each in same]), _sums([each.used for each in same]))
            for name, same in pools.items()
        ],
    )


def _pools_together(one: PoolView, other: PoolView) -> PoolView:
    """The same pool at two replicas, each of which has so many slots."""
    return replace(
        one,
        state=min(one.state, other.state, key=FREEST.index),
        limit=one.limit + other.limit,
        used=one.used + other.used,
        bands=[_bands_together(*bands) for bands in zip(one.bands, other.bands, strict=True)],
        slowdown=max(one.slowdown, other.slowdown),
        held_s=min(one.held_s, other.held_s),
        first_word_s=_longest((one.first_word_s, other.first_word_s)),
        largest=None,
    )


def _bands_together(one: BandView, other: BandView) -> BandView:
    return replace(
        one,
        used=one.used + other.used,
        running=one.running + other.running,
        waiting=one.waiting + other.waiting,
        ceiling=max(one.ceiling, other.ceiling),
        waiting_s=_longest((one.waiting_s, other.waiting_s)),
    )


def _longest(times: Iterable[Seconds]) -> Seconds:
    return max((each for each in times if each is not None), default=None)


def _sums(series: Sequence[Sequence[float]]) -> list[float]:
    return [sum(values) for values in zip(*series, strict=True)]
