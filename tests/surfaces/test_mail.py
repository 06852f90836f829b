"""The whole house with a mail server: an address is confirmed, and an account is made, by links that came by mail."""

from __future__ import annotations

import asyncio
import re

import pytest

from tests.support.living_house import MEMBER, OWNER, PASSWORD, House, living_house
from tests.support.smtp import FakeSmtp, fake_smtp

pytestmark = pytest.mark.anyio
MAIL_WITHIN_S = 30


class Mailbox:
    """The mails that arrive, read from another thread than the mail server's."""

    def __init__(self, smtp: FakeSmtp) -> None:
        self._smtp = smtp
        self._loop = asyncio.get_running_loop()

    def next(self, to: str) -> str:
        """The text of the mail that comes next, which is to be for `to`."""

        async def arrived() -> str:
            await self._smtp.arrived.wait()
            self._smtp.arrived.clear()
            message = self._smtp.messages.pop(0)
            assert message["To"] == to
            return message.get_content()

        return asyncio.run_coroutine_threadsafe(arrived(), self._loop).result(MAIL_WITHIN_S)


def link(house: House, text: str, kind: str) -> str:
    found = re.search(rf"{house.url}/{kind}/(\S+)", text)
    assert found, text
    return found[1]


def story(house: House, mailbox: Mailbox) -> None:
    owner = house.browser(OWNER)
    assert owner.request("GET", "/api/session").json()["installation"]["mail"] is True
    assert owner.request("POST", "/api/me/email/verification").status_code == 202
    body = {"token": link(house, mailbox.next(OWNER), "verification")}
    member = house.browser(MEMBER)
    assert member.request("POST", "/api/me/email/confirm", json=body).status_code == 404
    assert owner.request("POST", "/api/me/email/confirm", json=body).json()["email_verified"] is True
    owner.request("PUT", "/api/settings/sign-up", json={"policy": "open"}).raise_for_status()
    guest = house.browser()
    new = {"email": "new@example.org", "name": "New", "password": PASSWORD}
    assert guest.request("POST", "/api/sign-up", json=new).json()["code"] == "people.confirm_address"
    assert guest.request("POST", "/api/sign-up/request", json={"email": "new@example.org"}).status_code == 202
    token = link(house, mailbox.next("new@example.org"), "sign-up")
    made = guest.request("POST", "/api/sign-up", json={**new, "token": token})
    assert made.status_code == 200 and made.json()["person"]["email_verified"] is True


async def test_addresses_are_confirmed_by_links_that_came_by_mail(database_url: str) -> None:
    async with fake_smtp() as smtp:
        mailbox = Mailbox(smtp)
        settings = {"MECUM_SMTP_URL": f"smtp://127.0.0.1:{smtp.port}", "MECUM_MAIL_FROM": "mecum@example.org"}

        def live() -> None:
            with living_house(database_url, settings=settings) as house:
                story(house, mailbox)

        await asyncio.to_thread(live)
