"""A server for tests that speaks `/api` over loopback as this surface needs it: threads, streams, cuts, questions.

async with FakeApi() as api:
    api.script(Say("Hel"), Say("lo"))
    ... a client at `api.url` with the key `KEY` ...
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tests.surfaces.terminal.fake_run import START, FakeThread, Say, Step, catch_up, new_id, run_steps, until_cut

KEY = "mk_test"


@dataclass
class Seen:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class FakeApi:
    def __init__(self) -> None:
        self.threads: dict[str, FakeThread] = {}
        self.requests: list[Seen] = []
        self.files: dict[str, dict[str, Any]] = {}
        self.refuse: dict[str, tuple[int, dict[str, Any]]] = {}
        """Answers instead of the right ones, by "METHOD path"."""
        self.person_readers: set[asyncio.Queue[Any]] = set()
        self.url = ""
        self._scripts: deque[Sequence[Step]] = deque()
        self._numbers = itertools.count(1)
        self._runs: set[asyncio.Task[None]] = set()
        self._known: dict[str, dict[str, Any]] = {}
        self._runner: web.AppRunner | None = None
        self._port = 0

    def script(self, *steps: Step) -> None:
        """What happens after the next message."""
        self._scripts.append(steps)

    def thread(self, title: str, *, pinned: bool = False, minutes: int = 0, origin: str = "chat") -> FakeThread:
        made = FakeThread(f"thr_{next(self._numbers):032x}", title, origin, pinned=pinned)
        made.updated = START + dt.timedelta(minutes=minutes)
        self.threads[made.id] = made
        made.append("thread.created", {"title": title, "origin": origin, "temporary": False})
        return made

    def talk(self, thread: FakeThread, question: str, answer: str) -> None:
        """An exchange that is over."""
        run, asked, said = new_id("run"), new_id("msg"), new_id("msg")
        thread.append("message.user", {"text": question, "attachments": []}, message=asked, parent=thread.tip)
        thread.append("run.started", {"attempt": 1, "model": "fake"}, run=run, parent=asked)
        thread.append(
            "message.assistant",
            {"text": answer, "model": "fake", "finish": "stop"},
            run=run,
            message=said,
            parent=asked,
        )
        thread.append("run.finished", {"reason": "done", "model": "fake", "seconds": 1.5}, run=run)
        thread.tip = said

    def bodies(self, method: str, ending: str) -> list[Any]:
        return [seen.body for seen in self.requests if seen.method == method and seen.path.endswith(ending)]

    async def cut(self) -> None:
        """Break every stream."""
        for thread in self.threads.values():
            thread.cut()

    async def close_door(self) -> None:
        """The server is gone; `open_door` brings it back at the same address."""
        assert self._runner is not None
        await self.cut()
        await self._runner.cleanup()

    async def open_door(self) -> None:
        app = web.Application(middlewares=[self._edge], client_max_size=2**28)
        add = app.router
        add.add_get("/api/session", self._session)
        add.add_get("/api/models", self._models)
        add.add_get("/api/models/local", self._local)
        add.add_get("/api/me/stream", self._person_stream)
        add.add_get("/api/threads", self._list)
        add.add_get("/api/threads/search", self._search)
        add.add_post("/api/messages", self._post_new)
        add.add_get("/api/threads/{thread}", self._one)
        add.add_patch("/api/threads/{thread}", self._change)
        add.add_delete("/api/threads/{thread}", self._delete)
        add.add_post("/api/threads/{thread}/restore", self._restore)
        add.add_post("/api/threads/{thread}/read", self._nothing)
        add.add_post("/api/threads/{thread}/branch", self._branch)
        add.add_post("/api/threads/{thread}/messages", self._post)
        add.add_post("/api/threads/{thread}/messages/{message}/regenerate", self._regenerate)
        add.add_put("/api/threads/{thread}/messages/{message}/feedback", self._nothing)
        add.add_post("/api/threads/{thread}/stop", self._stop)
        add.add_post("/api/threads/{thread}/waits/{wait}", self._answer)
        add.add_get("/api/threads/{thread}/events", self._events)
        add.add_post("/api/attachments", self._attach)
        add.add_get("/api/attachments/{file}", self._file)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        assert self._runner.addresses
        self._port = self._runner.addresses[0][1]
        self.url = f"http://localhost:{self._port}"

    async def __aenter__(self) -> Self:
        await self.open_door()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for run in self._runs:
            run.cancel()
        await self.close_door()
        for reader in self.person_readers:
            reader.put_nowait(None)
        await asyncio.gather(*self._runs, return_exceptions=True)

    @web.middleware
    async def _edge(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        body: Any = None
        if request.method != "GET" and request.content_type == "application/json" and request.can_read_body:
            body = await request.json()
        self.requests.append(Seen(request.method, request.path, request.headers, body))
        refused = self.refuse.get(f"{request.method} {request.path}")
        if refused:
            return web.json_response(refused[1], status=refused[0], content_type="application/problem+json")
        if request.path != "/api/session" and request.headers.get("Authorization") != f"Bearer {KEY}":
            return _problem(401, "unauthenticated", "Nobody is signed in, or the key is not valid.")
        name = request.match_info.get("thread")
        if name is not None and name not in self.threads:
            return _problem(404, "assistant.thread_unknown", "There is no such thread.")
        return await handler(request)

    async def _session(self, request: web.Request) -> web.Response:
        return web.json_response({"installation": {"name": "Mecum", "version": "0"}, "person": None})

    async def _models(self, request: web.Request) -> web.Response:
        model = {"name": "fake", "provider": "test", "kind": "chat", "default": True, "small": False, "local": False}
        return web.json_response({"items": [model], "next": None})

    async def _local(self, request: web.Request) -> web.Response:
        return web.json_response({"name": "", "state": "off"})

    async def _list(self, request: web.Request) -> web.Response:
        shelf = next((name for name in ("archived", "deleted") if request.query.get(name) == "true"), "open")
        shown = [thread for thread in self.threads.values() if thread.shelf == shelf]
        shown.sort(key=lambda thread: (thread.pinned, thread.updated), reverse=True)
        start, limit = int(request.query.get("cursor", "0")), int(request.query.get("limit", "50"))
        page = shown[start : start + limit]
        following = str(start + limit) if start + limit < len(shown) else None
        return web.json_response({"items": [thread.shown() for thread in page], "next": following})

    async def _search(self, request: web.Request) -> web.Response:
        query = request.query["q"].casefold()
        hits = [
            {
                "thread": thread.shown(),
                "where": "message",
                "message": event["message"],
                "file": None,
                "snippet": [{"text": "… ", "hit": False}, {"text": query, "hit": True}, {"text": " …", "hit": False}],
                "at": event["at"],
            }
            for thread in self.threads.values()
            for event in thread.events
            if query in str((event["payload"] or {}).get("text", "")).casefold()
        ]
        return web.json_response({"items": hits, "next": None})

    async def _one(self, request: web.Request) -> web.Response:
        return web.json_response(self._of(request).shown())

    async def _change(self, request: web.Request) -> web.Response:
        thread, body = self._of(request), await request.json()
        for name, value in body.items():
            setattr(thread, name, value)
        if "title" in body:
            thread.append("thread.titled", {"title": body["title"], "by": "person"})
        self._tell(thread)
        return web.json_response(thread.shown())

    async def _delete(self, request: web.Request) -> web.Response:
        thread = self._of(request)
        thread.deleted = True
        self._tell(thread)
        return web.Response(status=204)

    async def _restore(self, request: web.Request) -> web.Response:
        thread = self._of(request)
        thread.deleted = False
        self._tell(thread)
        return web.json_response(thread.shown())

    async def _nothing(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _branch(self, request: web.Request) -> web.Response:
        thread, body = self._of(request), await request.json()
        thread.append("branch.selected", {"message": body["message"]})
        return web.Response(status=204)

    async def _post_new(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (known := self._known.get(body["client_id"])) is not None:
            return web.json_response({**known, "repeated": True}, status=202)
        thread = self.thread(body["text"].splitlines()[0][:40], origin="terminal", minutes=60)
        return self._accept(thread, body)

    async def _post(self, request: web.Request) -> web.Response:
        body = await request.json()
        if (known := self._known.get(body["client_id"])) is not None:
            return web.json_response({**known, "repeated": True}, status=202)
        return self._accept(self._of(request), body)

    def _accept(self, thread: FakeThread, body: Mapping[str, Any]) -> web.Response:
        run, message = new_id("run"), new_id("msg")
        parent = body.get("parent", thread.tip)
        files = [self.files[each] for each in body.get("attachments", ())]
        payload = {"text": body["text"], "attachments": files, "client_id": body["client_id"]}
        event = thread.append("message.user", payload, message=message, parent=parent)
        posted = {"thread": thread.id, "message": message, "run": run, "seq": event["seq"], "repeated": False}
        self._known[body["client_id"]] = posted
        self._start(thread, run, message)
        return web.json_response(posted, status=202)

    async def _regenerate(self, request: web.Request) -> web.Response:
        thread = self._of(request)
        said = next(event for event in thread.events if event["message"] == request.match_info["message"])
        run = new_id("run")
        self._start(thread, run, said["parent"])
        posted = {"thread": thread.id, "message": said["parent"], "run": run, "seq": len(thread.events)}
        return web.json_response({**posted, "repeated": False}, status=202)

    def _start(self, thread: FakeThread, run: str, parent: str) -> None:
        steps = self._scripts.popleft() if self._scripts else (Say("Yes."),)
        task = asyncio.create_task(self._run(thread, run, parent, steps))
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)

    async def _run(self, thread: FakeThread, run: str, parent: str, steps: Sequence[Step]) -> None:
        self._tell(thread)
        await run_steps(thread, run, parent, steps)
        self._tell(thread)

    async def _stop(self, request: web.Request) -> web.Response:
        thread = self._of(request)
        running = thread.partial is not None
        thread.stop.set()
        return web.json_response({"stopped": running})

    async def _answer(self, request: web.Request) -> web.Response:
        wait = self._of(request).waits.get(request.match_info["wait"])
        if wait is None or wait.done():
            return _problem(409, "assistant.answered_already", "This question was answered already.")
        wait.set_result((await request.json())["answer"])
        return web.Response(status=204)

    async def _attach(self, request: web.Request) -> web.Response:
        form = await request.post()
        given = form["file"]
        assert isinstance(given, web.FileField)
        content = given.file.read()
        file = {
            "id": new_id("att"),
            "name": given.filename,
            "media_type": "text/plain",
            "size_bytes": len(content),
            "state": "ready",
        }
        self.files[file["id"]] = file
        return web.json_response(file, status=201)

    async def _file(self, request: web.Request) -> web.Response:
        return web.json_response(self.files[request.match_info["file"]])

    async def _events(self, request: web.Request) -> web.StreamResponse:
        thread = self._of(request)
        position = request.headers.get("Last-Event-ID") or request.query.get("position") or "0"
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        reader: asyncio.Queue[tuple[str, str, Any] | None] = asyncio.Queue()
        for frame in catch_up(thread, position):
            reader.put_nowait(frame)
        thread.readers.add(reader)
        thread.watched.set()
        try:
            async for kind, at, data in until_cut(reader):
                mark = f"id: {at}\n" if at else ""
                await response.write(f"event: {kind}\n{mark}data: {json.dumps(data)}\n\n".encode())
        finally:
            thread.readers.discard(reader)
        if request.transport is not None:
            request.transport.abort()
        return response

    async def _person_stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        reader: asyncio.Queue[Any] = asyncio.Queue()
        self.person_readers.add(reader)
        try:
            while (shown := await reader.get()) is not None:
                await response.write(f"event: threads\ndata: {json.dumps({'thread': shown})}\n\n".encode())
        finally:
            self.person_readers.discard(reader)
        return response

    def _tell(self, thread: FakeThread) -> None:
        for reader in self.person_readers:
            reader.put_nowait(thread.shown())

    def _of(self, request: web.Request) -> FakeThread:
        return self.threads[request.match_info["thread"]]


def _problem(status: int, code: str, detail: str) -> web.Response:
    body = {"code": code, "detail": detail, "hint": "", "params": {}, "retryable": False, "status": status}
    return web.json_response(body, status=status, content_type="application/problem+json")
