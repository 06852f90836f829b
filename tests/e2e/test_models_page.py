"""What an operator does on the page Models: prices, keys, names that stand for several models, who may use what."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from mecum.kit.ids import encode, new_id
from tests.e2e.driver import Desk, finished, write
from tests.support.fake_provider import FakeProvider, running

KEYS = ("sk-a-long-key-that-ends-in-1111", "sk-a-long-key-that-ends-in-2222")


@pytest.fixture
def provider() -> Generator[FakeProvider]:
    with running() as fake:
        yield fake


@pytest.fixture
def studio(owner: Desk, provider: FakeProvider) -> Generator[Any]:
    """A provider of this test's own, with two models; afterwards the house is as it was."""
    models = [{"upstream_model": "fake", "name": "deep"}, {"upstream_model": "fake-small", "name": "swift"}]
    body = {"name": "Studio", "base_url": provider.base_url, "key": KEYS[0], "models": models}
    made = owner.house.post("/api/providers", body)
    yield made
    for alias in owner.house.get("/api/aliases")["items"]:
        owner.house.request("DELETE", f"/api/aliases/{alias['id']}").raise_for_status()
    owner.house.request("DELETE", f"/api/providers/{made['id']}").raise_for_status()


def card_of(page: Page) -> Any:
    return page.get_by_role("article", name="Studio")


def test_a_price_is_stated_and_others_come_from_a_file_after_a_look_at_it(
    owner: Desk, studio: Any, tmp_path: Path
) -> None:
    page = owner.page("/admin/models")
    card_of(page).get_by_role("button", name="deep").first.click()
    panel = page.get_by_role("dialog", name="deep")
    panel.get_by_role("button", name="State a price").click()
    panel.get_by_label("Read", exact=True).fill("2.50")
    panel.get_by_label("Written", exact=True).fill("10")
    panel.get_by_role("button", name="Save the price").click()
    expect(panel.get_by_text("USD 2.50 in, 10.00 out per million")).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    file = tmp_path / "prices.csv"
    file.write_text("model,input,output\ndeep,2,10\nswift,0.15,0.60\nghost,1,1\n")
    page.get_by_role("button", name="Import a price file").click()
    panel = page.get_by_role("dialog", name="Prices from a file")
    panel.get_by_label("Price file").set_input_files(file)
    changes = panel.get_by_role("list", name="What would change").get_by_role("listitem")
    expect(changes).to_have_count(3)
    expect(changes.nth(2)).to_contain_text("no such model")
    panel.get_by_role("button", name="Take over 2 prices").click()
    expect(panel).to_have_count(0)
    expect(card_of(page)).to_contain_text("USD 2.00 in, 10.00 out per million")
    expect(card_of(page)).to_contain_text("USD 0.15 in, 0.60 out per million")


def test_a_provider_gets_a_second_key_which_is_tried_and_paused_and_never_shown(
    owner: Desk, studio: Any, provider: FakeProvider
) -> None:
    page = owner.page("/admin/models")
    card_of(page).get_by_role("button", name="Keys").click()
    panel = page.get_by_role("dialog", name="Keys of Studio")
    panel.get_by_role("button", name="Add another key").click()
    panel.get_by_label("Name").fill("Team")
    panel.get_by_label("Key", exact=True).fill(KEYS[1])
    panel.get_by_label("Requests at once").fill("4")
    panel.get_by_role("button", name="Add the key").click()
    team = panel.get_by_test_id("key").filter(has_text="Team …2222")
    expect(team).to_contain_text("4 requests at once")
    team.get_by_role("button", name="Test").click()
    expect(team.get_by_test_id("test-result")).to_contain_text("It answers")
    assert provider.requests[-1].headers["authorization"] == f"Bearer {KEYS[1]}"
    team.get_by_role("switch").click()
    expect(team).to_contain_text("paused")
    panel.get_by_role("button", name="Close").click()
    expect(card_of(page)).to_contain_text("2 keys share the load. 1 is paused.")
    assert all(key not in page.content() for key in KEYS)


