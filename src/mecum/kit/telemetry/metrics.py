"""Metrics for Prometheus. Labels are names from the code: routes, kinds, codes; never ids, addresses or words."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from functools import lru_cache

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from mecum.kit.settings import is_loopback

REGISTRY = CollectorRegistry()
"""Where all metrics of the process are registered; a room adds its own with `registry=REGISTRY`."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LONG_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
"""For what may wait for a model: answers, calls, jobs."""

# A second series of each counter, with the time at which the process began.
disable_created_metrics()
ProcessCollector(registry=REGISTRY)
requests_total = Counter("mecum_http_requests", "Answered requests.", ("method", "route", "status"), registry=REGISTRY)
response_start_seconds = Histogram(
    "mecum_http_response_start_seconds",
    "From the request to the first byte of its answer.",
    ("route",),
    buckets=SECONDS,
    registry=REGISTRY,
)
requests_open = Gauge("mecum_http_requests_open", "Requests being answered, streams included.", registry=REGISTRY)

LABELS_KEPT = 4_000


@lru_cache(LABELS_KEPT)
def answered(method: str, route: str, status: int) -> Counter:
    """The count of such answers: to look it up by its labels takes longer than to count."""
    return requests_total.labels(method, route, str(status))


@lru_cache(LABELS_KEPT)
def starts_of(route: str) -> Histogram:
    return response_start_seconds.labels(route)


def exposition() -> tuple[bytes, str]:
    """All metrics in Prometheus' text format, and its media type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST


def may_read_metrics(token: str | None, peer: str, headers: Mapping[str, str]) -> bool:
    """Whether a request may read `/metrics`.

    With a token (`MECUM_METRICS_TOKEN`) whoever brings it. Without one whoever asks from this machine: directly, since
    a proxy here speaks for strangers, and for a loopback name, since a page in a browser here may use one of its own.

    Args:
        peer: the address of the connection itself. headers: with lower-case names.
    """
    if token is not None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())
    forwarded = any(name in headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    return is_loopback(peer) and not forwarded and is_loopback(_host_name(headers.get("host", "")))


def _host_name(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
