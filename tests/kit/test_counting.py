"""Figures of the hot path are read as those of the library are, to the letter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily

from mecum.kit.telemetry.counting import Counts, Timings
from mecum.kit.telemetry.metrics import SECONDS

SECONDS_SEEN = st.floats(0, 100) | st.sampled_from(SECONDS)
ROUTES = st.sampled_from(["/a", "/b {x}", 'quo"ted'])


@given(st.lists(st.tuples(ROUTES, SECONDS_SEEN), max_size=50))
def test_histograms_are_those_of_the_library(seen: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = Timings("took_seconds", "How long.", ("route",), buckets=SECONDS, registry=ours)
    library = Histogram("took_seconds", "How long.", ("route",), buckets=SECONDS, registry=theirs)
    for route, seconds in seen:
        mine.labels(route).observe(seconds)
        library.labels(route).observe(seconds)
    assert generate_latest(ours) == generate_latest(theirs)


@given(st.lists(st.tuples(ROUTES, st.integers(0, 1000)), max_size=50))
def test_counters_are_those_of_the_library(seen: list[tuple[str, int]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = Counts("answers", "How many.", ("route", "status"), registry=ours)
    library = Counter("answers", "How many.", ("route", "status"), registry=theirs)
    for route, by in seen:
        mine.labels(route, "200").inc(by)
        library.labels(route, "200").inc(by)
    assert generate_latest(ours) == generate_latest(theirs)


def test_a_gauge_without_labels_is_there_from_the_start() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = Counts("open", "How many.", family=GaugeMetricFamily, registry=ours).labels()
    library = Gauge("open", "How many.", registry=theirs)
    assert generate_latest(ours) == generate_latest(theirs)
    for gauge in (mine, library):
        gauge.inc()
        gauge.inc()
        gauge.dec()
    assert generate_latest(ours) == generate_latest(theirs)


def test_two_families_of_one_name_are_refused() -> None:
    registry = CollectorRegistry()
    Counts("answers", "How many.", registry=registry)
    with pytest.raises(ValueError, match="Duplicated"):
        Counts("answers", "How many.", registry=registry)
