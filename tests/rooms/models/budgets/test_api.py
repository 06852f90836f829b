"""Budgets and usage under /api, and budgets in the way of every door."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import openai
import pytest
from sqlalchemy import text

from mecum.kit.db import Database
from mecum.kit.errors import TooMany
from mecum.kit.ids import decode, encode
from mecum.kit.types import Actor, OrganisationId, PersonId, SpaceId
from mecum.rooms.models import Message, ModelRequest, TextPart
from mecum.rooms.models.pricing.amounts import prices_of
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import Reply
from tests.support.jobs import HandJobs

LOSE = text(
    "INSERT INTO models.budget_window (budget_id, owner_id, starts_at, ends_at, spent, unattributed)"
    " VALUES (:budget, :owner, :starts, :ends, :amount, :amount) ON CONFLICT (budget_id, owner_id, starts_at) DO UPDATE"
    " SET spent = budget_window.spent + :amount, unattributed = budget_window.unattributed + :amount"
)
HI = ModelRequest([Message("user", (TextPart("Hi"),))])


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider) -> AsyncIterator[World]:
    async with world(database, jobs, tmp_path, budget_wait_max_s=0) as built:
        await built.connect(fake, "fake")
        yield built


async def api(here: World, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    async with httpx2.AsyncClient(base_url=here.url) as client:
        answer = await client.request(method, f"/api/{path}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def said(here: World, request: ModelRequest = HI) -> None:
    async for _ in here.face.stream(here.caller, request):
        pass
    await here.parts.meter.flush()


def tokens(amount: int, **more: Any) -> dict[str, Any]:
    return {"unit": "tokens", "amount": amount, "period": "day"} | more


async def test_a_person_sets_a_cap_sees_what_was_used_of_it_and_is_held_to_it(here: World) -> None:
    cap = await api(here, "POST", "usage/budgets", tokens(1000), 201)
    await said(here)
    (listed,) = (await api(here, "GET", "usage/budgets"))["items"]
    usage = await api(here, "GET", "usage")
    assert listed["spent"] == usage["total"]["input_tokens"] + usage["total"]["output_tokens"] > 0
    await api(here, "PATCH", f"usage/budgets/{cap['id']}", {"amount": 100})
    with pytest.raises(TooMany):
        await said(here)
    await api(here, "DELETE", f"usage/budgets/{cap['id']}", status=204)
    await said(here)


async def test_an_operators_budget_is_seen_by_its_person_and_not_changed(here: World) -> None:
    person = encode("prs", here.caller.person)
    made = await api(here, "POST", "budgets", tokens(1000, subject="person", subject_id=person), 201)
    (listed,) = (await api(here, "GET", "usage/budgets"))["items"]
    assert (listed["id"], listed["set_by"]) == (made["id"], "operator")
    await api(here, "PATCH", f"usage/budgets/{made['id']}", {"amount": 10**9}, 404)
    await api(here, "DELETE", f"usage/budgets/{made['id']}", status=404)
    await api(here, "PATCH", f"budgets/{made['id']}", {"amount": 2000, "hard": False})
    (changed,) = (await api(here, "GET", f"budgets?subject={person}"))["items"]
    assert (changed["amount"], changed["hard"]) == (2000, False)
    assert here.people.actions[-2:] == ["models.budget_set", "models.budget_changed"]


async def test_a_budget_of_a_key_is_its_owners_too(here: World) -> None:
    key = encode("key", here.people.key)
    await api(here, "POST", "usage/budgets", tokens(500, key=key), 201)
    await api(here, "POST", "usage/budgets", tokens(500, key=key), 409)
    await api(here, "POST", "usage/budgets", tokens(500, key=encode("key", uuid4())), 404)
    (listed,) = (await api(here, "GET", "usage/budgets"))["items"]
    assert (listed["subject"], listed["subject_id"]) == ("key", key)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (tokens(-1), 400),
        (tokens(5, period="year"), 400),
        ({"unit": "money", "amount": 5, "period": "day"}, 400),
        ({"unit": "money", "amount": "5.0000001", "period": "day"}, 422),
        ({"unit": "tokens", "amount": "5", "period": "day"}, 400),
        (tokens(5, key="prs_00"), 400),
    ],
)
async def test_what_is_no_budget_is_refused(here: World, body: dict[str, Any], status: int) -> None:
    await api(here, "POST", "usage/budgets", body, status)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (tokens(5, subject="person"), 422),
        (tokens(5, subject="each_person", subject_id=encode("prs", uuid4())), 400),
        (tokens(5, subject="person", subject_id=encode("prs", uuid4())), 404),
        (tokens(5, subject="each_person", timezone="Mars/Olympus"), 422),
    ],
)
async def test_a_budget_names_whom_it_limits_and_a_time_zone_that_is_one(
    here: World, body: dict[str, Any], status: int
) -> None:
    await api(here, "POST", "budgets", body, status)


async def test_budgets_are_paged(here: World) -> None:
    for period in ("day", "week", "month"):
        for hard_unit in (tokens(5), {"unit": "money", "amount": "2.50"}):
            await api(here, "POST", "budgets", hard_unit | {"subject": "each_person", "period": period}, 201)
    first = await api(here, "GET", "budgets?limit=4")
    rest = await api(here, "GET", f"budgets?limit=4&cursor={first['next']}")
    assert [len(first["items"]), len(rest["items"])] == [4, 2]
    assert rest["next"] is None
    assert first["items"][1]["amount"] == "2.50"


async def test_operators_see_whose_a_budget_is(here: World) -> None:
    person, key = encode("prs", here.caller.person), encode("key", here.people.key)
    organisation = encode("org", here.caller.organisation)
    for kind, whose in (("person", person), ("key", key), ("organisation", organisation)):
        await api(here, "POST", "budgets", tokens(1000, subject=kind, subject_id=whose), 201)
    listed = (await api(here, "GET", "budgets"))["items"]
    ines = {"id": person, "name": "Ines"}
    assert [(each["name"], each["person"]) for each in listed] == [("Ines", ines), ("corpus", ines), ("Home", None)]
    of_keys = (await api(here, "GET", "budgets?kind=key"))["items"]
    assert [each["subject_id"] for each in of_keys] == [key]
    of_ines = (await api(here, "GET", f"budgets?subject={person}"))["items"]
    assert [each["subject"] for each in of_ines] == ["person", "key"]


async def test_what_each_person_has_is_listed_for_one_with_what_they_spent_of_it(here: World) -> None:
    person = encode("prs", here.caller.person)
    for unit in (tokens(100_000), {"unit": "money", "amount": "5.00", "period": "month"}):
        await api(here, "POST", "budgets", unit | {"subject": "each_person"}, 201)
    await said(here)
    of_ines = (await api(here, "GET", f"budgets?subject={person}"))["items"]
    assert [each["unit"] for each in of_ines] == ["tokens", "money"]
    assert of_ines[0]["spent"] > 0
    await api(here, "POST", "budgets", tokens(500, subject="person", subject_id=person), 201)
    of_ines = (await api(here, "GET", f"budgets?subject={person}"))["items"]
    assert [(each["subject"], each["unit"]) for each in of_ines] == [("each_person", "money"), ("person", "tokens")]
    of_another = (await api(here, "GET", f"budgets?subject={encode('prs', uuid4())}"))["items"]
    assert [(each["subject"], each["unit"], each["spent"]) for each in of_another] == [
        ("each_person", "tokens", 0),
        ("each_person", "money", "0.00"),
    ]


async def test_the_overview_counts_who_has_a_budget_of_their_own_and_who_used_up_what_each_has(here: World) -> None:
    person = encode("prs", here.caller.person)
    await api(here, "POST", "budgets", tokens(1, subject="each_person", hard=False), 201)
    for period in ("week", "month"):
        own = tokens(500, subject="person", subject_id=person) | {"unit": "money", "amount": "5.00", "period": period}
        await api(here, "POST", "budgets", own, 201)
    await api(here, "POST", "usage/budgets", tokens(10**6, period="week"), 201)
    assert (await api(here, "GET", "budgets/overview"))["each_person"][0]["used_up"] == 0
    await said(here)
    found = await api(here, "GET", "budgets/overview")
    assert [(each["amount"], each["used_up"]) for each in found["each_person"]] == [(1, 1)]
    assert (found["persons"], found["keys"], found["organisations"], found["currency"]) == (1, 0, 0, "USD")


async def lose(here: World, budget: str, owner: UUID, amount: int) -> None:
    """A process has died with so much of a budget in calls under way."""
    standing = await here.parts.budgets.one(decode("bud", budget))
    found = standing.rule.window(here.kit.clock.now())
    values = {"budget": standing.rule.id, "owner": owner, "starts": found.starts_at, "ends": found.ends_at}
    async with here.kit.db.transaction() as connection:
        await connection.execute(LOSE, values | {"amount": amount})


async def test_an_operator_gives_back_what_a_killed_process_lost_and_what_is_recorded_stays_spent(here: World) -> None:
    person = encode("prs", here.caller.person)
    made = await api(here, "POST", "budgets", tokens(10**6, subject="person", subject_id=person), 201)
    await said(here)
    recorded = (await api(here, "GET", "usage/budgets"))["items"][0]["spent"]
    await lose(here, made["id"], here.caller.person, 400)
    await api(here, "POST", f"budgets/{made['id']}/give-back", {"unattributed": 300}, 409)
    for _ in range(2):
        given = await api(here, "POST", f"budgets/{made['id']}/give-back", {"unattributed": 400})
        assert (given["spent"], given["unattributed"]) == (recorded, 0)
    assert here.people.actions[-2:] == ["models.budget_set", "models.budget_given_back"]


async def test_what_each_person_has_is_given_back_to_one_or_to_all(here: World) -> None:
    made = await api(here, "POST", "budgets", tokens(10**6, subject="each_person"), 201)
    people = [here.caller.person, uuid4(), uuid4()]
    for person in people:
        await lose(here, made["id"], person, 100)

    async def lost() -> tuple[int, int]:
        each = (await api(here, "GET", "budgets/overview"))["each_person"][0]["unattributed"]
        hers = (await api(here, "GET", f"budgets?subject={encode('prs', people[0])}"))["items"][0]["unattributed"]
        return each, hers

    assert await lost() == (300, 100)
    hers = {"unattributed": 100, "person": encode("prs", people[0])}
    await api(here, "POST", f"budgets/{made['id']}/give-back", hers)
    assert await lost() == (200, 0)
    await api(here, "POST", f"budgets/{made['id']}/give-back", {"unattributed": 200})
    assert await lost() == (0, 0)


async def test_the_answer_at_the_relay_is_no_longer_than_the_budget_allows(here: World, fake: FakeProvider) -> None:
    await api(here, "POST", "usage/budgets", tokens(1000), 201)
    asked = await here.openai.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": "Hi"}], max_tokens=50_000
    )
    assert asked.choices[0].message.content
    assert 900 < fake.requests[-1].body["max_tokens"] < 1000
    await here.openai.responses.create(model="fake", input="Hi")
    assert fake.requests[-1].body.get("max_output_tokens", fake.requests[-1].body.get("max_tokens", 10**6)) < 1000


async def test_without_a_hard_budget_a_request_passes_as_it_was_sent(here: World, fake: FakeProvider) -> None:
    await api(here, "POST", "usage/budgets", tokens(1000, hard=False), 201)
    await here.openai.chat.completions.create(
        model="fake", messages=[{"role": "user", "content": "Hi"}], max_tokens=50_000
    )
    assert fake.requests[-1].body["max_tokens"] == 50_000


async def test_a_spent_budget_is_one_clear_error_at_the_relay_which_clients_do_not_repeat(here: World) -> None:
    await api(here, "POST", "usage/budgets", tokens(10), 201)
    client = here.openai.with_options(max_retries=3)
    with pytest.raises(openai.RateLimitError) as refused:
        await client.chat.completions.create(model="fake", messages=[{"role": "user", "content": "Hi"}])
    assert refused.value.code == "insufficient_quota"
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert "begins anew" in refused.value.message


async def test_what_a_budget_refused_is_demand_that_nobody_served(here: World) -> None:
    await api(here, "POST", "usage/budgets", tokens(10), 201)
    with pytest.raises(TooMany):
        await said(here)
    await here.parts.meter.flush()
    (row,) = await here.usage()
    assert (row["outcome"], row["input_tokens"], row["output_tokens"]) == ("models.budget_spent", 0, 0)
    day = await api(here, "GET", "capacity/history?span=day")
    assert (day["refused"], day["models"][0]["refused"], day["models"][0]["tokens"]) == (1, 1, 0)
    assert sum(day["unmet"]) > 0


async def test_the_cost_of_a_call_is_that_of_the_prices_in_force(here: World) -> None:
    listed = prices_of({"input": "2.00", "output": "10.00"})
    await here.parts.prices.state(here.caller, await _model_id(here), listed)
    await said(here)
    (row,) = await here.usage()
    assert row["cost_micros"] == row["input_tokens"] * 2 + row["output_tokens"] * 10
    assert row["price_id"] is not None
    usage = await api(here, "GET", "usage")
    assert float(usage["total"]["cost"]) * 1_000_000 == pytest.approx(row["cost_micros"])


async def _model_id(here: World) -> Any:
    (provider,) = await here.parts.providers.connected()
    return provider.models[0].id


async def test_usage_is_summed_by_day_place_and_model(here: World) -> None:
    await said(here)
    keyed = dataclasses.replace(here.caller, actor=Actor("key", here.people.key), surface="api")
    async for _ in here.face.stream(keyed, HI):
        pass
    await here.parts.meter.flush()
    usage = await api(here, "GET", "usage")
    (day,) = usage["days"]
    assert {(place["place"], place["key"]) for place in day["places"]} == {
        ("web", None),
        ("key", encode("key", here.people.key)),
    }
    assert [model["model"] for model in usage["models"]] == ["fake"]
    assert usage["total"]["calls"] == 2
    assert (usage["answers"], usage["background"]) == (2, 0)
    empty = await api(here, "GET", "usage?month=2020-02")
    assert empty["days"] == []
    assert empty["total"]["cost"] == "0.00"
    await api(here, "GET", "usage?month=2020-13", status=400)


async def test_calls_are_listed_newest_first_and_paged(here: World) -> None:
    for _ in range(3):
        await said(here)
    first = await api(here, "GET", "usage/calls?limit=2")
    rest = await api(here, "GET", f"usage/calls?limit=2&cursor={first['next']}")
    ids = [call["id"] for call in (*first["items"], *rest["items"])]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == 3


async def test_a_call_that_fails_before_its_answer_costs_nothing(here: World, fake: FakeProvider) -> None:
    fake.script(Reply(status=500))
    with pytest.raises(Exception, match="provider"):
        await said(here)
    (row,) = await here.usage()
    assert (row["input_tokens"], row["output_tokens"]) == (0, 0)
    assert row["outcome"].startswith("models.provider")


async def test_people_are_told_once_when_a_budget_is_nearly_used_up_and_when_it_is(here: World) -> None:
    await api(here, "POST", "usage/budgets", tokens(250, hard=False), 201)
    for _ in range(7):
        await said(here)
    told = [(kind, params["spent_amount"]) for kind, params, _ in here.notices.told]
    assert [kind for kind, _ in told] == ["models.budget_near", "models.budget_over"]
    assert 200 <= told[0][1] < 250 <= told[1][1]


@dataclasses.dataclass(frozen=True)
class Watcher:
    """Somebody who looks after the installation or an organisation."""

    operates: bool = True
    person: PersonId = dataclasses.field(default_factory=lambda: PersonId(uuid4()))
    space: SpaceId = dataclasses.field(default_factory=lambda: SpaceId(uuid4()))
    organisation: OrganisationId = dataclasses.field(default_factory=lambda: OrganisationId(uuid4()))


async def told_to_others(here: World, subject: str, subject_id: UUID | None, calls: int = 7) -> list[tuple[str, bool]]:
    """What is told of a soft budget, and whether to somebody else than whose calls they are."""
    prefix = {"person": "prs", "key": "key", "organisation": "org", "each_person": ""}[subject]
    whose = {} if subject_id is None else {"subject_id": encode(prefix, subject_id)}
    await api(here, "POST", "budgets", tokens(250, subject=subject, hard=False, **whose), 201)
    for _ in range(calls):
        await said(here)
    return [(kind, params.get("subject_id") == whose.get("subject_id", "")) for kind, params, _ in here.notices.told]


async def test_who_set_a_persons_budget_hears_of_it_once_for_each_level(here: World) -> None:
    here.people.operators = [Watcher()]
    here.people.administrators = [Watcher(operates=False)]
    assert await told_to_others(here, "person", here.caller.person) == [
        ("models.budget_near", False),
        ("models.watched_budget_near", True),
        ("models.budget_over", False),
        ("models.watched_budget_over", True),
    ]


async def test_an_organisations_budget_is_told_to_those_who_look_after_it_and_to_nobody_else(here: World) -> None:
    here.people.operators = [Watcher()]
    here.people.administrators = [Watcher(operates=False), Watcher(person=here.caller.person)]
    near, over = ("models.watched_budget_near", True), ("models.watched_budget_over", True)
    assert await told_to_others(here, "organisation", here.caller.organisation) == [near] * 3 + [over] * 3


async def test_of_what_each_person_has_operators_are_not_told_one_by_one(here: World) -> None:
    here.people.operators = [Watcher()]
    assert [kind for kind, _ in await told_to_others(here, "each_person", None)] == [
        "models.budget_near",
        "models.budget_over",
    ]


async def test_an_operator_whose_own_budget_it_is_hears_of_it_once(here: World) -> None:
    here.people.operators = [Watcher(person=here.caller.person)]
    told = await told_to_others(here, "person", here.caller.person)
    assert [kind for kind, _ in told] == ["models.budget_near", "models.budget_over"]
