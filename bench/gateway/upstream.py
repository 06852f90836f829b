"""The fake upstream: OpenAI's chat completions as raw ASGI, so that it is never what one waits for.

    uvicorn bench.gateway.upstream:app

Below `/v1` the chunks of a stream come back to back, each written by itself; below `/paced/v1` one every 20 ms.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

PACE_S = 0.02
WORDS = ("The ", "quick ", "brown ", "fox ", "jumps ", "over ", "lazy ", "dogs ")
CHUNKS = 64
EVENTS = CHUNKS + 2
"""`data:` lines of a stream as every caller sees them: the chunks, the one that says why it ends, and [DONE]."""
USAGE = {"prompt_tokens": 20, "completion_tokens": CHUNKS, "total_tokens": 20 + CHUNKS}


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return _event({"choices": choices})


def _event(more: dict[str, object]) -> bytes:
    head = {"id": "chatcmpl-fake", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "fake"}
    return b"data: " + json.dumps(head | more).encode() + b"\n\n"


_FIRST = _chunk({"role": "assistant", "content": ""})
_WORDS = [_chunk({"content": word}) for word in WORDS]
_STREAM = (_FIRST, *(_WORDS[place % len(WORDS)] for place in range(CHUNKS - 1)))
_END = _chunk({}, "stop")
_USAGE_EVENT = _event({"choices": [], "usage": USAGE})
_DONE = b"data: [DONE]\n\n"
_WHOLE = json.dumps(
    {
        "id": "chatcmpl-fake",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "fake",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "".join(WORDS) * 8},
                "finish_reason": "stop",
                "logprobs": None,
            }
        ],
        "usage": USAGE,
    }
).encode()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["method"] == "GET":
        listed = {"object": "list", "data": [{"id": "fake", "object": "model", "created": 1, "owned_by": "fake"}]}
        await _whole(send, json.dumps(listed).encode())
        return
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    asked = json.loads(body)
    if asked.get("stream"):
        wants_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        pace_s = PACE_S if scope["path"].startswith("/paced/") else 0.0
        await _stream(send, pace_s, wants_usage)
    else:
        await _whole(send, _WHOLE)


async def _whole(send: Send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(send: Send, pace_s: float, wants_usage: bool) -> None:
    headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for chunk in _STREAM:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
        # Without a turn of the loop between them uvloop would write all chunks of a stream at once.
        await asyncio.sleep(pace_s)
    last = _END + (_USAGE_EVENT if wants_usage else b"") + _DONE
    await send({"type": "http.response.body", "body": last})
