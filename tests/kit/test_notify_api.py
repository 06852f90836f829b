"""The bell over HTTP."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from mecum.kit.db import Database
from mecum.kit.http import Credentials, install_errors
from mecum.kit.notify import Notify
from mecum.kit.notify_api import router
from mecum.kit.types import Principal
from tests.support.bell import tell


class Door:
    """An app with the notification routes, and somebody who is signed in."""

    def __init__(self, notify: Notify, caller: Principal) -> None:
        async def authenticate(credentials: Credentials) -> Principal:
            return self.caller

        self.caller = caller
        app = FastAPI()
        app.include_router(router(notify))
        app.state.authenticate = authenticate
        install_errors(app)
        self.app = app


@pytest.fixture
def door(notify: Notify, ada: Principal) -> Door:
    return Door(notify, ada)


async def call(door: Door, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    from httpx2 import ASGITransport, AsyncClient

    async with AsyncClient(transport=ASGITransport(app=door.app), base_url="http://localhost") as client:
        answer = await client.request(method, f"/api/notifications{path}", json=body)
        return answer.status_code, answer.json()


async def test_the_bell_over_http(notify: Notify, database: Database, ada: Principal, door: Door) -> None:
    for _ in range(3):
        await tell(notify, database, ada)
    status, page = await call(door, "GET", "?limit=2")
    items = page["items"]
    assert status == 200 and len(items) == 2 and page["unread"] == 3
    status, rest = await call(door, "GET", f"?limit=2&cursor={page['next']}")
    assert status == 200 and len(rest["items"]) == 1 and rest["next"] is None
    first = items[0]["id"]
    assert first.startswith("ntf_")
    assert await call(door, "POST", "/read", {"ids": [first]}) == (200, {"marked": 1, "unread": 2})
    assert await call(door, "POST", "/read", {"all": True}) == (200, {"marked": 2, "unread": 0})


@pytest.mark.parametrize(
    "body", [{}, {"ids": ["ntf_x"], "all": True}, {"ids": ["thr_" + "0" * 32]}, {"ids": "all"}, {"everything": True}]
)
async def test_a_request_that_makes_no_sense_is_refused(door: Door, body: object) -> None:
    status, problem = await call(door, "POST", "/read", body)
    assert status == 400, problem


async def test_preferences_over_http(door: Door) -> None:
    quiet = {"start": "22:00", "end": "07:30", "timezone": "Europe/Vienna"}
    status, answer = await call(door, "PUT", "/preferences", {"kinds": {"test.done": {"mail": False}}, "quiet": quiet})
    assert status == 200 and answer["quiet"] == quiet and answer["mail_available"] is True
    assert (await call(door, "GET", "/preferences"))[1] == answer
    kinds = answer["kinds"]
    assert {"kind": "test.done", "bell": True, "mail": False, "default_bell": True, "default_mail": True} in kinds
    status, problem = await call(door, "PUT", "/preferences", {"kinds": {"no.such": {"bell": True}}})
    assert (status, problem["code"]) == (422, "notify.kind_unknown")
    status, problem = await call(door, "PUT", "/preferences", {"quiet": {**quiet, "start": "25:00"}})
    assert status == 400


async def test_a_key_for_models_alone_reads_no_notifications(door: Door, ada: Principal) -> None:
    door.caller = replace(ada, scopes=frozenset({"models"}))
    for method, path in (("GET", ""), ("POST", "/read"), ("GET", "/preferences"), ("PUT", "/preferences")):
        status, _ = await call(door, method, path, {"all": True} if path == "/read" else {})
        assert status == 403, path
