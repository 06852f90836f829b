"""Bodies that come slowly, over a real socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, UploadFile
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from mecum.cli import edge
from mecum.kit.arrival import Pace
from mecum.kit.gate import Gate, openai_error
from mecum.kit.http import install_errors, read_body
from mecum.kit.i18n import I18n
from tests.support.edges import edged

pytestmark = pytest.mark.anyio

WITHIN_S = 10
LIMIT = 100_000
Steps = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Note(BaseModel):
    text: str


def app() -> FastAPI:
    inner = FastAPI()
    install_errors(inner, {"/v1/": openai_error})

    @inner.post("/api/notes")
    async def note(body: Note) -> int:
        return len(body.text)

    @inner.post("/api/files")
    async def file(file: UploadFile) -> int:
        return len(await file.read())

    async def relay(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await read_body(request, LIMIT))))

    async def closed(request: Request) -> PlainTextResponse:
        return PlainTextResponse("no", 403)

    inner.router.routes += [
        Route("/v1/relay", relay, methods=["POST"]),
        Route("/api/closed", closed, methods=["POST"]),
    ]
    return inner


@asynccontextmanager
async def serving(pace: Pace) -> AsyncGenerator[int]:
    """The port of a server whose bodies have to come at that pace."""
    gate = Gate(
        app(),  # pyright: ignore[reportArgumentType]
        i18n=I18n(),
        public_url="http://localhost",
        trusted_proxies=[],
        body_limit_bytes=LIMIT,
        pace=pace,
        own_limits=("/v1/", "/api/files"),
        hsts_days=0,
    )
    async with edged(gate) as port:
        yield port


async def asked(port: int, path: str, size: int, body: Steps, *more: str) -> str:
    """All that the server says until it closes, while `body` is sent by its side."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    kind = "content-type: application/json"
    head = [f"POST {path} HTTP/1.1", "host: localhost", f"content-length: {size}", *(more or (kind,)), "", ""]
    writer.write("\r\n".join(head).encode())
    sending = asyncio.create_task(body(writer))  # type: ignore[arg-type]
    try:
        said = b""
        async with asyncio.timeout(WITHIN_S):
            # A server that closes while more comes resets the connection: what it had said is there.
            with contextlib.suppress(ConnectionError):
                while part := await reader.read(65_536):
                    said += part
        return said.decode()
    finally:
        sending.cancel()
        await asyncio.wait({sending})
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def trickled(body: bytes, every_s: float) -> Steps:
    async def send(writer: asyncio.StreamWriter) -> None:
        for byte in body:
            writer.write(bytes([byte]))
            await asyncio.sleep(every_s)

    return send


def at_once(body: bytes) -> Steps:
    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(body)

    return send


NOTE = b'{"text": "' + b"x" * 200 + b'"}'


@pytest.mark.parametrize("path", ["/api/notes", "/api/files", "/v1/relay"])
async def test_a_body_that_falls_silent_is_given_up(path: str) -> None:
    kind, begun = "content-type: application/json", NOTE[:20]
    if path == "/api/files":
        kind, begun = "content-type: multipart/form-data; boundary=b", b"--b\r\n"
    async with serving(Pace(0.3, 0)) as port:
        said = await asked(port, path, len(NOTE), at_once(begun), kind)
    assert said.startswith("HTTP/1.1 408")
    assert "body_too_slow" in said
    assert "connection: close" in said.lower()


async def test_whoever_is_told_reads_it_in_their_language() -> None:
    async with serving(Pace(0.3, 0)) as port:
        said = await asked(port, "/api/notes", 99, at_once(b"{"), "content-type: text/plain", "accept-language: zh-CN")
    assert "请求传输得太慢。" in said


async def test_a_body_that_trickles_for_ever_is_given_up_however_short_its_silences_are() -> None:
    async with serving(Pace(0.4, 1_000)) as port:
        said = await asked(port, "/api/notes", len(NOTE), trickled(NOTE, 0.05))
    assert said.startswith("HTTP/1.1 408")


async def test_a_slow_line_that_goes_on_has_all_the_time_that_its_size_takes() -> None:
    async with serving(Pace(0.4, 10)) as port:
        said = await asked(
            port,
            "/api/notes",
            60,
            trickled(b'{"text": "' + b"x" * 48 + b'"}', 0.02),
            "connection: close",
            "content-type: application/json",
        )
    assert said.startswith("HTTP/1.1 200")
    assert said.endswith("48")


async def test_a_body_that_is_too_large_is_refused_where_its_size_was_not_told() -> None:
    async def in_chunks(writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            writer.write(b"c350\r\n" + b"x" * 0xC350 + b"\r\n")
        writer.write(b"0\r\n\r\n")

    async with serving(Pace(5, 0)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/notes HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n")
        writer.write(b"connection: close\r\ntransfer-encoding: chunked\r\n\r\n")
        await in_chunks(writer)
        async with asyncio.timeout(WITHIN_S):
            said = (await reader.read()).decode()
        writer.close()
    assert said.startswith("HTTP/1.1 413")
    assert "body_too_large" in said


async def test_the_rest_of_a_body_that_was_answered_before_it_came_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edge, "HEAD_WITHIN_S", 0.4)
    async with serving(Pace(30, 0)) as port:
        said = await asked(port, "/api/closed", len(NOTE), trickled(NOTE, 0.05))
    assert said.startswith("HTTP/1.1 403")
    assert said.endswith("no")


async def test_a_connection_whose_body_came_whole_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "HEAD_WITHIN_S", 0.3)

    async def later(writer: asyncio.StreamWriter) -> None:
        writer.write(NOTE)
        await asyncio.sleep(0.6)
        writer.write(b"POST /api/closed HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")

    async with serving(Pace(5, 0)) as port:
        said = await asked(port, "/api/notes", len(NOTE), later)
    assert said.startswith("HTTP/1.1 200 OK")
    assert "HTTP/1.1 403 Forbidden" in said
