"""The built-in model beside connected ones: in aliases, as a target of the router, and who may use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import openai
import pytest

from mecum.kit.db import Database
from mecum.kit.errors import EngineUnavailable, MecumError, NotFound
from mecum.kit.types import Actor, Principal
from mecum.rooms.models import ModelEvent
from tests.rooms.models.asking import asking, finish_of
from tests.rooms.models.routes import Api, connected
from tests.rooms.models.world import FakeEngine, World, answer, world
from tests.support.fake_provider import FakeProvider
from tests.support.fake_replies import Reply
from tests.support.jobs import HandJobs

LOCAL = "mecum-local"
HI: Any = [{"role": "user", "content": "Hi"}]
HARD, EASY = "Prove that there is no largest prime.", "Hello!"


@pytest.fixture
async def inside() -> AsyncIterator[FakeProvider]:
    """What the built-in model is a child of."""
    async with FakeProvider() as provider:
        yield provider


@pytest.fixture
def engine(inside: FakeProvider) -> FakeEngine:
    return FakeEngine(inside)


@pytest.fixture
async def here(database: Database, jobs: HandJobs, tmp_path: Path, engine: FakeEngine) -> AsyncIterator[World]:
    quick = {"router_explored": 0, "provider_retries_max": 0, "relay_local_wait_s": 0.1}
    async with world(database, jobs, tmp_path, engine=engine, **quick) as built:
        yield built


@pytest.fixture
async def api(here: World) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        yield Api(here.url, session)


async def named(api: Api, fake: FakeProvider, *tiers: str, name: str = "mecum-fast") -> Any:
    """A connected model, and a name for it and the built-in one."""
    await connected(api, fake)
    status, alias = await api("POST", "aliases", {"name": name, "tiers": [[each] for each in tiers]})
    assert status == 201, alias
    return alias


async def asked(here: World, model: str = "mecum-fast") -> ModelEvent:
    return finish_of(await answer(here, asking(model=model)))


async def by_doors(here: World, model: str = "mecum-fast") -> list[str]:
    """Who answers at each door under /v1."""
    chat, found = here.openai.chat.completions.with_raw_response, list[str]()
    for stream in (False, True):
        given = await chat.create(model=model, messages=HI, stream=stream)
        found.append(given.headers["x-mecum-model"])
        await given.http_response.aread()
    responses = here.openai.responses.with_raw_response
    found.append((await responses.create(model=model, input="Hi")).headers["x-mecum-model"])
    return found


async def test_a_name_stands_for_the_built_in_model_first_and_a_connected_one_stands_by(
    here: World, api: Api, fake: FakeProvider, engine: FakeEngine
) -> None:
    alias = await named(api, fake, LOCAL, "fake")
    assert alias["tiers"] == [[LOCAL], ["fake"]]
    assert (alias["context_tokens"], alias["native_tools"]) == (8192, False)
    assert (await asked(here)).model == LOCAL  # type: ignore[union-attr]
    assert await by_doors(here) == [LOCAL] * 3
    for phase in ("fetching", "paused", "failed"):
        engine.arrive(phase)
        assert (await asked(here)).model == "fake"  # type: ignore[union-attr]
        assert await by_doors(here) == ["fake"] * 3


async def test_the_built_in_model_stands_by_where_nobody_else_can_answer(
    here: World, api: Api, fake: FakeProvider
) -> None:
    await named(api, fake, "fake", LOCAL)
    assert (await asked(here)).model == "fake"  # type: ignore[union-attr]
    fake.script(*[Reply(status=500) for _ in range(4)])
    assert (await asked(here)).model == LOCAL  # type: ignore[union-attr]
    assert await by_doors(here) == [LOCAL] * 3
    assert await by_doors(here) == ["fake"] * 3


async def test_a_crash_of_the_built_in_model_before_its_first_word_asks_who_stands_by(
    here: World, api: Api, fake: FakeProvider, inside: FakeProvider, engine: FakeEngine
) -> None:
    await named(api, fake, LOCAL, "fake")
    inside.script(*[Reply(status=500) for _ in range(8)])
    assert (await asked(here)).model == "fake"  # type: ignore[union-attr]
    assert await by_doors(here) == ["fake"] * 3


async def test_what_the_request_itself_is_to_blame_for_is_asked_of_nobody_else(
    here: World, api: Api, fake: FakeProvider, inside: FakeProvider
) -> None:
    await named(api, fake, "fake", LOCAL)
    fake.script(Reply(status=400))
    with pytest.raises(MecumError):
        await asked(here)
    assert inside.requests == []


async def test_what_nobody_waits_for_is_not_paid_for_because_the_built_in_model_is_busy(
    here: World, api: Api, fake: FakeProvider, engine: FakeEngine
) -> None:
    await named(api, fake, LOCAL, "fake")
    engine.arrive("idle")
    with pytest.raises(EngineUnavailable, match="needed for answers"):
        await answer(here, asking(model="mecum-fast", gives_way=True))
    assert fake.requests == []


async def test_a_name_for_the_built_in_model_alone_waits_for_it(
    here: World, api: Api, fake: FakeProvider, engine: FakeEngine
) -> None:
    await named(api, fake, LOCAL)
    engine.state.phase = "fetching"
    with pytest.raises(openai.APIStatusError) as refused:
        await here.openai.chat.completions.create(model="mecum-fast", messages=HI)
    assert refused.value.code == "models.local_arriving"


async def test_the_built_in_model_shares_its_load_with_nobody(api: Api, fake: FakeProvider) -> None:
    await connected(api, fake)
    status, refused = await api("POST", "aliases", {"name": "a", "tiers": [[LOCAL, "fake"]]})
    assert (status, refused["code"]) == (422, "models.alias_built_in")


async def test_a_name_keeps_its_order_when_models_come_and_go(here: World, api: Api, fake: FakeProvider) -> None:
    alias = await named(api, fake, LOCAL, "fake")
    changed = {"tiers": [["fake"], [LOCAL]]}
    assert (await api("PATCH", f"aliases/{alias['id']}", changed))[1]["tiers"] == [["fake"], [LOCAL]]
    model = (await here.parts.catalogue.snapshot()).models()[0].model
    await api("DELETE", f"models/mdl_{model.id.hex}")
    (left,) = (await api("GET", "aliases"))[1]["items"]
    assert left["tiers"] == [[LOCAL]]
    assert (await asked(here)).model == LOCAL  # type: ignore[union-attr]


async def test_the_router_chooses_between_the_built_in_model_and_one_that_thinks(
    here: World, api: Api, fake: FakeProvider, inside: FakeProvider, engine: FakeEngine
) -> None:
    deep = {"upstream_model": "fake", "name": "deep", "reasoning": True}
    await connected(api, fake, model=None, models=[deep])
    chosen = {"mode": "chosen", "fast": LOCAL, "thinking": "deep"}
    assert (await api("PUT", "models/router", chosen)) == (200, chosen)
    for phase in ("idle", "ready"):
        engine.arrive(phase)
        lead = await here.parts.face._answering._router.of_request(here.caller, asking(EASY))
        assert lead is not None and lead[0].name == LOCAL
    easy, hard = finish_of(await answer(here, asking(EASY))), finish_of(await answer(here, asking(HARD)))
    assert (easy.model, easy.routed and easy.routed.effort) == (LOCAL, "fast")
    assert (hard.model, hard.routed and hard.routed.effort) == ("deep", "think")
    assert "reasoning_effort" not in inside.requests[-1].body
    chat = here.openai.chat.completions.with_raw_response
    said: Any = [{"role": "user", "content": EASY}]
    given = await chat.create(model="mecum-auto", messages=said)
    assert (given.headers["x-mecum-model"], given.headers["x-mecum-routed"]) == (LOCAL, "fast; why=greeting")
    assert len(fake.requests) == 1
    engine.arrive("paused")
    assert finish_of(await answer(here, asking(EASY))).model == "deep"


async def test_the_two_names_make_a_choice_with_the_built_in_model_too(
    here: World, api: Api, fake: FakeProvider
) -> None:
    await named(api, fake, LOCAL, "fake")
    await api("POST", "aliases", {"name": "mecum-thinking", "tiers": [["fake"]]})
    assert (await api("GET", "models/router"))[1] == {
        "mode": "itself",
        "fast": "mecum-fast",
        "thinking": "mecum-thinking",
    }
    assert finish_of(await answer(here, asking(EASY))).model == LOCAL


async def test_operators_say_who_may_use_the_built_in_model_and_a_name_has_its_own_rules(
    here: World, api: Api, fake: FakeProvider
) -> None:
    await named(api, fake, LOCAL)
    use = {"access": {"kind": "operators", "organisations": [], "roles": []}, "hidden": False}
    assert await api("PATCH", "models/local/access", {"access": {"kind": "operators"}}) == (200, use)
    assert here.people.actions[-1] == "models.model_changed"
    member = replace(here.caller, role="member")
    assert LOCAL not in await listed(here, member)
    assert LOCAL in await listed(here, here.caller)
    with pytest.raises(NotFound):
        await here.parts.catalogue.resolve(member, LOCAL, "chat")
    assert (await here.parts.catalogue.resolve(member, "mecum-fast", "chat")).name == "mecum-fast"
    await api("PATCH", "models/local/access", {"access": {"kind": "everybody"}, "hidden": True})
    assert LOCAL not in await listed(here, here.caller)
    assert (await here.parts.catalogue.resolve(member, LOCAL, "chat")).name == LOCAL
    assert (await api("PATCH", "models/local/access", {"access": {"kind": "roles"}}))[0] == 422
    assert (await api("GET", "models/local/access"))[1]["hidden"] is True


async def test_whoever_may_not_use_the_built_in_model_gets_no_answer_of_it_by_default(here: World, api: Api) -> None:
    await api("PATCH", "models/local/access", {"access": {"kind": "operators"}})
    member = replace(here.caller, role="member", actor=Actor("session", here.caller.actor.id))
    with pytest.raises(MecumError, match="No model is connected"):
        [event async for event in here.face.stream(member, asking())]
    assert finish_of(await answer(here, asking())).model == LOCAL


async def listed(here: World, caller: Principal) -> list[str]:
    return [model.name for model in await here.parts.catalogue.listed(caller)]
