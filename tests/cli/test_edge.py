"""The end of the HTTP server: what is still open is cut off, and that is no error of anybody."""

from __future__ import annotations

import asyncio
import logging

import pytest

from mecum.cli.edge import Message, Receive, Scope, Send, http_server, listen

pytestmark = pytest.mark.anyio

WITHIN_S = 10


async def endless(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    try:
        await asyncio.Event().wait()
    finally:
        if scope["path"] == "/broken":
            raise RuntimeError("while cleaning up")


async def cut_off(path: str) -> bytes:
    """What a client gets of an answer that is open when the server ends."""
    server = http_server(endless, None, None)
    sockets = listen("127.0.0.1", 0)
    running = asyncio.create_task(server.serve(sockets))
    reader, writer = await asyncio.open_connection("127.0.0.1", sockets[0].getsockname()[1])
    writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
    async with asyncio.timeout(WITHIN_S):
        said = await reader.readuntil(b"begun")
        server.should_exit = True
        await running
        said += await reader.read()
    writer.close()
    return said


async def test_an_answer_that_is_cut_off_at_the_end_does_not_look_complete_and_is_not_logged_as_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        said = await cut_off("/")
    assert not said.endswith(b"0\r\n\r\n")
    assert caplog.records == []


async def test_an_error_at_the_end_is_still_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await cut_off("/broken")
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]


async def test_a_server_takes_as_many_connections_as_it_is_told() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        message: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
        await send(message)
        await send({"type": "http.response.body", "body": b""})

    server = http_server(app, None, None, 2)
    sockets = listen("127.0.0.1", 0)
    running = asyncio.create_task(server.serve(sockets))
    port = sockets[0].getsockname()[1]
    async with asyncio.timeout(WITHIN_S):
        one = await asyncio.open_connection("127.0.0.1", port)
        one[1].write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        first = await one[0].readline()
        two = await asyncio.open_connection("127.0.0.1", port)
        two[1].write(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        second = await two[0].readline()
        server.should_exit = True
        await running
    for _, writer in (one, two):
        writer.close()
    assert (first, second) == (b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 503 Service Unavailable\r\n")
