"""Sessions: cookies, rotation, theft, CSRF, lists."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from tests.rooms.people.world import OWNER, PASSWORD, Browser, World, after


async def test_the_cookie_has_a_random_name_and_scripts_cannot_read_it(world: World) -> None:
    browser = await world.set_up()
    (name,) = browser.cookies
    assert re.fullmatch(r"mecum_[0-9a-f]{8}", name)
    await browser.post("/api/sign-out")
    header = (await browser.sign_in()).headers["set-cookie"].lower()
    assert "httponly" in header and "samesite=lax" in header and "path=/" in header
    assert "secure" not in header and "domain" not in header


async def test_with_https_the_cookie_is_secure_and_bound_to_the_host(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    world = World(database, clock, tmp_path, public_url="https://mecum.example.org")
    browser = await world.set_up()
    await browser.post("/api/sign-out")
    header = (await browser.sign_in()).headers["set-cookie"]
    assert header.startswith("__Host-mecum_") and "secure" in header.lower()
    await world.close()


async def test_the_cookie_name_is_the_same_after_a_restart(
    world: World, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    browser = await world.set_up()
    again = World(database, clock, tmp_path)
    other = again.browser()
    other.put_back(browser.cookies)
    assert (await other.session())["person"]["email"] == OWNER
    await again.close()


async def test_signing_out_ends_the_session_on_the_server(world: World) -> None:
    browser = await world.set_up()
    kept = browser.cookies
    assert (await browser.post("/api/sign-out")).status_code == 204
    browser.put_back(kept)
    assert (await browser.session())["person"] is None
    assert (await browser.get("/api/me")).status_code == 401


async def test_the_database_holds_no_session_token(world: World) -> None:
    browser = await world.set_up()
    (token,) = browser.cookies.values()
    async with world.db.transaction() as connection:
        rows = str(
            (
                await connection.exec_driver_sql(
                    "SELECT t::text, s::text FROM people.session_tokens t, people.sessions s"
                )
            ).all()
        )
    assert token not in rows


async def test_a_state_change_without_the_csrf_token_is_refused(world: World) -> None:
    browser = await world.set_up()
    body = {"name": "a key", "scopes": ["chat"]}
    for wrong in (None, "", "0" * 64):
        answer = await browser.post("/api/me/keys", body, x_csrf_token=wrong)
        assert answer.status_code == 403 and answer.json()["code"] == "people.csrf_wrong"
    assert (await browser.post("/api/me/keys", body)).status_code == 201


async def test_the_csrf_token_of_one_session_does_not_fit_another(world: World) -> None:
    first = await world.set_up()
    second = world.browser()
    await second.sign_in()
    answer = await second.post("/api/me/keys", {"name": "k", "scopes": ["chat"]}, x_csrf_token=first.csrf)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "origin", [None, "null", "", "http://evil.example", "http://localhost:8081", "http://localhost", "localhost:8080"]
)
async def test_a_state_change_from_another_origin_is_refused(world: World, origin: str | None) -> None:
    browser = await world.set_up()
    answer = await browser.post("/api/me/keys", {"name": "k", "scopes": ["chat"]}, origin=origin)
    assert answer.status_code == 403 and answer.json()["code"] == "people.origin_wrong"
    assert (await browser.post("/api/sign-out", origin=origin)).status_code == 403
    other = await browser.post("/api/sign-in", {"email": OWNER, "password": PASSWORD}, origin=origin)
    assert other.status_code == 403


async def test_another_origin_on_this_machine_can_be_allowed(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    world = World(database, clock, tmp_path, extra_origins=("http://localhost:5173",))
    await world.set_up()
    body = {"email": OWNER, "password": PASSWORD}
    assert (await world.browser().post("/api/sign-in", body, origin="http://localhost:5173")).status_code == 200
    await world.close()


async def test_an_idle_session_ends_and_so_does_an_old_one(world: World) -> None:
    browser = await world.set_up()
    for _ in range(3):
        world.clock.advance(after(days=29))
        assert (await browser.session())["person"] is not None
    world.clock.advance(after(days=4))
    assert (await browser.session())["person"] is None
    await browser.sign_in()
    world.clock.advance(after(days=31))
    assert (await browser.session())["person"] is None


async def test_an_old_token_is_replaced_and_the_one_before_works_through_the_grace(world: World) -> None:
    browser = await world.set_up()
    csrf, old = browser.csrf, browser.cookies
    world.clock.advance(after(minutes=61))
    await browser.session()
    new = browser.cookies
    assert new != old and new.keys() == old.keys()
    assert browser.csrf == csrf
    assert (await browser.get("/api/me")).status_code == 200
    late = world.browser()
    late.put_back(old)
    world.clock.advance(after(seconds=30))
    assert (await late.get("/api/me")).status_code == 200
    assert (await late.session())["person"] is not None and late.cookies == old


async def test_a_replaced_token_that_comes_back_after_the_grace_ends_the_session(world: World) -> None:
    browser = await world.set_up()
    old = browser.cookies
    world.clock.advance(after(minutes=61))
    await browser.session()
    await browser.session()
    world.clock.advance(after(seconds=61))
    thief = world.browser()
    thief.put_back(old)
    assert (await thief.session())["person"] is None
    assert (await browser.session())["person"] is None
    await browser.sign_in()
    assert "people.session_token_reused" in [action for action, _ in await world.audit()]


async def test_an_answer_that_was_lost_does_not_sign_anybody_out(world: World) -> None:
    browser = await world.set_up()
    old = browser.cookies
    for _ in range(3):
        world.clock.advance(after(hours=2))
        browser.put_back(old)
        assert (await browser.session())["person"] is not None
        assert browser.cookies != old
    assert (await browser.get("/api/me")).status_code == 200


async def test_many_requests_at_once_rotate_once_and_all_of_them_work(world: World) -> None:
    browser = await world.set_up()
    old = browser.cookies
    world.clock.advance(after(minutes=61))
    tabs = [_tab(world, old) for _ in range(8)]
    answers = await asyncio.gather(*(tab.get("/api/session") for tab in tabs))
    assert all(answer.json()["person"] for answer in answers)
    replaced = [answer for answer in answers if "set-cookie" in answer.headers]
    assert len(replaced) == 1
    reads = await asyncio.gather(*(tab.get("/api/me") for tab in tabs))
    assert {answer.status_code for answer in reads} == {200}


async def test_sessions_are_listed_and_one_of_them_can_be_ended(world: World) -> None:
    here = await world.set_up()
    elsewhere = world.browser("198.51.100.7")
    world.clock.advance(1)
    await elsewhere.post(
        "/api/sign-in", {"email": OWNER, "password": PASSWORD}, user_agent="Phone\x1b[31m", x_mecum_surface="phone"
    )
    listed = (await here.get("/api/me/sessions")).json()["items"]
    assert [(each["address"], each["current"]) for each in listed] == [("198.51.100.7", False), ("192.0.2.1", True)]
    assert listed[0]["surface"] == "phone" and "\x1b" not in listed[0]["user_agent"]
    assert (await here.delete(f"/api/me/sessions/{listed[0]['id']}")).status_code == 204
    assert (await elsewhere.session())["person"] is None
    assert (await here.session())["person"] is not None
    assert (await here.delete(f"/api/me/sessions/{listed[0]['id']}")).status_code == 404


async def test_all_other_sessions_can_be_ended_at_once(world: World) -> None:
    here = await world.set_up()
    others = [world.browser() for _ in range(3)]
    for other in others:
        await other.sign_in()
    assert (await here.delete("/api/me/sessions")).status_code == 204
    assert [(await other.session())["person"] for other in others] == [None] * 3
    assert len((await here.get("/api/me/sessions")).json()["items"]) == 1


async def test_a_list_of_sessions_is_paged(world: World) -> None:
    here = await world.set_up()
    for _ in range(4):
        await world.browser().sign_in()
    first = (await here.get("/api/me/sessions?limit=3")).json()
    second = (await here.get(f"/api/me/sessions?limit=3&cursor={first['next']}")).json()
    assert len(first["items"]) == 3 and len(second["items"]) == 2 and second["next"] is None
    assert not {each["id"] for each in first["items"]} & {each["id"] for each in second["items"]}
    assert (await here.get("/api/me/sessions?cursor=nonsense")).status_code == 400


async def test_a_person_has_so_many_sessions_and_the_oldest_makes_room(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    world = World(database, clock, tmp_path, sessions_per_person=2)
    oldest = await world.set_up()
    newer = [world.browser(), world.browser()]
    for browser in newer:
        await browser.sign_in()
    assert (await oldest.session())["person"] is None
    assert all([(await browser.session())["person"] for browser in newer])
    await world.close()


async def test_signing_in_again_ends_the_session_before_it(world: World) -> None:
    browser = await world.set_up()
    before = browser.cookies
    await browser.sign_in()
    assert browser.cookies != before
    browser.put_back(before)
    assert (await browser.session())["person"] is None


async def test_a_person_can_stay_only_in_a_space_of_their_own(world: World) -> None:
    browser = await world.set_up()
    session = await browser.session()
    chosen = await browser.request("PUT", "/api/me/space", {"space": session["space"]["id"]})
    assert chosen.status_code == 200 and chosen.json()["space"] == session["space"]
    foreign = await browser.request("PUT", "/api/me/space", {"space": "spc_" + "0" * 32})
    assert foreign.status_code == 404


def _tab(world: World, cookies: dict[str, str]) -> Browser:
    tab = world.browser()
    tab.put_back(cookies)
    return tab
