"""The client of `/api`: one connection pool to one server, with a key. Imports no room."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self, TypeAlias
from urllib.parse import quote, urlsplit
from uuid import uuid4

import aiohttp

from mecum import __version__
from mecum.kit.errors import BadRequest, MecumError, Unavailable
from mecum.surfaces.terminal.frames import (
    Attachment,
    Found,
    Frame,
    Json,
    Link,
    Posted,
    Thread,
    as_object,
    read_attachment,
    read_found,
    read_frame,
    read_posted,
    read_thread,
)
from mecum.surfaces.terminal.sse import SseFrame, SseParser

SURFACE = "terminal"
Shelf: TypeAlias = Literal["open", "archived", "deleted"]
"""Where a thread is listed; deleted ones can be brought back for some days."""
CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 60.0
UPLOAD_TIMEOUT_S = 3600.0
SILENCE_S = 45.0
"""The server pings every 15 s; three missed pings mean that the line is dead."""
RETRY_FIRST_S = 0.5
RETRY_LONGEST_S = 15.0
BODY_BYTES_MAX = 64 * 2**20
FOR_GOOD = frozenset((400, 401, 403, 404, 410))
BROKEN = (aiohttp.ClientError, TimeoutError, ConnectionError, ValueError)


class Client:
    """Speaks with the server at `server` as the owner of `key`.

    Args:
        server: scheme, host and port.
        retry_first_s: the pause before a lost stream is opened again; it doubles up to 15 s.

    Every method raises a `MecumError` with the server's own code and words, or `Unavailable` when the server can't be
    reached.
    """

    def __init__(self, server: str, key: str, *, retry_first_s: float = RETRY_FIRST_S) -> None:
        self.server = server.rstrip("/")
        self._retry_first_s = retry_first_s
        self._http = aiohttp.ClientSession(
            headers={
                "Authorization": f"Bearer {key}",
                "X-Mecum-Surface": SURFACE,
                "User-Agent": f"mecum/{__version__} (terminal)",
            },
            timeout=aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        await self._http.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def session(self) -> Json:
        """Which installation this is (`installation`). Anybody may ask, with or without a key."""
        return await self._get("/api/session")

    async def threads(
        self, *, shelf: Shelf = "open", cursor: str | None = None, limit: int = 50
    ) -> tuple[tuple[Thread, ...], str | None]:
        """Threads of a shelf, newest first and pinned before all, and the cursor of the next page."""
        aside = None if shelf == "open" else "true"
        found = await self._get("/api/threads", cursor=cursor, limit=str(limit), **{shelf: aside})
        return tuple(read_thread(item) for item in _items(found)), found.get("next")

    async def newest_thread(self) -> Thread | None:
        """The thread in which something happened last, on whatever surface."""
        threads, _ = await self.threads(limit=100)
        return max(threads, key=lambda thread: thread.updated_at, default=None)

    async def thread(self, thread: str) -> Thread:
        return read_thread(await self._get(_path("threads", thread)))

    async def search(self, query: str) -> tuple[Found, ...]:
        found = await self._get("/api/threads/search", q=query)
        return tuple(read_found(item) for item in _items(found))

    async def change_thread(self, thread: str, **changes: str | bool) -> Thread:
        """Args: changes: `title`, `pinned`, `archived`."""
        return read_thread(await self._send("PATCH", _path("threads", thread), changes))

    async def delete_thread(self, thread: str) -> None:
        await self._send("DELETE", _path("threads", thread))

    async def restore_thread(self, thread: str) -> Thread:
        return read_thread(await self._send("POST", _path("threads", thread, "restore"), {}))

    async def mark_read(self, thread: str) -> None:
        await self._send("POST", _path("threads", thread, "read"), {})

    async def post(self, thread: str | None, text: str, **options: Any) -> Posted:
        """Send a message: to `thread`, or as the first one of a new thread. Repeated until the server has it or says
        no: the client id makes that harmless.

        Args:
            options: as in the body: `attachments`, `parent`, `effort`, `model`, `interrupt`, `temporary`.
        """
        path = "/api/messages" if thread is None else _path("threads", thread, "messages")
        body = {"client_id": uuid4().hex, "text": text, **options}
        return read_posted(await self._send_safely(path, body))

    async def regenerate(self, thread: str, message: str, effort: str = "auto") -> Posted:
        path = _path("threads", thread, "messages", message, "regenerate")
        return read_posted(await self._send_safely(path, {"client_id": uuid4().hex, "effort": effort}))

    async def stop(self, thread: str, run: str | None = None) -> bool:
        answer = await self._send("POST", _path("threads", thread, "stop"), {} if run is None else {"run": run})
        return bool(answer.get("stopped"))

    async def answer(self, thread: str, wait: str, answer: Mapping[str, Any]) -> None:
        await self._send("POST", _path("threads", thread, "waits", wait), {"answer": dict(answer)})

    async def select_branch(self, thread: str, message: str) -> None:
        await self._send("POST", _path("threads", thread, "branch"), {"message": message})

    async def give_feedback(self, thread: str, message: str, value: str, reason: str = "") -> None:
        path = _path("threads", thread, "messages", message, "feedback")
        await self._send("PUT", path, {"value": value, "reason": reason})

    async def attach(self, path: Path) -> Attachment:
        """Send a file.

        Raises:
            BadRequest: it can't be read.
        """
        with open_file(path) as file:
            form = aiohttp.FormData()
            form.add_field("file", file, filename=path.name)
            timeout = aiohttp.ClientTimeout(total=UPLOAD_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
            return read_attachment(await self._request("POST", "/api/attachments", data=form, timeout=timeout))

    async def attachment(self, attachment: str) -> Attachment:
        return read_attachment(await self._get(_path("attachments", attachment)))

    async def models(self) -> Sequence[Json]:
        return _items(await self._get("/api/models"))

    async def local_model(self) -> Json:
        """The state of the built-in model: `state`, `bytes_done`, `bytes_total`, `seconds_left`."""
        return await self._get("/api/models/local")

    async def follow(self, thread: str, position: Callable[[], str]) -> AsyncGenerator[Frame]:
        """All that happens in a thread, from `position()` on. A lost line is taken up again where it broke.

        Raises:
            MecumError: the server refuses for good: no such thread, no right.
        """
        async for frame in self._stream(_path("threads", thread, "events") + "?stream=1", position):
            if isinstance(frame, Link):
                yield frame
            elif (read := read_frame(frame.event, as_object(json.loads(frame.data)))) is not None:
                yield read

    async def follow_person(self) -> AsyncGenerator[Thread | Link]:
        """Threads of the person that changed, on whatever surface, as they change."""
        async for frame in self._stream("/api/me/stream", lambda: ""):
            if isinstance(frame, Link):
                yield frame
            elif frame.event == "threads":
                thread = as_object(as_object(json.loads(frame.data)).get("thread"))
                if thread:
                    yield read_thread(thread)

    async def _stream(self, path: str, position: Callable[[], str]) -> AsyncGenerator[SseFrame | Link]:
        failures = 0
        while True:
            try:
                async for frame in self._stream_once(path, position()):
                    if isinstance(frame, SseFrame):
                        failures = 0
                    yield frame
            except BROKEN:
                pass  # said by the Link below
            except MecumError as error:
                if error.status in FOR_GOOD:
                    raise
            failures += 1
            pause = min(RETRY_LONGEST_S, self._retry_first_s * 2 ** min(failures - 1, 10)) * random.uniform(0.75, 1.25)  # noqa: S311
            yield Link(open=False, retry_s=pause)
            await asyncio.sleep(pause)

    async def _stream_once(self, path: str, position: str) -> AsyncGenerator[SseFrame | Link]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if position:
            headers["Last-Event-ID"] = position
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=SILENCE_S)
        async with self._http.get(f"{self.server}{path}", headers=headers, timeout=timeout) as response:
            if response.status != 200:
                raise await _problem(response)
            yield Link(open=True)
            parser = SseParser()
            async for chunk in response.content.iter_any():
                for frame in parser.feed(chunk):
                    yield frame

    async def _get(self, path: str, **query: str | None) -> Json:
        return await self._request("GET", path, params={name: value for name, value in query.items() if value})

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Json:
        return await self._request(method, path, json=body)

    async def _send_safely(self, path: str, body: Mapping[str, Any], attempts: int = 4) -> Json:
        """A POST that may be repeated, so a line that breaks in the middle is no reason to give up."""
        for attempt in range(1, attempts):
            with suppress(Unavailable):
                return await self._send("POST", path, body)
            await asyncio.sleep(self._retry_first_s * 2 ** (attempt - 1))
        return await self._send("POST", path, body)

    async def _request(self, method: str, path: str, **options: Any) -> Json:
        try:
            async with self._http.request(method, f"{self.server}{path}", **options) as response:
                if response.status >= 400:
                    raise await _problem(response)
                if response.status == 204:
                    return {}
                return as_object(json.loads(await _read(response)))
        except BROKEN as error:
            raise _unreachable(self.server, error) from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = await response.content.read(BODY_BYTES_MAX)
    while chunk := await response.content.read(BODY_BYTES_MAX - len(body)):
        body += chunk
    return body


async def _problem(response: aiohttp.ClientResponse) -> MecumError:
    """The server's problem details (RFC 9457), or what can be said of an answer that has none."""
    body: Json = {}
    with suppress(ValueError):
        body = as_object(json.loads(await _read(response)))
    status = response.status
    code = str(body.get("code") or f"http_{status}")
    detail = str(body.get("detail") or f"The server answered with status {status}.")
    kind = Unavailable if status in (502, 503, 504) else MecumError
    params: dict[str, Any] = dict(as_object(body.get("params")))
    retryable = body.get("retryable")
    error = kind(
        code,
        detail,
        str(body.get("hint") or ""),
        params=params,
        retryable=retryable if isinstance(retryable, bool) else status >= 500,
    )
    error.status = status
    return error


