"""Prices: stated one by one or by file, in versions that hold from a moment on."""

from __future__ import annotations

import contextlib
import datetime as dt
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import BadRequest, Unprocessable
from mecum.kit.ids import decode
from mecum.kit.money import Micros
from mecum.rooms.models.catalogue import Catalogue
from mecum.rooms.models.ports import Ports
from mecum.rooms.models.prices import FREE, Prices
from mecum.rooms.models.pricing import files
from mecum.rooms.models.pricing.amounts import AMOUNT_MAX, amount, written
from mecum.rooms.models.resting import Resting
from mecum.rooms.models.routes import Route
from tests.rooms.models.routes import Api, connected
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs
from tests.support.principals import principal

START = dt.datetime(2026, 11, 28, 12, tzinfo=dt.UTC)
amounts = st.integers(0, AMOUNT_MAX * 1_000_000).map(Micros)


async def held(here: World, name: str = "fake") -> tuple[Prices, UUID | None]:
    """What a call that begins now costs."""
    here.parts.catalogue.forget()
    found = await here.parts.catalogue.resolve(None, name, "chat")
    assert isinstance(found, Route)
    return found.first.prices, found.first.price_id


@given(amounts)
def test_an_amount_is_read_as_it_was_written(micros: Micros) -> None:
    assert amount(written(micros)) == micros


@pytest.mark.parametrize("text", ["", "cheap", "-1", "0.0000001", "1000001", "nan", "inf", "1e400", "1" * 40])
def test_what_is_no_price_is_refused(text: str) -> None:
    with pytest.raises(Unprocessable):
        amount(text)


@pytest.mark.parametrize("kind", ["csv", "json"])
@given(st.lists(st.builds(Prices, *[amounts] * 6), max_size=5))
def test_a_price_file_is_read_as_it_was_written(kind: files.Format, listed: list[Prices]) -> None:
    named = [(f'model "{number}", ä', prices) for number, prices in enumerate(listed)]
    read = files.read(files.write(named, kind, "EUR"), kind, "USD")
    assert [(line.model, line.prices) for line in read] == named
    assert {line.currency for line in read} <= {"EUR"}


@given(st.text(), st.sampled_from(["csv", "json"]))
def test_whatever_a_file_holds_it_is_read_or_refused(text: str, kind: Any) -> None:
    with contextlib.suppress(BadRequest):
        files.read(text, kind, "USD")


async def test_a_stated_price_holds_for_the_calls_that_follow(api: Api, here: World, fake: FakeProvider) -> None:
    model = (await connected(api, fake))["models"][0]
    assert await held(here) == (FREE, None)
    status, price = await api("POST", f"models/{model['id']}/prices", {"input": "2.5", "output": "10"})
    assert (status, price["input"], price["cached"], price["reasoning"]) == (201, "2.50", "2.50", "10.00")
    assert price["cache_write"] == "2.50"
    prices, price_id = await held(here)
    assert (prices.input, prices.output, prices.reasoning) == (2_500_000, 10_000_000, 10_000_000)
    assert price_id == decode("prc", price["id"])
    listed = (await api("GET", "prices"))[1]
    assert (listed["currency"], listed["items"][0]["price"]) == ("USD", price)
    assert here.people.actions == ["models.provider_added", "models.price_stated"]


