"""A forgotten password: by mail, by an operator's link, and without telling strangers who has an account."""

from __future__ import annotations

from pyotp.totp import TOTP

from tests.rooms.people.world import OTHER_PASSWORD, OWNER, PASSWORD, Browser, KeptMail, World, after, link_token


async def _ask(world: World, email: str = OWNER, address: str = "192.0.2.1") -> None:
    answer = await world.browser(address).post("/api/reset/request", {"email": email})
    assert answer.status_code == 202 and answer.json() == {}
    await world.work()


async def test_a_reset_by_mail_sets_a_new_password_and_ends_all_sessions(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    await _ask(mailing, "ADA@example.org")
    (letter,) = mail.sent
    assert letter.to == OWNER and PASSWORD not in letter.text
    browser = mailing.browser()
    shown = (await browser.get(f"/api/links/{link_token(letter.text, 'reset')}")).json()
    assert shown == {"kind": "reset", "email": OWNER, "expires_at": "2026-03-02T10:00:00Z"}
    body = {"token": link_token(letter.text, "reset"), "password": OTHER_PASSWORD}
    answer = await browser.post("/api/reset", body)
    assert answer.status_code == 200 and answer.json()["person"]["email"] == OWNER
    assert (await owner.session())["person"] is None
    assert (await mailing.browser().sign_in()).status_code == 401
    assert (await mailing.browser().post("/api/reset", body)).status_code == 410


async def test_an_address_without_account_gets_the_same_answer_and_no_mail(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    made = (
        await owner.post("/api/people", {"email": "gone@example.org", "name": "G", "password": OTHER_PASSWORD})
    ).json()
    await owner.request("PATCH", f"/api/people/{made['person']['id']}", {"state": "disabled"})
    mail.sent.clear()
    for email in ("nobody@example.org", "no address", "gone@example.org"):
        await _ask(mailing, email)
    assert mail.sent == []
    async with mailing.db.transaction() as connection:
        assert (await connection.exec_driver_sql("SELECT count(*) FROM people.reset_requests")).scalar_one() == 0


async def test_a_link_by_mail_works_for_an_hour_and_a_new_one_is_needed_then(mailing: World, mail: KeptMail) -> None:
    await mailing.set_up()
    await _ask(mailing)
    mailing.clock.advance(after(hours=1))
    body = {"token": link_token(mail.sent[0].text, "reset"), "password": OTHER_PASSWORD}
    assert (await mailing.browser().post("/api/reset", body)).status_code == 410


async def test_a_used_link_takes_the_others_with_it(mailing: World, mail: KeptMail) -> None:
    await mailing.set_up()
    await _ask(mailing)
    await _ask(mailing)
    first, second = [link_token(letter.text, "reset") for letter in mail.sent]
    assert first != second
    assert (
        await mailing.browser().post("/api/reset", {"token": second, "password": OTHER_PASSWORD})
    ).status_code == 200
    assert (await mailing.browser().post("/api/reset", {"token": first, "password": PASSWORD})).status_code == 410


async def test_a_mailbox_is_not_flooded_and_nobody_can_tell(mailing: World, mail: KeptMail) -> None:
    await mailing.set_up()
    for number in range(6):
        await _ask(mailing, OWNER, f"203.0.113.{number}")
    assert len(mail.sent) == 3


async def test_one_network_address_cannot_ask_without_end(mailing: World) -> None:
    browser = mailing.browser()
    statuses = [
        (await browser.post("/api/reset/request", {"email": f"p{i}@example.org"})).status_code for i in range(21)
    ]
    assert statuses == [202] * 20 + [429]


async def test_a_link_by_mail_leaves_the_second_factor_in_force(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    secret = await _totp(owner)
    await _ask(mailing)
    browser = mailing.browser()
    answer = await browser.post(
        "/api/reset", {"token": link_token(mail.sent[-1].text, "reset"), "password": OTHER_PASSWORD}
    )
    assert answer.json()["second_factor_needed"] is True and answer.json()["person"] is None
    code = TOTP(secret).at(mailing.clock.now())
    assert (await browser.post("/api/sign-in/second-factor", {"code": code})).status_code == 200


async def test_a_link_by_an_operator_takes_the_second_factor_away(world: World) -> None:
    owner = await world.set_up()
    await owner.post("/api/people", {"email": "bo@example.org", "name": "Bo", "password": OTHER_PASSWORD})
    other = world.browser()
    await other.sign_in("bo@example.org", OTHER_PASSWORD)
    await _totp(other)
    person = (await other.session())["person"]["id"]
    made = await owner.post(f"/api/people/{person}/reset-link")
    assert made.status_code == 201 and made.json()["expires_at"] == "2026-03-03T09:01:30Z"
    browser = world.browser()
    answer = await browser.post("/api/reset", {"token": made.json()["url"].rsplit("/", 1)[1], "password": PASSWORD})
    assert answer.json()["person"]["totp"] is False
    assert ("people.reset_link_made", person) in await world.audit()


async def test_a_reset_clears_the_wait_after_wrong_tries(mailing: World, mail: KeptMail) -> None:
    await mailing.set_up()
    for _ in range(5):
        await mailing.browser().sign_in(OWNER, "wrong")
    await _ask(mailing)
    body = {"token": link_token(mail.sent[0].text, "reset"), "password": OTHER_PASSWORD}
    assert (await mailing.browser().post("/api/reset", body)).status_code == 200
    assert (await mailing.browser().sign_in(OWNER, OTHER_PASSWORD)).status_code == 200


async def test_a_password_that_cannot_be_taken_does_not_use_the_link_up(mailing: World, mail: KeptMail) -> None:
    await mailing.set_up()
    await _ask(mailing)
    token = link_token(mail.sent[0].text, "reset")
    assert (
        await mailing.browser().post("/api/reset", {"token": token, "password": "ada@example.org"})
    ).status_code == 422
    assert (await mailing.browser().post("/api/reset", {"token": token, "password": OTHER_PASSWORD})).status_code == 200


async def test_a_link_of_another_kind_resets_nothing(world: World) -> None:
    url = await world.people.setup_url()
    assert url is not None
    body = {"token": url.rsplit("/", 1)[1], "password": PASSWORD}
    assert (await world.browser().post("/api/reset", body)).status_code == 404


async def test_a_new_address_makes_links_sent_to_the_old_one_void(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    await _ask(mailing)
    await owner.request("PATCH", "/api/me", {"email": "ada@new.example"})
    token = mail.sent[1].text.split("/verification/")[1].split()[0]
    assert (await owner.post("/api/me/email/confirm", {"token": token})).status_code == 200
    body = {"token": link_token(mail.sent[0].text, "reset"), "password": OTHER_PASSWORD}
    assert (await mailing.browser().post("/api/reset", body)).status_code == 410


async def _totp(browser: Browser) -> str:
    secret = (await browser.post("/api/me/totp")).json()["secret"]
    clock = browser.world.clock
    answer = await browser.post("/api/me/totp/confirm", {"code": TOTP(secret).at(clock.now())})
    assert answer.status_code == 200
    clock.advance(90)
    return secret


async def test_a_link_may_sign_in_without_a_new_password_for_a_passkey_to_follow(world: World) -> None:
    owner = await world.set_up()
    made = (await owner.post("/api/people", {"email": "bo@example.org", "name": "Bo"})).json()
    browser = world.browser()
    answer = await browser.post("/api/reset", {"token": made["link"]["url"].rsplit("/", 1)[1]})
    assert answer.status_code == 200 and answer.json()["person"]["has_password"] is False
    assert (await browser.post("/api/me/passkeys/options")).status_code == 200


async def test_without_mail_the_operators_hear_once_a_day_that_somebody_needs_a_link(world: World) -> None:
    owner = await world.set_up()
    made = (await owner.post("/api/people", {"email": "bo@example.org", "name": "Bo"})).json()["person"]
    await _ask(world, "bo@example.org")
    await _ask(world, "bo@example.org")
    await _ask(world, OWNER)
    told = await world.told(OWNER)
    assert told == [("people.reset_wanted", {"person": made["id"]})]


async def test_a_person_hears_of_every_change_to_how_they_sign_in(mailing: World, mail: KeptMail) -> None:
    owner = await mailing.set_up()
    await _totp(owner)
    await owner.post("/api/me/password", {"current": PASSWORD, "new": OTHER_PASSWORD})
    await mailing.work()
    assert [kind for kind, _ in await mailing.told(OWNER)] == ["people.sign_in_changed"] * 2
    assert [letter.to for letter in mail.sent] == [OWNER] * 2
