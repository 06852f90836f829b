"""What operators see of calls to models: spans and figures. Names that operators gave, and numbers; nothing of what is
asked or answered.

A call goes from task to task while its answer streams, so its span is nobody's current span: see `calls.Ongoing`.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from opentelemetry.trace import Span, SpanKind
from prometheus_client import Counter, Gauge
from prometheus_client.metrics_core import GaugeMetricFamily

from mecum.kit.telemetry import REGISTRY, SpanSpec
from mecum.kit.telemetry.counting import Count, Counts, Durations, Timings
from mecum.kit.telemetry.metrics import LONG_SECONDS

_USAGE = ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens")
_CALL = ("gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model")

CHAT = SpanSpec(
    "chat",
    "A call to a model, its wait at the gate and repeats included. `chat` and the model.",
    (*_CALL, *_USAGE, "gen_ai.response.time_to_first_chunk", "mecum.gate.band"),
    of="gen_ai.request.model",
    kind=SpanKind.CLIENT,
)
EMBEDDINGS = SpanSpec(
    "embeddings",
    "A call for vectors. `embeddings` and the model.",
    (*_CALL, *_USAGE, "gen_ai.response.time_to_first_chunk", "mecum.gate.band"),
    of="gen_ai.request.model",
    kind=SpanKind.CLIENT,
)
GATE_WAIT = SpanSpec(
    "gate.wait",
    "What a call waited at the gate, where it had to.",
    ("gen_ai.provider.name", "mecum.gate.band"),
)
SEND = SpanSpec(
    "send",
    "One request to a provider, to its headers: a call that is repeated has several.",
    ("http.request.method", "http.response.status_code", "gen_ai.provider.name"),
    of="http.request.method",
    kind=SpanKind.CLIENT,
)

calls_total = Counts(
    "mecum_model_calls",
    "Calls to models that ended: ok, cancelled, internal, or the code of the error.",
    ("provider", "operation", "outcome"),
    registry=REGISTRY,
)
calls_open = Counts(
    "mecum_model_calls_open",
    "Calls to models that go on, those in line included.",
    ("provider",),
    family=GaugeMetricFamily,
    registry=REGISTRY,
)
tokens_total = Counts(
    "mecum_model_tokens",
    "Tokens read (input) and written (output) by models; estimated where a provider does not say.",
    ("provider", "type"),
    registry=REGISTRY,
)
call_seconds = Timings(
    "mecum_model_call_seconds",
    "From a call to the end of its answer, waits included.",
    ("provider", "operation"),
    buckets=LONG_SECONDS,
    registry=REGISTRY,
)
first_token_seconds = Timings(
    "mecum_model_first_token_seconds",
    "From a call to the first of its answer, waits included.",
    ("provider",),
    buckets=LONG_SECONDS,
    registry=REGISTRY,
)

gate_waiting = Gauge(
    "mecum_gate_waiting",
    "Calls that wait at the gate, at each provider that could serve them; looked at once a second. Of several "
    "processes the writer counts those of all.",
    ("provider", "band"),
    registry=REGISTRY,
)
gate_running = Gauge(
    "mecum_gate_running", "Calls that were let in and go on, looked at once a second.", ("provider",), registry=REGISTRY
)
gate_limit_tokens = Gauge(
    "mecum_gate_limit_tokens", "Tokens that a provider gets at once, as measured.", ("provider",), registry=REGISTRY
)
gate_running_tokens = Gauge(
    "mecum_gate_running_tokens", "Tokens of the calls that go on.", ("provider",), registry=REGISTRY
)
gate_admitted = Counts("mecum_gate_admitted", "Calls that were let in.", ("provider", "band"), registry=REGISTRY)
gate_refused = Counter(
    "mecum_gate_refused",
    "Calls that were turned away: the line was full, or their turn did not come in time.",
    ("provider", "band"),
    registry=REGISTRY,
)
budget_refused = Counter("mecum_budget_refused", "Calls that a budget refused.", ("subject", "unit"), registry=REGISTRY)
budget_unattributed = Counter(
    "mecum_budget_unattributed",
    "Units of budgets that count as spent because a process died before it accounted for them.",
    registry=REGISTRY,
)
gate_returned = Counter(
    "mecum_gate_returned",
    "Calls that left their place before anything was answered, and waited again: bulk for somebody at a screen, or any "
    "call when its provider had too much to do.",
    ("provider", "band"),
    registry=REGISTRY,
)
gate_wait_seconds = Timings(
    "mecum_gate_wait_seconds",
    "What calls that were let in had waited.",
    ("band",),
    buckets=LONG_SECONDS,
    registry=REGISTRY,
)
gate_cooldowns = Counter(
    "mecum_gate_cooldowns",
    "How often a provider said that it is too much (429, 503, 529), so that nothing was sent for a while.",
    ("provider",),
    registry=REGISTRY,
)
gate_replicas = Gauge(
    "mecum_gate_replicas", "Server processes that share one gate, as last known; 0: no Valkey.", registry=REGISTRY
)
gate_role = Gauge(
    "mecum_gate_role",
    "1 for what this process is at the gate: `writer` (decides for all), `guest` (asks the writer) or `alone` "
    "(Valkey can't be reached: it has its share of the limits).",
    ("role",),
    registry=REGISTRY,
)
gate_lost = Counter("mecum_gate_lost", "How often the gate lost Valkey and went on by itself.", registry=REGISTRY)

LABELS_KEPT = 1_000


@dataclass(frozen=True, slots=True)
class CallFigures:
    """The figures of calls of one kind to one provider."""

    open: Count
    seconds: Durations
    first_token_seconds: Durations
    read: Count
    written: Count


@lru_cache(LABELS_KEPT)
def figures_of(provider: str, operation: str) -> CallFigures:
    return CallFigures(
        open=calls_open.labels(provider),
        seconds=call_seconds.labels(provider, operation),
        first_token_seconds=first_token_seconds.labels(provider),
        read=tokens_total.labels(provider, "input"),
        written=tokens_total.labels(provider, "output"),
    )


call_of: ContextVar[Span | None] = ContextVar("call_of", default=None)
"""The span of the call for which a request is sent. Set and never put back: tasks of one call end in others."""