async def test_a_coming_price_holds_from_its_moment_on_and_the_old_one_stays_to_be_looked_at(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    clock = ManualClock(START)
    async with world(database, jobs, tmp_path, clock=clock) as here, aiohttp.ClientSession() as session:
        api = Api(here.url, session)
        model = (await connected(api, fake))["models"][0]
        path = f"models/{model['id']}/prices"
        first = (await api("POST", path, {"input": "1", "output": "2"}))[1]
        later = {"input": "3", "output": "4", "since": (START + dt.timedelta(days=1)).isoformat()}
        second = (await api("POST", path, later))[1]
        assert (await held(here))[1] == decode("prc", first["id"])
        listed = (await api("GET", "prices"))[1]["items"][0]
        assert (listed["price"]["id"], listed["coming"]["id"]) == (first["id"], second["id"])
        clock.advance(86_400)
        prices, price_id = await held(here)
        assert (prices.input, price_id) == (3_000_000, decode("prc", second["id"]))
        page = (await api("GET", f"{path}?limit=1"))[1]
        assert [row["id"] for row in page["items"]] == [second["id"]]
        cursor = page["next"].replace("+", "%2B")
        rest = (await api("GET", f"{path}?limit=1&cursor={cursor}"))[1]
        assert ([row["id"] for row in rest["items"]], rest["next"]) == ([first["id"]], None)
        await api("DELETE", f"models/{model['id']}")
        assert (await api("GET", f"prices/{first['id']}"))[1] == first


async def test_only_a_price_that_does_not_hold_yet_is_taken_back(api: Api, here: World, fake: FakeProvider) -> None:
    model = (await connected(api, fake))["models"][0]
    path = f"models/{model['id']}/prices"
    now = (await api("POST", path, {"input": "1", "output": "2"}))[1]
    soon = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    coming = (await api("POST", path, {"input": "3", "output": "4", "since": soon}))[1]
    status, problem = await api("DELETE", f"prices/{now['id']}")
    assert (status, problem["code"]) == (409, "models.price_held")
    assert (await api("DELETE", f"prices/{coming['id']}"))[0] == 204
    assert (await api("DELETE", f"prices/{coming['id']}"))[0] == 404
    assert (await api("GET", "prices"))[1]["items"][0]["coming"] is None
    past = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)).isoformat()
    status, problem = await api("POST", path, {"input": "3", "output": "4", "since": past})
    assert (status, problem["code"]) == (422, "models.price_moment")


async def test_a_price_in_another_currency_does_not_hold(api: Api, here: World, fake: FakeProvider) -> None:
    model = (await connected(api, fake))["models"][0]
    await api("POST", f"models/{model['id']}/prices", {"input": "1", "output": "2"})
    assert (await held(here))[1] is not None
    elsewhere = Catalogue(here.kit.db, here.kit.secrets, here.kit.clock, Ports(), "EUR", Resting(here.kit.clock))
    found = await elsewhere.resolve(None, "fake", "chat")
    assert isinstance(found, Route)
    assert (found.first.prices, found.first.price_id) == (FREE, None)


async def test_a_file_is_compared_and_brought_in_line_by_line(api: Api, here: World, fake: FakeProvider) -> None:
    models = (await connected(api, fake, models=[{"upstream_model": "fake-small", "name": "quick"}]))["models"]
    await api("POST", f"models/{models[0]['id']}/prices", {"input": "1", "output": "2"})
    lines = "model,input,output,currency\nfake,1,2,USD\nfake-small,0.15,0.6,\nghost,1,1,\nfake-small,x,1,\n"
    body = {"format": "csv", "text": lines + "quick,0.15,0.60,\nfake,1,3,EUR\n"}
    status, found = await api("POST", "prices/file", body)
    assert (status, found["applied"]) == (200, False)
    said = [(each["line"], each["model"], each["change"]) for each in found["changes"]]
    assert said == [("fake", "fake", "currency"), ("quick", "quick", "new"), ("ghost", None, "unknown")]
    assert (await api("GET", "prices"))[1]["items"][1]["price"] is None, "comparing changes nothing"
    assert (await api("POST", "prices/file", body | {"apply": True}))[1]["applied"] is True
    assert (await held(here, "quick"))[0].input == 150_000
    again = (await api("POST", "prices/file", body))[1]["changes"]
    assert [each["change"] for each in again] == ["currency", "same", "unknown"]
    assert here.people.actions[-1] == "models.prices_imported"
    exported = await api.text("prices/file?format=csv")
    assert exported.splitlines()[1:] == [
        "fake,1.00,1.00,1.00,2.00,2.00,0.00,0.00,USD",
        "quick,0.15,0.15,0.15,0.60,0.60,0.00,0.00,USD",
    ]
    assert (await api("POST", "prices/file", {"format": "json", "text": "{"}))[0] == 400


async def test_prices_are_for_operators(api: Api, here: World) -> None:
    here.caller = principal(role="member")
    for method, path in (("GET", "prices"), ("GET", "prices/file"), ("POST", "prices/file")):
        status, problem = await api(method, path, {"format": "csv", "text": ""} if method == "POST" else None)
        assert (status, problem["code"]) == (403, "operator_only")
