"""The address is remembered, and nobody's passkeys stop working unseen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import Conflict, StartError
from mecum.rooms.people.audit import Who
from tests.rooms.people.authenticator import passkey_assertion, register_passkey
from tests.rooms.people.world import PUBLIC_URL, World

FIRST, SECOND = "https://one.example.org", "https://two.example.org"
Start = Callable[[str], Any]


@pytest.fixture
def start(database: Database, clock: ManualClock, tmp_path: Path) -> Start:
    """Start the same installation under an address, for as long as the block lasts."""

    @asynccontextmanager
    async def started(url: str) -> AsyncGenerator[World]:
        world = World(database, clock, tmp_path, public_url=url)
        try:
            await world.room.start()
            yield world
        finally:
            await world.close()

    return started


async def move(world: World, url: str) -> None:
    await world.parts.address.move(url, Who("command"))


async def test_a_start_under_another_host_is_refused_while_somebody_has_a_passkey(start: Start) -> None:
    async with start(FIRST) as world:
        await register_passkey(await world.set_up())
    with pytest.raises(StartError) as refused:
        async with start(SECOND):
            pass
    assert refused.value.code == "people.address_changed"
    assert refused.value.params == {"old": FIRST, "new": SECOND, "count": 1}
    assert f"mecum public-url set {SECOND}" in refused.value.hint
    async with start(FIRST) as world:
        assert await world.parts.address.known() == FIRST


async def test_without_passkeys_another_address_is_taken_over(start: Start) -> None:
    async with start(PUBLIC_URL) as world:
        await world.set_up()
    async with start(FIRST) as world:
        assert await world.parts.address.known() == FIRST
        assert (await world.browser().sign_in()).status_code == 200


@pytest.mark.parametrize("url", ["https://one.example.org:8443", "http://one.example.org"])
async def test_port_and_scheme_may_change_since_passkeys_know_neither(start: Start, url: str) -> None:
    async with start(FIRST) as world:
        await register_passkey(await world.set_up())
    async with start(url) as world:
        assert await world.parts.address.known() == url
        assert (await world.parts.address.foresee(FIRST)).passkeys == 0


async def test_passkeys_of_those_who_may_not_sign_in_refuse_nothing(start: Start) -> None:
    async with start(FIRST) as world:
        owner = await world.set_up()
        await world.open_sign_up()
        bo = await world.member("bo@example.org")
        await register_passkey(bo)
        person = (await bo.session())["person"]["id"]
        await owner.request("PATCH", f"/api/people/{person}", {"state": "disabled"})
    async with start(SECOND) as world:
        assert await world.parts.address.known() == SECOND


async def test_a_move_says_whose_passkeys_break_and_who_has_nothing_else(start: Start) -> None:
    async with start(FIRST) as world:
        await register_passkey(await world.set_up())
        await world.open_sign_up()
        for name in ("bo", "cy"):
            browser = await world.member(f"{name}@example.org")
            await register_passkey(browser)
            await register_passkey(browser)
            assert (await browser.post("/api/me/password", {"new": None})).status_code == 204
        move = await world.parts.address.foresee(SECOND)
    assert (move.old, move.new, move.passkeys, move.persons) == (FIRST, SECOND, 5, 3)
    assert [person.email for person in move.locked_out] == ["bo@example.org", "cy@example.org"] and move.signed_out


async def test_after_a_move_it_starts_and_old_passkeys_are_shown_as_such(start: Start) -> None:
    async with start(FIRST) as world:
        await register_passkey(await world.set_up())
        await move(world, SECOND)
        assert (await world.audit())[-1] == ("people.address_changed", "public_url")
    async with start(SECOND) as world:
        browser = world.browser()
        assert (await browser.sign_in()).json()["person"]["passkeys"] == 0
        (old,) = (await browser.get("/api/me/passkeys")).json()["items"]
        assert (old["host"], old["works_here"]) == ("one.example.org", False)
        refused = await browser.post("/api/me/password", {"new": None})
        assert refused.json()["code"] == "people.last_credential", "a passkey that does not work here is no way in"
        await register_passkey(browser)
        assert [each["works_here"] for each in (await browser.get("/api/me/passkeys")).json()["items"]] == [False, True]
        assert (await browser.post("/api/me/password", {"new": None})).status_code == 204
        assert (await world.parts.address.foresee(FIRST)).locked_out == (), "there the first passkey works again"


async def test_back_under_the_old_address_its_passkeys_work_again(start: Start) -> None:
    async with start(FIRST) as world:
        first = await register_passkey(await world.set_up(password=None))
        await move(world, SECOND)
    async with start(SECOND) as world:
        assert await world.parts.address.known() == SECOND
    async with start(FIRST) as world:
        browser = world.browser()
        assert (await browser.post("/api/sign-in/passkey", await passkey_assertion(browser, first))).status_code == 200


async def test_an_installation_of_before_takes_its_next_start_for_its_address(start: Start, database: Database) -> None:
    async with start(FIRST) as world:
        await register_passkey(await world.set_up())
    async with database.transaction() as connection:
        await connection.execute(text("UPDATE people.passkeys SET rp_id = NULL"))
        await connection.execute(text("DELETE FROM kit.installation WHERE key = 'people.public_url'"))
    with pytest.raises(Conflict) as refused:
        await world.parts.address.foresee(SECOND)
    assert refused.value.code == "people.address_unknown"
    async with start(FIRST) as world:
        assert (await world.parts.address.foresee(SECOND)).passkeys == 1


async def test_a_passkey_that_works_corrects_what_is_known_about_it(start: Start, database: Database) -> None:
    async with start(FIRST) as world:
        authenticator = await register_passkey(await world.set_up())
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE people.passkeys SET rp_id = 'elsewhere.example.org'"))
        browser = world.browser()
        signed = await browser.post("/api/sign-in/passkey", await passkey_assertion(browser, authenticator))
        assert signed.json()["person"]["passkeys"] == 1
