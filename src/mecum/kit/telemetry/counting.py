"""Counters, gauges and histograms of the hot path: what Prometheus reads, counted in a fifth of the time.

The library's own hold a lock for each figure and look again at what they are with each count. These count in the event
loop alone, which is one thread, and become the library's only when they are read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Count:
    """One figure."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0.0

    def inc(self, by: float = 1) -> None:
        self.value += by

    def dec(self) -> None:
        self.value -= 1


class Durations:
    """How often it took how long, in seconds: by buckets, whose bounds belong to them."""

    __slots__ = ("_bounds", "counts", "total_s")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total_s = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(self._bounds, seconds)] += 1
        self.total_s += seconds


class Counts(Collector):
    """A family of counters, or of gauges that go up and down by one.

    Args:
        labels: names; there is one figure for each set of their values. Without any there is one figure from the start.
    """

    def __init__(
        self,
        name: str,
        about: str,
        labels: Sequence[str] = (),
        *,
        registry: CollectorRegistry,
        family: type[CounterMetricFamily | GaugeMetricFamily] = CounterMetricFamily,
    ) -> None:
        self._name, self._about, self.label_names, self._family = name, about, tuple(labels), family
        self._counts: dict[tuple[str, ...], Count] = {}
        if not labels:
            self.labels()
        registry.register(self)

    def labels(self, *values: str) -> Count:
        """The figure with these values of the labels, in their order."""
        found = self._counts.get(values)
        if found is None:
            assert len(values) == len(self.label_names), "a value for each label"
            found = self._counts[values] = Count()
        return found

    def describe(self) -> Iterable[Metric]:
        yield self._family(self._name, self._about, labels=self.label_names)

    def collect(self) -> Iterable[Metric]:
        made = self._family(self._name, self._about, labels=self.label_names)
        for values, count in list(self._counts.items()):
            made.add_metric(values, count.value)
        yield made


class Timings(Collector):
    """A family of histograms of seconds.

    Args:
        buckets: upper bounds, growing; a value that is equal to one is below it.
    """

    def __init__(
        self, name: str, about: str, labels: Sequence[str], *, buckets: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._name, self._about, self.label_names, self._bounds = name, about, tuple(labels), buckets
        self._durations: dict[tuple[str, ...], Durations] = {}
        registry.register(self)

    def labels(self, *values: str) -> Durations:
        """The histogram with these values of the labels, in their order."""
        found = self._durations.get(values)
        if found is None:
            assert len(values) == len(self.label_names), "a value for each label"
            found = self._durations[values] = Durations(self._bounds)
        return found

    def describe(self) -> Iterable[Metric]:
        yield HistogramMetricFamily(self._name, self._about, labels=self.label_names)

    def collect(self) -> Iterable[Metric]:
        made = HistogramMetricFamily(self._name, self._about, labels=self.label_names)
        for values, durations in list(self._durations.items()):
            buckets: list[tuple[str, float]] = []
            below = 0
            names = (*(str(float(bound)) for bound in self._bounds), "+Inf")
            for bound, count in zip(names, durations.counts, strict=True):
                below += count
                buckets.append((bound, below))
            made.add_metric(values, buckets, durations.total_s)
        yield made
