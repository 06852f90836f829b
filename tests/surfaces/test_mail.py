"""The whole house with a mail server: an address is confirmed, and an account is made, by links that came by mail."""

from __future__ import annotations

from tests.support.living_house import MEMBER, OWNER, PASSWORD, House, living_house
from tests.support.smtp import Mailbox, mailbox


def token(link: str) -> dict[str, str]:
    return {"token": link.rsplit("/", 1)[1]}


def test_addresses_are_confirmed_by_links_that_came_by_mail(database_url: str) -> None:
    with mailbox() as mails, living_house(database_url, settings=mails.settings) as house:
        confirm(house, mails)
        sign_up(house, mails)


def confirm(house: House, mails: Mailbox) -> None:
    owner, member = house.browser(OWNER), house.browser(MEMBER)
    assert owner.request("GET", "/api/session").json()["installation"]["mail"] is True
    assert owner.request("POST", "/api/me/email/verification").status_code == 202
    body = token(mails.link(OWNER, "verification"))
    assert member.request("POST", "/api/me/email/confirm", json=body).status_code == 404
    assert owner.request("POST", "/api/me/email/confirm", json=body).json()["email_verified"] is True


def sign_up(house: House, mails: Mailbox) -> None:
    house.request("PUT", "/api/settings/sign-up", json={"policy": "open"}).raise_for_status()
    guest, new = house.browser(), {"email": "new@example.org", "name": "New", "password": PASSWORD}
    assert guest.request("POST", "/api/sign-up", json=new).json()["code"] == "people.confirm_address"
    assert guest.request("POST", "/api/sign-up/request", json={"email": "new@example.org"}).status_code == 202
    made = guest.request("POST", "/api/sign-up", json={**new, **token(mails.link("new@example.org", "sign-up"))})
    assert made.status_code == 200 and made.json()["person"]["email_verified"] is True
