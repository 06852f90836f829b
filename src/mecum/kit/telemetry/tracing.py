"""Spans by OpenTelemetry. Without its SDK (the extra `otlp`) and somewhere to send them they cost next to nothing."""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from mecum.kit.errors import MecumError, StartError

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_tracer = trace.get_tracer("mecum")


@contextmanager
def span(
    name: str, attributes: Mapping[str, str | int | float | bool] | None = None, kind: SpanKind = SpanKind.INTERNAL
) -> Generator[Span]:
    """A span around the block. An error is noted by its type alone: its message may quote what people say.

    Args:
        attributes: names and figures, as in metrics; no ids of people, no content.
    """
    with _tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            code = error.code if isinstance(error, MecumError) else type(error).__name__
            current.set_attribute("error.type", code)
            current.set_status(Status(StatusCode.ERROR))
            raise


def _exporter_is_there() -> bool:
    return find_spec("opentelemetry.sdk") is not None and find_spec("opentelemetry.exporter") is not None


def configure_tracing(environment: Mapping[str, str] = os.environ, has_exporter: bool | None = None) -> bool:
    """Send spans where the environment says (`OTEL_EXPORTER_OTLP_ENDPOINT` and its kin). Returns whether it does.

    Args:
        has_exporter: whether the extra `otlp` is installed; looked up by default.

    Raises:
        StartError: an endpoint is named, but the extra `otlp` is not installed.
    """
    if not any(environment.get(name) for name in ENDPOINTS):
        return False
    if not (_exporter_is_there() if has_exporter is None else has_exporter):
        raise StartError(
            "tracing_missing",
            "An endpoint for traces is set, but the exporter is not installed.",
            "Install mecum[otlp], or unset OTEL_EXPORTER_OTLP_ENDPOINT.",
        )
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": environment.get("OTEL_SERVICE_NAME", "mecum")}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True
