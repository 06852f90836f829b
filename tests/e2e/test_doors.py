"""What somebody can do who stands before the door: signed out, or without the password."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.driver import Desk


def test_who_forgot_the_password_is_heard_by_an_operator_where_no_mail_is_sent(owner: Desk) -> None:
    stranger, forgetful = owner.window(signed_in=False), f"forgetful-{owner.email}"
    owner.house.add_person(forgetful)
    door = stranger.open("/sign-in")
    door.get_by_role("link", name="Forgotten? What to do").click()
    expect(door.get_by_role("heading", name="A new password")).to_be_visible()
    door.get_by_label("Email").fill(forgetful)
    door.get_by_role("button", name="Ask for a link").click()
    expect(door.get_by_text("has been told")).to_be_visible()
    page = owner.page()
    notice = page.get_by_role("dialog", name="Notices").get_by_role("button", name="Somebody can’t sign in")
    expect(page.get_by_role("button", name="Notices, 1 new")).to_be_visible()
    page.get_by_role("button", name="Notices, 1 new").click()
    notice.click()
    expect(page.get_by_test_id("person")).to_have_count(1)
    expect(page.get_by_test_id("person")).to_contain_text(forgetful)
    page.get_by_role("link", name="Show everybody").click()
    expect(page.get_by_test_id("person").filter(has_text=owner.email).first).to_be_visible()
