"""The first day of an installation: the set-up link, the owner's passkey, the first chat, a server that dies."""

from __future__ import annotations

import re
from collections.abc import Generator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driver import Window, answers, finished, numbered, running, write
from tests.e2e.installation import Installation, installation
from tests.support.fake_provider import running as running_provider
from tests.support.fake_replies import command

WHILE_AWAY = r"ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|: 503$"


@pytest.fixture
def fresh(database_url: str) -> Generator[Installation]:
    """An installation in which nobody has been yet."""
    with installation(database_url) as made:
        yield made


def test_the_set_up_link_makes_an_owner_who_comes_back_by_passkey(fresh: Installation, window: Window) -> None:
    page = window.context.new_page()
    with_authenticator(page)
    page.goto(fresh.setup_url)
    expect(page.get_by_role("heading", name="Make it yours.")).to_be_visible()
    become_owner(page)
    page.get_by_role("button", name="Account of Ada Byron").click()
    page.get_by_role("menuitem", name="Sign-in and security").click()
    panel = page.get_by_role("dialog", name="Sign-in and security")
    panel.get_by_role("button", name="Add a passkey").click()
    expect(panel.get_by_text("not used yet")).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("button", name="Account of Ada Byron")).to_be_visible()
    page.goto(fresh.setup_url)
    expect(page.get_by_text(re.compile("link", re.IGNORECASE)).first).to_be_visible()
    expect(page.get_by_label("Password")).to_have_count(0)
    window.allowed = r"/api/links/.*: (404|410)"
    window.check()


def test_an_owner_can_begin_with_a_passkey_and_no_password(fresh: Installation, window: Window) -> None:
    page = window.context.new_page()
    with_authenticator(page)
    page.goto(fresh.setup_url)
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("Email").fill("ada@example.org")
    page.get_by_role("button", name="Go on with a passkey instead").click()
    expect(page.get_by_role("button", name="Account of Ada Byron")).to_be_visible()
    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("button", name="Account of Ada Byron")).to_be_visible()
    window.check()


def test_a_model_is_connected_in_the_page_and_answers(fresh: Installation, window: Window) -> None:
    page = window.context.new_page()
    page.goto(fresh.setup_url)
    become_owner(page)
    with running_provider() as fake:
        page.goto(f"{fresh.url}/admin/models?connect=true")
        panel = page.get_by_role("dialog", name="Connect a model")
        panel.get_by_label("Address").fill(fake.base_url)
        panel.get_by_role("button", name="Find its models").click()
        panel.get_by_label("fake", exact=True).check()
        panel.get_by_role("button", name="Connect").click()
        expect(page.get_by_role("heading", name="fake answers")).to_be_visible()
        page.get_by_role("link", name="New page").click()
        write(page, f"Hello {command(text='Good morning.')}")
        expect(finished(page)).to_contain_text("Good morning.")
    window.check()


def test_a_server_that_is_killed_in_the_middle_of_an_answer_finishes_it_once(
    fresh: Installation, window: Window
) -> None:
    page = window.context.new_page()
    page.goto(fresh.setup_url)
    become_owner(page)
    window.allowed = WHILE_AWAY
    with running_provider() as fake:
        connect(window, page, fake.base_url)
        text = numbered(60)
        write(page, f"Count {command(text=text, interval_ms=80)}")
        running(page, "word8")
        fresh.kill_server()
        fresh.until("server_stopped")
        fresh.until("ready")
        expect(finished(page).locator(".prose")).to_have_text(text)
        expect(answers(page)).to_have_count(1)
        write(page, "Are you still there?")
        expect(answers(page)).to_have_count(2)
        finished(page)
    window.check()


def become_owner(page: Page) -> None:
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("Email").fill("ada@example.org")
    page.get_by_label("Password", exact=True).fill("seven paper boats")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("button", name="Account of Ada Byron")).to_be_visible()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Account of Ada Byron").click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def connect(window: Window, page: Page, base_url: str) -> None:
    """Connect a provider through the API, as the person who is signed in."""
    session = page.request.get(f"{window.url}/api/session").json()
    headers = {"origin": window.url, "x-csrf-token": session["csrf"]}
    body = {"name": "Fake", "base_url": base_url, "model": "fake"}
    answer = page.request.post(f"{window.url}/api/providers", data=body, headers=headers)
    assert answer.ok, answer.text()


def with_authenticator(page: Page) -> None:
    """A virtual authenticator in this tab, which keeps passkeys and always agrees."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
