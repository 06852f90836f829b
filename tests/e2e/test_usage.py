"""What somebody used: the month against the cap, where it went, caps that one sets, what changed an answer."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.driver import PHONE, Desk, finished, write
from tests.e2e.spent import month_of, spend, write_down
from tests.e2e.test_accessibility import AXE, everybody
from tests.e2e.test_look import fits


def person_of(desk: Desk) -> str:
    return desk.house.get("/api/me", key=desk.key)["id"]


@pytest.fixture
def spender(me: Desk) -> Desk:
    """Somebody with two months of use, one answer of which was kept shorter."""
    records = month_of(person_of(me), 40, dt.datetime.now(dt.UTC))
    records[-1] = dataclasses.replace(records[-1], degraded="shorter")
    write_down(me.house, records)
    return me


def usage(desk: Desk, **options: object) -> Page:
    page = desk.page("/usage", reduced_motion="reduce", **options)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def test_who_used_nothing_is_told_what_will_be_here(me: Desk) -> None:
    page = me.page("/")
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"Nothing used in \w+ yet"))
    expect(page.get_by_role("main")).to_contain_text("a token is about three quarters of a word")
    expect(page.get_by_role("main")).to_contain_text("No cap.")


def test_what_costs_nothing_is_told_in_questions_and_tokens(me: Desk) -> None:
    write_down(me.house, month_of(person_of(me), 1, dt.datetime.now(dt.UTC), cost=0))
    page = usage(me)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"You used [\d,]+ tokens in \w+"))
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"That is \d+ questions"))
    expect(page.get_by_role("main")).to_contain_text("None of it costs anything here.")
    expect(page.get_by_role("main")).not_to_contain_text("$")


def test_a_month_in_money_says_where_it_went(spender: Desk) -> None:
    page = usage(spender)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"You used US\$[\d.]+ in \w+"))
    expect(page.get_by_role("img", name=re.compile(r"conversations US\$[\d.]+, ")).first).to_be_visible()
    expect(page.get_by_test_id("degraded")).to_contain_text("was kept shorter, because a cap was near")
    expect(page.get_by_role("main")).to_contain_text("Nothing else. What others pay never changes an answer here.")


def test_months_go_back_and_forth(spender: Desk) -> None:
    page = usage(spender)
    main = page.get_by_role("main")
    now = dt.datetime.now(dt.UTC)
    before = (now.replace(day=1) - dt.timedelta(days=1)).strftime("%B %Y")
    expect(
        main.get_by_role("button", name=(now.replace(day=28) + dt.timedelta(days=5)).strftime("%B %Y"))
    ).to_be_disabled()
    main.get_by_role("button", name=before).click()
    expect(page).to_have_url(re.compile(r"month=\d{4}-\d\d"))
    expect(page.locator(".month")).to_have_text(before)
    main.get_by_role("button", name=now.strftime("%B %Y")).click()
    expect(page.locator(".month")).to_have_text(now.strftime("%B %Y"))


def test_a_cap_is_set_changed_and_taken_away(spender: Desk) -> None:
    page = usage(spender)
    page.get_by_role("button", name="Set a cap").click()
    dialog = page.get_by_role("dialog", name="Set a cap")
    expect(dialog.get_by_label("At most, in USD")).to_be_focused()
    dialog.get_by_label("At most, in USD").fill("500")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    cap = page.get_by_test_id("cap")
    expect(cap).to_contain_text("Everything")
    expect(cap).to_contain_text("US$500.00")
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"You used US\$[\d.]+ of US\$500.00"))
    expect(page.get_by_role("heading", name="The month against your cap")).to_be_visible()
    cap.get_by_role("button", name="Change the cap on Everything").click()
    dialog = page.get_by_role("dialog", name="Change the cap on Everything")
    dialog.get_by_label("At most, in USD").fill("600.50")
    dialog.get_by_role("button", name="Save").click()
    expect(cap).to_contain_text("US$600.50")
    cap.get_by_role("button", name="Change the cap on Everything").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_test_id("cap")).to_have_count(0)


def test_a_cap_on_a_key_in_tokens(me: Desk) -> None:
    me.house.run(me.house.people.add_key(me.email, "corpus", ("chat", "models")))
    page = usage(me)
    page.get_by_role("button", name="Set a cap").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("On what").select_option(label="Key “corpus”")
    dialog.get_by_text("Tokens", exact=True).click()
    dialog.get_by_text("A week", exact=True).click()
    dialog.get_by_label("At most, in tokens").fill("200000")
    expect(dialog).to_contain_text("About 150,000 words read and written.")
    dialog.get_by_role("button", name="Save").click()
    cap = page.get_by_test_id("cap")
    expect(cap).to_contain_text("Key “corpus”")
    expect(cap).to_contain_text("each week")
    expect(cap).to_contain_text("200 k tokens")


def test_the_same_cap_twice_is_refused_with_words(me: Desk) -> None:
    window = me.window()
    window.allowed = r"/api/usage/budgets: 409"
    page = window.open("/usage")
    for _ in range(2):
        page.get_by_role("button", name="Set a cap").click()
        page.get_by_role("dialog").get_by_text("Money", exact=True).click()
        page.get_by_role("dialog").get_by_label("At most, in USD").fill("5")
        page.get_by_role("dialog").get_by_role("button", name="Save").click()
        expect(page.get_by_test_id("cap")).to_have_count(1)
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()


@pytest.mark.parametrize(
    ("amount", "hard", "title", "told"),
    [
        (0.9, True, "is used up", "what would go over it is refused"),
        (1.1, True, "is nearly used up", "are left until"),
        (0.9, False, "is exceeded", "nothing is held back"),
    ],
)
def test_a_cap_near_its_end_is_the_first_that_is_said(
    me: Desk, amount: float, hard: bool, title: str, told: str
) -> None:
    write_down(me.house, records := month_of(person_of(me), 3, dt.datetime.now(dt.UTC)))
    month = me.house.get("/api/usage", key=me.key)
    most = f"{float(month['total']['cost']) * amount:.2f}"
    body = {"unit": "money", "amount": most, "period": "month", "hard": hard}
    cap = me.house.post("/api/usage/budgets", body, key=me.key)
    spend(me.house, cap, person_of(me), records)
    page = usage(me)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Your cap of US${most} a month {title}")
    expect(page.get_by_role("main")).to_contain_text(told)
    used = f"You used US${float(month['total']['cost']):.2f} of US${most}."
    expect(page.get_by_role("main")).to_contain_text(used)


def test_a_cap_that_somebody_else_set_is_shown_without_a_button(owner: Desk, me: Desk) -> None:
    body = {"subject": "person", "subject_id": person_of(me), "unit": "tokens", "amount": 5_000_000, "period": "day"}
    owner.house.post("/api/budgets", body)
    cap = usage(me).get_by_test_id("cap")
    expect(cap).to_contain_text("set by whoever runs this Mecum")
    expect(cap.get_by_role("button")).to_have_count(0)


def test_on_a_phone_nothing_is_scrolled_sideways(spender: Desk) -> None:
    page = usage(spender, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(page.get_by_role("img").first).to_be_visible()
    fits(page)
    page.get_by_role("button", name="Set a cap").click()
    fits(page)


def test_in_chinese(spender: Desk) -> None:
    spender.change_me(locale="zh")
    page = usage(spender)
    expect(page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"月你用了 US\$[\d.]+"))
    main = re.sub(r"nordwind-\w+|token", "", page.get_by_role("main").inner_text())
    assert not re.search(r"[A-Za-z]{4,}", main), main


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm install in web/")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_by_everybody(spender: Desk, scheme: str) -> None:
    body = {"unit": "money", "amount": "300.00", "period": "month"}
    spender.house.post("/api/usage/budgets", body, key=spender.key)
    page = usage(spender, color_scheme=scheme)
    expect(page.get_by_test_id("cap")).to_be_visible()
    everybody(page)
    page.get_by_role("button", name="Set a cap").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    everybody(page)


def test_what_took_most_is_told_by_conversation_and_leads_there(me: Desk) -> None:
    page = me.page()
    write(page, "Where does the lighthouse stand?")
    expect(finished(page)).to_be_visible()
    page.wait_for_function("fetch('/api/usage').then((answer) => answer.json()).then((used) => used.total.calls > 0)")
    page.goto(f"{me.house.url}/usage")
    used = page.get_by_test_id("used-by")
    expect(used).to_contain_text("1 call")
    used.get_by_role("link").click()
    expect(page).to_have_url(re.compile("/t/thr_"))
    expect(page.get_by_role("main")).to_contain_text("Where does the lighthouse stand?")