def _unreachable(server: str, error: Exception) -> Unavailable:
    reason = str(error) or type(error).__name__
    return Unavailable(
        "terminal.unreachable",
        f"Mecum can't be reached at {server}.",
        "Start it with `mecum up`, or name another server with --server.",
        params={"server": server, "reason": reason[:300]},
    )


def open_file(path: Path) -> BinaryIO:
    """Raises BadRequest when it can't be read."""
    try:
        return path.expanduser().open("rb")
    except OSError as error:
        raise BadRequest(
            "terminal.file_unreadable",
            f"{path} can't be read ({error.strerror}).",
            "Check the path and the rights of the file.",
            params={"file": str(path), "reason": error.strerror or type(error).__name__},
        ) from error


def _items(found: Json) -> Sequence[Json]:
    items: Sequence[Any] = found.get("items") or ()
    return [as_object(item) for item in items]


def _path(*parts: str) -> str:
    """A path below `/api`."""
    return "/".join(("/api", *(quote(part, safe="") for part in parts)))


def check_server(server: str) -> str:
    """The server's address, in one form.

    Raises:
        BadRequest: it is no address, or would carry the key in clear text over a network.
    """
    parts = urlsplit(server if "://" in server else f"https://{server}")
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if parts.scheme not in ("http", "https") or not host or parts.path.strip("/") or parts.query or parts.username:
        raise BadRequest(
            "terminal.server_wrong",
            f"{server!r} is not the address of a server.",
            "Give scheme, host and port, e.g. https://mecum.example.org",
            params={"server": server},
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise BadRequest(
            "terminal.server_plain",
            f"{server} is not encrypted: everybody on the way could read your key.",
            "Use https://",
            params={"server": server},
        )
    place = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{place}:{port}" if port else f"{parts.scheme}://{place}"


def is_loopback(host: str) -> bool:
    """Whether `host` can only mean this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
