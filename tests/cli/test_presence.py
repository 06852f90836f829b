"""The edge tells the app when a client leaves, and takes no head for large that is not."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import ClientDisconnect

from mecum.cli.edge import HEAD_BYTES_MAX, Receive, Scope, Send
from mecum.kit.leaving import UntilLeft
from tests.support.edges import edged

pytestmark = pytest.mark.anyio
WITHIN_S = 5.0


class Working:
    """An app that reads the body and then works until its client leaves, or for no time at all on `/quick`."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.left = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        try:
            with UntilLeft(scope, receive):
                self.begun.set()
                if scope["path"] != "/quick":
                    await asyncio.Event().wait()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
        except ClientDisconnect:
            self.left.set()


def posted(path: str, body: bytes = b"") -> bytes:
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (path.encode(), len(body)) + body


@pytest.mark.parametrize("size", [0, 100, 300_000], ids="{} bytes".format)
async def test_a_client_that_leaves_ends_the_work_however_large_its_request_was(size: int) -> None:
    app = Working()
    async with edged(app) as port, asyncio.timeout(WITHIN_S):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(posted("/", b"b" * size))
        await app.begun.wait()
        await asyncio.sleep(0.05)
        assert not app.left.is_set(), "it is still there"
        writer.close()
        await app.left.wait()


async def test_who_leaves_is_missed_at_the_second_request_of_a_connection_too() -> None:
    app = Working()
    async with edged(app) as port, asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(posted("/quick"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
        app.begun.clear()
        writer.write(posted("/"))
        await app.begun.wait()
        writer.close()
        await app.left.wait()


async def test_a_head_in_pieces_after_a_large_request_is_counted_by_itself() -> None:
    app = Working()
    async with edged(app) as port, asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = b"GET /quick HTTP/1.1\r\nHost: localhost\r\nX-Long: "
        for _ in range(3):
            writer.write(posted("/quick", b"b" * (HEAD_BYTES_MAX - 1_000)))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
            for piece in (head, b"a" * (HEAD_BYTES_MAX // 2), b"\r\n\r\n"):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204 ")
        writer.close()
