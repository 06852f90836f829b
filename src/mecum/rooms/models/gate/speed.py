"""How fast a pool is, and how fast it would be with nothing else to do. Pure: time is given.

A pool that is busy all day does not show how fast it is when it is not. Were the fastest of the last minutes its usual,
a neighbour who stays would become usual too, and a limit that follows the gradient would grow with whatever is asked.
So what was measured is kept by how many calls were in flight, and what was seen with few is remembered while there are
many; a line through the lowest loads says what it would be with none. Prompts of different sizes share one curve: how
many times slower a call gets beside so many others.
"""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import TypeAlias

Cells: TypeAlias = "dict[int, tuple[_Seen, float]]"
"""By load: what was seen, and as what it counts now in seconds per token."""
Curve: TypeAlias = dict[int, tuple[float, float]]
"""By load: how many calls that is, and how many times slower than with the fewest."""

SAMPLES_MIN = 5
RISES, FALLS = 1 / 200, 1 / 20
"""What was measured follows what is slower ten times less readily than what is faster: about the tenth percentile."""
SURE = 20
"""So many medians are as good as more."""
STALE_S, STALE_MAX = 6 * 3600.0, 10
"""What was not seen again for so long counts as twice as slow, so often: the server may be another one by now."""
BEATEN = 1.1
"""What counts as so many times slower than what was seen beside more calls says nothing any more."""
LOWEST = 4
BELIEVED = 0.5
"""Loads up to so many times the lowest that was seen make the line to none, which is believed down to so much of the
fastest."""
BESIDE_PEOPLE = 4 / 3
"""However many people there are, the rest may make it a third slower than they do themselves."""
PEOPLE_MAX = 2.0
"""Slower than this by themselves, people are pressure as well."""


@dataclass(slots=True)
class _Seen:
    """Seconds per token, measured beside about so many calls."""

    calls: float
    token_s: float
    at: float
    medians: int = 1

    def add(self, calls: float, token_s: float, now: float) -> None:
        self.medians += 1
        self.calls += max(FALLS, 1 / self.medians) * (calls - self.calls)
        self.token_s += (RISES if token_s > self.token_s else FALLS) * (token_s - self.token_s)
        self.at = now

    @property
    def weight(self) -> float:
        return min(self.medians, SURE)

    def still_s(self, now: float) -> float:
        return self.token_s * 2.0 ** min(STALE_MAX, (now - self.at) / STALE_S)


@dataclass(slots=True)
class _Size:
    """Prompts of about one size: fresh samples with the calls beside them, and what was seen by load."""

    fresh: list[float] = field(default_factory=list[float])
    calls: int = 0
    at_a_screen: int = 0
    seen: dict[int, _Seen] = field(default_factory=dict[int, _Seen])

    def take(self, now: float) -> tuple[float, float]:
        """The median of the fresh samples, and how many calls at a screen there were; they are used up."""
        many = len(self.fresh)
        median, calls, people = statistics.median(self.fresh), self.calls / many, self.at_a_screen / many
        self.fresh.clear()
        self.calls = self.at_a_screen = 0
        load = int(calls * calls).bit_length()
        seen = self.seen.get(load)
        if seen is None:
            self.seen[load] = _Seen(calls, median, now)
        else:
            seen.add(calls, median, now)
        return median, people

    def cells(self, now: float) -> Cells:
        """What was seen, without what is beaten at a higher load."""
        kept: Cells = {}
        least_s = inf
        for load in sorted(self.seen, reverse=True):
            still_s = self.seen[load].still_s(now)
            if still_s <= BEATEN * least_s:
                kept[load] = self.seen[load], still_s
                least_s = min(least_s, still_s)
        return kept


class Speed:
    """One measure of one model, in seconds per token.

    Args:
        fast_s: fast enough for anybody. tolerance: so many times slower than with nothing else to do is fine.
    """

    def __init__(self, fast_s: float, tolerance: float) -> None:
        self._fast_s = fast_s
        self._tolerance = tolerance
        self._sizes: dict[int, _Size] = {}

    def add(self, size: int, token_s: float, calls: int, at_a_screen: int) -> None:
        """A sample, with so many calls in flight, and of these so many of somebody at a screen."""
        found = self._sizes.get(size)
        if found is None:
            found = self._sizes[size] = _Size()
        found.fresh.append(token_s)
        found.calls += calls
        found.at_a_screen += at_a_screen

    def slowdown(self, now: float) -> float | None:
        """How many times slower than is fine the fresh samples are; they are used up. None: too few."""
        fresh = [size for size, each in self._sizes.items() if len(each.fresh) >= SAMPLES_MIN]
        if not fresh:
            return None
        taken = [(size, *self._sizes[size].take(now)) for size in fresh]
        cells = {size: each.cells(now) for size, each in self._sizes.items()}
        curve = _curve(cells.values())
        idle, each_call = _line(curve)
        found: list[float] = []
        for size, median, people in taken:
            idle_s = idle * _fewest_s(cells[size], curve)
            alone = min(PEOPLE_MAX, 1 + each_call * people / idle)
            fine_s = max(self._tolerance * max(self._fast_s, idle_s), BESIDE_PEOPLE * alone * idle_s)
            found.append(median / fine_s)
        return statistics.median(found)


def _fewest_s(cells: Cells, curve: Curve) -> float:
    """Seconds per token of one size, beside the fewest calls that were seen with any."""
    return _mean((still_s / curve[load][1], seen.weight / (1 + seen.calls)) for load, (seen, still_s) in cells.items())


def _curve(sizes: Collection[Cells]) -> Curve:
    """How much slower it gets, from prompts of all sizes: each is compared with those of its own at lower loads."""
    curve: Curve = {}
    for load in sorted({load for size in sizes for load in size}):
        here = [size for size in sizes if load in size]
        ratios = [
            (size[load][1] / below_s * curve[lower][1], min(size[load][0].weight, below.weight))
            for size in here
            for lower, (below, below_s) in size.items()
            if lower < load and below_s > 0 and size[load][1] > 0
        ]
        calls = _mean((size[load][0].calls, size[load][0].weight) for size in here)
        curve[load] = calls, _mean(ratios) if ratios else max((slower for _, slower in curve.values()), default=1.0)
    return curve


def _line(curve: Curve) -> tuple[float, float]:
    """A line through the lowest loads (least squares, the lowest count most), in terms of the curve: its value with
    none in flight, and what each adds."""
    upto = LOWEST * min(calls for calls, _ in curve.values())
    points = [(calls, slower, 1 / (1 + calls)) for calls, slower in curve.values() if calls <= upto]
    calls = _mean((x, weight) for x, _, weight in points)
    slower = _mean((y, weight) for _, y, weight in points)
    spread = sum(weight * (x - calls) ** 2 for x, _, weight in points)
    together = sum(weight * (x - calls) * (y - slower) for x, y, weight in points)
    each = max(0.0, together / spread) if spread else 0.0
    return min(1.0, max(BELIEVED, slower - each * calls)), each


def _mean(weighted: Iterable[tuple[float, float]]) -> float:
    total = weights = 0.0
    for value, weight in weighted:
        total += value * weight
        weights += weight
    return total / weights
