"""The edge of the server, in front of any app, in the event loop of the test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mecum.cli import edge


@asynccontextmanager
async def edged(app: edge.Asgi) -> AsyncGenerator[int]:
    """The port of a server with this app."""
    server = edge.http_server(app, None, None)
    sockets = edge.listen("127.0.0.1", 0)
    running = asyncio.create_task(server.serve(sockets))
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running
