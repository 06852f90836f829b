"""What operators see of runs: spans and figures. Names and numbers alone: nothing of what people say."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry import trace
from opentelemetry.trace import Span
from prometheus_client import Counter, Gauge, Histogram

from mecum.kit.telemetry import REGISTRY, SpanSpec, failed
from mecum.kit.telemetry.metrics import LONG_SECONDS
from mecum.kit.tools import ToolRegistry, ToolResult
from mecum.rooms.assistant.stepping import StepResult
from mecum.rooms.assistant.store.runs import RunRow

OTHER = "other"
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "mecum"}

RUN = SpanSpec(
    "invoke_agent",
    "One advance of a run: until it is finished, waits for the person, or goes on elsewhere.",
    ("gen_ai.operation.name", "gen_ai.agent.name", "mecum.surface", "mecum.run.epoch", "mecum.run.outcome"),
    of="gen_ai.agent.name",
)
STEP = SpanSpec(
    "run.step",
    "One model step: putting the request together, and the model's answer to its last word.",
    ("mecum.attempt", "mecum.step.outcome"),
)
ACT = SpanSpec(
    "execute_tool",
    "One tool call.",
    ("gen_ai.operation.name", "gen_ai.tool.name", "gen_ai.tool.type", "mecum.tool.outcome"),
    of="gen_ai.tool.name",
)

runs_started = Counter("mecum_runs_started", "Answers that were begun.", ("surface",), registry=REGISTRY)
runs_finished = Counter(
    "mecum_runs_finished", "Answers that ended: done, stopped, limit, failed.", ("outcome",), registry=REGISTRY
)
runs_working = Gauge("mecum_runs_working", "Answers that this process is making.", registry=REGISTRY)
run_seconds = Histogram(
    "mecum_run_seconds",
    "Working time of an answer that ended; waits for the person or a model do not count.",
    ("outcome",),
    buckets=LONG_SECONDS,
    registry=REGISTRY,
)
first_token_seconds = Histogram(
    "mecum_run_first_token_seconds",
    "From the message to the first of its answer, all waits counted.",
    buckets=LONG_SECONDS,
    registry=REGISTRY,
)
steps_total = Counter(
    "mecum_run_steps", "Model steps of answers: ok, stopped, limit, failed.", ("outcome",), registry=REGISTRY
)
tool_calls = Counter(
    "mecum_tool_calls",
    "Tool calls: ok, failed, stopped, refused (not done at all), asked (the person is), unknown (nobody knows whether "
    "it was done). Tools that nobody has registered are `other`.",
    ("tool", "outcome"),
    registry=REGISTRY,
)


def tool_label(tools: ToolRegistry, name: str) -> str:
    """A bounded set of names, whatever models and callers make up."""
    return name if tools.get(name) is not None else OTHER


@contextmanager
def advancing(run: RunRow) -> Generator[None]:
    """Measure the advance of `run` that is done in the block."""
    about = {**AGENT, "mecum.surface": run.surface, "mecum.run.epoch": run.epoch}
    with RUN.around(about), runs_working.track_inprogress():
        yield


def run_ended(run: RunRow, outcome: str) -> None:
    """The run is finished, in the current span."""
    runs_finished.labels(outcome).inc()
    run_seconds.labels(outcome).observe(run.active_seconds)
    trace.get_current_span().set_attribute("mecum.run.outcome", outcome)


@dataclass(frozen=True, slots=True)
class Step:
    """A model step that is made."""

    run: RunRow
    span: Span

    def ended(self, result: StepResult) -> None:
        outcome = "failed" if result.failed else "stopped" if result.stopped else "limit" if result.limit else "ok"
        steps_total.labels(outcome).inc()
        self.span.set_attribute("mecum.step.outcome", outcome)
        if result.failed is not None:
            failed(self.span, result.failed)
        if result.first_at is not None and self.run.attempt == 1:
            first_token_seconds.observe(max(0.0, (result.first_at - self.run.created_at).total_seconds()))


@contextmanager
def stepping(run: RunRow) -> Generator[Step]:
    """Measure the model step that is made in the block."""
    with STEP.around({"mecum.attempt": run.attempt}) as span:
        yield Step(run, span)


@dataclass(slots=True)
class Act:
    """A tool call that is done; one that was not heard of again was stopped."""

    outcome: str = "stopped"

    def ended(self, result: ToolResult | None) -> None:
        if result is None:
            self.outcome = "unknown"
        elif result.wait is not None:
            self.outcome = "asked"
        else:
            self.outcome = "failed" if result.failed else "ok"


@contextmanager
def calling(tool: str) -> Generator[Act]:
    """Measure the call of a registered tool that is done in the block."""
    act = Act()
    about = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": tool, "gen_ai.tool.type": "function"}
    with ACT.around(about) as span:
        try:
            yield act
        finally:
            span.set_attribute("mecum.tool.outcome", act.outcome)
            tool_calls.labels(tool, act.outcome).inc()
