"""The pictures of the docs, from the real client with an answer that somebody could have had: `make screenshots`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from mecum.kit.ids import decode
from tests.e2e.busy import asked, remember_an_hour, standing, waited
from tests.e2e.driver import DESK, PHONE, Desk, desk, finished
from tests.e2e.spent import count, month_of, spend, write_down
from tests.support.fake_replies import Reply
from tests.support.living_house import House, fresh_database, living_house
from tests.support.processes import REPO

pytestmark = pytest.mark.pictures

IMAGES = REPO / "docs" / "images"
BYTES_MAX = 250_000
TALL = {"width": 1280, "height": 1080}
TITLES = (
    "A letter to the landlord",
    "Names for a small bakery",
    "What the lease really says",
    "Thank-you note for Ines",
    "Bread that rises overnight",
)
QUESTION = "We are six on Saturday, two of us vegetarian. What do I cook, and how much does it cost each?"
ANSWER = """\
A long table, one oven and nothing at the last minute: **mushroom lasagne** for everyone, with a lemon salad beside it.

| | for six | costs |
| --- | --- | ---: |
| Mushrooms, mixed | 900 g | 11.40 |
| Pasta sheets | 500 g | 2.60 |
| Ricotta and parmesan | 650 g | 9.80 |
| Leaves, lemons, walnuts | | 7.20 |

That is **5.17 each**. Two things make the evening easy:

1. Build it on Friday; it is better after a night in the cold.
2. Put it in at 180 °C when the first guest rings, and eat 45 minutes later.

If more people come, this keeps the amounts right:

```python
def for_guests(grams: int, guests: int, planned: int = 6) -> int:
    return round(grams * guests / planned / 10) * 10
```
"""
QUESTION_ZH = "周六六个人吃饭，其中两位吃素。做什么好，每人大概多少钱？"
ANSWER_ZH = """\
一张长桌、一个烤箱，不必最后一刻手忙脚乱：给大家做**蘑菇千层面**，配一份柠檬沙拉。

| | 六人份 | 价格 |
| --- | --- | ---: |
| 各色蘑菇 | 900 克 | 11.40 |
| 千层面皮 | 500 克 | 2.60 |
| 乳清干酪和帕尔马干酪 | 650 克 | 9.80 |
| 生菜、柠檬、核桃 | | 7.20 |

每人 **5.17**。两件事能让这一晚轻松：

