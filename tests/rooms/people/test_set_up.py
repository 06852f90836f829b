"""The first owner: a one-time link, and nobody else gets in that way."""

from __future__ import annotations

import asyncio

from tests.rooms.people.world import OWNER, PASSWORD, World, after


def _body(token: str, email: str = OWNER) -> dict[str, str]:
    return {"token": token, "email": email, "name": "Ada", "password": PASSWORD}


async def test_a_fresh_installation_needs_an_owner_and_says_so(world: World) -> None:
    session = await world.browser().session()
    assert session["installation"]["needs_owner"] is True
    assert session["person"] is None and session["csrf"] is None
    assert session["installation"]["languages"][0] == "en"


async def test_the_set_up_link_makes_the_owner_and_signs_in(world: World) -> None:
    browser = await world.set_up(locale="zh", timezone="Asia/Shanghai")
    session = await browser.session()
    assert session["installation"]["needs_owner"] is False
    person = session["person"]
    assert (person["email"], person["role"], person["locale"]) == (OWNER, "owner", "zh")
    assert person["has_password"] is True and person["passkeys"] == 0 and person["totp"] is False
    assert session["space"]["kind"] == "personal" and session["spaces"] == [session["space"]]
    assert session["csrf"]


async def test_the_link_stays_the_same_until_it_is_used_and_is_gone_with_the_first_owner(world: World) -> None:
    first = await world.people.setup_url()
    assert first is not None and first == await world.people.setup_url()
    browser = world.browser()
    shown = await browser.get(f"/api/links/{first.rsplit('/', 1)[1]}")
    assert shown.json()["kind"] == "setup"
    await world.set_up()
    assert await world.people.setup_url() is None
    assert (await browser.get(f"/api/links/{first.rsplit('/', 1)[1]}")).status_code == 410


async def test_a_set_up_link_expires_and_a_new_one_is_made(world: World) -> None:
    first = await world.people.setup_url()
    world.clock.advance(after(hours=73))
    second = await world.people.setup_url()
    assert first != second and first is not None
    answer = await world.browser().post("/api/setup", _body(first.rsplit("/", 1)[1]))
    assert answer.status_code == 410 and answer.json()["code"] == "people.link_over"


async def test_of_two_who_use_the_link_at_once_one_becomes_the_owner(world: World) -> None:
    url = await world.people.setup_url()
    assert url is not None
    token = url.rsplit("/", 1)[1]
    answers = await asyncio.gather(
        *(world.browser().post("/api/setup", _body(token, f"p{i}@example.org")) for i in range(4))
    )
    assert min(answer.status_code for answer in answers) == 200
    assert [answer.status_code for answer in answers].count(200) == 1
    assert {answer.json()["code"] for answer in answers if answer.status_code != 200} <= {
        "people.set_up_already",
        "people.link_over",
    }


async def test_a_made_up_link_is_not_found(world: World) -> None:
    answer = await world.browser().post("/api/setup", _body("made-up"))
    assert answer.status_code == 404
    assert (await world.browser().get("/api/links/made-up")).status_code == 404


async def test_the_owner_may_come_without_a_password_when_a_passkey_follows(world: World) -> None:
    browser = await world.set_up(password=None)
    assert (await browser.session())["person"]["has_password"] is False
    assert (await world.browser().sign_in(OWNER, "")).status_code == 401


async def test_only_the_hash_of_the_link_is_in_the_database(world: World) -> None:
    url = await world.people.setup_url()
    assert url is not None
    async with world.db.transaction() as connection:
        dump = str((await connection.exec_driver_sql("SELECT l::text FROM people.links l")).all())
    assert url.rsplit("/", 1)[1] not in dump
