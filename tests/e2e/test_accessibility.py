"""What axe-core finds on the pages that everybody meets, in light and dark; and the order of the Tab key."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driver import PHONE, Desk, finished, write
from tests.support.fake_replies import command
from tests.support.processes import REPO

AXE = REPO / "web" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
ANSWER = (
    "Here is a plan.\n\n| day | what |\n| --- | --- |\n| Friday | rest |\n\n```python\nprint('a')\n```\n\n- one\n- two"
)

pytestmark = pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm install in web/")


@cache
def axe(path: Path = AXE) -> str:
    return path.read_text(encoding="utf-8")


def everybody(page: Page) -> None:
    """Fails with each violation of WCAG 2.2 AA and the elements that have it."""
    page.evaluate(axe())
    found: list[dict[str, Any]] = page.evaluate(
        "(tags) => axe.run(document, {runOnly: {type: 'tag', values: tags}}).then((done) => done.violations)", RULES
    )
    told = [f"{rule['id']}: {node['html'][:160]} {node['failureSummary']}" for rule in found for node in rule["nodes"]]
    assert not told, "\n".join(told)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_conversation_can_be_used_by_everybody(me: Desk, scheme: str) -> None:
    tools = [("calculate", '{"expression": "17*3"}')]
    thread = me.asked(f"Plan it {command(tools=tools, text=ANSWER)}", title="A plan")
    page = me.page(f"/t/{thread}", color_scheme=scheme, reduced_motion="reduce")
    expect(finished(page).locator("table")).to_be_visible()
    page.get_by_test_id("steps").locator("summary").first.click()
    everybody(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_failed_answer_and_a_question_can_be_read_by_everybody(me: Desk, scheme: str) -> None:
    fields = json.dumps({"title": "A table for you", "fields": [{"label": "For how many?"}]})
    for said in (command(status=401), command(tools=[("ask_person", fields)])):
        page = me.page("/", color_scheme=scheme, reduced_motion="reduce")
        write(page, f"Book it {said}")
        expect(page.get_by_role("alert").or_(page.get_by_test_id("wait-form"))).to_be_visible()
        everybody(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/?panel=security", "/?panel=keys", "/admin/models", "/admin/people"])
def test_pages_of_the_house_can_be_used_by_everybody(owner: Desk, path: str, scheme: str) -> None:
    page = owner.page(path, color_scheme=scheme, reduced_motion="reduce")
    expect(page.get_by_role("dialog" if "panel" in path else "main").get_by_role("button").first).to_be_visible()
    everybody(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_in_can_be_done_by_everybody(me: Desk, scheme: str) -> None:
    page = me.page("/sign-in", signed_in=False, color_scheme=scheme, viewport=PHONE)
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    everybody(page)


def test_tab_goes_through_the_sign_in_form_in_reading_order(me: Desk) -> None:
    page = me.page("/sign-in", signed_in=False)
    expect(page.get_by_label("Email")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in", exact=True)).to_be_focused()


def test_the_first_tab_stop_leads_past_the_rail(me: Desk) -> None:
    page = me.page("/archive")
    expect(page.get_by_role("heading", name="Put away, not gone")).to_be_visible()
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the page")
    expect(skip).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def test_a_dialog_keeps_the_focus_and_gives_it_back(me: Desk) -> None:
    page = me.page()
    account = page.get_by_role("button", name="Account of")
    account.click()
    page.get_by_role("menuitem", name="API keys").click()
    dialog = page.get_by_role("dialog", name="API keys")
    expect(dialog).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert dialog.evaluate("element => element.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
