"""Nobody reaches what is another's: every route of the built house, called by everybody whom it is not for."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator, Iterator
from typing import Any

import httpx2
import pytest
from starlette.routing import BaseRoute

from mecum.kit.types import ALL_SCOPES
from tests.support.living_house import MEMBER, OWNER, House, fresh_database, living_house
from tests.surfaces.calls import CALLS, PLACES, PUBLIC, Call, Operated, Own, Owned
from tests.surfaces.things import CANARY, Things

OTHER = "other@example.org"
STREAM_S = 10
EACH = [(route, number) for route, calls in CALLS.items() for number in range(len(calls))]


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        running.add_person(OTHER)
        yield running


@pytest.fixture
def things(house: House) -> Things:
    return Things(house)


def routes_of(routes: list[BaseRoute]) -> Iterator[str]:
    """Method and path of every route, those of included routers too. A route for all methods is `ANY`."""
    for route in routes:
        inner: Any = route
        contexts = inner.effective_route_contexts() if hasattr(route, "original_router") else [inner]
        for each in contexts:
            for method in sorted(each.methods or ["ANY"]):
                if method != "HEAD":
                    yield f"{method} {each.path}"


def test_every_route_is_known_here_and_every_public_one_has_a_reason(house: House) -> None:
    app: Any = house.app.asgi
    while not hasattr(app, "router"):
        app = app._app  # What stands before it.
    built = set(routes_of(app.router.routes))
    assert len(built) > 100
    known = set(CALLS) | set(PUBLIC)
    assert not built - known, "A new route: say in tests/surfaces/calls.py how it is called, or why it is public."
    assert not known - built, "These routes are gone: take them out of tests/surfaces/calls.py."
    assert all(public.why for public in PUBLIC.values())


def request_of(route: str, call: Call, things: Things) -> tuple[str, str, dict[str, Any]]:
    """Method, path and the rest of a request for httpx."""
    method, _, template = route.partition(" ")
    places = {**PLACES, **call.places}
    path = re.sub(r"\{(\w+)(:path)?\}", lambda found: places[found[1]](things), template)
    more: dict[str, Any] = {}
    if call.body is not None:
        more["json"] = call.body(things)
    elif method in ("POST", "PUT", "PATCH") and not call.upload:
        more["json"] = {}
    if call.upload:
        more["files"] = {"file": ("mine.txt", b"mine", "text/plain")}
    return method, path + call.query, more


def outsiders(house: House, call: Call, method: str) -> Iterator[tuple[str, dict[str, str], set[int]]]:
    """Everybody whom `call` is not for: who, with which headers, and what they may hear."""
    yield "nobody", {}, {401}
    yield "a key of nobody", {"authorization": "Bearer mk_wrong"}, {401}
    yield "a cookie of nobody", {"cookie": "mecum=wrong; session=wrong"}, {401}
    owner = OWNER if isinstance(call, Operated) else MEMBER
    for scope in call.each_scope:
        less = house.key(*(ALL_SCOPES - {scope, "admin"}), person=owner)
        yield f"without the scope {scope}", {"authorization": f"Bearer {less}"}, {403, 404}
    if isinstance(call, Operated):
        yield "a member", {"authorization": f"Bearer {house.key(person=OTHER)}"}, {403}
    if isinstance(call, Owned):
        yield "another person", {"authorization": f"Bearer {house.key(person=OTHER)}"}, {403, 404}
        yield "the owner of the house", {"authorization": f"Bearer {house.key()}"}, {403, 404}
        browser = house.browser(OTHER)
        cookies = "; ".join(f"{c.name}={c.value}" for c in browser.http.cookies.jar)
        yield "another's session", {"cookie": cookies, "origin": house.url, "x-csrf-token": browser.csrf}, {403, 404}
        if method != "GET":
            own = house.browser(MEMBER)
            cookies = "; ".join(f"{c.name}={c.value}" for c in own.http.cookies.jar)
            yield "the own session from a foreign page", {"cookie": cookies, "origin": "https://evil.example"}, {403}
            yield "the own session without its token", {"cookie": cookies, "origin": house.url}, {403}


@pytest.mark.parametrize(("route", "number"), EACH, ids=[f"{route} {number}" for route, number in EACH])
def test_a_route_answers_only_whom_it_is_for(house: House, things: Things, route: str, number: int) -> None:
    call = CALLS[route][number]
    method, path, more = request_of(route, call, things)
    with httpx2.Client(base_url=house.url, timeout=STREAM_S, trust_env=False) as http:
        for who, headers, allowed in outsiders(house, call, method):
            answer = http.request(method, path, headers=headers, **more)
            assert answer.status_code in allowed, f"{who}: {answer.status_code} {answer.text[:300]}"
            assert CANARY not in answer.text, who
            assert CANARY not in str(answer.headers), who
    if route == ENDLESS:
        return  # whom it is for hears it in a test of its own below
    key = house.key() if isinstance(call, Operated) else things.key
    answer = house.request(method, path, key=key, **more)
    heard = answer.status_code < 300 or answer.status_code in call.done
    assert heard, f"whom it is for: {answer.status_code} {answer.text[:300]}"


ENDLESS = "GET /api/me/stream"
LISTS = [(route, number) for route, number in EACH if isinstance(CALLS[route][number], Own) and route != ENDLESS]


@pytest.fixture(scope="module")
def everything(house: House) -> Things:
    """The same, all made already."""
    things = Things(house)
    assert all((things.thread, things.share, things.schedule, things.notification, things.made_key))
    assert all((things.attachment, things.session, things.passkey, things.response, things.relay_response))
    return things


@pytest.mark.parametrize(("route", "number"), LISTS, ids=[f"{route} {number}" for route, number in LISTS])
def test_what_is_about_oneself_shows_nothing_of_another(
    house: House, everything: Things, route: str, number: int
) -> None:
    things = everything
    method, path, more = request_of(route, CALLS[route][number], things)
    for person in (OTHER, OWNER):
        answer = house.request(method, path, key=house.key(person=person), **more)
        assert answer.status_code != 404
        assert answer.status_code < 500
        assert CANARY.encode() not in answer.content


def test_another_persons_notification_stays_unread(house: House, things: Things) -> None:
    ids = {"ids": [things.notification]}
    assert house.post("/api/notifications/read", ids, key=house.key(person=OTHER))["marked"] == 0
    unread = things.get("/api/notifications?unread=true")["items"]
    assert things.notification in [item["id"] for item in unread]


def test_the_stream_of_a_person_carries_nothing_of_another(house: House, things: Things) -> None:
    other = house.key(person=OTHER)
    seen: list[str] = []
    mine = ""
    headers = {"authorization": f"Bearer {other}"}
    with (
        httpx2.Client(base_url=house.url, timeout=STREAM_S, trust_env=False) as http,
        http.stream("GET", "/api/me/stream", headers=headers) as stream,
    ):
        assert stream.status_code == 200
        for line in stream.iter_lines():
            seen.append(line)
            if len(seen) == 2:  # The first frame has come: it listens.
                assert things.thread
                mine = house.post("/api/threads", {"title": "The other's own"}, key=other)["id"]
            if "The other's own" in line:
                assert mine in line
                break
    assert CANARY not in "\n".join(seen)
    assert things.thread not in "\n".join(seen)


def test_a_thread_of_another_can_not_be_followed_live(house: House, things: Things) -> None:
    for person in (OTHER, OWNER):
        headers = {"accept": "text/event-stream"}
        answer = house.request(
            "GET", f"/api/threads/{things.thread}/events", key=house.key(person=person), headers=headers
        )
        assert answer.status_code == 404
        assert CANARY not in answer.text


def test_no_public_route_shows_anything_of_a_person(house: House, everything: Things) -> None:
    with httpx2.Client(base_url=house.url, timeout=STREAM_S, trust_env=False) as http:
        for route in PUBLIC:
            method, _, template = route.partition(" ")
            for word in (everything.share, everything.thread, everything.key, "x"):
                path = re.sub(r"\{\w+(:path)?\}", word, template)
                body: Any = {"content": "{}"} if method == "POST" else {}
                answer = http.request("GET" if method == "ANY" else method, path, **body)
                assert answer.status_code < 500, (route, answer.text)
                for secret in (CANARY, everything.key, MEMBER, OWNER):
                    assert secret not in answer.text, route


def test_a_share_that_was_withdrawn_and_a_key_that_was_revoked_are_of_no_use(house: House, things: Things) -> None:
    shared = things.post(f"/api/threads/{things.thread}/shares")
    token = shared["url"].rsplit("/", 1)[1]
    assert CANARY in httpx2.get(f"{house.url}/api/shared/{token}", trust_env=False).text
    house.request("DELETE", f"/api/shares/{shared['id']}", key=things.key).raise_for_status()
    after = httpx2.get(f"{house.url}/api/shared/{token}", trust_env=False)
    assert after.status_code in (404, 410)
    assert CANARY not in after.text

    made = things.post("/api/me/keys", {"name": "short lived", "scopes": ["threads"]})
    assert house.request("GET", "/api/threads", key=made["secret"]).status_code == 200
    house.request("DELETE", f"/api/me/keys/{made['id']}", key=things.key).raise_for_status()
    assert house.request("GET", "/api/threads", key=made["secret"]).status_code == 401


def test_ids_of_one_kind_name_nothing_of_another_kind(house: House, things: Things) -> None:
    """A thread's digits with a message's prefix, or another's digits with one's own prefix, open nothing."""
    digits = things.thread.partition("_")[2]
    for prefix in ("msg", "att", "run", "shr", "sch", "prs", ""):
        answer = house.request("GET", f"/api/threads/{prefix}_{digits}", key=things.key)
        assert answer.status_code == 400, answer.text
    for template in ("/api/attachments/att_{}", "/v1/responses/resp_{}"):
        assert house.request("GET", template.format(digits), key=things.key).status_code == 404


def test_a_person_who_is_disabled_is_out_at_once(house: House) -> None:
    email = f"gone.{time.monotonic_ns()}@example.org"
    person = house.add_person(email)
    key, browser = house.new_key("threads", "chat", person=email), house.browser(email)
    assert house.request("GET", "/api/threads", key=key).status_code == 200
    house.request("PATCH", f"/api/people/{person}", json={"state": "disabled"}).raise_for_status()
    assert house.request("GET", "/api/threads", key=key).status_code in (401, 403)
    assert browser.request("GET", "/api/threads").status_code in (401, 403)
    assert json.loads(browser.request("GET", "/api/session").text)["person"] is None
