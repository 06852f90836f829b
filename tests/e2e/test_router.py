"""Auto, fast or thinking: the one choice in the composer, what is said after an answer, and its remedy."""

from __future__ import annotations

import re
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driver import PHONE, Desk, answers, finished, thread_of, write
from tests.support.fake_provider import FakeProvider, running
from tests.support.fake_replies import command

CHOSEN = {"mode": "chosen", "fast": "swift", "thinking": "deep"}


@pytest.fixture
def provider() -> Generator[FakeProvider]:
    with running() as fake:
        yield fake


@pytest.fixture
def two(owner: Desk, provider: FakeProvider) -> Generator[None]:
    """A quick model and one that thinks, between which the router chooses; afterwards the house is as it was."""
    deep = {"upstream_model": "fake", "name": "deep", "reasoning": True}
    models = [{"upstream_model": "fake-small", "name": "swift"}, deep]
    body = {"name": "Studio", "base_url": provider.base_url, "key": "sk-studio", "models": models}
    made = owner.house.post("/api/providers", body)
    owner.house.request("PUT", "/api/models/router", json=CHOSEN).raise_for_status()
    yield
    owner.house.request("PUT", "/api/models/router", json={"mode": "itself"}).raise_for_status()
    owner.house.request("DELETE", f"/api/providers/{made['id']}").raise_for_status()


def choice(page: Page, name: str) -> Any:
    return page.get_by_role("group", name="How to answer").get_by_role("radio", name=name)


def how(page: Page) -> Any:
    return page.get_by_test_id("made-how").last


def test_an_answer_says_how_it_was_made_and_can_be_thought_about_longer(
    two: None, me: Desk, provider: FakeProvider
) -> None:
    page = me.page()
    write(page, f"Hello! {command(text='Good morning.')}")
    thread = thread_of(page)
    finished(page)
    expect(how(page)).to_contain_text("Answered fast")
    expect(how(page)).to_contain_text("swift")
    page.get_by_role("button", name="Think longer").click()
    expect(how(page)).to_have_text(re.compile(r"Thought first.*deep"))
    expect(page.get_by_role("button", name="Think longer")).to_have_count(0)
    expect(page.get_by_text("2/2")).to_be_visible()
    assert provider.requests[-1].body["reasoning_effort"] == "high"
    assert [said["text"] for said in me.answers(thread)] == ["Good morning.", "Good morning."]


def test_the_choice_is_made_by_keyboard_and_remembered_with_its_thread(two: None, me: Desk) -> None:
    page = me.page()
    expect(choice(page, "Auto")).to_be_checked()
    choice(page, "Auto").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(choice(page, "Think")).to_be_checked()
    write(page, f"Hello {command(text='Good evening.')}")
    thread = thread_of(page)
    finished(page)
    expect(how(page)).to_contain_text("Thought")
    expect(choice(page, "Think")).to_be_checked()
    other = me.asked(f"Another {command(text='Yes.')}")
    page.goto(f"{me.house.url}/t/{other}")
    expect(choice(page, "Auto")).to_be_checked()
    elsewhere = me.page(f"/t/{thread}")
    expect(choice(elsewhere, "Think")).to_be_checked()


def test_where_nothing_can_think_there_is_nothing_to_choose(me: Desk) -> None:
    thread = me.asked(f"Hello {command(text='Hi.')}")
    page = me.page(f"/t/{thread}")
    expect(answers(page)).to_have_count(1)
    expect(page.get_by_label("Write to Mecum")).to_be_visible()
    expect(page.get_by_role("group", name="How to answer")).to_have_count(0)
    expect(page.get_by_role("button", name="Think longer")).to_have_count(0)


def test_an_operator_says_between_which_models_is_chosen(two: None, owner: Desk) -> None:
    page = owner.page("/admin/models")
    expect(page.get_by_role("heading", name="Fast or thinking, as the question needs")).to_be_visible()
    expect(page.get_by_text("swift answers fast, deep thinks first, as the question needs.")).to_be_visible()
    page.get_by_label("Answers fast").select_option("deep")
    expect(page.get_by_text("deep answers fast or thinks first, as the question needs.")).to_be_visible()
    page.get_by_role("group", name="Who chooses").get_by_text("Off").click()
    expect(page.get_by_text("Nothing to choose")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_on_a_phone(two: None, me: Desk, scheme: str, tmp_path: Path) -> None:
    me.change_me(locale="zh")
    page = me.page(viewport=PHONE, has_touch=True, is_mobile=True, color_scheme=scheme)
    page.get_by_role("textbox").last.fill(f"你好 {command(text='早上好。今天想做什么？')}")
    page.get_by_role("button", name="发送").click()
    finished(page)
    expect(how(page)).to_contain_text("快速回答")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.screenshot(path=tmp_path / f"{scheme}.png")
