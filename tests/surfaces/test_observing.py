"""What operators see of a house that works: that it can be followed, and that nothing of what people say is in it."""

from __future__ import annotations

import io
import logging
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

from mecum.app import App
from mecum.kit.telemetry import SPANS, configure_logging
from mecum.kit.tools import Tool, ToolCall, ToolResult
from tests.support.fake_replies import command
from tests.support.living_house import House, fresh_database, living_house
from tests.support.spans import kept_spans
from tests.surfaces.things import post, waited_for

MARKER = "quillonfeather"
PAGE = Path("docs/observing.md").read_text(encoding="utf-8")
BESIDE = {"error.type"}


@dataclass
class Watched:
    """A house whose spans and log lines are kept."""

    house: House
    exporter: InMemorySpanExporter
    log: io.StringIO

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def metrics(self) -> str:
        answer = httpx2.get(f"{self.house.url}/metrics", trust_env=False)
        assert answer.status_code == 200
        return answer.text

    def figures(self, name: str) -> dict[tuple[str, ...], float]:
        """The samples of a metric by the values of their labels, in alphabetical order of these."""
        return {
            tuple(value for _, value in sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(self.metrics())
            for sample in family.samples
            if sample.name == name
        }


@pytest.fixture(scope="module")
def watched(pg_url: str, template: str) -> Generator[Watched]:
    root, log = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    try:
        with (
            kept_spans() as exporter,
            fresh_database(pg_url, template) as url,
            living_house(url, prepare=_with_broken_tool) as house,
        ):
            configure_logging("debug", "json", log)
            found = Watched(house, exporter, log)
            _live(found)
            yield found
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)


def _with_broken_tool(app: App) -> None:
    async def broken(call: ToolCall) -> ToolResult:
        raise RuntimeError(f"{MARKER} {call.arguments}")

    app.kit.tools.add([Tool("broken", "Breaks.", {"type": "object"}, broken)])


def _live(watched: Watched) -> None:
    """Some life in the house; the marker is in everything that somebody says, finds or gets to hear."""
    house = watched.house
    calls = [("calculate", '{"expression": "6*7"}'), ("broken", f'{{"about": "{MARKER}"}}'), (MARKER, "{}")]
    texts = [
        f"{MARKER} {command(text=MARKER)}",
        f"{MARKER} {command(text=MARKER, tools=calls)}",
        f"{MARKER} {command(status=500, body=MARKER)}",
        f"{MARKER} {command(close_after=1)}",
    ]
    threads = [post(house, text) for text in texts]
    for thread in threads:
        house.until_idle(thread)
    house.request("PATCH", f"/api/threads/{threads[0]}", json={"title": MARKER}).raise_for_status()
    house.request("GET", f"/api/threads?q={MARKER}")
    house.request("GET", f"/api/{MARKER}/{MARKER}")
    asked = {"model": "fake", "messages": [{"role": "user", "content": MARKER}]}
    house.post("/v1/chat/completions", asked)
    house.request("POST", "/v1/chat/completions", json={**asked, "model": MARKER})
    house.post("/v1/embeddings", {"model": "fake-embed", "input": MARKER})
    waited_for(lambda: len(watched.spans("process runs")) >= len(texts) or None)


def _said_by(span: ReadableSpan) -> Iterator[str]:
    yield span.to_json()
    yield from (str(event.attributes) for event in span.events)


def test_nothing_of_what_people_say_is_in_spans_metrics_or_logs(watched: Watched) -> None:
    spans = [said for span in watched.exporter.get_finished_spans() for said in _said_by(span)]
    assert len(spans) > 20
    for said in (*spans, watched.metrics(), watched.log.getvalue()):
        for private in (MARKER, "owner@example.org", "eleven paper"):
            assert private not in said
    assert "The tool broken failed" in watched.log.getvalue()


def test_an_answer_can_be_followed_from_its_job_to_the_provider(watched: Watched) -> None:
    by_id = {span.context.span_id: span for span in watched.exporter.get_finished_spans() if span.context}
    acts = watched.spans("execute_tool calculate")
    assert acts
    sent = [span for span in watched.spans("send POST") if span.parent]
    chains = {tuple(_upwards(span, by_id)) for span in (*acts, *sent)}
    answer = ("run.step", "invoke_agent mecum", "process runs")
    assert ("execute_tool calculate", *answer[1:]) in chains
    assert ("send POST", "chat fake", *answer) in chains
    assert ("send POST", "chat fake", "POST /v1/chat/completions") in chains
    assert ("send POST", "embeddings fake-embed", "POST /v1/embeddings") in chains