def test_a_name_is_made_for_two_models_and_chosen_for_a_message(owner: Desk, studio: Any) -> None:
    page = owner.page("/admin/models")
    page.get_by_role("button", name="New name").click()
    panel = page.get_by_role("dialog", name="A name for models")
    panel.get_by_label("Name", exact=True).fill("mecum-fast")
    panel.get_by_label("What it is good for").fill("Everyday questions")
    panel.get_by_role("checkbox", name="swift").check()
    panel.get_by_role("checkbox", name="deep").check()
    panel.get_by_label("When deep is asked").select_option("second")
    expect(panel.get_by_text("swift, then deep")).to_be_visible()
    panel.get_by_role("button", name="Make the name").click()
    expect(page.get_by_test_id("alias")).to_contain_text("swift, then deep")
    page.goto(owner.house.url)
    page.get_by_role("button", name="Model", exact=True).click()
    choice = page.get_by_role("menuitemcheckbox", name="mecum-fast")
    expect(choice).to_contain_text("Everyday questions")
    choice.click()
    write(page, "Hello")
    expect(finished(page)).to_contain_text("swift")


def test_a_model_for_operators_is_not_offered_to_a_member(owner: Desk, me: Desk, studio: Any) -> None:
    page = owner.page("/admin/models")
    card_of(page).get_by_role("button", name="deep").first.click()
    panel = page.get_by_role("dialog", name="deep")
    panel.get_by_label("Who may use it").select_option("Operators only")
    panel.get_by_role("button", name="Save who sees it").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    panel.get_by_role("button", name="Close").click()
    expect(card_of(page)).to_contain_text("operators only")
    member = me.page()
    member.get_by_role("button", name="Model", exact=True).click()
    expect(member.get_by_role("menuitemcheckbox", name="swift")).to_be_visible()
    expect(member.get_by_role("menuitemcheckbox", name="deep")).to_have_count(0)


def test_a_model_is_for_an_organisation_that_the_operator_does_not_belong_to(
    owner: Desk, studio: Any, harbour: str
) -> None:
    page = owner.page("/admin/models")
    card_of(page).get_by_role("button", name="deep").first.click()
    panel = page.get_by_role("dialog", name="deep")
    panel.get_by_label("Who may use it").select_option("Members of organisations")
    panel.get_by_label("Name of an organisation").fill("harbour")
    panel.get_by_role("checkbox", name="Harbour office").check()
    panel.get_by_role("button", name="Save who sees it").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.reload()
    expect(card_of(page)).to_contain_text("1 organisation")
    card_of(page).get_by_role("button", name="deep").first.click()
    expect(panel.get_by_role("checkbox", name="Harbour office")).to_be_checked()
    (provider,) = [each for each in owner.house.get("/api/providers")["items"] if each["name"] == "Studio"]
    assert [each["access"]["organisations"] for each in provider["models"]] == [[harbour], []]


def test_who_sees_the_built_in_model_is_said_beside_it(owner: Desk, studio: Any) -> None:
    page = owner.page("/")
    # No weights are here: what the page is told of them stands in for the engine.
    told = {"name": "Tiny-1B", "licence": "Apache-2.0", "publisher": "Somebody", "sha256": "", "state": "ready"}
    page.route("**/api/models/local", lambda route: route.fulfill(json={**told, "problem": None}))
    page.goto(f"{owner.house.url}/admin/models")
    card = page.get_by_role("article", name="Tiny-1B")
    card.get_by_role("button", name="Who sees it").click()
    dialog = page.get_by_role("dialog", name="Who sees the built-in model")
    dialog.get_by_label("Who may use it").select_option("Operators only")
    dialog.get_by_role("button", name="Save").click()
    expect(card).to_contain_text("operators only")
    owner.house.request("PATCH", "/api/models/local/access", json={"access": {"kind": "everybody"}}).raise_for_status()


@pytest.fixture
def harbour(owner: Desk) -> Generator[str]:
    """The id of an organisation to which nobody belongs, among many others."""
    ids = {name: new_id() for name in ("Harbour office", *[f"Department {number}" for number in range(12)])}
    add = text("INSERT INTO people.organisations (id, slug, name, created_at) VALUES (:id, :slug, :name, now())")
    take = text("DELETE FROM people.organisations WHERE id = ANY(:ids)")

    async def work(statement: Any, values: Any) -> None:
        async with owner.house.app.kit.db.transaction() as connection:
            await connection.execute(statement, values)

    owner.house.run(work(add, [{"id": id_, "slug": id_.hex, "name": name} for name, id_ in ids.items()]))
    yield encode("org", ids["Harbour office"])
    owner.house.run(work(take, {"ids": list(ids.values())}))
