"""Lists that are longer than a page of the API."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.driver import Desk

PAGE = 50
"""Items that the API gives at once where nobody says how many."""


def test_every_model_can_be_chosen_however_many_there_are(owner: Desk) -> None:
    house = owner.house
    models = [f"many-{number:03}" for number in range(PAGE + 15)]
    provider = house.post(
        "/api/providers", {"name": "Many", "base_url": house.fake.base_url, "models": models}, key=house.key("admin")
    )
    try:
        page = owner.page()
        page.get_by_role("button", name="Model", exact=True).click()
        for name in (models[0], models[-1]):
            expect(page.get_by_role("menuitemcheckbox", name=name)).to_be_attached()
        page.get_by_role("menuitemcheckbox", name=models[-1]).click()
        expect(page.get_by_role("button", name=f"Who answers: {models[-1]}")).to_be_visible()
    finally:
        house.request("DELETE", f"/api/providers/{provider['id']}", key=house.key("admin"))


def test_all_of_a_persons_api_keys_can_be_seen_and_removed(me: Desk) -> None:
    for _ in range(PAGE + 2):
        me.house.new_key("chat", person=me.email)
    page = me.page("/?panel=keys")
    rows = page.get_by_role("dialog", name="API keys").get_by_role("listitem")
    expect(rows).to_have_count(PAGE)
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(PAGE + 2)


def test_the_audit_log_names_people_who_are_not_on_the_first_page_of_all(owner: Desk) -> None:
    house = owner.house
    for number in range(3):
        house.add_person(f"page{number}-{owner.email}")
    newest = f"{owner.email.partition('@')[0]} the newest"
    body = {"email": f"newest-{owner.email}", "name": newest, "role": "member"}
    house.post("/api/people", body, key=house.key("admin"))
    window = owner.window()
    window.context.route(
        re.compile("/api/people"), lambda route: route.continue_(url=route.request.url.replace("limit=200", "limit=2"))
    )
    page = window.open("/admin/audit")
    expect(page.get_by_test_id("audit-entry").filter(has_text=newest).first).to_be_visible()


def test_the_models_page_tells_whose_weights_are_built_in_and_their_hash(owner: Desk) -> None:
    about = {"name": "Tiny-1B", "licence": "Apache-2.0", "publisher": "Somebody", "sha256": "cc32" * 16}
    ready = {**about, "state": "ready", "bytes_done": None, "bytes_total": None, "seconds_left": None, "problem": None}
    window = owner.window()
    window.context.route("**/api/models/local", lambda route: route.fulfill(json=ready))
    card = window.open("/admin/models").get_by_role("article", name="Tiny-1B")
    expect(card).to_contain_text("Somebody, Apache-2.0")
    expect(card).to_contain_text("cc32" * 16)


def test_deleted_pages_wait_in_the_archive_and_come_back_as_they_were(me: Desk) -> None:
    thread = me.asked("Keep this safe", title="Kept safe")
    me.house.request("DELETE", f"/api/threads/{thread}", key=me.key).raise_for_status()
    page = me.page("/archive")
    page.get_by_text("Deleted pages", exact=True).click()
    row = page.get_by_role("listitem").filter(has_text="Kept safe")
    expect(row).to_contain_text("kept until")
    row.get_by_role("button", name="Restore").click()
    expect(row).to_have_count(0)
    page.get_by_role("link", name="Kept safe").click()
    expect(page.get_by_text("Keep this safe", exact=True)).to_be_visible()
