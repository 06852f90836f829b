"""Logs, metrics and spans: useful to the operator, silent about people."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from fastapi import APIRouter, FastAPI
from httpx2 import ASGITransport, AsyncClient
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route

from mecum.kit.db import Database
from mecum.kit.errors import NotFound, StartError
from mecum.kit.http import install_errors
from mecum.kit.telemetry import (
    TelemetryMiddleware,
    configure_logging,
    configure_tracing,
    exposition,
    may_read_metrics,
    request_id,
)
from mecum.kit.telemetry.middleware import ROUTES_MAX

log = logging.getLogger("mecum.test")


@pytest.fixture
def root() -> Generator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    quieter = {name: logging.getLogger(name).level for name in ("sqlalchemy", "asyncio", "aiohttp", "uvicorn.access")}
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    for name, before in quieter.items():
        logging.getLogger(name).setLevel(before)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.usefixtures("root")
def test_a_log_line_is_one_json_object() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    token = request_id.set("req_1")
    log.warning("%d jobs wait", 3)
    request_id.reset(token)
    log.info("done")
    first, second = lines(stream)
    assert first.pop("time").endswith("+00:00")
    assert first == {"level": "warning", "logger": "mecum.test", "message": "3 jobs wait", "request_id": "req_1"}
    assert "request_id" not in second


@pytest.mark.usefixtures("root")
def test_on_a_terminal_a_log_line_is_for_human_eyes() -> None:
    stream = Terminal()
    configure_logging(stream=stream)
    log.warning("three jobs wait")
    assert stream.getvalue()[9:] == "warning test: three jobs wait\n"


@pytest.mark.usefixtures("root")
def test_lines_below_the_level_are_left_out() -> None:
    stream = io.StringIO()
    configure_logging("warning", stream=stream)
    log.info("no")
    logging.getLogger("uvicorn.access").error("GET /reset?token=secret")
    log.error("yes")
    assert [line["message"] for line in lines(stream)] == ["yes"]


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
async def test_an_error_is_logged_without_the_words_it_quotes(stream: io.StringIO, database: Database) -> None:
    configure_logging(stream=stream)
    try:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT CAST(:private AS int)"), {"private": "my private diary"})
    except DBAPIError:
        log.exception("A statement failed")
    written = stream.getvalue()
    assert "diary" not in written and "private" not in written
    assert "DBAPIError" in written and "test_telemetry.py" in written


@pytest.mark.usefixtures("root")
def test_an_error_of_ours_is_logged_with_its_code_and_its_causes() -> None:
    stream = io.StringIO()
    configure_logging(stream=stream)
    try:
        try:
            raise KeyError("diary")
        except KeyError as error:
            raise NotFound("thread_unknown", "The thread about my diary is not there.") from error
    except NotFound:
        log.exception("Not there")
    error = lines(stream)[0]["error"]
    assert error["type"] == "mecum.kit.errors.NotFound thread_unknown"
    assert error["causes"] == ["builtins.KeyError"]
    assert "diary" not in stream.getvalue()


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_stranger_can_not_forge_a_line_or_steer_the_terminal(stream: io.StringIO) -> None:
    configure_logging(stream=stream)
    log.warning("asked for %s", "x\n12:00:00 error root: forged\x1b[2J" + "y" * 5000)
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()
    assert len(stream.getvalue()) < 2300


def app() -> TelemetryMiddleware:
    inner = FastAPI()
    install_errors(inner)
    things = APIRouter(prefix="/api/things")

    @things.get("/{thing}")
    async def thing(thing: str, request: Request) -> dict[str, str | None]:
        return {"thing": thing, "request": request_id.get(), "state": request.state.request_id}

    async def stream(request: Request) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"a"
            yield (request_id.get() or "").encode()

        return StreamingResponse(pieces())

    async def broken(request: Request) -> PlainTextResponse:
        raise RuntimeError

    inner.include_router(things)
    inner.routes.append(Route("/plain/{rest:path}", stream))
    inner.routes.append(Route("/broken", broken))
    inner.routes.append(Mount("/files", routes=[Route("/{name}", stream)]))
    return TelemetryMiddleware(inner)


async def get(asked: TelemetryMiddleware, *paths: str, method: str = "GET") -> list[Any]:
    transport = ASGITransport(app=asked, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://localhost") as client:
        return [await client.request(method, path) for path in paths]


def counted() -> dict[tuple[str, str, str], float]:
    return {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(exposition()[0].decode())
        for sample in family.samples
        if sample.name == "mecum_http_requests_total"
    }


async def test_a_request_has_an_id_that_its_answer_names() -> None:
    one, two = await get(app(), "/api/things/a", "/api/things/a")
    assert one.headers["x-request-id"] == one.json()["request"] == one.json()["state"]
    assert one.headers["x-request-id"].startswith("req_")
    assert one.headers["x-request-id"] != two.headers["x-request-id"]
    (streamed,) = await get(app(), "/plain/x")
    assert streamed.text == "a" + streamed.headers["x-request-id"]


async def test_requests_are_counted_by_route_and_never_by_what_was_asked() -> None:
    before = counted()
    paths = [
        "/api/things/ada@example.org",
        "/api/things/bob",
        "/plain/my/diary",
        "/plain/",
        "/files/diary.txt",
        "/diary",
        "/broken",
    ]
    await get(app(), *paths)
    await get(app(), "/api/things/x", method="BREW")
    new = {key: value - before.get(key, 0) for key, value in counted().items() if value != before.get(key, 0)}
    assert new == {
        ("GET", "/api/things/{thing}", "200"): 2,
        ("GET", "/plain/{rest}", "200"): 1,
        ("GET", "/plain/", "200"): 1,
        ("GET", "/files/*", "200"): 1,
        ("GET", "unmatched", "404"): 1,
        ("GET", "/broken", "500"): 1,
        ("other", "/api/things/{thing}", "405"): 1,
    }
    shown = exposition()[0].decode()
    assert "diary" not in shown and "ada" not in shown
    assert "mecum_http_requests_open 0.0" in shown
    assert "process_resident_memory_bytes" in shown


async def test_routes_without_number_share_a_label() -> None:
    async def anything(scope: Any, receive: Any, send: Any) -> None:
        scope["path_params"] = {}
        await PlainTextResponse("x")(scope, receive, send)

    before = len({route for _, route, _ in counted()})
    await get(TelemetryMiddleware(anything), *(f"/{number}" for number in range(ROUTES_MAX + 20)))
    assert len({route for _, route, _ in counted()}) - before <= ROUTES_MAX + 1
    assert counted()["GET", "other", "200"] == 20


@pytest.mark.parametrize(
    ("token", "peer", "headers", "allowed"),
    [
        (None, "127.0.0.1", {"host": "localhost:8080"}, True),
        (None, "::1", {"host": "[::1]:8080"}, True),
        (None, "10.0.0.1", {"host": "localhost"}, False),
        (None, "", {"host": "localhost"}, False),
        (None, "127.0.0.1", {"host": "mecum.example.org"}, False),
        (None, "127.0.0.1", {"host": "rebound.evil.example:8080"}, False),
        (None, "127.0.0.1", {"host": "localhost", "x-forwarded-for": "1.2.3.4"}, False),
        ("t" * 20, "127.0.0.1", {"host": "localhost"}, False),
        ("t" * 20, "10.0.0.1", {"host": "mecum", "authorization": f"Bearer {'t' * 20}"}, True),
        ("t" * 20, "10.0.0.1", {"host": "mecum", "authorization": "Bearer tt"}, False),
        ("t" * 20, "10.0.0.1", {"host": "mecum", "authorization": f"Basic {'t' * 20}"}, False),
        ("t" * 20, "10.0.0.1", {"host": "mecum", "authorization": "Bearer é"}, False),
    ],
)
def test_figures_are_for_this_machine_or_whoever_brings_the_token(
    token: str | None, peer: str, headers: dict[str, str], allowed: bool
) -> None:
    assert may_read_metrics(token, peer, headers) is allowed


def test_spans_go_nowhere_unless_the_environment_says_where() -> None:
    assert configure_tracing({}) is False
    with pytest.raises(StartError, match="otlp"):
        configure_tracing({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, has_exporter=False)


TRACED = """
import asyncio, logging, os
from httpx2 import ASGITransport, AsyncClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from mecum.kit.errors import NotFound
from mecum.kit.telemetry import TelemetryMiddleware, configure_logging, configure_tracing, flush_spans, span

