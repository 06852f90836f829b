"""What the operator sees: logs, metrics, spans. Never what people say, who they are or what they look for."""

from mecum.kit.telemetry.logs import configure_logging, request_id
from mecum.kit.telemetry.metrics import REGISTRY, exposition, may_read_metrics
from mecum.kit.telemetry.middleware import TelemetryMiddleware
from mecum.kit.telemetry.tracing import configure_tracing, span

__all__ = [
    "REGISTRY",
    "TelemetryMiddleware",
    "configure_logging",
    "configure_tracing",
    "exposition",
    "may_read_metrics",
    "request_id",
    "span",
]
