"""What is written while the server is away stays on the device until it is sent; drafts stay with their writer."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.e2e.driver import Desk, finished, thread_of, write

POSTS = re.compile(r"/api/(threads/\w+/)?messages$")
AWAY = r"ERR_FAILED|ERR_INTERNET_DISCONNECTED"


def cut(page: Page) -> None:
    """Messages of this window go nowhere."""
    page.context.route(POSTS, lambda route: route.abort())


def mend(page: Page) -> None:
    """They arrive again, and the browser says that there is a network."""
    page.context.unroute(POSTS)
    page.evaluate("window.dispatchEvent(new Event('online'))")


def said(me: Desk, thread: str) -> list[str]:
    log = me.house.until_idle(thread, key=me.key)
    return [event["payload"]["text"] for event in log if event["type"] == "message.user"]


def test_messages_that_could_not_be_sent_survive_a_reload_and_are_sent_once_in_their_order(me: Desk) -> None:
    thread = me.asked("The first question")
    window = me.window()
    window.allowed = AWAY
    page = window.open(f"/t/{thread}")
    finished(page)
    cut(page)
    write(page, "Written in a tunnel")
    expect(page.get_by_test_id("sending")).to_contain_text("I keep it here and send it as soon as I can.")
    write(page, "Still in the tunnel")
    page.reload()
    expect(page.get_by_test_id("sending")).to_have_count(2)
    mend(page)
    expect(page.get_by_test_id("sending")).to_have_count(0)
    finished(page)  # One answer or two: the second message may join what the first has begun.
    assert said(me, thread) == ["The first question", "Written in a tunnel", "Still in the tunnel"]
    page.reload()
    expect(page.get_by_test_id("sending")).to_have_count(0)


def test_the_first_message_of_a_page_survives_a_reload_and_becomes_a_page(me: Desk) -> None:
    window = me.window()
    window.allowed = AWAY
    page = window.open()
    cut(page)
    write(page, "A page begun in a tunnel")
    unsent = page.get_by_test_id("sending")
    expect(unsent).to_contain_text("I keep it here")
    page.reload()
    expect(unsent).to_contain_text("A page begun in a tunnel")
    mend(page)
    page.get_by_role("link", name="A page begun in a tunnel").click()
    expect(finished(page)).to_contain_text("A page begun in a tunnel")
    assert said(me, thread_of(page)) == ["A page begun in a tunnel"]


def test_an_unsent_message_can_be_discarded_or_sent_by_hand(me: Desk) -> None:
    window = me.window()
    window.allowed = AWAY
    page = window.open()
    cut(page)
    write(page, "Never mind")
    unsent = page.get_by_test_id("sending")
    unsent.get_by_role("button", name="Discard").click()
    expect(unsent).to_have_count(0)
    write(page, "This one counts")
    expect(unsent).to_contain_text("I keep it here")
    page.context.unroute(POSTS)
    unsent.get_by_role("button", name="Send again").click()
    expect(finished(page)).to_contain_text("This one counts")
    assert said(me, thread_of(page)) == ["This one counts"]


def test_a_draft_waits_for_its_writer_and_is_gone_after_signing_out(me: Desk, owner: Desk) -> None:
    window = me.window()
    page = window.open()
    box = page.get_by_label("Write to Mecum")
    box.fill("Between you and me")
    page.reload()
    expect(box).to_have_value("Between you and me")
    # The session ends, and somebody else sits down.
    page.goto("about:blank")
    page.context.clear_cookies()
    window.sign_in(owner.email)
    page.goto(me.house.url)
    expect(page.get_by_role("link", name="Models")).to_be_visible()
    expect(box).to_have_value("")
    page.goto("about:blank")
    page.context.clear_cookies()
    window.sign_in(me.email)
    page.goto(me.house.url)
    expect(box).to_have_value("Between you and me")
    page.get_by_role("button", name=re.compile("^Account of")).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('mecum.draft.'))") == []


def test_nothing_that_is_written_on_a_temporary_page_stays_on_the_device(me: Desk) -> None:
    page = me.page()
    box = page.get_by_label("Write to Mecum")
    box.fill("A secret")
    page.reload()
    expect(box).to_have_value("A secret")
    page.get_by_role("button", name="Temporary").click()
    page.get_by_role("button", name="Send", exact=True).click()
    finished(page)
    box.fill("Another secret")
    page.reload()
    finished(page)
    expect(box).to_have_value("")
    assert "secret" not in page.evaluate("JSON.stringify({ ...localStorage })")
