"""All budgets on one page: what each person has, who has their own, and the form that sets them."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from mecum.kit.ids import decode
from tests.e2e.driver import PHONE, Desk, desk
from tests.e2e.spent import count, month_of, spend, write_down
from tests.e2e.test_accessibility import AXE, everybody
from tests.e2e.test_look import fits
from tests.e2e.test_usage import person_of
from tests.support.living_house import House


@pytest.fixture
def tom(house: House, browser: Browser) -> Generator[Desk]:
    """An operator; what was set is gone afterwards, because others live in this house."""
    with desk(house, browser, "operator", name="Tom Verlinden") as made:
        yield made
    for budget in house.get("/api/budgets?limit=200")["items"]:
        house.request("DELETE", f"/api/budgets/{budget['id']}")


@pytest.fixture
def ines(house: House, browser: Browser) -> Generator[Desk]:
    with desk(house, browser, name="Ines Duval") as made:
        house.run(house.people.add_key(made.email, "corpus", ("chat", "models")))
        yield made


def budgets(someone: Desk, search: str = "", **options: Any) -> Page:
    page = someone.page(f"/admin/budgets{search}", reduced_motion="reduce", **options)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def given(house: House, subject: str, whose: str | None = None, **fields: Any) -> dict[str, Any]:
    body = {"subject": subject, "unit": "tokens", "amount": 200_000_000, "period": "day"} | fields
    return house.post("/api/budgets", body | ({"subject_id": whose} if whose else {}))


def opened(page: Page) -> Locator:
    page.get_by_role("button", name="Set a budget").click()
    return page.get_by_role("dialog", name="Set a budget")


def found(page: Page | Locator) -> Locator:
    return page.get_by_role("listbox", name="Found").get_by_role("option")


def test_the_rail_leads_to_a_page_that_says_what_could_be_set(tom: Desk) -> None:
    page = tom.page("/admin/people")
    page.get_by_role("navigation").get_by_role("link", name="Budgets", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nobody has a budget.")
    expect(page.get_by_role("main")).to_contain_text("There is no budget that all have.")


def test_what_each_person_has_is_set_changed_and_removed(tom: Desk) -> None:
    page = budgets(tom)
    dialog = opened(page)
    expect(dialog.get_by_label("Whose")).to_be_focused()
    dialog.get_by_text("A day", exact=True).click()
    dialog.get_by_label("At most, in tokens").fill("200000000")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Everybody may use 200,000,000 tokens a day.")
    expect(page.get_by_test_id("cap")).to_contain_text("nobody has used it up")
    page.get_by_role("button", name="Change the budget: What each person has").click()
    page.get_by_role("dialog").get_by_label("At most, in tokens").fill("100000000")
    page.get_by_role("dialog").get_by_role("switch").click()
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    told = "What everybody uses is counted against 100,000,000 tokens a day."
    expect(page.get_by_role("heading", level=1)).to_have_text(told)
    expect(page.get_by_test_id("cap")).to_contain_text("only counts")
    page.get_by_role("button", name="Change the budget: What each person has").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Nobody has a budget.")


def test_a_person_is_found_by_typing_and_gets_a_budget_of_their_own(tom: Desk, ines: Desk) -> None:
    given(tom.house, "each_person")
    page = budgets(tom)
    dialog = opened(page)
    dialog.get_by_label("Whose").select_option(label="One person")
    dialog.get_by_role("combobox", name="Name or address").press_sequentially(ines.email)
    expect(found(dialog)).to_have_count(1)
    page.keyboard.press("Enter")
    expect(dialog.locator(".picked")).to_contain_text("Ines Duval")
    dialog.get_by_text("Money", exact=True).click()
    dialog.get_by_label("At most, in USD").fill("50")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "Everybody may use 200,000,000 tokens a day; one person has a budget of their own."
    )
    row = page.get_by_test_id("cap").filter(has_text="Ines Duval")
    expect(row).to_contain_text("US$50.00")
    expect(row).to_contain_text("refuses what goes over it")


def test_a_key_of_somebody_is_chosen_by_its_name(tom: Desk, ines: Desk) -> None:
    page = budgets(tom)
    dialog = opened(page)
    dialog.get_by_label("Whose").select_option(label="A key of somebody")
    dialog.get_by_role("combobox", name="Name or address").fill(ines.email)
    found(dialog).click()
    chosen = dialog.get_by_label("Key", exact=True)
    expect(chosen.locator("option")).to_have_count(2)
    chosen.select_option(index=1)
    dialog.get_by_label("At most, in tokens").fill("5000")
    dialog.get_by_role("button", name="Save").click()
    row = page.get_by_test_id("cap").filter(has_text="Key “corpus”")
    expect(row).to_contain_text("Ines Duval")
    expect(page.get_by_role("heading", level=1)).to_contain_text("one key has a budget of its own")


def test_an_organisation_has_one_for_all_together(tom: Desk) -> None:
    page = budgets(tom)
    dialog = opened(page)
    dialog.get_by_label("Whose").select_option(label="An organisation, all together")
    name = dialog.get_by_label("Organisation").locator("option").inner_text()
    dialog.get_by_label("At most, in tokens").fill("5000000000")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("cap")).to_contain_text(name)


def test_the_people_page_leads_to_what_holds_for_one_of_them(tom: Desk, ines: Desk) -> None:
    person = person_of(ines)
    default = given(tom.house, "each_person")
    write_down(tom.house, records := month_of(person, 2, tom.house.app.kit.clock.now()))
    spend(tom.house, default, person, records)
    page = tom.page("/admin/people")
    page.get_by_label("Name or address").fill(ines.email)
    expect(page.get_by_test_id("person")).to_have_count(1)
    page.get_by_role("link", name="Budgets of Ines Duval").click()
    expect(page).to_have_url(re.compile(f"subject={person}"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Ines Duval may use 200,000,000 tokens a day.")
    row = page.get_by_test_id("cap")
    expect(row).to_contain_text("What each person has")
    expect(row.get_by_role("progressbar")).to_be_visible()
    dialog = opened(page)
    expect(dialog.locator(".picked")).to_contain_text("Ines Duval")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("link", name="Show all budgets").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Everybody may use 200,000,000 tokens a day.")


def test_what_nobody_can_say_to_be_spent_is_explained(tom: Desk, ines: Desk) -> None:
    person = person_of(ines)
    own = given(tom.house, "person", person, amount=10_000)
    count(tom.house, own, decode("prs", person), spent=4_000, unattributed=1_500)
    row = budgets(tom).get_by_test_id("cap").filter(has_text="Ines Duval")
    expect(row).to_contain_text("1.5 k tokens of it are not attributed")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "40")


def test_what_was_lost_is_given_back_by_somebody_who_knows_better(tom: Desk, ines: Desk) -> None:
    person = person_of(ines)
    own = given(tom.house, "person", person, amount=10_000)
    count(tom.house, own, decode("prs", person), spent=4_000, unattributed=1_500)
    page = budgets(tom)
    row = page.get_by_test_id("cap").filter(has_text="Ines Duval")
    row.get_by_role("button", name="Give it back").click()
    dialog = page.get_by_role("dialog", name="Give back 1.5 k tokens?")
    expect(dialog).to_contain_text("What is recorded as used stays spent")
    dialog.get_by_role("button", name="Give back", exact=True).click()
    expect(row).not_to_contain_text("not attributed")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")


def test_what_was_lost_of_what_each_has_is_given_back_to_one_alone(tom: Desk, ines: Desk) -> None:
    person = person_of(ines)
    default = given(tom.house, "each_person")
    for owner in (decode("prs", person), uuid4()):
        count(tom.house, default, owner, spent=4_000, unattributed=1_500)
    page = budgets(tom)
    expect(page.get_by_test_id("cap")).to_contain_text("3 k tokens of it are not attributed")
    hers = budgets(tom, f"?subject={person}")
    hers.get_by_role("button", name="Give it back").click()
    hers.get_by_role("dialog").get_by_role("button", name="Give back", exact=True).click()
    expect(hers.get_by_role("button", name="Give it back")).to_have_count(0)
    page.reload()
    expect(page.get_by_test_id("cap")).to_contain_text("1.5 k tokens of it are not attributed")


def test_a_cap_that_somebody_set_for_themselves_is_theirs(tom: Desk, ines: Desk) -> None:
    body = {"unit": "tokens", "amount": 90_000, "period": "week"}
    tom.house.post("/api/usage/budgets", body, key=ines.key)
    row = budgets(tom).get_by_test_id("cap")
    expect(row).to_contain_text("set by themselves")
    expect(row.get_by_role("button")).to_have_count(0)


def test_many_budgets_come_page_by_page(tom: Desk, ines: Desk) -> None:
    person = person_of(ines)
    page = tom.window().context.new_page()
    page.route("**/api/budgets?*", lambda route: route.continue_(url=route.request.url.replace("limit=50", "limit=2")))
    for period in ("day", "week", "month"):
        given(tom.house, "person", person, period=period)
    page.goto(f"{tom.house.url}/admin/budgets")
    expect(page.get_by_test_id("cap")).to_have_count(2)
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_test_id("cap")).to_have_count(3)


def test_on_a_phone_nothing_is_scrolled_sideways(tom: Desk, ines: Desk) -> None:
    given(tom.house, "each_person")
    given(tom.house, "person", person_of(ines), unit="money", amount="20.00", period="month")
    page = budgets(tom, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(page.get_by_test_id("cap")).to_have_count(2)
    fits(page)
    opened(page).get_by_label("Whose").select_option(label="One person")
    page.get_by_role("combobox", name="Name or address").fill("Ines")
    expect(found(page).first).to_be_visible()
    fits(page)


def test_in_chinese(tom: Desk, ines: Desk) -> None:
    given(tom.house, "each_person")
    given(tom.house, "person", person_of(ines), hard=False)
    tom.change_me(locale="zh")
    page = budgets(tom)
    expect(page.get_by_role("heading", level=1)).to_have_text("每人可以用每天 200,000,000 词元；一个人有单独的预算。")
    main = page.get_by_role("main").inner_text().replace("Ines Duval", "")
    assert not re.search(r"[A-Za-z]{4,}", main), main


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm install in web/")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_by_everybody(tom: Desk, ines: Desk, scheme: str) -> None:
    person = person_of(ines)
    given(tom.house, "each_person")
    own = given(tom.house, "person", person, amount=10_000)
    count(tom.house, own, decode("prs", person), spent=9_900, unattributed=1_500)
    page = budgets(tom, color_scheme=scheme)
    expect(page.get_by_test_id("cap")).to_have_count(2)
    everybody(page)
    opened(page).get_by_label("Whose").select_option(label="A key of somebody")
    page.get_by_role("combobox", name="Name or address").fill("Ines")
    expect(found(page).first).to_be_visible()
    everybody(page)
