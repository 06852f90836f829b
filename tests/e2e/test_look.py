"""How it looks and how it is held: light and dark, Chinese, a phone, the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driver import PHONE, Desk, answers, finished, write
from tests.support.fake_replies import command

LIGHT, DARK = "rgb(251, 250, 247)", "rgb(22, 22, 20)"


def paper(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


@pytest.mark.parametrize(("scheme", "colour"), [("light", LIGHT), ("dark", DARK)])
def test_without_a_choice_it_looks_like_the_device(me: Desk, scheme: str, colour: str) -> None:
    page = me.page(color_scheme=scheme)
    expect(page.get_by_label("Write to Mecum")).to_be_visible()
    expect(page.locator("body")).to_have_css("background-color", colour)


def test_dark_is_chosen_on_a_device_and_holds_after_a_reload(me: Desk) -> None:
    page = me.page("/?panel=look", color_scheme="light")
    panel = page.get_by_role("dialog", name="Language and look")
    panel.get_by_text("Dark", exact=True).click()
    expect(page.locator("body")).to_have_css("background-color", DARK)
    page.reload()
    expect(page.locator("body")).to_have_css("background-color", DARK)
    page.get_by_role("dialog").get_by_text("Like this device", exact=True).click()
    expect(page.locator("body")).to_have_css("background-color", LIGHT)


def test_chinese_is_the_persons_language_on_every_device(me: Desk) -> None:
    page = me.page("/?panel=look")
    page.get_by_role("dialog").get_by_text("中文", exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("dialog", name="语言与外观")).to_be_visible()
    other = me.page()
    expect(other.locator("html")).to_have_attribute("lang", "zh-CN")
    other.get_by_role("textbox").last.fill(f"你好 {command(text='早上好，今天想做什么？')}")
    other.keyboard.press("Enter")
    expect(finished(other)).to_contain_text("早上好，今天想做什么？")
    expect(other.get_by_role("button", name="Send")).to_have_count(0)
    assert not re.search(r"[A-Za-z]{4,}", chrome_of(other)), chrome_of(other)


def chrome_of(page: Page) -> str:
    """The words of the interface itself: no names, no conversation."""
    inner = "element => element.innerText"
    rail = page.get_by_role("navigation").evaluate(inner)
    foot = page.locator("form.write").evaluate(inner)
    return re.sub(r"Mecum|reader\d+\S*|fake\S*|\[\[\S*", "", f"{rail} {foot}")


def test_a_phone_has_the_whole_page_and_the_rail_slides_over_it(me: Desk) -> None:
    thread = me.asked(f"Tell me {command(text='A long line ' * 30)}", title="Tides")
    page = me.page(viewport=PHONE, has_touch=True, is_mobile=True)
    rail = page.get_by_role("navigation", name="Conversations and places")
    expect(page.get_by_label("Write to Mecum")).to_be_visible()
    expect(rail).to_be_hidden()
    fits(page)
    page.get_by_role("button", name="Conversations and places").click()
    expect(rail).to_be_visible()
    fits(page)
    rail.get_by_role("link", name="Tides").click()
    expect(page).to_have_url(re.compile(thread))
    expect(rail).to_be_hidden()
    expect(finished(page)).to_be_visible()
    fits(page)
    write(page, "One more")
    expect(answers(page)).to_have_count(2)
    finished(page)


def test_on_a_phone_settings_and_notices_open_from_the_rail(me: Desk) -> None:
    page = me.page(viewport=PHONE, has_touch=True, is_mobile=True)
    rail = page.get_by_role("navigation", name="Conversations and places")
    menu_button = page.get_by_role("button", name="Conversations and places")
    menu_button.click()
    rail.get_by_role("button", name="Account of").click()
    page.get_by_role("menuitem", name="Language and look").click()
    panel = page.get_by_role("dialog", name="Language and look")
    panel.get_by_text("Dark", exact=True).click()
    expect(page.locator("body")).to_have_css("background-color", DARK)
    expect(rail).to_be_hidden()
    panel.get_by_role("button", name="Close").click()
    menu_button.click()
    rail.get_by_role("button", name="Notices").click()
    page.get_by_role("dialog", name="Notices").get_by_role("button", name="Close").click()
    expect(rail).to_be_hidden()


PAGES = [
    "/?panel=security",
    "/?panel=keys",
    "/?panel=schedules",
    "/admin/models",
    "/admin/people",
    "/admin/audit",
    "/archive",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_fits_a_phone(owner: Desk, path: str) -> None:
    page = owner.page(path, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(page.get_by_role("heading").first).to_be_visible()
    fits(page)


def test_on_a_phone_one_chooses_who_answers(me: Desk) -> None:
    page = me.page(viewport=PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Model", exact=True).click()
    page.get_by_role("menuitemcheckbox", name="fake-small").click()
    expect(page.get_by_role("button", name="Who answers: fake-small")).to_be_visible()
    fits(page)


def test_that_one_is_offline_is_said_wherever_the_page_is_scrolled_to(me: Desk) -> None:
    thread = me.asked(f"Tell me {command(text='A long line ' * 400)}", title="Tides")
    window = me.window(viewport=PHONE)
    window.allowed = r"ERR_INTERNET_DISCONNECTED"
    page = window.open(f"/t/{thread}")
    finished(page)
    page.wait_for_function("window.scrollY > 400")
    window.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_in_viewport()


def test_an_answer_from_right_to_left_has_its_marks_at_the_right(me: Desk) -> None:
    thread = me.asked(f"Write {command(text='- نقطة أولى')}")
    page = me.page(f"/t/{thread}")
    item = finished(page).get_by_role("listitem")
    expect(item).to_have_css("direction", "rtl")
    expect(item).to_have_css("padding-right", "26px")


def test_a_conversation_that_is_not_there_says_so_and_leads_back(me: Desk) -> None:
    window = me.window()
    window.allowed = r"/api/threads/.*: 404"
    page = window.open("/t/thr_01a1dec37a9f72d7a8a31d86c6e11111")
    expect(page.get_by_role("heading", name="There is no such page.")).to_be_visible()
    page.get_by_role("link", name="To my pages").click()
    expect(page.get_by_label("Write to Mecum")).to_be_visible()


def fits(page: Page) -> None:
    """Nothing has to be scrolled sideways."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keyboard_reaches_search_the_palette_and_the_way_back(me: Desk) -> None:
    me.asked("Where do lapwings nest?", title="Lapwings")
    page = me.page()
    composer = page.get_by_label("Write to Mecum")
    expect(composer).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search")
    expect(search).to_be_focused()
    page.keyboard.type("lapwings")
    expect(page.get_by_role("group", name="Found").get_by_role("link").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(search).to_have_value("")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("combobox", name="Find a page or a command")
    expect(palette).to_be_focused()
    page.keyboard.type("dark")
    expect(page.get_by_role("option", name="Dark")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_have_css("background-color", DARK)
    page.keyboard.press("Control+k")
    page.keyboard.type("lapw")
    expect(page.get_by_role("option", name="Lapwings")).to_be_visible()
    page.keyboard.press("Escape")
    expect(palette).to_have_count(0)
    page.keyboard.press("Control+Shift+o")
    expect(composer).to_be_visible()
