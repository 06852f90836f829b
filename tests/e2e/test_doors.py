"""What somebody can do who stands before the door: signed out, or without the password."""

from __future__ import annotations

from playwright.sync_api import Route, expect

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
    expect(page.get_by_test_id("person").nth(1)).to_be_visible()


def test_pages_tell_of_the_limits_that_this_installation_has(owner: Desk) -> None:
    session = owner.house.browser().request("GET", "/api/session").json()
    told = {"password_chars": 14, "reset_mail_hours": 5, "deleted_days": 3}
    assert session["installation"]["limits"].keys() == told.keys()
    thread = owner.asked("Soon gone", title="Soon gone")

    def tell(route: Route) -> None:
        answer = route.fetch()
        body = answer.json()
        body["installation"]["limits"] = told
        route.fulfill(response=answer, json=body)

    window = owner.window()
    window.context.route("**/api/session", tell)
    page = window.open("/?panel=security")
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("At least 14 characters.")).to_be_visible()
    page.goto(f"{owner.house.url}/t/{thread}")
    page.get_by_role("button", name="More").click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(page.get_by_text("I keep it for 3 days")).to_be_visible()
