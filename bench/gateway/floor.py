"""The floor: the barest relay that uvicorn and aiohttp can be. No key, no limits, no meter, nothing is read or kept.

UPSTREAM=http://127.0.0.1:9100 uvicorn bench.gateway.floor:app
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

import aiohttp

Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

UPSTREAM = os.environ.get("UPSTREAM", "")
JSON = {"content-type": "application/json"}
_sessions: list[aiohttp.ClientSession] = []


async def app(scope: MutableMapping[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
    body = b""
    more = scope["method"] == "POST"
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if not _sessions:
        _sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    if not body:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body"})
        return
    async with _sessions[0].post(UPSTREAM + scope["path"], data=body, headers=JSON) as answer:
        head = [(b"content-type", answer.headers["content-type"].encode())]
        if answer.content_length is not None:
            head.append((b"content-length", str(answer.content_length).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": head})
        async for chunk in answer.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})
