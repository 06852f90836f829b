"""Metrics for Prometheus. Labels are names from the code: routes, kinds, codes; never ids, addresses or words."""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily

from mecum.kit.settings import is_loopback
from mecum.kit.telemetry.counting import Counts, Timings

REGISTRY = CollectorRegistry()
"""Where all metrics of the process are registered; a room adds its own with `registry=REGISTRY`."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
LONG_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600)
"""For what may wait for a model: answers, calls, jobs."""

# A second series of each counter, with the time at which the process began.
disable_created_metrics()
ProcessCollector(registry=REGISTRY)
requests_total = Counts("mecum_http_requests", "Answered requests.", ("method", "route", "status"), registry=REGISTRY)
response_start_seconds = Timings(
    "mecum_http_response_start_seconds",
    "From the request to the first byte of its answer.",
    ("route",),
    buckets=SECONDS,
    registry=REGISTRY,
)
requests_open = Counts(
    "mecum_http_requests_open",
    "Requests being answered, streams included.",
    family=GaugeMetricFamily,
    registry=REGISTRY,
).labels()


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
