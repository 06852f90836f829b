"""The operator's live view of capacity: what is full, who waits and why, light, dark and on a phone."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Generator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.busy import asked, forget_the_hour, remember_an_hour, standing, waited
from tests.e2e.driver import PHONE, Desk
from tests.e2e.spent import month_of, write_down
from tests.e2e.test_accessibility import AXE, everybody
from tests.e2e.test_look import fits
from tests.support.fake_replies import Reply

WHOLE = 10**7
"""More tokens than any pool takes at once."""


@pytest.fixture
def busy(owner: Desk) -> Generator[Desk]:
    """Ines fills the pool, and Tom's program and the work of a third wait behind her."""
    house = owner.house
    ines, tom, third = [house.add_person(f"{name}-{owner.email}") for name in ("ines", "tom", "third")]
    key = house.run(house.people.add_key(f"tom-{owner.email}", "corpus", ("chat", "models"))).id
    calls = [
        asked(ines, "interactive", WHOLE),
        asked(tom, "api", 900, key=key),
        asked(tom, "api", 900, key=key),
        asked(third, "background", 900),
    ]
    remember_an_hour(house, "Fake", 240_000)
    with standing(house, calls):
        waited(house, 11.2)
        yield owner
    forget_the_hour(house)


def capacity(desk: Desk, **options: object) -> Page:
    page = desk.page("/admin/capacity", reduced_motion="reduce", **options)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def test_the_page_says_first_what_is_full_and_who_waits(busy: Desk) -> None:
    page = capacity(busy)
    finding = page.get_by_role("heading", level=1)
    expect(finding).to_contain_text("One pool of two is full.")
    expect(finding).to_contain_text(
        re.compile(r"3 requests wait, the longest for 1\d seconds; nobody in a conversation")
    )
    expect(page.get_by_test_id("pool").filter(has_text="Fake")).to_have_attribute("data-state", "full")
    waits = page.get_by_test_id("wait")
    expect(waits).to_have_count(2)
    expect(waits.first).to_contain_text("key “corpus”")
    expect(waits.first).to_contain_text("programs")
    expect(waits.last).to_contain_text("background")


def test_it_is_live(owner: Desk) -> None:
    person = owner.house.add_person(f"live-{owner.email}")
    page = capacity(owner)
    finding = page.get_by_role("heading", level=1)
    expect(finding).to_contain_text("Nobody waits.")
    with standing(owner.house, [asked(person, "interactive", WHOLE), asked(person, "bulk", 900)]):
        expect(finding).to_contain_text("One request waits")
    expect(finding).to_contain_text("Nobody waits.")


def test_a_hidden_page_asks_nothing(owner: Desk) -> None:
    page = capacity(owner)
    hide = "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true})"
    page.evaluate(f"{hide}; document.dispatchEvent(new Event('visibilitychange'))")
    told = threading.Event()
    page.on("request", lambda request: told.set() if "/api/capacity" in request.url else None)
    page.wait_for_timeout(4_500)
    assert not told.is_set()


def test_a_real_answer_is_seen_while_it_is_written(owner: Desk) -> None:
    owner.house.fake.script(Reply(text="word " * 12, chunks=12, interval_ms=900))
    page = capacity(owner)
    thread = owner.asking("Write slowly")
    expect(page.get_by_role("heading", level=1)).to_contain_text("one answer is being written")
    owner.house.until_idle(thread, key=owner.key)
    expect(page.get_by_role("heading", level=1)).not_to_contain_text("written")


def test_a_week_tells_which_models_were_asked(owner: Desk) -> None:
    person = owner.house.add_person(f"week-{owner.email}")
    write_down(owner.house, month_of(person, 3, dt.datetime.now(dt.UTC)))
    page = capacity(owner)
    page.get_by_text("Week", exact=True).click()
    totals = page.get_by_role("region", name="What was asked")
    expect(totals).to_contain_text("nordwind-large")
    expect(page.get_by_role("heading", name="Until the first word, on average")).to_be_visible()


def test_the_plots_have_words_for_whoever_does_not_see_them(busy: Desk) -> None:
    page = capacity(busy)
    served = page.get_by_role("img", name=re.compile("Tokens a second that were served"))
    expect(served).to_have_accessible_name(re.compile("Some of what was asked found no place."))
    expect(page.get_by_role("img", name=re.compile("conversations .* s"))).to_be_visible()
    drawn = (
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((each) => each)"
    )
    assert served.locator("canvas").evaluate(drawn)


def test_members_are_sent_home(me: Desk) -> None:
    page = me.page("/admin/capacity")
    expect(page.get_by_label("Write to Mecum")).to_be_visible()
    expect(page.get_by_role("link", name="Capacity")).to_have_count(0)


def test_on_a_phone_nothing_is_scrolled_sideways(busy: Desk) -> None:
    page = capacity(busy, viewport=PHONE, has_touch=True, is_mobile=True)
    expect(page.get_by_test_id("wait").first).to_be_visible()
    fits(page)


def test_in_chinese(busy: Desk) -> None:
    busy.change_me(locale="zh")
    page = capacity(busy)
    expect(page.get_by_role("heading", level=1)).to_contain_text("两个资源池中有一个已满。")
    expect(page.get_by_role("heading", name="谁在等待，为什么")).to_be_visible()
    main = page.get_by_role("main").inner_text()
    assert not re.search(r"\b(wait|full|pool|asked)\b", main), main


@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: npm install in web/")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_by_everybody(busy: Desk, scheme: str) -> None:
    page = capacity(busy, color_scheme=scheme)
    expect(page.get_by_test_id("wait").first).to_be_visible()
    everybody(page)
