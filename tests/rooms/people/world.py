"""The world of these tests: the room in a small app, and browsers that visit it."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any, cast

import httpx2
from fastapi import FastAPI

from mecum.kit.bus import LocalBus
from mecum.kit.clock import ManualClock
from mecum.kit.crypto import SecretBox
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.http import install_errors
from mecum.kit.i18n import I18n
from mecum.kit.mail import Mail, Message, NullMail
from mecum.kit.notify import Notify
from mecum.kit.outbox import Outbox
from mecum.kit.room import Kit, Room
from mecum.kit.settings import load
from mecum.kit.streams import Streams
from mecum.kit.tools import ToolRegistry
from mecum.kit.types import Principal
from mecum.rooms.people import Exporter, People
from mecum.rooms.people.face import PeopleRoom
from mecum.rooms.people.parts import Parts
from mecum.rooms.people.room import build
from mecum.rooms.people.settings import PeopleSettings
from mecum.rooms.people.store.links import set_policy
from tests.support.jobs import HandJobs

PASSWORD = "seven green lanterns"
OTHER_PASSWORD = "four wooden boats"
OWNER = "ada@example.org"
PUBLIC_URL = "http://localhost:8080"


class World:
    """An installation. `settings` override those of the room."""

    def __init__(
        self,
        database: Database,
        clock: ManualClock,
        folder: Path,
        *,
        public_url: str = PUBLIC_URL,
        mail: Mail | None = None,
        exporters: Sequence[Exporter] = (),
        **settings: Any,
    ) -> None:
        self.db = database
        self.clock = clock
        self.jobs = jobs = HandJobs(database)
        bus, i18n = LocalBus(clock), I18n()
        mail = mail or NullMail()
        self.kit = Kit(
            db=database,
            jobs=jobs,
            outbox=Outbox(database, jobs, clock),
            bus=bus,
            clock=clock,
            secrets=SecretBox.from_file(folder / "keys"),
            tools=ToolRegistry(),
            blobs=cast("Any", None),
            mail=mail,
            notify=Notify(database, jobs, bus, mail, i18n, clock, public_url=public_url),
            i18n=i18n,
            fetch=cast("Any", None),
            streams=Streams(100),
            data=folder,
            public_url=public_url,
        )
        self.room: Room[People] = build(self.kit, load(PeopleSettings, **settings), exporters)
        assert self.room.router is not None
        jobs.add(self.room.jobs)
        self.app = FastAPI()
        self.app.state.authenticate = self.room.face.authenticate
        install_errors(self.app)
        self.app.include_router(self.room.router)
        self._browsers: list[Browser] = []

    @property
    def parts(self) -> Parts:
        assert isinstance(self.room.face, PeopleRoom)
        return self.room.face.parts

    @property
    def people(self) -> People:
        return self.room.face

    def browser(self, address: str = "192.0.2.1") -> Browser:
        """A browser of its own, with an empty cookie jar, at `address`."""
        made = Browser(self, address)
        self._browsers.append(made)
        return made

    def client(self, bearer: str, address: str = "192.0.2.9") -> httpx2.AsyncClient:
        """A program that sends a key and no cookie."""
        made = self.browser(address)
        made.http.headers = httpx2.Headers({"authorization": f"Bearer {bearer}"})
        return made.http

    async def set_up(self, **changes: Any) -> Browser:
        """The browser of the first owner, signed in. Their letter to confirm the address is not among what was sent."""
        url = await self.people.setup_url()
        assert url is not None
        browser = self.browser()
        body = {"token": url.rsplit("/", 1)[1], "email": OWNER, "name": "Ada", "password": PASSWORD}
        answer = await browser.post("/api/setup", {**body, **changes})
        assert answer.status_code == 200, answer.text
        if isinstance(self.kit.mail, KeptMail):
            self.kit.mail.sent.clear()
        return browser

    async def open_sign_up(self, policy: str = "open") -> None:
        async with self.db.transaction() as connection:
            await set_policy(connection, "sign_up", policy, self.clock.now())

    async def member(self, email: str, password: str = OTHER_PASSWORD) -> Browser:
        """The browser of a new member. Sign-up has to be open."""
        browser = self.browser("192.0.2.2")
        body = {"email": email, "name": "Bo", "password": password}
        answer = await browser.post("/api/sign-up", body)
        assert answer.status_code == 200, answer.text
        return browser

    async def work(self) -> list[str]:
        """Run every job that waits, and those that they defer. Returns their names."""
        return await self.jobs.run_due(self.clock.now())

    async def audit(self) -> list[tuple[str, str]]:
        """Action and subject of all audit entries, oldest first."""
        async with self.db.transaction() as connection:
            rows = await connection.exec_driver_sql("SELECT action, subject FROM people.audit ORDER BY seq")
            return [(row.action, row.subject) for row in rows.all()]

    async def export(self, principal: Principal) -> AsyncGenerator[bytes, None]:
        """The archive as the route streams it."""
        return await self.parts.export.archive(principal)

    async def told(self, email: str) -> list[tuple[str, dict[str, Any]]]:
        """Kind and params of what the bell of a person shows, oldest first."""
        query = (
            "SELECT n.kind, n.params FROM kit.notification n JOIN people.persons p ON p.id = n.person_id "
            "WHERE p.email = $1 AND n.bell ORDER BY n.id"
        )
        async with self.db.transaction() as connection:
            return [(row.kind, row.params) for row in (await connection.exec_driver_sql(query, (email,))).all()]

    async def close(self) -> None:
        for browser in self._browsers:
            await browser.http.aclose()
        await self.room.stop()


class Browser:
    """Keeps cookies, sends its origin with every POST, and the CSRF token once it has seen a session."""

    def __init__(self, world: World, address: str) -> None:
        self.world = world
        self.csrf: str | None = None
        transport = httpx2.ASGITransport(app=world.app, client=(address, 40000))
        self.http = httpx2.AsyncClient(transport=transport, base_url=world.kit.public_url)

    async def request(self, method: str, path: str, body: Any = None, **headers: str | None) -> httpx2.Response:
        """`headers` with underscores for dashes; None leaves a header out that would be sent."""
        sent: dict[str, str | None] = {}
        if method != "GET":
            sent = {"origin": self.world.kit.public_url, "x-csrf-token": self.csrf}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        named = {name: value for name, value in sent.items() if value is not None}
        content = None if body is None else json.dumps(body)
        answer = await self.http.request(
            method, path, content=content, headers={**named, "content-type": "application/json"}
        )
        if answer.content and answer.headers.get("content-type") == "application/json":
            self.csrf = answer.json().get("csrf") or self.csrf
        return answer

    async def get(self, path: str, **headers: str | None) -> httpx2.Response:
        return await self.request("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str | None) -> httpx2.Response:
        return await self.request("POST", path, body if body is not None else {}, **headers)

    async def delete(self, path: str, body: Any = None) -> httpx2.Response:
        return await self.request("DELETE", path, body)

    async def session(self) -> dict[str, Any]:
        answer = await self.get("/api/session")
        assert answer.status_code == 200
        return answer.json()

    async def sign_in(self, email: str = OWNER, password: str = PASSWORD) -> httpx2.Response:
        return await self.post("/api/sign-in", {"email": email, "password": password})

    async def key(self, *scopes: str, **more: Any) -> dict[str, Any]:
        """A new API key of the person who is signed in."""
        answer = await self.post("/api/me/keys", {"name": "a key", "scopes": list(scopes or ("chat",)), **more})
        assert answer.status_code == 201, answer.text
        return answer.json()

    @property
    def all_cookies(self) -> dict[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self.http.cookies.jar}

    @property
    def cookies(self) -> dict[str, str]:
        """Those of the session: the one by which the browser is known again is no key to anything."""
        return {name: value for name, value in self.all_cookies.items() if not name.endswith("_device")}

    def put_back(self, cookies: dict[str, str]) -> None:
        """Replace the cookie jar, as a thief with a copy of it would."""
        self.http.cookies.clear()
        for name, value in cookies.items():
            self.http.cookies.set(name, value, domain="localhost.local")


class KeptMail:
    """A mail server that keeps what it is given."""

    configured = True

    def __init__(self) -> None:
        self.sent: list[Message] = []

    async def send(
        self, connection: AsyncConnection, message: Message, *, expires_at: dt.datetime | None = None
    ) -> None:
        self.sent.append(message)

    async def check(self) -> None:
        pass


def after(**time: float) -> float:
    """Seconds in a time such as `minutes=5`."""
    return dt.timedelta(**time).total_seconds()


def link_token(text: str, kind: str) -> str:
    """The secret of the link of that kind (the first part of its path) in a letter."""
    found = re.search(rf"http://localhost:8080/{kind}/(\S+)", text)
    assert found, text
    return found[1]
