"""Signing in with a password and a second factor; guessing does not pay."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from pyotp.totp import TOTP

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from tests.rooms.people.world import OTHER_PASSWORD, OWNER, PASSWORD, Browser, World, after

WRONG = "not the password"


def _code(world: World, secret: str, steps: int = 0) -> str:
    return TOTP(secret).at(world.clock.now(), counter_offset=steps)


async def _with_totp(world: World) -> tuple[Browser, str, list[str]]:
    """The owner with an authenticator app: browser, its secret, recovery codes."""
    browser = await world.set_up()
    begun = (await browser.post("/api/me/totp")).json()
    answer = await browser.post("/api/me/totp/confirm", {"code": _code(world, begun["secret"])})
    assert answer.status_code == 200, answer.text
    world.clock.advance(90)
    return browser, begun["secret"], answer.json()["recovery_codes"]


async def test_the_password_signs_in_whatever_the_case_of_the_address(world: World) -> None:
    await world.set_up()
    answer = await world.browser().sign_in(" ADA@Example.org ")
    assert answer.status_code == 200 and answer.json()["person"]["email"] == OWNER


async def test_wrong_password_unknown_account_and_account_without_password_look_the_same(world: World) -> None:
    owner = await world.set_up()
    await owner.post("/api/people", {"email": "bo@example.org", "name": "Bo"})
    bodies = []
    for email in (OWNER, "nobody@example.org", "bo@example.org", "not an address", ""):
        answer = await world.browser().sign_in(email, WRONG)
        assert answer.status_code == 401
        bodies.append(answer.json())
    assert all(body == bodies[0] for body in bodies) and bodies[0]["code"] == "people.sign_in_wrong"


async def test_a_disabled_account_is_told_so_only_with_the_right_password(world: World) -> None:
    owner = await world.set_up()
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    person = (await other.session())["person"]["id"]
    await owner.request("PATCH", f"/api/people/{person}", {"state": "disabled"})
    assert (await other.session())["person"] is None
    assert (await world.browser().sign_in("bo@example.org", WRONG)).status_code == 401
    answer = await world.browser().sign_in("bo@example.org", OTHER_PASSWORD)
    assert answer.status_code == 403 and answer.json()["code"] == "people.disabled"


async def test_after_some_wrong_tries_an_account_has_to_wait_longer_and_longer(world: World) -> None:
    await world.set_up()
    waits: list[int] = []
    for number in range(12):
        answer = await world.browser(f"203.0.113.{number}").sign_in(OWNER, WRONG)
        assert answer.status_code in (401, 429)
        while answer.status_code == 429:
            seconds = int(answer.headers["retry-after"])
            assert answer.json()["params"]["seconds"] == seconds
            waits.append(seconds)
            world.clock.advance(seconds)
            answer = await world.browser(f"203.0.113.{number}").sign_in(OWNER, WRONG)
    assert waits == [1, 2, 4, 8, 16, 32, 64]


async def test_even_the_right_password_has_to_wait_and_then_works_and_clears_the_count(world: World) -> None:
    await world.set_up()
    for _ in range(5):
        await world.browser("203.0.113.1").sign_in(OWNER, WRONG)
    assert (await world.browser("203.0.113.2").sign_in()).status_code == 429
    world.clock.advance(1)
    assert (await world.browser("203.0.113.2").sign_in()).status_code == 200
    for _ in range(4):
        assert (await world.browser("203.0.113.3").sign_in(OWNER, WRONG)).status_code == 401


async def test_a_passkey_or_another_account_is_not_held_up_by_guesses_at_this_one(world: World) -> None:
    await world.set_up()
    await world.open_sign_up()
    await world.member("bo@example.org")
    for _ in range(6):
        await world.browser("203.0.113.1").sign_in(OWNER, WRONG)
    assert (await world.browser("203.0.113.2").sign_in("bo@example.org", OTHER_PASSWORD)).status_code == 200
    assert (await world.browser("203.0.113.1").post("/api/sign-in/passkey/options")).status_code == 200


async def test_one_address_that_tries_many_accounts_has_to_wait(world: World) -> None:
    await world.set_up()
    statuses = [(await world.browser("203.0.113.1").sign_in(f"p{i}@example.org", WRONG)).status_code for i in range(21)]
    assert statuses == [401] * 20 + [429]
    assert (await world.browser("203.0.113.2").sign_in()).status_code == 200


async def test_a_network_of_ipv6_addresses_counts_as_one(world: World) -> None:
    await world.set_up()
    statuses = [
        (await world.browser(f"2001:db8:0:1::{i:x}").sign_in(f"p{i}@example.org", WRONG)).status_code for i in range(21)
    ]
    assert statuses[-1] == 429
    assert (await world.browser("2001:db8:0:2::1").sign_in()).status_code == 200


async def test_those_who_sign_in_well_do_not_use_up_their_shared_address(world: World) -> None:
    await world.set_up()
    for _ in range(25):
        assert (await world.browser("203.0.113.1").sign_in()).status_code == 200


async def test_guesses_sent_at_the_same_time_are_all_counted(world: World) -> None:
    await world.set_up()
    answers = await asyncio.gather(*(world.browser("203.0.113.1").sign_in(OWNER, WRONG) for _ in range(12)))
    assert [answer.status_code for answer in answers].count(401) == 5


async def test_tries_are_forgotten_after_an_hour(world: World) -> None:
    await world.set_up()
    for _ in range(4):
        await world.browser().sign_in(OWNER, WRONG)
    world.clock.advance(after(minutes=60))
    for _ in range(5):
        assert (await world.browser().sign_in(OWNER, WRONG)).status_code == 401


async def test_the_longest_wait_has_a_limit(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    world = World(database, clock, tmp_path, throttle_max_seconds=30)
    await world.set_up()
    for number in range(30):
        answer = await world.browser(f"203.0.113.{number}").sign_in(OWNER, WRONG)
        if answer.status_code == 429:
            assert int(answer.headers["retry-after"]) <= 30
            clock.advance(int(answer.headers["retry-after"]))
    await world.close()


async def test_with_an_authenticator_app_the_password_alone_opens_nothing(world: World) -> None:
    _, secret, _ = await _with_totp(world)
    browser = world.browser()
    answer = await browser.sign_in()
    assert answer.status_code == 200 and answer.json()["second_factor_needed"] is True
    assert answer.json()["person"] is None and answer.json()["csrf"] is None
    assert (await browser.get("/api/me")).json()["code"] == "people.second_factor_needed"
    half = browser.cookies
    done = await browser.post("/api/sign-in/second-factor", {"code": _code(world, secret)})
    assert done.status_code == 200 and done.json()["person"]["totp"] is True
    assert browser.cookies != half
    assert (await browser.get("/api/me")).status_code == 200
    browser.put_back(half)
    assert (await browser.session())["second_factor_needed"] is False


async def test_a_code_works_once_even_for_two_at_the_same_time(world: World) -> None:
    _, secret, _ = await _with_totp(world)
    code = _code(world, secret)
    browsers = [world.browser(), world.browser()]
    for browser in browsers:
        await browser.sign_in()
    answers = await asyncio.gather(*(each.post("/api/sign-in/second-factor", {"code": code}) for each in browsers))
    assert sorted(answer.status_code for answer in answers) == [200, 401]


async def test_a_code_older_than_the_last_one_is_refused_and_the_neighbouring_steps_work(world: World) -> None:
    _, secret, _ = await _with_totp(world)
    now, before = _code(world, secret), _code(world, secret, -1)
    browser = world.browser()
    await browser.sign_in()
    assert (await browser.post("/api/sign-in/second-factor", {"code": now})).status_code == 200
    await browser.sign_in()
    assert (await browser.post("/api/sign-in/second-factor", {"code": before})).status_code == 401
    ahead = _code(world, secret, 1)
    assert (await browser.post("/api/sign-in/second-factor", {"code": f"{ahead[:3]} {ahead[3:]}"})).status_code == 200


async def test_a_recovery_code_works_once(world: World) -> None:
    owner, _, codes = await _with_totp(world)
    assert len(codes) == 10 and len(set(codes)) == 10
    browser = world.browser()
    await browser.sign_in()
    first = await browser.post("/api/sign-in/second-factor", {"code": codes[0].upper().replace("-", " ")})
    assert first.status_code == 200 and first.json()["person"]["recovery_codes_left"] == 9
    await browser.sign_in()
    assert (await browser.post("/api/sign-in/second-factor", {"code": codes[0]})).status_code == 401
    assert (await owner.session())["person"]["recovery_codes_left"] == 9


async def test_recovery_codes_are_kept_as_keyed_hashes(world: World) -> None:
    _, secret, codes = await _with_totp(world)
    async with world.db.transaction() as connection:
        rows = str(
            (
                await connection.exec_driver_sql("SELECT r::text, t::text FROM people.recovery_codes r, people.totp t")
            ).all()
        )
    assert not any(code in rows or code.replace("-", "") in rows for code in codes)
    assert secret not in rows and secret.encode().hex() not in rows


async def test_new_recovery_codes_replace_the_old_ones(world: World) -> None:
    owner, _, old = await _with_totp(world)
    new = (await owner.post("/api/me/recovery-codes")).json()["recovery_codes"]
    assert len(new) == 10 and not set(new) & set(old)
    browser = world.browser()
    await browser.sign_in()
    assert (await browser.post("/api/sign-in/second-factor", {"code": old[0]})).status_code == 401
    assert (await browser.post("/api/sign-in/second-factor", {"code": new[0]})).status_code == 200


async def test_guessing_codes_has_to_wait_too(world: World) -> None:
    await _with_totp(world)
    browser = world.browser()
    await browser.sign_in()
    statuses = [(await browser.post("/api/sign-in/second-factor", {"code": f"{i:06}"})).status_code for i in range(6)]
    assert statuses == [401] * 5 + [429]


async def test_the_second_factor_has_to_come_in_time(world: World) -> None:
    _, secret, _ = await _with_totp(world)
    browser = world.browser()
    await browser.sign_in()
    world.clock.advance(after(minutes=10))
    answer = await browser.post("/api/sign-in/second-factor", {"code": _code(world, secret)})
    assert answer.status_code == 401 and answer.json()["code"] == "people.signed_out"


async def test_without_a_waiting_sign_in_a_code_is_worth_nothing(world: World) -> None:
    owner, secret, _ = await _with_totp(world)
    for browser in (world.browser(), owner):
        answer = await browser.post("/api/sign-in/second-factor", {"code": _code(world, secret)})
        assert answer.status_code == 401 and answer.json()["code"] == "people.signed_out"


async def test_an_app_counts_only_once_it_is_confirmed(world: World) -> None:
    browser = await world.set_up()
    begun = (await browser.post("/api/me/totp")).json()
    assert begun["uri"].startswith("otpauth://totp/Mecum:") and begun["secret"] in begun["uri"]
    assert (await world.browser().sign_in()).json()["person"] is not None
    wrong = await browser.post("/api/me/totp/confirm", {"code": "000000"})
    assert wrong.status_code == 401 and (await browser.session())["person"]["totp"] is False
    again = (await browser.post("/api/me/totp")).json()
    assert again["secret"] != begun["secret"]
    assert (await browser.post("/api/me/totp/confirm", {"code": _code(world, begun["secret"])})).status_code == 401
    assert (await browser.post("/api/me/totp/confirm", {"code": _code(world, again["secret"])})).status_code == 200
    assert (await browser.post("/api/me/totp")).json()["code"] == "people.totp_there"


async def test_the_app_is_removed_with_a_code_of_it_and_its_recovery_codes_go_too(world: World) -> None:
    browser, secret, _ = await _with_totp(world)
    assert (await browser.delete("/api/me/totp", {"code": "000000"})).status_code == 401
    assert (await browser.delete("/api/me/totp", {"code": _code(world, secret)})).status_code == 204
    person = (await browser.session())["person"]
    assert person["totp"] is False and person["recovery_codes_left"] == 0
    for path in ("/api/me/recovery-codes", "/api/me/totp/confirm"):
        assert (await browser.post(path, {"code": "1"} if "confirm" in path else {})).status_code == 409
    assert (await world.browser().sign_in()).json()["person"] is not None


async def test_sign_ins_and_refusals_are_in_the_audit_log_without_the_secret(world: World) -> None:
    await world.set_up()
    await world.browser().sign_in(OWNER, WRONG)
    await world.work()
    await world.browser().sign_in()
    await world.browser().sign_in("nobody@example.org", WRONG)
    await world.work()
    actions = [action for action, _ in await world.audit()]
    assert actions == ["people.person_added", "people.sign_in_refused", "people.signed_in"]
    async with world.db.transaction() as connection:
        kept = str((await connection.exec_driver_sql("SELECT p::text FROM people.audit_payloads p")).all())
    assert WRONG not in kept and PASSWORD not in kept and OWNER not in kept


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": OWNER},
        {"email": OWNER, "password": None},
        {"email": ["x"], "password": "x"},
        {"email": OWNER, "password": "x" * 501},
    ],
)
async def test_a_malformed_sign_in_is_a_bad_request(world: World, body: dict[str, Any]) -> None:
    answer = await world.browser().post("/api/sign-in", body)
    assert answer.status_code == 400 and answer.json()["code"] == "invalid_request"


@pytest.mark.parametrize("odd", ["\x00", "\ud800", "a\x00b@example.org"])
async def test_text_that_is_no_text_is_a_bad_request_everywhere(world: World, odd: str) -> None:
    browser = await world.set_up()
    for path, body in (
        ("/api/sign-in", {"email": odd, "password": "x"}),
        ("/api/sign-in", {"email": OWNER, "password": odd}),
        ("/api/reset/request", {"email": odd}),
        ("/api/reset", {"token": odd, "password": PASSWORD}),
        ("/api/sign-up", {"email": OWNER, "name": odd, "password": PASSWORD, "timezone": odd}),
        ("/api/me/keys", {"name": odd, "scopes": ["chat"]}),
        ("/api/me/totp/confirm", {"code": odd}),
        ("/api/people", {"email": "x@example.org", "name": odd}),
        ("/api/invitations", {"email": odd}),
    ):
        assert (await browser.post(path, body)).status_code == 400, path
    assert (await browser.get("/api/people?query=%00")).status_code == 400
    assert (await browser.get("/api/links/%00")).status_code == 404
