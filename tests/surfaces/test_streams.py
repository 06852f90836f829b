"""Streams that stay open: what reaches a surface while it looks on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator
from typing import Any

import httpx2
import pytest

from mecum.kit.bus import LocalBus, person_channel
from mecum.kit.clock import SystemClock
from mecum.kit.types import ALL_SCOPES, Principal
from mecum.surfaces.web.stream import PersonStream
from tests.support.fake_replies import command
from tests.support.listening import listening, listening_with_key
from tests.support.living_house import MEMBER, House, fresh_database, living_house
from tests.support.principals import principal


@pytest.fixture(scope="module")
def house(pg_url: str, template: str) -> Generator[House]:
    with fresh_database(pg_url, template) as url, living_house(url) as running:
        yield running


def test_the_bell_rings_on_a_surface_that_is_open(house: House) -> None:
    key = house.key(person=MEMBER)
    with listening_with_key(house.url, "/api/me/stream", key) as frames:
        assert frames.next("notification") == {"unread": 0}
        house.post("/api/background", {"text": f"Sort the photos. {command(text='Done.')}"}, key=key)
        assert frames.next("notification") == {"unread": 1}
        house.post("/api/notifications/read", {"all": True}, key=key)
        assert frames.next("notification") == {"unread": 0}


@pytest.fixture
def email(house: House) -> str:
    """A person who has just come."""
    address = f"person.{time.monotonic_ns()}@example.org"
    house.add_person(address)
    return address


def said(house: House, key: str, text: str, told: str) -> str:
    """The thread of a new message."""
    body = {"client_id": f"{time.monotonic_ns()}", "text": f"{text} {told}"}
    return house.post("/api/messages", body, key=key)["thread"]


def test_a_revoked_key_reads_no_further(house: House, email: str) -> None:
    key = house.new_key(*ALL_SCOPES - {"admin"}, person=email)
    mine = house.key(person=email)
    thread = said(house, mine, "Hello", command(text="Hello."))
    house.until_idle(thread, key=mine)
    made = next(each for each in house.get("/api/me/keys", key=mine)["items"] if key.startswith(each["prefix"]))
    with (
        listening_with_key(house.url, f"/api/threads/{thread}/events", key) as conversation,
        listening_with_key(house.url, "/api/me/stream", key) as person,
        listening_with_key(house.url, f"/api/threads/{thread}/events", mine) as other,
    ):
        conversation.next("event")
        person.next("notification")
        house.request("DELETE", f"/api/me/keys/{made['id']}", key=mine).raise_for_status()
        conversation.until_end()
        person.until_end()
        body = {"client_id": "later", "text": f"For my eyes {command(text='Yes.')}"}
        house.post(f"/api/threads/{thread}/messages", body, key=mine)
        while not other.said("For my eyes"):
            other.next("event")
    assert not conversation.said("For my eyes")


def test_a_session_that_has_ended_reads_no_further(house: House, email: str) -> None:
    first, second, third = (house.browser(email) for _ in range(3))
    with (
        listening(first.http, "/api/me/stream") as signed_out,
        listening(second.http, "/api/me/stream") as ended,
        listening(third.http, "/api/me/stream") as kept,
    ):
        for frames in (signed_out, ended, kept):
            frames.next("notification")
        first.request("POST", "/api/sign-out").raise_for_status()
        signed_out.until_end()
        third.request("DELETE", "/api/me/sessions").raise_for_status()
        ended.until_end()
        third.request("POST", "/api/threads", json={"title": "Still here"}).raise_for_status()
        assert kept.next("threads")["thread"]["title"] == "Still here"


def test_a_person_who_is_disabled_reads_no_further_and_their_runs_stop(house: House, email: str) -> None:
    key = house.key(person=email)
    person = house.get("/api/me", key=key)["id"]
    thread = said(house, key, "Tell me all", command(text="word " * 400, interval_ms=50))
    with (
        listening_with_key(house.url, f"/api/threads/{thread}/events", key) as conversation,
        listening_with_key(house.url, "/api/me/stream", key) as surface,
    ):
        conversation.next("delta")
        house.request("PATCH", f"/api/people/{person}", json={"state": "disabled"}).raise_for_status()
        conversation.until_end()
        surface.until_end()
    house.request("PATCH", f"/api/people/{person}", json={"state": "active"}).raise_for_status()
    log = house.until_idle(thread, key=key)
    assert log[-1]["payload"]["reason"] == "stopped"


async def test_a_surface_hears_of_changes_while_they_do_not_cease() -> None:
    nothing: Any = None
    bus, caller = LocalBus(SystemClock()), principal()

    async def unread(_: Principal) -> int:
        return 1

    async def change() -> None:
        while True:
            await bus.publish(person_channel(caller.person), b'{"type":"notification"}')
            await asyncio.sleep(0)

    frames = PersonStream(bus, nothing, nothing, unread, caller).frames()
    changing = asyncio.create_task(change())
    async with asyncio.timeout(20):
        assert [b"notification" in await anext(frames) for _ in range(3)] == [True] * 3
    changing.cancel()


def test_a_stream_of_v1_says_that_its_key_was_revoked(house: House, email: str) -> None:
    key = house.new_key(*ALL_SCOPES - {"admin"}, person=email)
    mine = house.key(person=email)
    made = next(each for each in house.get("/api/me/keys", key=mine)["items"] if key.startswith(each["prefix"]))
    text = f"Tell me all {command(text='word ' * 400, interval_ms=50)}"
    body = {"model": "mecum", "stream": True, "messages": [{"role": "user", "content": text}]}
    headers = {"authorization": f"Bearer {key}"}
    with (
        httpx2.Client(base_url=house.url, timeout=20, trust_env=False, headers=headers) as http,
        http.stream("POST", "/v1/chat/completions", json=body) as stream,
    ):
        lines = stream.iter_lines()
        assert any("word" in line for line in lines)
        house.request("DELETE", f"/api/me/keys/{made['id']}", key=mine).raise_for_status()
        rest = list(lines)
    assert any("people.key_invalid" in line or "ended" in line for line in rest)
