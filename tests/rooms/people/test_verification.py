"""An address counts as the person's only when that was proven: by a link that went there, or by an operator's word."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from tests.rooms.people.world import OTHER_PASSWORD, OWNER, PASSWORD, Browser, KeptMail, World, after, link_token

BO = "bo@example.org"
NEW = "ada@new.example"


async def me(browser: Browser) -> tuple[str, bool, str | None]:
    """Address, whether it is proven, and what it is to become."""
    person = (await browser.get("/api/me")).json()
    return person["email"], person["email_verified"], person["pending_email"]


async def confirm(browser: Browser, text: str) -> Any:
    return await browser.post("/api/me/email/confirm", {"token": link_token(text, "verification")})


async def ask_to_sign_up(world: World, email: str = BO, **more: Any) -> int:
    answer = await world.browser(more.pop("address", "192.0.2.7")).post(
        "/api/sign-up/request", {"email": email, **more}
    )
    await world.work()
    return answer.status_code


async def test_a_new_account_confirms_its_address_by_the_link_that_went_there(mailing: World, mail: KeptMail) -> None:
    url = await mailing.people.setup_url()
    assert url is not None
    owner = mailing.browser()
    body = {"token": url.rsplit("/", 1)[1], "email": OWNER, "name": "Ada", "password": PASSWORD}
    await owner.post("/api/setup", body)
    (letter,) = mail.sent
    assert letter.to == OWNER and await me(owner) == (OWNER, False, None)
    shown = (await owner.get(f"/api/links/{link_token(letter.text, 'verification')}")).json()
    assert shown == {"kind": "verification", "email": OWNER, "expires_at": "2026-03-03T09:00:00Z"}
    assert (await confirm(owner, letter.text)).json()["email_verified"] is True
    assert (await owner.session())["person"]["email_verified"] is True
    assert (await mailing.audit())[-1][0] == "people.email_verified"
    assert (await confirm(owner, letter.text)).status_code == 410


async def test_nobody_confirms_the_address_of_an_account_that_is_not_theirs(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    body = {"email": BO, "name": "Bo", "password": OTHER_PASSWORD}
    await owner.post("/api/people", body)
    (letter,) = mail.sent
    assert letter.to == BO
    assert (await confirm(mailing.browser(), letter.text)).status_code == 401
    assert (await confirm(owner, letter.text)).status_code == 404
    bo = mailing.browser()
    await bo.sign_in(BO, OTHER_PASSWORD)
    assert await me(bo) == (BO, False, None), "the tries of others used nothing up"
    assert (await confirm(bo, letter.text)).status_code == 200 and await me(bo) == (BO, True, None)


async def test_where_everybody_may_sign_up_the_address_is_confirmed_before_there_is_an_account(
    mailing: World, mail: KeptMail
) -> None:
    await mailing.set_up()
    await mailing.open_sign_up()
    body = {"email": BO, "name": "Bo", "password": OTHER_PASSWORD}
    refused = await mailing.browser().post("/api/sign-up", body)
    assert refused.status_code == 403 and refused.json()["code"] == "people.confirm_address"
    assert await ask_to_sign_up(mailing, locale="zh") == 202
    (letter,) = mail.sent
    assert letter.to == BO and "账户" in letter.text
    link = link_token(letter.text, "sign-up")
    other = await mailing.browser().post("/api/sign-up", {**body, "email": "x@example.org", "token": link})
    assert other.status_code == 422 and other.json()["code"] == "people.invitation_for_another"
    bo = mailing.browser()
    assert (await bo.post("/api/sign-up", {**body, "token": link})).status_code == 200
    assert await me(bo) == (BO, True, None) and len(mail.sent) == 1
    assert (await mailing.browser().post("/api/sign-up", {**body, "token": link})).status_code == 410


async def test_a_stranger_does_not_learn_who_has_an_account_and_its_person_is_told(
    mailing: World, mail: KeptMail
) -> None:
    owner = await mailing.set_up()
    await mailing.open_sign_up()
    assert await ask_to_sign_up(mailing, OWNER.upper()) == await ask_to_sign_up(mailing, BO) == 202
    there, fresh = mail.sent
    assert (there.to, fresh.to) == (OWNER, BO)
    assert "/sign-up/" not in there.text and "http://localhost:8080/sign-in" in there.text
    invitations = (await owner.get("/api/invitations")).json()["items"]
    assert invitations == [], "links that people asked for are not the operator's"


@pytest.mark.parametrize(("policy", "code"), [("closed", "sign_up_closed"), ("invitation", "invitation_needed")])
async def test_a_link_to_sign_up_is_good_only_while_everybody_may(
    mailing: World, mail: KeptMail, policy: str, code: str
) -> None:
    await mailing.set_up()
    await mailing.open_sign_up()
    await ask_to_sign_up(mailing)
    await mailing.open_sign_up(policy)
    body = {"email": BO, "name": "Bo", "password": OTHER_PASSWORD, "token": link_token(mail.sent[0].text, "sign-up")}
    refused = await mailing.browser().post("/api/sign-up", body)
    assert refused.status_code == 403 and refused.json()["code"] == f"people.{code}"
    assert await ask_to_sign_up(mailing) == 403 and len(mail.sent) == 1


async def test_a_mailbox_is_not_flooded_by_requests_to_sign_up(mailing: World, mail: KeptMail) -> None:
    await mailing.set_up()
    await mailing.open_sign_up()
    statuses = [await ask_to_sign_up(mailing, address=f"198.51.100.{number}") for number in range(6)]
    assert statuses == [202] * 6 and len(mail.sent) == 3
    many = [await ask_to_sign_up(mailing, f"p{number}@example.org") for number in range(12)]
    assert 429 in many
    mailing.clock.advance(after(hours=2))
    assert await ask_to_sign_up(mailing) == 202 and mail.sent[-1].to == BO


async def test_an_invitation_by_mail_proves_the_address_and_one_without_address_does_not(
    mailing: World, mail: KeptMail
) -> None:
    owner = await mailing.set_up()
    await mailing.open_sign_up("invitation")
    await owner.post("/api/invitations", {"email": BO})
    (letter,) = mail.sent
    bo, cy = mailing.browser(), mailing.browser()
    body = {"name": "Bo", "password": OTHER_PASSWORD}
    await bo.post("/api/sign-up", {**body, "email": "BO@example.org", "token": link_token(letter.text, "invitation")})
    assert await me(bo) == ("BO@example.org", True, None)
    made = (await owner.post("/api/invitations", {})).json()["url"]
    await cy.post("/api/sign-up", {**body, "email": "cy@example.org", "token": made.rsplit("/", 1)[1]})
    assert await me(cy) == ("cy@example.org", False, None)
    assert [each.to for each in mail.sent] == [BO, "cy@example.org"]


async def test_an_invitation_that_was_handed_over_proves_nothing(world: World) -> None:
    owner = await world.set_up()
    await world.open_sign_up("invitation")
    made = (await owner.post("/api/invitations", {"email": BO})).json()["url"]
    bo = world.browser()
    body = {"email": BO, "name": "Bo", "password": OTHER_PASSWORD, "token": made.rsplit("/", 1)[1]}
    assert (await bo.post("/api/sign-up", body)).status_code == 200 and await me(bo) == (BO, False, None)


async def test_a_new_password_by_mail_proves_the_address_and_one_by_an_operator_does_not(
    mailing: World, mail: KeptMail
) -> None:
    owner = await mailing.set_up()
    person = (await owner.session())["person"]["id"]
    by_hand = (await owner.post(f"/api/people/{person}/reset-link")).json()["url"]
    body = {"password": OTHER_PASSWORD}
    again = mailing.browser()
    await again.post("/api/reset", {**body, "token": by_hand.rsplit("/", 1)[1]})
    assert await me(again) == (OWNER, False, None)
    await mailing.browser().post("/api/reset/request", {"email": OWNER})
    await mailing.work()
    letter = next(each for each in mail.sent if "/reset/" in each.text)
    await again.post("/api/reset", {**body, "token": link_token(letter.text, "reset")})
    assert await me(again) == (OWNER, True, None)


async def test_another_address_counts_once_it_is_confirmed_and_the_old_one_hears_of_it(
    mailing: World, mail: KeptMail
) -> None:
    owner = await mailing.set_up()
    answer = await owner.request("PATCH", "/api/me", {"email": NEW, "name": "A. K."})
    assert (answer.json()["email"], answer.json()["pending_email"], answer.json()["name"]) == (OWNER, NEW, "A. K.")
    link, notice = mail.sent
    assert (link.to, notice.to) == (NEW, OWNER) and "http" not in notice.text
    assert (await mailing.browser().sign_in(NEW)).status_code == 401
    assert (await mailing.browser().sign_in()).status_code == 200
    assert (await confirm(owner, link.text)).status_code == 200 and await me(owner) == (NEW, True, None)
    assert mail.sent[2].to == OWNER and (await mailing.browser().sign_in(NEW)).status_code == 200
    assert [action for action, _ in await mailing.audit() if "email" in action] == [
        "people.email_change_asked",
        "people.email_changed",
    ]


async def test_a_change_is_called_off_by_the_old_address_by_a_new_password_and_by_time(
    mailing: World, mail: KeptMail
) -> None:
    owner = await mailing.set_up()

    async def ask() -> str:
        await owner.request("PATCH", "/api/me", {"email": NEW})
        assert await me(owner) == (OWNER, False, NEW)
        return next(letter.text for letter in reversed(mail.sent) if letter.to == NEW)

    first = await ask()
    await owner.request("PATCH", "/api/me", {"email": OWNER})
    assert await me(owner) == (OWNER, False, None) and (await confirm(owner, first)).status_code == 410
    second = await ask()
    await owner.post("/api/me/password", {"current": PASSWORD, "new": OTHER_PASSWORD})
    assert await me(owner) == (OWNER, False, None) and (await confirm(owner, second)).status_code == 410
    third = await ask()
    mailing.clock.advance(after(hours=24))
    assert await me(owner) == (OWNER, False, None) and (await confirm(owner, third)).status_code == 410


async def test_an_address_that_another_took_meanwhile_stays_theirs(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    await owner.request("PATCH", "/api/me", {"email": BO})
    link = mail.sent[0]
    await owner.post("/api/people", {"email": BO, "name": "Bo", "password": OTHER_PASSWORD})
    refused = await confirm(owner, link.text)
    assert refused.status_code == 409 and refused.json()["code"] == "people.email_taken"
    assert await me(owner) == (OWNER, False, BO)
    assert (await owner.request("PATCH", "/api/me", {"email": BO.upper()})).status_code == 409


async def test_other_capitals_are_the_same_address(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    await owner.request("PATCH", "/api/me", {"email": "Ada@Example.org"})
    assert await me(owner) == ("Ada@Example.org", False, None) and not mail.sent


async def test_the_link_is_sent_again_a_few_times_and_only_the_newest_works(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    statuses = [(await owner.post("/api/me/email/verification")).status_code for _ in range(4)]
    assert statuses == [202, 202, 202, 429] and [letter.to for letter in mail.sent] == [OWNER] * 3
    assert (await confirm(owner, mail.sent[1].text)).status_code == 410
    assert (await confirm(owner, mail.sent[2].text)).status_code == 200
    mailing.clock.advance(after(hours=2))
    await owner.sign_in()
    assert (await owner.post("/api/me/email/verification")).status_code == 202 and len(mail.sent) == 3


async def test_a_change_asked_for_again_and_again_floods_no_mailbox(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    statuses = [(await owner.request("PATCH", "/api/me", {"email": NEW})).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]


async def test_without_mail_nothing_is_asked_and_a_change_takes_the_proof_away(world: World) -> None:
    owner = await world.set_up()
    refused = await owner.post("/api/me/email/verification")
    assert refused.status_code == 409 and refused.json()["code"] == "people.no_mail"
    await world.open_sign_up()
    assert await ask_to_sign_up(world) == 409
    person = (await owner.session())["person"]["id"]
    await owner.request("PATCH", f"/api/people/{person}", {"email_verified": True})
    assert await me(owner) == (OWNER, True, None)
    await owner.request("PATCH", "/api/me", {"email": NEW})
    assert await me(owner) == (NEW, False, None)


async def test_an_operator_vouches_for_an_address_and_takes_that_back_but_not_above_their_role(world: World) -> None:
    owner = await world.set_up()
    made = (await owner.post("/api/people", {"email": BO, "name": "Bo", "password": OTHER_PASSWORD})).json()["person"]
    assert made["email_verified"] is False
    for value in (True, False):
        answer = await owner.request("PATCH", f"/api/people/{made['id']}", {"email_verified": value})
        assert answer.json()["email_verified"] is value
    (listed,) = (await owner.get(f"/api/people?person={made['id']}")).json()["items"]
    assert listed["email_verified"] is False
    entry = (await owner.get("/api/audit?limit=1")).json()["items"][0]
    assert entry["action"] == "people.person_changed" and entry["details"]["email_verified"] is False
    await owner.request("PATCH", f"/api/people/{made['id']}", {"role": "operator"})
    bo = world.browser()
    await bo.sign_in(BO, OTHER_PASSWORD)
    boss = (await owner.session())["person"]["id"]
    assert (await bo.request("PATCH", f"/api/people/{boss}", {"email_verified": True})).status_code == 403


async def test_the_archive_and_erasure_know_of_addresses_that_wait(mailing: World, mail: KeptMail) -> None:
    await mailing.set_up()
    await mailing.open_sign_up()
    await ask_to_sign_up(mailing)
    bo = mailing.browser()
    body = {"email": BO, "name": "Bo", "password": OTHER_PASSWORD, "token": link_token(mail.sent[0].text, "sign-up")}
    await bo.post("/api/sign-up", body)
    await bo.request("PATCH", "/api/me", {"email": "bo@new.example"})
    offered = (await bo.post("/api/me/export")).json()["url"]
    archive = zipfile.ZipFile(io.BytesIO((await bo.get(offered)).content))
    account = json.loads(archive.read("people/account.json"))
    assert (account["email_verified"], account["pending_email"]) == (True, "bo@new.example")
    assert (await bo.delete("/api/me", {"confirm": BO, "password": OTHER_PASSWORD})).status_code == 204
    async with mailing.db.transaction() as connection:
        left = await connection.exec_driver_sql(
            "SELECT (SELECT count(*) FROM people.links WHERE lower(email) LIKE 'bo@%%'), "
            "(SELECT count(*) FROM people.persons WHERE email_verified_at IS NOT NULL)"
        )
        assert tuple(left.one()) == (0, 0)
