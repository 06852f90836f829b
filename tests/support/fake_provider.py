"""A model provider for tests: OpenAI's wire over loopback, which answers, stalls and breaks as it is told.

In a test:

    async with FakeProvider() as fake:
        fake.script(Reply(text="Hello", chunks=3), Reply(status=500))
        ... a provider with base URL `fake.base_url` ...
        assert len(fake.requests) == 2

Below `/plain/v1` the same provider has no `/responses`, like most servers of open models.

`with running() as fake` serves from a thread, for tests without an event loop of their own.
`python -m tests.support.fake_provider --port N` serves as a process; what it answers is then said in the request itself
(see `fake_replies`) or over HTTP: `GET /fake/requests`, `DELETE /fake/requests`, `POST /fake/script` with a list of
`Reply` fields.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from uvicorn import Config
from uvicorn.server import ServerState

from mecum.rooms.models.store.catalogue import ProviderKind
from tests.support.fake_replies import (
    Reply,
    count_tokens,
    default_text,
    embeddings,
    has_vectors_of,
    instance,
    last_user_text,
    parse_command,
    tool_rounds,
)
from tests.support.fake_wires import CREATED, Answer, chat_body, chat_stream, dump, response_body, response_stream
from tests.support.fake_wires import told as told_in

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
KINDS = {
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
}
MODELS = ("fake", "fake-small", "fake-embed")
GARBAGE = b"\x00\xff\xfe\x80 no event\ndata: {not json \xc3\x28\n\n\xde\xad\xbe\xef\n\n"


class Dropped(Exception):
    """Raised into the server so that it drops the connection in the middle of a body."""


@dataclass
class Recorded:
    """A request as it came.

    `gone`: the client closed before the answer was whole. `ended`: nothing more happens to it. `told`: the tokens read
    and written that it said in an answer that was sent to its end.
    """

    path: str
    headers: Mapping[str, str]
    raw: bytes
    body: Any
    at: float
    chunks_sent: int = 0
    gone: bool = False
    told: tuple[int, int] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)


class FakeProvider:
    """The server. `key`: when set, requests without it are answered 401. A subclass may speak another wire."""

    kind: ProviderKind = "openai"

    def __init__(self, *, key: str = "", port: int = 0) -> None:
        self.requests: list[Recorded] = []
        self.base_url = ""
        self.models: tuple[str, ...] = MODELS
        self._key = key
        self._port = port
        self._queue: deque[Reply] = deque()
        self._used: Counter[str] = Counter()
        self._arrived = asyncio.Condition()
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    def script(self, *replies: Reply) -> None:
        """The next answers, in order; afterwards commands in requests and the default answer hold again."""
        self._queue.extend(replies)

    async def seen(self, number: int) -> Recorded:
        """Wait for the request of that number (from 0), completions and embeddings only."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: len(self.requests) > number)
        return self.requests[number]

    async def __aenter__(self) -> Self:
        _hide_dropped()
        config = Config(self, log_config=None, access_log=False, lifespan="off", http="httptools", ws="none")
        config.load()
        protocol: Any = config.http_protocol_class
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: protocol(config=config, server_state=self._state, app_state={}), "127.0.0.1", self._port
        )
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._state.connections):
            transport: Any = connection.transport
            transport.abort()
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        path = urlsplit(scope["path"]).path
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        raw = await _read(receive)
        if path.startswith("/fake/"):
            await self._control(scope["method"], path, raw, send)
        elif self._key and self.key_in(headers) != self._key:
            await _json(send, self.error_body(401, "Incorrect API key provided."), 401)
        elif path.startswith("/plain/") and path.endswith("/responses"):
            await _json(send, {"detail": "Not Found"}, 404)
        elif path.endswith("/models"):
            await _json(send, self.listed())
        else:
            record = Recorded(path, headers, raw, self.asked(path, json.loads(raw or b"{}")), time.monotonic())
            async with self._arrived:
                self.requests.append(record)
                self._arrived.notify_all()
            await self._until_gone(record, receive, self._answer(record, send))

    async def _until_gone(self, record: Recorded, receive: Receive, work: Any) -> None:
        """Do `work` unless the client leaves first."""
        working = asyncio.ensure_future(work)
        leaving = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                record.gone = True
                working.cancel()
            await asyncio.gather(working, return_exceptions=record.gone)
        finally:
            working.cancel()
            leaving.cancel()
            record.ended.set()

    async def _control(self, method: str, path: str, raw: bytes, send: Send) -> None:
        if path == "/fake/script":
            for fields in json.loads(raw):
                tools = tuple((name, arguments) for name, arguments in fields.pop("tools", ()))
                self.script(Reply(**fields, tools=tools))
        elif method == "DELETE":
            self.requests.clear()
            self._used.clear()
        items = [{"path": record.path, "body": record.body, "gone": record.gone} for record in self.requests]
        await _json(send, {"requests": items})

    async def _answer(self, record: Recorded, send: Send) -> None:
        reply = self._reply(record.body)
        await asyncio.sleep(reply.first_byte_ms / 1000)
        if reply.hang:
            await asyncio.Event().wait()
        if reply.status != 200:
            await self._fail(send, reply)
        elif reply.body:
            await _plain(send, reply.body.encode(), 200, reply.content_type or "application/json")
        elif record.path.endswith("/embeddings") and not has_vectors_of(record.body.get("dimensions")):
            await self._fail(send, Reply(status=400, text="There are no vectors of so many dimensions."))
        elif record.path.endswith("/embeddings"):
            made = embeddings(record.body)
            await _json(send, made)
            record.told = (made["usage"]["prompt_tokens"], 0)
        elif record.body.get("stream") and not reply.as_json:
            said = self._said(record.body, reply)
            await _stream(send, record, reply, self.frames(record, said))
            record.told = told_in(record.path, record.body, said)
        else:
            await self._whole(send, record, reply)

    def asked(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """`body` with `model`, `stream` and `messages`, where its wire says those in another way."""
        return body

    def key_in(self, headers: Mapping[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ")

    def listed(self) -> dict[str, Any]:
        """The list of models."""
        data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "fake"} for name in self.models]
        return {"object": "list", "data": data}

    def frames(self, record: Recorded, answer: Answer) -> Iterator[bytes]:
        """`answer` as a stream."""
        if record.path.endswith("/responses"):
            return response_stream(answer)
        include = bool((record.body.get("stream_options") or {}).get("include_usage"))
        return chat_stream(answer, include_usage=include)

    def whole(self, record: Recorded, answer: Answer) -> dict[str, Any]:
        """`answer` as one body."""
        return response_body(answer) if record.path.endswith("/responses") else chat_body(answer)

    def error_body(self, status: int, message: str) -> dict[str, Any]:
        kind, code = KINDS.get(status, ("server_error" if status >= 500 else "invalid_request_error", None))
        return {"error": {"message": message, "type": kind, "param": None, "code": code}}

    async def _whole(self, send: Send, record: Recorded, reply: Reply) -> None:
        if reply.close_after >= 0 or reply.hang_after >= 0:
            await _start(send, 200, "application/json")
            await send({"type": "http.response.body", "body": b'{"id":', "more_body": True})
            if reply.hang_after >= 0:
                await asyncio.Event().wait()
            raise Dropped
        said = self._said(record.body, reply)
        body = dump(self.whole(record, said))
        await _plain(send, GARBAGE if reply.garbage else body, 200, reply.content_type or "application/json")
        record.told = told_in(record.path, record.body, said)

    async def _fail(self, send: Send, reply: Reply) -> None:
        extra = [(b"retry-after", reply.retry_after.encode())] if reply.retry_after else []
        said = dump(self.error_body(reply.status, reply.text or f"The fake provider answers {reply.status}."))
        body = reply.body.encode() or said
        await _plain(send, body, reply.status, reply.content_type or "application/json", extra)

    def _reply(self, body: Mapping[str, Any]) -> Reply:
        if self._queue:
            return self._queue.popleft()
        for text in (str(body.get("model", "")), last_user_text(body)):
            found = parse_command(text)
            if found is None:
                continue
            source, reply = found
            self._used[source] += 1
            return Reply() if reply.times and self._used[source] > reply.times else reply
        return Reply()

    def _said(self, body: Mapping[str, Any], reply: Reply) -> Answer:
        rounds = tool_rounds(body)
        calls = reply.tools if reply.parallel else reply.tools[rounds : rounds + 1]
        if reply.parallel and rounds:
            calls = ()
        schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        schema = schema or ((body.get("text") or {}).get("format") or {}).get("schema")
        text = reply.text
        if text is None:
            text = json.dumps(instance(schema)) if schema else default_text(last_user_text(body))
        finish = reply.finish or ("tool_calls" if calls else "stop")
        tokens = count_tokens(body.get("messages", body.get("input", "")))
        return Answer(
            number=len(self.requests),
            model=str(body.get("model", "")),
            text="" if calls else text,
            reasoning=reply.reasoning,
            calls=calls,
            finish=finish,
            prompt_tokens=tokens,
            reply=reply,
        )


async def _stream(send: Send, record: Recorded, reply: Reply, frames: Iterator[bytes]) -> None:
    await _start(send, 200, reply.content_type or "text/event-stream; charset=utf-8")
    await asyncio.sleep(reply.first_chunk_ms / 1000)
    if reply.garbage or reply.line_bytes:
        line = b"data: " + b"x" * reply.line_bytes + b"\n\n"
        await send({"type": "http.response.body", "body": GARBAGE if reply.garbage else line})
        return
    async for frame in _paced(frames, reply.interval_ms / 1000):
        if record.chunks_sent == reply.close_after:
            raise Dropped
        if record.chunks_sent == reply.hang_after:
            await asyncio.Event().wait()
        written = _oddly(frame) if reply.odd else frame
        await send({"type": "http.response.body", "body": written, "more_body": True})
        record.chunks_sent += 1
    await send({"type": "http.response.body", "body": b"data: [DONE]" if reply.odd and reply.done else b""})


async def _paced(frames: Iterator[bytes], interval_s: float) -> AsyncIterator[bytes]:
    """`frames` at fixed times from now on: a late one does not delay those after it."""
    start = time.monotonic()
    for number, frame in enumerate(frames):
        if interval_s:
            await asyncio.sleep(max(0.0, start + number * interval_s - time.monotonic()))
        yield frame


def _oddly(frame: bytes) -> bytes:
    """The same event with comments, an event field, no space after the colon and CRLF."""
    if frame == b"data: [DONE]\n\n":
        return b""
    head = b": keep-alive\r\nevent:message\r\nid: 1\r\nretry: 5\r\n"
    return head + frame.replace(b"data: ", b"data:").replace(b"\n", b"\r\n")


async def _start(send: Send, status: int, content_type: str, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    headers = [(b"content-type", content_type.encode()), (b"x-request-id", b"fake"), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def _plain(
    send: Send, body: bytes, status: int, content_type: str, extra: list[tuple[bytes, bytes]] | None = None
) -> None:
    await _start(send, status, content_type, [*(extra or []), (b"content-length", str(len(body)).encode())])
    await send({"type": "http.response.body", "body": body})


async def _json(send: Send, value: Any, status: int = 200) -> None:
    await _plain(send, dump(value), status, "application/json")


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _hide_dropped() -> None:
    logger = logging.getLogger("uvicorn.error")
    if _not_dropped not in logger.filters:
        logger.addFilter(_not_dropped)


def _not_dropped(record: logging.LogRecord) -> bool:
    return not (record.exc_info and isinstance(record.exc_info[1], Dropped))


@contextmanager
def running(made: type[FakeProvider] = FakeProvider, *, key: str = "", port: int = 0) -> Iterator[FakeProvider]:
    """A fake provider served from a thread of its own."""
    started = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    box: list[FakeProvider] = []

    async def serve() -> None:
        async with made(key=key, port=port) as fake:
            box.append(fake)
            started.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="fake-provider", daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield box[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


async def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--key", default="")
    given = parser.parse_args()
    async with FakeProvider(key=given.key, port=given.port) as fake:
        print(fake.base_url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except KeyboardInterrupt:
        os._exit(0)

__all__ = ["FakeProvider", "Recorded", "Reply", "running"]
