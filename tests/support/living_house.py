"""The whole house, as `mecum.app` puts it together, on a real port of loopback: for tests that come from outside.

    with living_house(database_url) as house:
        house.get("/api/threads", key=house.key("threads"))

It runs in a thread with an event loop of its own, so that synchronous clients and processes can call it. The fake
provider `house.fake` is connected as default model `fake`, with `fake-small` and the embedding model `fake-embed`; and
once more, as the model `plain`, in the way of a provider that has no `/responses`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import tempfile
import threading
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import httpx2
import psycopg
import uvloop
from psycopg import sql

from mecum.app import App, build
from mecum.cli.edge import Switchboard, http_server, listen
from mecum.cli.serve import DRAIN_S
from mecum.kit.types import ALL_SCOPES, InstallationRole, Scope
from mecum.rooms.people.cli_ops import Machine, PeopleCommands
from mecum.settings import load
from tests.support.fake_provider import FakeProvider
from tests.support.fake_provider import running as running_provider

T = TypeVar("T")

OWNER = "owner@example.org"
MEMBER = "member@example.org"
PASSWORD = "eleven paper lanterns"
START_S = 60.0
QUICK = {
    "MECUM_LOCAL_MODEL": "none",
    "MECUM_ALLOW_NETWORK": "0",
    "MECUM_THREAD_TITLES": "0",
    "MECUM_LOG_LEVEL": "error",
    "MECUM_PROVIDER_CONNECT_TIMEOUT_S": "2",
    "MECUM_PROVIDER_FIRST_BYTE_TIMEOUT_S": "2",
    "MECUM_PROVIDER_WHOLE_TIMEOUT_S": "2",
    "MECUM_PROVIDER_CHUNK_TIMEOUT_S": "1.5",
    "MECUM_PROVIDER_RETRY_AFTER_MAX_S": "1",
    "MECUM_PROVIDER_RETRIES_MAX": "1",
    "MECUM_ROUTER_EXPLORED": "0",
}
"""Settings of these houses, where a test says nothing else: nothing is waited for long, the provider is asked for
nothing but answers, and nothing is left to chance."""

_numbers = itertools.count(1)


@contextmanager
def fresh_database(pg_url: str, template: str) -> Generator[str]:
    """The URL of a migrated database of its own, dropped afterwards: for fixtures that live longer than a test."""
    name = f"house_{os.getpid()}_{next(_numbers)}"
    copy = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
    _administer(pg_url, copy.format(sql.Identifier(name), sql.Identifier(template)))
    yield urlunsplit(urlsplit(pg_url)._replace(path=f"/{name}"))
    _administer(pg_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _administer(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


class Browser:
    """A signed-in browser: keeps cookies, sends its origin, and the CSRF token once it has seen a session."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=url, timeout=30, trust_env=False)
        self.csrf = ""

    def request(self, method: str, path: str, **more: Any) -> httpx2.Response:
        """`more` as httpx takes it: `json`, `content`, `files`, `headers`."""
        headers = dict(more.pop("headers", {}))
        if method not in ("GET", "HEAD"):
            headers = {"origin": str(self.http.base_url).rstrip("/"), "x-csrf-token": self.csrf} | headers
        answer = self.http.request(method, path, headers=headers, **more)
        if answer.content and answer.headers.get("content-type", "").startswith("application/json"):
            body = answer.json()
            self.csrf = (body.get("csrf") if isinstance(body, dict) else None) or self.csrf
        return answer

    def sign_in(self, email: str, password: str = PASSWORD) -> Browser:
        answer = self.request("POST", "/api/sign-in", json={"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return self


@dataclass
class House:
    """A running house.

    Args:
        url: where it is, without a slash at the end.
        fake: the provider that answers in it.
        data: its data directory.
    """

    app: App
    url: str
    fake: FakeProvider
    data: Path
    loop: asyncio.AbstractEventLoop
    people: PeopleCommands
    _http: httpx2.Client
    _keys: dict[tuple[str, frozenset[str]], str] = field(default_factory=dict[tuple[str, frozenset[str]], str])
    _browsers: list[Browser] = field(default_factory=list[Browser])

    def run(self, work: Awaitable[T]) -> T:
        """Await `work` in the loop of the house."""

        async def done() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(START_S)

    def key(self, *scopes: Scope, person: str = OWNER) -> str:
        """An API key of that person with these scopes, all of them by default; the same again for the same."""
        wanted: frozenset[Scope] = frozenset(scopes) or (ALL_SCOPES if person == OWNER else ALL_SCOPES - {"admin"})
        known = self._keys.get((person, wanted))
        if known is None:
            known = self.new_key(*wanted, person=person)
            self._keys[person, wanted] = known
        return known

    def new_key(self, *scopes: Scope, person: str = OWNER) -> str:
        return self.run(self.people.add_key(person, f"key {next(_numbers)}", scopes)).secret

    def add_person(self, email: str, role: InstallationRole = "member") -> str:
        """The id of a new person, whose password is `PASSWORD`."""
        return f"prs_{self.run(self.people.add_person(email, role, PASSWORD)).person.id.hex}"

    def browser(self, email: str | None = None) -> Browser:
        """A browser of its own; signed in when `email` is given."""
        made = Browser(self.url)
        self._browsers.append(made)
        return made.sign_in(email) if email else made

    def close(self) -> None:
        for browser in self._browsers:
            browser.http.close()

    def request(self, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx2.Response:
        """A call of a program. `more` as httpx takes it."""
        headers: Mapping[str, str] = {"authorization": f"Bearer {key or self.key()}"}
        return self._http.request(method, path, headers={**headers, **more.pop("headers", {})}, **more)

    def get(self, path: str, **more: Any) -> Any:
        """The JSON of a successful GET."""
        answer = self.request("GET", path, **more)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def post(self, path: str, body: Any = None, **more: Any) -> Any:
        """The JSON of a successful POST."""
        answer = self.request("POST", path, json={} if body is None else body, **more)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def log(self, thread: str, **more: Any) -> list[dict[str, Any]]:
        """All events of a thread."""
        return self.get(f"/api/threads/{thread}/events?limit=1000", **more)["items"]

    def until_idle(self, thread: str, within_s: float = 30, **more: Any) -> list[dict[str, Any]]:
        """The log of a thread once it is idle. Its own event stream says when to look."""
        headers = {"accept": "text/event-stream", "authorization": f"Bearer {more.get('key') or self.key()}"}
        with self._http.stream("GET", f"/api/threads/{thread}/events", headers=headers, timeout=within_s) as stream:
            for line in stream.iter_lines():
                ends = line.startswith("data:") and json.loads(line[5:]).get("type") == "run.finished"
                if ends and self.get(f"/api/threads/{thread}", **more)["state"] == "idle":
                    break
        return self.log(thread, **more)


@contextmanager
def living_house(
    database_url: str,
    *,
    settings: Mapping[str, str] | None = None,
    prepare: Callable[[App], None] | None = None,
) -> Generator[House]:
    """A house with an owner, a member, and a provider.

    Args:
        settings: `MECUM_*` beside and above `QUICK`.
        prepare: is given the built app before it starts, e.g. to add a tool.
    """
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mecum-house-")))
        fake = stack.enter_context(running_provider())
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MECUM_")}
        running = _Running(database_url, data, prepare)
        # Read once: whatever else is tested while the house lives has settings of its own.
        with patch.dict(os.environ, {**environment, **QUICK, **(settings or {})}, clear=True):
            running.start()
            read = load(data=data, database_url=database_url)
        stack.callback(running.stop)
        assert running.app is not None
        http = stack.enter_context(httpx2.Client(base_url=running.url, timeout=30, trust_env=False))
        kit = running.app.kit
        machine = Machine(kit.db, kit.clock, kit.secrets, kit.public_url)
        people = PeopleCommands(machine, read.people)
        stack.callback(people.close)
        house = House(running.app, running.url, fake, data, running.loop, people, http)
        stack.callback(house.close)
        house.add_person(OWNER, "owner")
        house.add_person(MEMBER)
        models = ["fake", "fake-small", {"upstream_model": "fake-embed", "kind": "embedding"}]
        house.post("/api/providers", {"name": "Fake", "base_url": fake.base_url, "models": models})
        plain = fake.base_url.replace("/v1", "/plain/v1")
        models = [{"upstream_model": "fake", "name": "plain", "kind": "chat"}]
        house.post("/api/providers", {"name": "Plain", "base_url": plain, "models": models})
        house.request("PUT", "/api/models/default", json={"name": "fake"}).raise_for_status()
        yield house


class _Running:
    """The app and its HTTP server in a thread."""

    def __init__(self, database_url: str, data: Path, prepare: Callable[[App], None] | None) -> None:
        self.loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        self.app: App | None = None
        self.url = ""
        self._database_url = database_url
        self._data = data
        self._prepare = prepare
        self._ready = threading.Event()
        self._problem: BaseException | None = None
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._live, name="house", daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(START_S), "the house did not start in time"
        if self._problem is not None:
            raise self._problem

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._end.set)
        self._thread.join(START_S)

    def _live(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self._life())
        except BaseException as error:  # noqa: BLE001  told to whoever started the house
            self._problem = error
        finally:
            self._ready.set()
            self.loop.close()

    async def _life(self) -> None:
        board = Switchboard()
        sockets = listen("127.0.0.1", 0)
        port = sockets[0].getsockname()[1]
        self.url = f"http://localhost:{port}"
        self.app = app = await build(load(data=self._data, database_url=self._database_url, port=port))
        if self._prepare is not None:
            self._prepare(app)
        server = http_server(board, None, None)
        serving = asyncio.create_task(server.serve(sockets))
        try:
            await app.start()
            board.connect(app.asgi)
            self._ready.set()
            await self._end.wait()
            await app.drain(DRAIN_S)
        finally:
            server.should_exit = True
            await serving
            await app.stop()