1. 周五先做好，放一夜味道更好。
2. 第一位客人按门铃时放进 180 °C 的烤箱，45 分钟后开饭。
"""
PRICES = ("calculate", '{"expression": "(11.40 + 2.60 + 9.80 + 7.20) / 6"}')


@pytest.fixture(scope="module")
def ada(house: House, browser: Browser) -> Generator[Desk]:
    """An owner with a notebook that has been used for a while, and others in the house."""
    furnish(house)
    with desk(house, browser, "owner", name="Ada Byron", email="ada@example.org") as made:
        for title in TITLES:
            read(made, made.asked(title, title=title))
        yield made


def furnish(house: House) -> None:
    """Names that tell something, instead of those that tests give."""
    neighbours = {"owner@example.org": "Ines Okafor", "member@example.org": "Jonas Weber"}
    for person in house.get("/api/people")["items"]:
        if person["email"] in neighbours:
            name = {"name": neighbours[person["email"]]}
            house.request("PATCH", f"/api/people/{person['id']}", json=name).raise_for_status()
    before = house.get("/api/providers")["items"]
    embedding = {"upstream_model": "cellar-embed", "kind": "embedding"}
    models = ["cellar-32b", "cellar-8b", embedding]
    house.post("/api/providers", {"name": "In the cellar", "base_url": house.fake.base_url, "models": models})
    house.request("PUT", "/api/models/default", json={"name": "cellar-32b"}).raise_for_status()
    for provider in before:
        house.request("DELETE", f"/api/providers/{provider['id']}").raise_for_status()


def read(desk_: Desk, thread: str) -> None:
    desk_.house.post(f"/api/threads/{thread}/read", key=desk_.key)


def told(desk_: Desk, question: str, answer: str, title: str) -> str:
    reply = Reply(text=answer, tools=(PRICES,), interval_ms=20)
    desk_.house.fake.script(reply, reply)
    return desk_.asked(question, title=title)


def take(page: Page, name: str) -> None:
    """Take the picture once its fonts are there and nothing moves."""
    page.evaluate("document.fonts.ready")
    path = IMAGES / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    assert path.stat().st_size <= BYTES_MAX, f"{name}.png is {path.stat().st_size:,} bytes"


def shown(desk_: Desk, path: str, **options: Any) -> Page:
    return desk_.page(path, reduced_motion="reduce", **options)


def test_a_conversation_in_light_dark_and_on_a_phone(ada: Desk) -> None:
    thread = told(ada, QUESTION, ANSWER, "Dinner on Saturday")
    for name, options in (
        ("chat-light", {"color_scheme": "light", "viewport": TALL}),
        ("chat-dark", {"color_scheme": "dark", "viewport": TALL}),
        ("chat-phone", {"viewport": PHONE, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}),
    ):
        page = shown(ada, f"/t/{thread}", **options)
        expect(finished(page).locator("code .hljs-keyword").first).to_be_attached()
        page.evaluate("window.scrollTo(0, 0)")
        take(page, name)


def test_the_empty_page(ada: Desk) -> None:
    page = shown(ada, "/")
    expect(page.get_by_text("This page is yours.")).to_be_visible()
    expect(page.get_by_role("link", name=TITLES[0])).to_be_visible()
    expect(page.get_by_role("button", name="Model", exact=True)).to_be_visible()
    take(page, "empty")
    phone = shown(ada, "/", viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True)
    expect(phone.get_by_text("This page is yours.")).to_be_visible()
    take(phone, "empty-phone")
    phone.get_by_role("button", name="Conversations and places").click()
    expect(phone.get_by_role("link", name=TITLES[0])).to_be_visible()
    take(phone, "rail-phone")


def test_a_conversation_in_chinese(house: House, browser: Browser, ada: Desk) -> None:
    with desk(house, browser, name="林小雨", email="lin@example.org") as lin:
        lin.change_me(locale="zh", timezone="Asia/Shanghai")
        for title in ("给房东的信", "面包店的名字", "周末去哪儿"):
            read(lin, lin.asked(title, title=title))
        thread = told(lin, QUESTION_ZH, ANSWER_ZH, "周六的晚饭")
        page = shown(lin, f"/t/{thread}")
        expect(finished(page).locator("table")).to_be_visible()
        page.evaluate("window.scrollTo(0, 0)")
        take(page, "chat-chinese")


def test_signing_in(ada: Desk) -> None:
    page = shown(ada, "/sign-in", signed_in=False)
    expect(page.get_by_role("button", name="Sign in with a passkey")).to_be_visible()
    take(page, "sign-in")


@pytest.mark.parametrize(
    ("name", "path", "words"),
    [
        ("models", "/admin/models", "Everybody can choose another for a message."),
        ("people", "/admin/people", "Each has a notebook of their own"),
        ("security", "/?panel=security", "Sign in with your finger"),
    ],
)
def test_pages_of_the_owner(ada: Desk, name: str, path: str, words: str) -> None:
    page = shown(ada, path, viewport=DESK)
    expect(page.get_by_text(words)).to_be_visible()
    expect(page.locator(".skeleton")).to_have_count(0)
    take(page, name)


RACK, NORDWIND = "Rack in the cellar", "Nordwind"
GROUPS = ("Ines Peeters", "Energy reports", "Archive import", "Chemistry agents")
LIMITS = {"MECUM_GATE_TOKENS_START": "240000", "MECUM_GATE_TOKENS_MAX": "240000", "MECUM_CURRENCY": "EUR"}
LOOKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("light", {"color_scheme": "light", "viewport": TALL}),
    ("dark", {"color_scheme": "dark", "viewport": TALL}),
)


@pytest.fixture(scope="module")
def university(pg_url: str, template: str) -> Generator[House]:
    """A house with two connected providers and four groups, of which the first has a key."""
    with fresh_database(pg_url, template) as url, living_house(url, settings=LIMITS) as made:
        for provider in made.get("/api/providers")["items"]:
            made.request("DELETE", f"/api/providers/{provider['id']}").raise_for_status()
        for name, model in ((RACK, "think-70b"), (NORDWIND, "nordwind-large")):
            models = [{"upstream_model": "fake", "name": model}]
            made.post("/api/providers", {"name": name, "base_url": made.fake.base_url, "models": models})
        for number, name in enumerate(GROUPS):
            made.add_person(f"group{number}@example.org")
            made.request(
                "PATCH", "/api/me", json={"name": name}, key=made.key(person=f"group{number}@example.org")
            ).raise_for_status()
        yield made


def test_capacity_while_a_pool_is_full(university: House, browser: Browser) -> None:
    ines, energy, archive, chemistry = [
        university.get("/api/me", key=university.key(person=f"group{number}@example.org"))["id"] for number in range(4)
    ]
    key = university.run(university.people.add_key("group0@example.org", "corpus", ("chat", "models"))).id
    calls = [
        asked(archive, "bulk", 20_000, RACK),
        asked(ines, "interactive", 70_000, RACK),
        asked(chemistry, "interactive", 40_000, RACK),
        asked(ines, "api", 39_000, RACK, key),
        asked(energy, "background", 19_000, RACK),
        asked(chemistry, "interactive", 36_000, RACK),
        *[asked(energy, "background", 4_000, RACK)] * 6,
        *[asked(archive, "bulk", 9_000, RACK)] * 3,
        *[asked(chemistry, "background", 3_000, RACK)] * 3,
        *[asked(ines, "api", 9_000, RACK, key)] * 2,
        asked(ines, "interactive", 50_000, NORDWIND),
        asked(ines, "api", 40_000, NORDWIND, key),
    ]
    remember_an_hour(university, RACK, 240_000)
    remember_an_hour(university, NORDWIND, 240_000, rush=0.999, size=0.3)
    with desk(university, browser, "owner", name="Tom Verlinden") as tom, standing(university, calls):
        waited(university, 11.2)
        for name, options in LOOKS:
            page = shown(tom, "/admin/capacity", **options)
            expect(page.get_by_test_id("wait")).to_have_count(4)
            expect(page.locator(".plot canvas")).to_have_count(3)
            take(page, f"capacity-{name}")


def test_a_month_against_a_cap(university: House, browser: Browser) -> None:
    key = university.key(person="group0@example.org")
    person = university.get("/api/me", key=key)["id"]
    write_down(university, records := month_of(person, 40, dt.datetime.now(dt.UTC)))
    cap = university.post("/api/usage/budgets", {"unit": "money", "amount": "12.00", "period": "month"}, key=key)
    spend(university, cap, person, records)
    ines = Desk(university, browser, "group0@example.org", [])
    for name, options in LOOKS:
        page = shown(ines, "/usage", **options)
        expect(page.locator(".plot canvas")).to_have_count(2)
        expect(page.get_by_test_id("cap")).to_be_visible()
        take(page, f"usage-{name}")
    for window in ines.windows:
        window.check()
        window.context.close()


def test_budgets_of_a_house(university: House, browser: Browser) -> None:
    university.post("/api/budgets", {"subject": "each_person", "unit": "tokens", "amount": 200_000, "period": "day"})
    for name, amount, part in (("group1", "20.00", 0.31), ("group2", "50.00", 0.92)):
        person = university.get("/api/me", key=university.key(person=f"{name}@example.org"))["id"]
        body = {"subject": "person", "subject_id": person, "unit": "money", "amount": amount, "period": "month"}
        own = university.post("/api/budgets", body)
        count(university, own, decode("prs", person), round(float(amount) * 1_000_000 * part))
    with desk(university, browser, "owner", name="Tom Verlinden") as tom:
        for name, options in LOOKS:
            page = shown(tom, "/admin/budgets", **options)
            expect(page.get_by_test_id("cap").filter(has=page.get_by_role("progressbar"))).to_have_count(3)
            take(page, f"budgets-{name}")


def test_every_picture_is_small() -> None:
    big = [path.name for path in Path(IMAGES).glob("*.png") if path.stat().st_size > BYTES_MAX]
    assert big == []
