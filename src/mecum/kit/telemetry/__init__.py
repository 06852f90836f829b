"""What the operator sees: logs, metrics, spans. Never what people say, who they are or what they look for."""

from mecum.kit.telemetry.logs import configure_logging, request_id
from mecum.kit.telemetry.loop import LoopWatch
from mecum.kit.telemetry.metrics import REGISTRY, exposition, may_read_metrics
from mecum.kit.telemetry.middleware import TelemetryMiddleware, route_template
from mecum.kit.telemetry.tracing import (
    SPANS,
    SpanSpec,
    configure_tracing,
    failed,
    flush_spans,
    link_to,
    span,
    trace_parent,
)

__all__ = [
    "REGISTRY",
    "SPANS",
    "LoopWatch",
    "SpanSpec",
    "TelemetryMiddleware",
    "configure_logging",
    "configure_tracing",
    "exposition",
    "failed",
    "flush_spans",
    "link_to",
    "may_read_metrics",
    "request_id",
    "route_template",
    "span",
    "trace_parent",
]
