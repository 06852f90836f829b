"""What others may try at the door: it tells them nothing, and it does not keep the person out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyotp.totp import TOTP
from sqlalchemy import event

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from tests.rooms.people.world import OTHER_PASSWORD, OWNER, PASSWORD, Browser, World

WRONG = "not the password"
ELSEWHERE = "203.0.113.7"


@pytest.fixture
async def few(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncGenerator[World]:
    """An installation where few sign-ins are kept, and where guessing is slowed down late."""
    made = World(
        database, clock, tmp_path,
        sessions_per_person=3, second_factors_waiting=2, throttle_free_attempts=100,
    )  # fmt: skip
    yield made
    await made.close()


@contextmanager
def statements(world: World) -> Generator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(world.db.engine.sync_engine, "before_cursor_execute", note)
    yield asked
    event.remove(world.db.engine.sync_engine, "before_cursor_execute", note)


async def with_totp(browser: Browser) -> TOTP:
    """Give the person an authenticator app."""
    app = TOTP((await browser.post("/api/me/totp")).json()["secret"])
    done = await browser.post("/api/me/totp/confirm", {"code": app.at(browser.world.clock.now())})
    assert done.status_code == 200, done.text
    browser.world.clock.advance(90)
    return app


async def test_a_refused_sign_in_asks_the_same_of_the_database_whether_the_address_is_known_or_not(
    world: World,
) -> None:
    owner = await world.set_up()
    await owner.post("/api/people", {"email": "bo@example.org", "name": "Bo"})
    await world.browser(ELSEWHERE).sign_in(OWNER, WRONG)
    asked: list[list[str]] = []
    for email in (OWNER, "nobody@example.org", "bo@example.org"):
        with statements(world) as these:
            assert (await world.browser(ELSEWHERE).sign_in(email, WRONG)).status_code == 401
        asked.append(list(these))
    assert asked[0] == asked[1] == asked[2] and asked[0]


async def test_the_person_sees_who_was_refused_and_nothing_is_kept_about_addresses_without_account(
    world: World,
) -> None:
    owner = await world.set_up()
    await world.browser(ELSEWHERE).sign_in(OWNER, WRONG)
    await world.browser(ELSEWHERE).sign_in("nobody@example.org", WRONG)
    await world.work()
    refused = [each for each in (await owner.get("/api/audit")).json()["items"] if "refused" in each["action"]]
    assert [each["details"] for each in refused] == [{"address": ELSEWHERE}]
    async with world.db.transaction() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM people.refusals")).scalar_one() == 0


async def test_sign_ins_that_wait_for_their_second_factor_end_no_session(few: World) -> None:
    owner = await few.set_up()
    await with_totp(owner)
    for number in range(6):
        answer = await few.browser(f"203.0.113.{number}").sign_in()
        assert answer.json()["second_factor_needed"] is True
    assert (await owner.get("/api/me")).status_code == 200


async def test_few_sign_ins_of_a_person_wait_for_their_second_factor_and_the_newest_do(few: World) -> None:
    app = await with_totp(await few.set_up())
    waiting = [few.browser(f"203.0.113.{number}") for number in range(3)]
    for browser in waiting:
        await browser.sign_in()
    states = [(await browser.session())["second_factor_needed"] for browser in waiting]
    assert states == [False, True, True]
    done = await waiting[2].post("/api/sign-in/second-factor", {"code": app.at(few.clock.now())})
    assert done.status_code == 200


async def test_the_oldest_session_ends_when_there_are_too_many(few: World) -> None:
    browsers = [await few.set_up()]
    for number in range(3):
        browsers.append(few.browser(f"203.0.113.{number}"))
        await browsers[-1].sign_in()
    assert [(await browser.get("/api/me")).status_code for browser in browsers] == [401, 200, 200, 200]


async def test_the_password_alone_is_no_success_where_a_second_factor_is_needed(world: World) -> None:
    await with_totp(await world.set_up())
    statuses = [(await world.browser(f"203.0.113.{number}").sign_in()).status_code for number in range(6)]
    assert statuses == [200] * 5 + [429]


async def test_guesses_from_elsewhere_do_not_hold_up_a_browser_that_signed_in_before(world: World) -> None:
    owner = await world.set_up()
    await owner.post("/api/sign-out")
    for _ in range(6):
        await world.browser(ELSEWHERE).sign_in(OWNER, WRONG)
    assert (await world.browser("192.0.2.1").sign_in()).status_code == 429
    assert (await owner.sign_in()).status_code == 200
    assert (await world.browser(ELSEWHERE).sign_in()).status_code == 429


async def test_guesses_at_the_second_factor_do_not_hold_up_a_browser_that_signed_in_before(world: World) -> None:
    owner = await world.set_up()
    app = await with_totp(owner)
    await owner.post("/api/sign-out")
    thief = world.browser(ELSEWHERE)
    await thief.sign_in()
    guesses = [(await thief.post("/api/sign-in/second-factor", {"code": f"{i:06}"})).status_code for i in range(6)]
    assert guesses == [401] * 5 + [429]
    await owner.sign_in()
    answer = await owner.post("/api/sign-in/second-factor", {"code": app.at(world.clock.now())})
    assert answer.status_code == 200, answer.text


async def test_guesses_from_elsewhere_do_not_hold_up_the_person_who_is_signed_in(world: World) -> None:
    owner = await world.set_up()
    for _ in range(6):
        await world.browser(ELSEWHERE).sign_in(OWNER, WRONG)
    answer = await owner.post("/api/me/password", {"current": PASSWORD, "new": OTHER_PASSWORD})
    assert answer.status_code == 204, answer.text


async def test_a_browser_that_signed_in_before_is_slowed_down_by_its_own_guesses(world: World) -> None:
    owner = await world.set_up()
    await owner.post("/api/sign-out")
    statuses = [(await owner.sign_in(OWNER, WRONG)).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    assert (await world.browser(ELSEWHERE).sign_in()).status_code == 200


async def test_a_browser_is_known_for_the_accounts_that_signed_in_there_and_for_no_others(world: World) -> None:
    await world.set_up()
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    await other.post("/api/sign-out")
    for _ in range(6):
        await world.browser(ELSEWHERE).sign_in(OWNER, WRONG)
        await world.browser(ELSEWHERE).sign_in("bo@example.org", WRONG)
    assert (await other.sign_in()).status_code == 429
    assert (await other.sign_in("bo@example.org", OTHER_PASSWORD)).status_code == 200


@pytest.mark.parametrize("made_up", ["", "x", ".", "00.11", "0" * 22 + "." + "0" * 22])
async def test_a_made_up_device_is_a_browser_like_any_other(world: World, made_up: str) -> None:
    owner = await world.set_up()
    for _ in range(6):
        await world.browser("203.0.113.8").sign_in(OWNER, WRONG)
    device = next(name for name in owner.all_cookies if name.endswith("_device"))
    browser = world.browser(ELSEWHERE)
    browser.put_back({device: made_up})
    answer = await browser.sign_in()
    assert answer.status_code == 429


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/sign-in/passkey/options", {}),
        ("/api/sign-in/passkey", {"challenge_id": "cha_" + "0" * 32, "credential": {}}),
        ("/api/setup", {"token": "x", "email": "x@example.org", "name": "X", "password": PASSWORD}),
        ("/api/reset", {"token": "x", "password": PASSWORD}),
        ("/api/reset/request", {"email": "x@example.org"}),
        ("/api/sign-up", {"email": "x@example.org", "name": "X", "password": "short"}),
    ],
)
async def test_who_tries_a_door_very_often_from_one_address_has_to_wait(
    database: Database, clock: ManualClock, tmp_path: Path, path: str, body: dict[str, Any]
) -> None:
    tries = ("throttle_free_attempts", "resets_per", "sign_ups_per", "passkey_tries_per")
    few: dict[str, Any] = {f"{each}_address": 3 for each in tries}
    world = World(database, clock, tmp_path, **few)
    await world.set_up()
    await world.open_sign_up()
    statuses = [(await world.browser(ELSEWHERE).post(path, body)).status_code for _ in range(4)]
    assert 429 not in statuses[:3] and statuses[3] == 429
    assert (await world.browser("203.0.113.8").post(path, body)).status_code == statuses[0]
    await world.close()


async def test_what_nobody_finishes_at_the_door_is_gone_after_minutes(world: World) -> None:
    await world.set_up()
    await world.browser(ELSEWHERE).post("/api/sign-in/passkey/options")
    sweep = next(job for job in world.jobs.specs.values() if job.name == "people.sweep")
    assert sweep.cron == "*/10 * * * *"
    world.clock.advance(601)
    await sweep.run()
    async with world.db.transaction() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM people.challenges")).scalar_one() == 0