def _upwards(span: ReadableSpan, by_id: dict[int, ReadableSpan]) -> Iterator[str]:
    yield span.name
    while span.parent is not None:
        span = by_id[span.parent.span_id]
        yield span.name


def test_a_job_is_linked_to_the_request_that_deferred_it(watched: Watched) -> None:
    requests = {span.context.span_id for span in watched.spans("POST /api/messages") if span.context}
    jobs = watched.spans("process runs")
    assert requests
    assert all(job.parent is None for job in jobs)
    assert {link.context.span_id for job in jobs for link in job.links} == requests


def test_a_span_says_how_it_ended_and_carries_only_what_is_documented(watched: Watched) -> None:
    for span in watched.exporter.get_finished_spans():
        spec = next((spec for name, spec in SPANS.items() if span.name.split(" ")[0] == name), SPANS["HTTP"])
        assert set(span.attributes or ()) <= {*spec.attributes, *BESIDE}, span.name
    assert _values(watched, "chat fake", "error.type") >= {"None", "models.provider_failed"}
    assert _values(watched, "invoke_agent mecum", "mecum.run.outcome") == {"done", "failed"}
    assert _attributes(watched, "execute_tool calculate")[0]["mecum.tool.outcome"] == "ok"
    assert _attributes(watched, "execute_tool broken")[0]["mecum.tool.outcome"] == "failed"


def _values(watched: Watched, name: str, attribute: str) -> set[str]:
    return {str(each.get(attribute)) for each in _attributes(watched, name)}


def _attributes(watched: Watched, name: str) -> list[dict[str, object]]:
    return [dict(span.attributes or {}) for span in watched.spans(name)]


def test_all_that_is_exported_is_on_the_page_for_operators(watched: Watched) -> None:
    families = list(text_string_to_metric_families(watched.metrics()))
    ours = {f"{each.name}_total" if each.type == "counter" else each.name for each in families}
    ours = {name for name in ours if name.startswith("mecum_")}
    assert len(ours) > 25
    assert [name for name in sorted(ours) if f"| `{name}` |" not in PAGE] == []
    heads = {span.name.split(" ")[0] for span in watched.exporter.get_finished_spans()} & SPANS.keys()
    assert heads == SPANS.keys() - {"HTTP", "gate.wait"}
    assert [name for name in SPANS if f"| `{name}" not in PAGE] == []


def test_what_happened_is_counted(watched: Watched) -> None:
    assert watched.figures("mecum_runs_finished_total").keys() >= {("done",), ("failed",)}
    assert watched.figures("mecum_runs_started_total")["api",] >= 4
    tools = watched.figures("mecum_tool_calls_total")
    assert tools.keys() >= {("ok", "calculate"), ("failed", "broken"), ("refused", "other")}
    assert watched.figures("mecum_jobs_total")["assistant.advance", "done", "runs"] >= 4
    assert watched.figures("mecum_jobs_waiting").keys() == {("default",), ("runs",), ("bulk",)}
    assert watched.figures("mecum_gate_admitted_total")["api", "Fake"] >= 6
    assert watched.figures("mecum_model_calls_total")["embeddings", "ok", "Fake"] >= 1
    assert watched.figures("mecum_model_tokens_total")["Fake", "output"] > 0
    assert watched.figures("mecum_run_first_token_seconds_count")[()] >= 2
    assert watched.figures("mecum_event_loop_lag_seconds_count")[()] > 0


def test_a_request_that_is_refused_before_it_reaches_a_route_is_counted_and_has_an_id(watched: Watched) -> None:
    before = watched.figures("mecum_http_requests_total").get(("POST", "unmatched", "413"), 0)
    refused = watched.house.request("POST", "/api/messages", content=b"x" * 5_000_000)
    assert refused.status_code == 413
    assert refused.headers["x-request-id"].startswith("req_")
    assert watched.figures("mecum_http_requests_total")["POST", "unmatched", "413"] == before + 1
