"""Accounts: sign-up, invitations, profile, roles, and that there is always an owner."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from tests.rooms.people.world import OTHER_PASSWORD, OWNER, PASSWORD, Browser, KeptMail, World, after

BO = {"email": "bo@example.org", "name": "Bo", "password": OTHER_PASSWORD}


async def _policy(browser: Browser, policy: str) -> int:
    return (await browser.request("PUT", "/api/settings/sign-up", {"policy": policy})).status_code


async def _id(browser: Browser) -> str:
    return (await browser.session())["person"]["id"]


async def _change(browser: Browser, person: str, **changes: str) -> Any:
    return await browser.request("PATCH", f"/api/people/{person}", changes)


async def _person(owner: Browser, email: str, role: str = "member") -> Browser:
    """Somebody whom the owner added, signed in."""
    body = {"email": email, "name": "Somebody", "role": role, "password": OTHER_PASSWORD}
    assert (await owner.post("/api/people", body)).status_code == 201
    browser = owner.world.browser()
    assert (await browser.sign_in(email, OTHER_PASSWORD)).status_code == 200
    return browser


async def test_sign_up_is_closed_until_the_owner_opens_it(world: World) -> None:
    owner = await world.set_up()
    refused = await world.browser().post("/api/sign-up", BO)
    assert refused.status_code == 403 and refused.json()["code"] == "people.sign_up_closed"
    assert await _policy(owner, "open") == 200
    assert (await world.browser().session())["installation"]["sign_up"] == "open"
    answer = await world.browser().post("/api/sign-up", BO)
    assert answer.status_code == 200 and answer.json()["person"]["role"] == "member"


async def test_a_closed_door_does_not_say_who_is_inside(world: World) -> None:
    await world.set_up()
    bodies = [
        (await world.browser().post("/api/sign-up", {**BO, "email": email})).json() for email in (OWNER, "x@y.org")
    ]
    assert bodies[0] == bodies[1]


async def test_an_address_has_one_account_whatever_its_case(world: World) -> None:
    await world.set_up()
    await world.open_sign_up()
    for email in (OWNER, "ADA@EXAMPLE.ORG"):
        answer = await world.browser().post("/api/sign-up", {**BO, "email": email})
        assert answer.status_code == 409 and answer.json()["code"] == "people.email_taken"
    answers = await asyncio.gather(*(world.browser().post("/api/sign-up", BO) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"email": "no address"}, "email_malformed"),
        ({"email": "a@b@c"}, "email_malformed"),
        ({"email": "x" * 250 + "@example.org"}, "email_malformed"),
        ({"name": " \t "}, "name_empty"),
        ({"password": "short"}, "password_short"),
        ({"password": "bo@example.org"}, "password_personal"),
        ({"timezone": "Mars/Olympus"}, "timezone_unknown"),
        ({"timezone": "../../etc/passwd"}, "timezone_unknown"),
        ({"locale": "tlh"}, "locale_unknown"),
    ],
)
async def test_an_entry_that_is_not_possible_is_named(world: World, wrong: dict[str, str], code: str) -> None:
    await world.set_up()
    await world.open_sign_up()
    answer = await world.browser().post("/api/sign-up", {**BO, **wrong})
    assert answer.status_code == 422 and answer.json()["code"] == f"people.{code}"


async def test_one_network_address_cannot_make_accounts_without_end(world: World) -> None:
    await world.set_up()
    await world.open_sign_up()
    statuses = [
        (await world.browser("203.0.113.1").post("/api/sign-up", {**BO, "email": f"p{i}@example.org"})).status_code
        for i in range(12)
    ]
    assert statuses[:10] == [200] * 10 and 429 in statuses
    assert (await world.browser("203.0.113.2").post("/api/sign-up", BO)).status_code == 200


async def test_an_invitation_opens_the_door_once_with_its_role(world: World) -> None:
    owner = await world.set_up()
    assert (await owner.post("/api/invitations", {})).json()["code"] == "people.invitations_closed"
    await _policy(owner, "invitation")
    assert (await world.browser().post("/api/sign-up", BO)).json()["code"] == "people.invitation_needed"
    made = (await owner.post("/api/invitations", {"role": "operator", "days": 3})).json()
    token = made["url"].rsplit("/", 1)[1]
    shown = (await world.browser().get(f"/api/links/{token}")).json()
    assert shown == {"kind": "invitation", "email": None, "expires_at": "2026-03-05T09:00:00Z"}
    first = await world.browser().post("/api/sign-up", {**BO, "token": token})
    assert first.status_code == 200 and first.json()["person"]["role"] == "operator"
    again = await world.browser().post("/api/sign-up", {**BO, "email": "c@example.org", "token": token})
    assert again.status_code == 410
    assert (await owner.get("/api/invitations")).json()["items"] == []


async def test_a_failed_sign_up_does_not_use_the_invitation_up(world: World) -> None:
    owner = await world.set_up()
    await _policy(owner, "invitation")
    token = (await owner.post("/api/invitations", {})).json()["url"].rsplit("/", 1)[1]
    assert (await world.browser().post("/api/sign-up", {**BO, "email": OWNER, "token": token})).status_code == 409
    assert (await world.browser().post("/api/sign-up", {**BO, "token": token})).status_code == 200


async def test_an_invitation_for_an_address_fits_that_address_alone(world: World) -> None:
    owner = await world.set_up()
    await _policy(owner, "invitation")
    token = (await owner.post("/api/invitations", {"email": "bo@example.org"})).json()["url"].rsplit("/", 1)[1]
    other = await world.browser().post("/api/sign-up", {**BO, "email": "x@example.org", "token": token})
    assert other.status_code == 422 and other.json()["code"] == "people.invitation_for_another"
    assert (
        await world.browser().post("/api/sign-up", {**BO, "email": "BO@example.org", "token": token})
    ).status_code == 200


async def test_invitations_are_listed_with_their_links_and_can_be_withdrawn(world: World) -> None:
    owner = await world.set_up()
    await _policy(owner, "invitation")
    made = [(await owner.post("/api/invitations", {"email": f"p{i}@example.org"})).json() for i in range(3)]
    first = (await owner.get("/api/invitations?limit=2")).json()
    rest = (await owner.get(f"/api/invitations?limit=2&cursor={first['next']}")).json()
    assert [each["url"] for each in first["items"] + rest["items"]] == [each["url"] for each in reversed(made)]
    assert (await owner.delete(f"/api/invitations/{made[0]['id']}")).status_code == 204
    assert (await owner.delete(f"/api/invitations/{made[0]['id']}")).status_code == 404
    token = made[0]["url"].rsplit("/", 1)[1]
    assert (await world.browser().get(f"/api/links/{token}")).status_code == 404
    world.clock.advance(after(days=8))
    assert (await owner.get("/api/invitations")).json()["items"] == []


async def test_closing_sign_up_stops_invitations_that_are_out(world: World) -> None:
    owner = await world.set_up()
    await _policy(owner, "invitation")
    token = (await owner.post("/api/invitations", {})).json()["url"].rsplit("/", 1)[1]
    await _policy(owner, "closed")
    assert (await world.browser().post("/api/sign-up", {**BO, "token": token})).status_code == 403


async def test_an_invitation_goes_out_by_mail_where_there_is_a_mail_server(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    mail = KeptMail()
    world = World(database, clock, tmp_path, mail=mail)
    owner = await world.set_up()
    await _policy(owner, "invitation")
    made = (await owner.post("/api/invitations", {"email": "bo@example.org"})).json()
    (letter,) = mail.sent
    assert letter.to == "bo@example.org" and made["url"] in letter.text and "Ada" in letter.text
    await world.close()


async def test_people_change_their_own_name_language_and_time_zone(world: World) -> None:
    browser = await world.set_up()
    changes = {"name": "  Ada\n King ", "locale": "zh", "timezone": "Europe/London"}
    person = (await browser.request("PATCH", "/api/me", changes)).json()
    assert (person["name"], person["locale"], person["timezone"]) == ("Ada King", "zh", "Europe/London")
    assert (await browser.get("/api/me")).json() == person
    assert (await browser.request("PATCH", "/api/me", {})).status_code == 200
    assert (await browser.request("PATCH", "/api/me", {"role": "owner"})).status_code == 400


async def test_a_new_address_needs_a_recent_sign_in_and_both_addresses_hear_of_it(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    mail = KeptMail()
    world = World(database, clock, tmp_path, mail=mail)
    browser = await world.set_up()
    clock.advance(after(minutes=31))
    answer = await browser.request("PATCH", "/api/me", {"email": "ada@new.example"})
    assert answer.status_code == 403 and answer.json()["code"] == "people.sign_in_again"
    assert (await browser.request("PATCH", "/api/me", {"email": OWNER, "name": "A"})).status_code == 200
    await browser.sign_in()
    assert (await browser.request("PATCH", "/api/me", {"email": "ada@new.example"})).status_code == 200
    assert [letter.to for letter in mail.sent] == ["ada@new.example", OWNER]
    await world.close()


async def test_without_mail_a_new_address_counts_at_once(world: World) -> None:
    browser = await world.set_up()
    assert (await browser.request("PATCH", "/api/me", {"email": "ada@new.example"})).status_code == 200
    assert (await world.browser().sign_in("ada@new.example")).status_code == 200
    assert (await world.browser().sign_in(OWNER)).status_code == 401


async def test_an_address_that_another_has_cannot_be_taken_over(world: World) -> None:
    owner = await world.set_up()
    other = await _person(owner, "bo@example.org")
    answer = await other.request("PATCH", "/api/me", {"email": OWNER.upper()})
    assert answer.status_code == 409 and answer.json()["code"] == "people.email_taken"


async def test_a_new_password_needs_the_old_one_and_ends_all_other_sessions(world: World) -> None:
    here = await world.set_up()
    elsewhere = world.browser()
    await elsewhere.sign_in()
    wrong = await here.post("/api/me/password", {"current": "not it", "new": OTHER_PASSWORD})
    assert wrong.status_code == 403 and wrong.json()["code"] == "people.password_wrong"
    short = await here.post("/api/me/password", {"current": PASSWORD, "new": "short"})
    assert short.status_code == 422
    assert (await here.post("/api/me/password", {"current": PASSWORD, "new": OTHER_PASSWORD})).status_code == 204
    assert (await here.session())["person"] is not None and (await elsewhere.session())["person"] is None
    assert (await world.browser().sign_in()).status_code == 401
    assert (await world.browser().sign_in(OWNER, OTHER_PASSWORD)).status_code == 200


async def test_without_the_old_password_the_sign_in_has_to_be_recent(world: World) -> None:
    browser = await world.set_up()
    world.clock.advance(after(minutes=31))
    refused = await browser.post("/api/me/password", {"new": OTHER_PASSWORD})
    assert refused.status_code == 403 and refused.json()["code"] == "people.sign_in_again"
    assert (await browser.post("/api/me/password", {"current": PASSWORD, "new": OTHER_PASSWORD})).status_code == 204
    assert (await browser.post("/api/me/password", {"new": PASSWORD})).status_code == 403
    await browser.sign_in(OWNER, OTHER_PASSWORD)
    assert (await browser.post("/api/me/password", {"new": PASSWORD})).status_code == 204


async def test_guessing_the_old_password_from_a_stolen_session_has_to_wait(world: World) -> None:
    browser = await world.set_up()
    statuses = [
        (await browser.post("/api/me/password", {"current": f"guess {i}", "new": OTHER_PASSWORD})).status_code
        for i in range(6)
    ]
    assert statuses == [403] * 5 + [429]


async def test_a_key_changes_no_password(world: World) -> None:
    browser = await world.set_up()
    client = world.client((await browser.key("account", "admin"))["secret"])
    answer = await client.post("/api/me/password", json={"current": PASSWORD, "new": OTHER_PASSWORD})
    assert answer.status_code == 403 and answer.json()["code"] == "people.session_needed"


async def test_operators_see_and_search_people_and_members_do_not(world: World) -> None:
    owner = await world.set_up()
    member = await _person(owner, "bo@example.org")
    await _person(owner, "100%@example.org", "operator")
    assert (await member.get("/api/people")).status_code == 403
    first = (await owner.get("/api/people?limit=2")).json()
    rest = (await owner.get(f"/api/people?limit=2&cursor={first['next']}")).json()
    assert [each["email"] for each in first["items"]] == [OWNER, "bo@example.org"]
    assert [each["email"] for each in rest["items"]] == ["100%@example.org"] and rest["next"] is None
    for query, found in (
        ("BO@", ["bo@example.org"]),
        ("ada", [OWNER]),
        ("%", ["100%@example.org"]),
        ("_", []),
        ("x" * 50, []),
    ):
        items = (
            await owner.get(
                "/api/people",
            )
            if not query
            else await owner.http.get("/api/people", params={"query": query})
        ).json()["items"]
        assert [each["email"] for each in items] == found, query


async def test_an_account_made_without_password_comes_with_a_link_to_choose_one(world: World) -> None:
    owner = await world.set_up()
    made = (await owner.post("/api/people", {"email": "bo@example.org", "name": "Bo"})).json()
    assert made["person"]["role"] == "member" and made["person"]["state"] == "active"
    token = made["link"]["url"].rsplit("/", 1)[1]
    browser = world.browser()
    answer = await browser.post("/api/reset", {"token": token, "password": OTHER_PASSWORD})
    assert answer.status_code == 200 and answer.json()["person"]["email"] == "bo@example.org"


async def test_nobody_gives_or_touches_a_role_above_the_own_one(world: World) -> None:
    owner = await world.set_up()
    operator = await _person(owner, "op@example.org", "operator")
    member = await _person(owner, "bo@example.org")
    owner_id, operator_id, member_id = await _id(owner), await _id(operator), await _id(member)
    for path, answer in (
        ("promote", await _change(operator, member_id, role="owner")),
        ("promote self", await _change(operator, operator_id, role="owner")),
        ("disable owner", await _change(operator, owner_id, state="disabled")),
        ("reset owner", await operator.post(f"/api/people/{owner_id}/reset-link")),
        ("erase owner", await operator.delete(f"/api/people/{owner_id}")),
        ("add owner", await operator.post("/api/people", {"email": "x@example.org", "name": "x", "role": "owner"})),
    ):
        assert answer.status_code == 403 and answer.json()["code"] == "people.role_too_high", path
    assert (await _change(operator, member_id, role="operator")).status_code == 200
    assert (await _change(operator, member_id, role="member")).status_code == 200
    assert (await _change(member, operator_id, role="member")).json()["code"] == "operator_only"
    refused = await operator.request("PUT", "/api/settings/sign-up", {"policy": "open"})
    assert refused.status_code == 403 and refused.json()["code"] == "people.owner_only"


async def test_an_operators_key_without_the_scope_admin_operates_nothing(world: World) -> None:
    owner = await world.set_up()
    weak, strong = await owner.key("account"), await owner.key("admin")
    assert (await world.client(weak["secret"]).get("/api/people")).status_code == 403
    assert (await world.client(strong["secret"]).get("/api/people")).status_code == 200


async def test_a_role_that_is_taken_away_ends_at_once_in_sessions_and_keys(world: World) -> None:
    owner = await world.set_up()
    operator = await _person(owner, "op@example.org", "operator")
    client = world.client((await operator.key("admin"))["secret"])
    assert (await client.get("/api/people")).status_code == 200
    assert (await _change(owner, await _id(operator), role="member")).status_code == 200
    assert (await client.get("/api/people")).status_code == 403
    assert (await operator.get("/api/people")).status_code == 403


async def test_disabling_somebody_ends_sessions_keys_and_links(world: World) -> None:
    owner = await world.set_up()
    member = await _person(owner, "bo@example.org")
    person = await _id(member)
    client = world.client((await member.key("chat"))["secret"])
    link = (await owner.post(f"/api/people/{person}/reset-link")).json()["url"].rsplit("/", 1)[1]
    assert (await client.get("/api/me")).status_code == 200
    assert (await _change(owner, person, state="disabled")).json()["state"] == "disabled"
    assert (await client.get("/api/me")).json()["code"] == "people.disabled"
    assert (await member.session())["person"] is None
    assert (await member.post("/api/reset", {"token": link, "password": PASSWORD})).status_code == 410
    assert (await owner.post(f"/api/people/{person}/reset-link")).status_code == 403
    assert (await _change(owner, person, state="active")).status_code == 200
    assert (await client.get("/api/me")).status_code == 200


@pytest.mark.parametrize("change", [{"role": "member"}, {"role": "operator"}, {"state": "disabled"}])
async def test_the_last_owner_cannot_step_down_be_disabled_or_go(world: World, change: dict[str, str]) -> None:
    owner = await world.set_up()
    person = await _id(owner)
    refused = await _change(owner, person, **change)
    assert refused.status_code == 409 and refused.json()["code"] == "people.last_owner"
    assert (await owner.delete("/api/me", {"confirm": OWNER})).json()["code"] == "people.last_owner"
    assert (await owner.delete(f"/api/people/{person}")).json()["code"] == "people.last_owner"
    second = await _person(owner, "eve@example.org", "owner")
    assert (await _change(owner, person, **change)).status_code == 200
    assert (await _change(second, await _id(second), **change)).status_code == 409


async def test_two_owners_who_go_at_the_same_time_leave_one(world: World) -> None:
    first = await world.set_up()
    second = await _person(first, "eve@example.org", "owner")
    ids = [await _id(first), await _id(second)]
    answers = await asyncio.gather(
        first.delete("/api/me", {"confirm": OWNER}),
        second.delete("/api/me", {"confirm": "eve@example.org"}),
        _change(first, ids[1], role="member"),
        _change(second, ids[0], state="disabled"),
    )
    assert {answer.status_code for answer in answers} <= {200, 204, 401, 403, 404, 409}
    assert await world.people.has_owner()


async def test_unknown_people_and_malformed_ids_are_told_apart(world: World) -> None:
    owner = await world.set_up()
    assert (await _change(owner, "prs_" + "0" * 32, name="x")).status_code == 404
    assert (await _change(owner, "key_" + "0" * 32, name="x")).status_code == 400
    assert (await owner.delete("/api/people/prs_" + "0" * 32)).status_code == 404
