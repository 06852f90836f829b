"""Values that nobody means well with: whatever stands where, the answer is no server error and says nothing of us."""

from __future__ import annotations

import copy
import json
from collections.abc import Generator, Iterator
from typing import Any

import httpx2
import pytest

from tests.support.living_house import OWNER, House, fresh_database, living_house
from tests.surfaces.calls import CALLS, Operated
from tests.surfaces.test_authorisation import EACH, ENDLESS, request_of
from tests.surfaces.things import Things, waited_for

WORDS = ["", "\0", "a\0b", "\ud800", "\ud83d\ude00", "\u202e\ufeff", "'\";--", "../../etc/passwd", "x" * 70_000, "𝟚-𝟛"]
WORDS += ["Nowhere/X", "Europe", "0 0 30 2 *", "9999-12-31T23:59:59-12:00"]
NUMBERS = [-1, 2**63, -(2**70), 10**30, 1e308, float("nan"), float("inf")]
OTHERS: list[Any] = [None, True, [], {}, [[[[]]]], {"a\0": {"\ud800": []}}]
PLACES = [
    "%00",
    "a%00b",
    "%ff%fe",
    "%ed%a0%80",
    "..%2f..%2fetc",
    "%0a",
    "x" * 3_000,
    "%E2%80%AE",
    "thr_" + "%D9%A0" * 32,
]
SETTLED_S = 30
LEAKS = ("Traceback", "sqlalchemy", "asyncpg", "psycopg", "site-packages", "SELECT ")


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        yield running
        waited_for(lambda: True if all_idle(running) else None, SETTLED_S)


def all_idle(house: House) -> bool:
    """Whether no run is left in the middle by what it was given."""
    found: list[Any] = []
    cursor = ""
    while True:
        page = house.get(f"/api/threads?limit=200{cursor}")
        found += page["items"]
        if page["next"] is None:
            return all(thread["state"] != "running" for thread in found)
        cursor = f"&cursor={page['next']}"


@pytest.fixture(scope="module")
def things(house: House) -> Things:
    return Things(house, OWNER)


def variants(body: Any) -> Iterator[Any]:
    """`body` with each of its values replaced by each hostile one, and the whole replaced."""
    for where in _leaves(body):
        for hostile in (*WORDS, *NUMBERS, *OTHERS):
            changed = copy.deepcopy(body)
            inner = changed
            for step in where[:-1]:
                inner = inner[step]
            inner[where[-1]] = hostile
            yield changed
    yield from ({**body, "\0": 1}, {**body, "\ud800": 1}, [], "x", None, 7)


def _leaves(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if where:
        yield where
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, (*where, name))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _leaves(each, (*where, place))


def check(answer: httpx2.Response, sent: Any) -> None:
    assert answer.status_code < 500 or answer.status_code in (502, 503), (sent, answer.status_code, answer.text[:500])
    if answer.status_code >= 400:
        assert not [leak for leak in LEAKS if leak in answer.text], (sent, answer.text[:500])


BODIES = [(route, number) for route, number in EACH if CALLS[route][number].body is not None]


@pytest.mark.parametrize(("route", "number"), BODIES, ids=[f"{route} {number}" for route, number in BODIES])
def test_no_value_in_a_body_is_a_server_error(house: House, things: Things, route: str, number: int) -> None:
    call = CALLS[route][number]
    method, path, more = request_of(route, call, things)
    headers = {"content-type": "application/json"}
    for body in variants(more["json"]):
        content = json.dumps(body).encode()
        check(house.request(method, path, content=content, headers=headers), str(body)[:200])


NAMED = sorted({route for route in CALLS if "{" in route})


@pytest.mark.parametrize("route", NAMED)
def test_no_word_in_a_path_is_a_server_error(house: House, things: Things, route: str) -> None:
    method, _, template = route.partition(" ")
    key = house.key() if isinstance(CALLS[route][0], Operated) else things.key
    for word in PLACES:
        head, _, rest = template.partition("{")
        tail = rest.partition("}")[2].replace("{", "").replace("}", "")
        body = {} if method in ("GET", "DELETE") else {"json": {}}
        check(house.request(method, f"{head}{word}{tail}", key=key, **body), word)


def test_no_word_in_a_query_is_a_server_error(house: House) -> None:
    lists = [route.split(" ")[1] for route in CALLS if route.startswith("GET") and "{" not in route]
    names = ("cursor", "limit", "q", "query", "origin", "archived", "unread", "after", "order")
    for path in lists:
        if path == ENDLESS.split(" ")[1]:
            continue
        for name in names:
            for word in ("", "-1", "9" * 30, "%00", "%ff", "1e9", "%D9%A1", "x" * 2_000, "true"):
                check(house.request("GET", f"{path}?{name}={word}"), (path, name, word))


def test_headers_are_taken_as_they_come(house: House) -> None:
    for name, value in (
        ("authorization", "Bearer " + "x" * 20_000),
        ("authorization", "Basic " + "x" * 100),
        ("cookie", "a=" + "\xff" * 100),
        ("accept-language", "zh-Hant;q=9,*;q=-1,,;"),
        ("last-event-id", "\xe9"),
        ("range", "bytes=9-1,0-0,-5"),
        ("content-type", "application/json; charset=utf-16"),
        ("idempotency-key", "\xff" * 500),
        ("x-mecum-surface", "\xff"),
    ):
        body = {"model": "mecum", "input": "Hi"}
        raw = {
            **({} if name == "content-type" else {"content-type": "application/json"}),
            name: value.encode("latin-1"),
        }
        check(house.request("POST", "/v1/responses", content=json.dumps(body), headers=raw), (name, value[:40]))
        check(house.request("GET", "/api/threads", headers={name: value.encode("latin-1")}), (name, value[:40]))
