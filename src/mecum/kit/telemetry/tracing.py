"""Spans by OpenTelemetry. Without its SDK (the extra `otlp`) and somewhere to send them they cost next to nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeAlias

from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Link, Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from mecum.kit.errors import MecumError, StartError

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_tracer: Tracer | None = None
"""None: nobody listens, and no span is made."""
_TRACEPARENT = "traceparent"
_propagator = TraceContextTextMapPropagator()

Attributes: TypeAlias = Mapping[str, str | int | float | bool]
SPANS: dict[str, SpanSpec] = {}
"""All kinds of spans that were declared, by name."""


@dataclass(frozen=True, slots=True)
class SpanSpec:
    """A kind of span, declared where it is made and listed in docs/observing.md.

    Args:
        name: what is done, by OpenTelemetry's conventions where they have a word.
        of: the attribute whose value ends the name of each span: `chat` of `gen_ai.request.model`.
        what: one sentence for operators.
        attributes: all that it may carry, beside `error.type` where it failed.
    """

    name: str
    what: str
    attributes: tuple[str, ...]
    of: str | None = None
    kind: SpanKind = SpanKind.INTERNAL

    def __post_init__(self) -> None:
        SPANS[self.name] = self

    def around(self, attributes: Attributes, links: Sequence[Link] = ()) -> AbstractContextManager[Span]:
        """Such a span around the block, as `span`."""
        if _tracer is None:
            return nullcontext(trace.get_current_span())
        return span(self._title(attributes), attributes, self.kind, links)

    def begin(self, attributes: Attributes, parent: Span | None = None) -> Span:
        """Such a span for work that goes from task to task, as streams do: nobody's current span. `end` it.

        Args:
            parent: the current span by default.
        """
        if _tracer is None:
            return INVALID_SPAN
        context = None if parent is None else trace.set_span_in_context(parent)
        return _tracer.start_span(self._title(attributes), context, self.kind, attributes)

    def _title(self, attributes: Attributes) -> str:
        return self.name if self.of is None else f"{self.name} {attributes[self.of]}"


@contextmanager
def span(
    name: str,
    attributes: Attributes | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    links: Sequence[Link] = (),
) -> Generator[Span]:
    """A span around the block. An error is noted by its type alone: its message may quote what people say.

    Args:
        attributes: names and figures, as in metrics; no ids of people, no content.
    """
    if _tracer is None:
        yield trace.get_current_span()
        return
    with _tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, links=links, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            failed(current, error)
            raise


def is_tracing() -> bool:
    """Whether spans are made at all."""
    return _tracer is not None


def failed(of: Span, error: BaseException) -> None:
    """Note on a span that it failed, and by what: the code of an error of ours, the type of any other."""
    of.set_attribute("error.type", error.code if isinstance(error, MecumError) else type(error).__name__)
    of.set_status(Status(StatusCode.ERROR))


def trace_parent() -> str | None:
    """The current span as W3C `traceparent`, to be kept with work that is done later. None: nothing is traced."""
    if not trace.get_current_span().is_recording():
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get(_TRACEPARENT)


def link_to(parent: str | None) -> list[Link]:
    """The link from work that was kept to the span that it was kept in; empty when that was not traced."""
    if parent is None:
        return []
    context = trace.get_current_span(_propagator.extract({_TRACEPARENT: parent})).get_span_context()
    return [Link(context)] if context.is_valid else []


async def flush_spans(within_s: float) -> None:
    """Send what was recorded and not sent yet, as far as it goes in time: at the end of the process."""
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)
    if flush is not None:
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.to_thread(flush, round(within_s * 1000))


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
    global _tracer
    _tracer = provider.get_tracer("mecum")
    return True
