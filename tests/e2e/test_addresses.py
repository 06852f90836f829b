"""Addresses are confirmed by mail: the first owner's, another one, and that of somebody who signs up."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.driver import DESK, Window
from tests.e2e.installation import Installation, installation
from tests.support.smtp import Mailbox, mailbox

OWNER, NEW, GUEST = "ada@example.org", "ada@new.example", "bo@example.org"
PASSWORD = "seven paper boats"


@pytest.fixture
def mails() -> Generator[Mailbox]:
    with mailbox() as made:
        yield made


@pytest.fixture
def fresh(database_url: str, mails: Mailbox) -> Generator[Installation]:
    named = {name.removeprefix("MECUM_").lower(): value for name, value in mails.settings.items()}
    with installation(database_url, sign_up="open", **named) as made:
        yield made


def test_addresses_are_confirmed_by_mail(fresh: Installation, window: Window, browser: Browser, mails: Mailbox) -> None:
    page = window.context.new_page()
    page.goto(fresh.setup_url)
    make_account(page, "Ada Byron", OWNER, "Begin")
    link = mails.link(OWNER, "verification")

    elsewhere = browser.new_context(viewport=DESK, locale="en-US").new_page()
    elsewhere.goto(link)
    elsewhere.get_by_label("Email").fill(OWNER)
    elsewhere.get_by_label("Password").fill(PASSWORD)
    elsewhere.get_by_role("button", name="Sign in", exact=True).click()
    elsewhere.get_by_role("button", name="Confirm").click()
    expect(elsewhere.get_by_role("heading", name="Confirmed.")).to_be_visible()

    page.goto(f"{fresh.url}/?panel=account")
    expect(page.get_by_text(f"{OWNER} is confirmed.")).to_be_visible()
    page.get_by_label("Email").fill(NEW)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(f"A mail went to {NEW}.")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value(OWNER)
    page.goto(mails.link(NEW, "verification"))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_text(f"{NEW} is your address here.")).to_be_visible()

    guest = browser.new_context(viewport=DESK, locale="en-US").new_page()
    guest.goto(f"{fresh.url}/sign-up")
    guest.get_by_label("Email").fill(GUEST)
    guest.get_by_role("button", name="Send the link").click()
    expect(guest.get_by_role("heading", name="Look into your mail")).to_be_visible()
    guest.goto(mails.link(GUEST, "sign-up"))
    make_account(guest, "Bo", GUEST, "Make the account")
    window.check()


def make_account(page: Page, name: str, email: str, verb: str) -> None:
    page.get_by_label("Your name").fill(name)
    if page.get_by_label("Email").is_editable():
        page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name=verb, exact=True).click()
    expect(page.get_by_role("button", name=f"Account of {name}")).to_be_visible()
