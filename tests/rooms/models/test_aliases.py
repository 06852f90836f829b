"""Names that stand for several models."""

from __future__ import annotations

from typing import Any

from tests.rooms.models.asking import asking, finish_of
from tests.rooms.models.routes import Api, connected
from tests.rooms.models.world import World, answer
from tests.support.fake_provider import FakeProvider

SMALL = {"upstream_model": "fake-small", "name": "quick", "context_tokens": 8000, "vision": True, "reasoning": True}
LARGE = {"upstream_model": "fake", "name": "deep", "context_tokens": 64000, "native_tools": False, "reasoning": True}


async def aliased(api: Api, fake: FakeProvider, **more: Any) -> Any:
    """The alias `mecum-fast` for two models of the fake provider."""
    await connected(api, fake, model=None, models=[SMALL, LARGE])
    body = {"name": "mecum-fast", "tiers": [["quick"], ["deep"]], "note": "  For  most things. ", **more}
    status, alias = await api("POST", "aliases", body)
    assert status == 201, alias
    return alias


async def test_an_alias_promises_no_more_than_the_least_of_its_models(
    api: Api, fake: FakeProvider, here: World
) -> None:
    alias = await aliased(api, fake)
    assert (alias["context_tokens"], alias["vision"], alias["native_tools"], alias["reasoning"]) == (
        8000,
        False,
        False,
        True,
    )
    listed = {model["name"]: model for model in (await api("GET", "models"))[1]["items"]}
    assert listed["mecum-fast"]["alias"] is True
    assert listed["mecum-fast"]["note"] == "For most things."
    assert listed["mecum-fast"]["context_tokens"] == 8000
    assert "mecum-fast" in [model.id for model in (await here.openai.models.list()).data]
    assert here.people.actions[-1] == "models.alias_added"


async def test_an_alias_is_asked_by_every_door_and_the_answer_says_which_model_gave_it(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await aliased(api, fake)
    finish = finish_of(await answer(here, asking(model="mecum-fast")))
    assert (finish.model, finish.provider) == ("quick", "Fake")
    messages: Any = [{"role": "user", "content": "Hi"}]
    chat = here.openai.chat.completions.with_raw_response
    for stream in (False, True):
        given = await chat.create(model="mecum-fast", messages=messages, stream=stream)
        assert given.headers["x-mecum-model"] == "quick"
    tools: Any = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    told = await chat.create(model="mecum-fast", messages=messages, tools=tools, stream=True)
    assert told.headers["x-mecum-model"] == "quick"
    response = await here.openai.responses.with_raw_response.create(model="mecum-fast", input="Hi")
    assert response.headers["x-mecum-model"] == "quick"
    assert {record["model"] for record in await here.usage()} == {"quick"}
    assert {sent.body["model"] for sent in fake.requests} == {"fake-small"}


async def test_an_alias_follows_its_models_when_they_are_renamed_switched_off_or_removed(
    api: Api, fake: FakeProvider, here: World
) -> None:
    alias = await aliased(api, fake)
    quick = next(row.model for row in (await here.parts.catalogue.snapshot()).models() if row.model.name == "quick")
    await api("PATCH", f"models/mdl_{quick.id.hex}", {"name": "swift"})
    assert (await api("GET", "aliases"))[1]["items"][0]["tiers"] == [["swift"], ["deep"]]
    await api("PATCH", f"models/mdl_{quick.id.hex}", {"enabled": False})
    assert (await api("GET", "aliases"))[1]["items"][0]["context_tokens"] == 64000
    assert finish_of(await answer(here, asking(model="mecum-fast"))).model == "deep"
    await api("DELETE", f"models/mdl_{quick.id.hex}")
    deep = (await here.parts.catalogue.snapshot()).models()[0].model
    await api("DELETE", f"models/mdl_{deep.id.hex}")
    empty = (await api("GET", "aliases"))[1]["items"][0]
    assert (empty["tiers"], empty["context_tokens"]) == ([], None)
    assert (await api("GET", "models"))[1]["items"] == []
    assert (await api("DELETE", f"aliases/{alias['id']}"))[0] == 204
    assert (await api("DELETE", f"aliases/{alias['id']}"))[0] == 404


async def test_an_alias_that_is_the_default_stays_it_when_it_is_renamed(
    api: Api, fake: FakeProvider, here: World
) -> None:
    alias = await aliased(api, fake)
    assert (await api("PUT", "models/router", {"mode": "off"}))[0] == 200
    assert (await api("PUT", "models/default", {"name": "mecum-fast"}))[0] == 204
    changed = {"name": "everyday", "tiers": [["deep", "quick"]]}
    status, found = await api("PATCH", f"aliases/{alias['id']}", changed)
    assert (status, found["default"], found["tiers"]) == (200, True, [["deep", "quick"]])
    assert (await api("GET", "models"))[1]["items"][0]["name"] == "everyday"
    assert finish_of(await answer(here, asking())).model in ("deep", "quick")


async def test_models_and_aliases_share_their_names(api: Api, fake: FakeProvider) -> None:
    alias = await aliased(api, fake)
    tiers = [["deep"]]
    for name, status in (("deep", 409), ("mecum-fast", 409), ("mecum-auto", 422), ("mecum", 422), ("two words", 422)):
        assert (await api("POST", "aliases", {"name": name, "tiers": tiers}))[0] == status
    assert (await api("PATCH", f"aliases/{alias['id']}", {"name": "quick"}))[0] == 409
    other = await connected(api, fake, name="Other", model=None, models=["fake"])
    model = other["models"][0]["id"]
    assert (await api("PATCH", f"models/{model}", {"name": "mecum-fast"}))[0] == 422
    await api("PATCH", f"aliases/{alias['id']}", {"name": "everyday"})
    assert (await api("PATCH", f"models/{model}", {"name": "everyday"}))[0] == 409
    third = await connected(api, fake, name="Third", model=None, models=["everyday"])
    assert third["models"][0]["name"] == "third/everyday"


async def test_what_an_alias_can_not_stand_for_is_refused(api: Api, fake: FakeProvider) -> None:
    await connected(api, fake, models=["fake-embed"])
    for tiers, status in (([], 422), ([["fake"], ["fake"]], 422), ([["fake", "fake-embed"]], 422), ([["ghost"]], 404)):
        assert (await api("POST", "aliases", {"name": "a", "tiers": tiers}))[0] == status
    status, vectors = await api("POST", "aliases", {"name": "vectors", "tiers": [["fake-embed"]]})
    assert (status, vectors["kind"]) == (201, "embedding")


async def test_a_hidden_alias_is_not_offered_and_works_for_who_knows_it(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await aliased(api, fake, hidden=True)
    assert "mecum-fast" not in [model["name"] for model in (await api("GET", "models"))[1]["items"]]
    assert "mecum-fast" not in [model.id for model in (await here.openai.models.list()).data]
    assert (await here.openai.models.retrieve("mecum-fast")).id == "mecum-fast"
    assert finish_of(await answer(here, asking(model="mecum-fast"))).model == "quick"
