"""Spans kept in memory, in this very process."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@contextmanager
def kept_spans() -> Generator[InMemorySpanExporter]:
    """Inside the block spans are recorded; those that have ended are in what this gives."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mecum.kit.telemetry.tracing._tracer", provider.get_tracer("mecum"))
        yield exporter