async def thread(request):
    with span("models.stream", {"model": "fake"}):
        logging.getLogger("mecum.test").warning("inside")
    try:
        with span("recall"):
            raise NotFound("thread_unknown", "my diary")
    except NotFound:
        return PlainTextResponse("x")

async def main():
    app = TelemetryMiddleware(Starlette(routes=[Route("/threads/{id}", thread)]))
    async with AsyncClient(transport=ASGITransport(app=app), base_url="http://localhost") as client:
        await client.get("/threads/diary", headers={"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"})

assert configure_tracing()
configure_logging()
asyncio.run(main())
asyncio.run(flush_spans(10))
os._exit(0)  # as the server ends
"""


async def test_spans_reach_a_collector_with_names_and_figures_only(tmp_path: Path) -> None:
    received: list[ExportTraceServiceRequest] = []

    async def collect(request: web.Request) -> web.Response:
        received.append(ExportTraceServiceRequest.FromString(await request.read()))
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")

    collector = web.Application()
    collector.router.add_post("/v1/traces", collect)
    runner = web.AppRunner(collector)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    script = tmp_path / "traced.py"
    script.write_text(TRACED)
    endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
    environment = {**os.environ, "PYTHONPATH": "src", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, written = await process.communicate()
    await runner.cleanup()
    assert process.returncode == 0, written.decode()
    resources = [resource for request in received for resource in request.resource_spans]
    spans = {each.name: each for resource in resources for scope in resource.scope_spans for each in scope.spans}
    assert set(spans) == {"GET /threads/{id}", "models.stream", "recall"}
    assert {each.trace_id.hex() for each in spans.values()} == {"a" * 32}
    assert spans["GET /threads/{id}"].parent_span_id.hex() == "b" * 16
    assert spans["models.stream"].parent_span_id == spans["GET /threads/{id}"].span_id
    recall = {each.key: each.value.string_value for each in spans["recall"].attributes}
    assert recall == {"error.type": "thread_unknown"}
    assert b"diary" not in b"".join(request.SerializeToString() for request in received)
    line = json.loads(written.decode().splitlines()[-1])
    assert line["trace_id"] == "a" * 32 and line["message"] == "inside"
