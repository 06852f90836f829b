"""Who may use a model: enforced at every door, and whoever may not is told that there is none."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import openai
import pytest

from mecum.kit.errors import NotFound
from mecum.kit.types import OrganisationId, Principal
from tests.rooms.models.asking import asking, finish_of
from tests.rooms.models.routes import Api, connected
from tests.rooms.models.world import World, answer
from tests.support.fake_provider import FakeProvider
from tests.support.principals import principal

HOME = OrganisationId(uuid4())
MEMBER, OPERATOR = principal(role="member"), principal(role="operator")
COLLEAGUE = principal(role="member", organisation=HOME)

GRANTS: list[tuple[dict[str, Any], Principal, Principal]] = [
    ({"kind": "operators"}, OPERATOR, MEMBER),
    ({"kind": "organisations", "organisations": [f"org_{HOME.hex}"]}, COLLEAGUE, OPERATOR),
    ({"kind": "roles", "roles": ["member"]}, MEMBER, OPERATOR),
]


async def restricted(api: Api, fake: FakeProvider, access: dict[str, Any]) -> None:
    provider = await connected(api, fake, models=["fake-small", "fake-embed"])
    for model in (provider["models"][0], provider["models"][2]):
        status, changed = await api("PATCH", f"models/{model['id']}", {"access": access})
        assert status == 200, changed
        assert changed["access"]["kind"] == access["kind"]


@pytest.mark.parametrize(("access", "allowed", "denied"), GRANTS, ids=["operators", "organisations", "roles"])
async def test_who_may_not_use_a_model_hears_at_every_door_that_there_is_none(
    api: Api, fake: FakeProvider, here: World, access: dict[str, Any], allowed: Principal, denied: Principal
) -> None:
    await restricted(api, fake, access)
    here.caller = here.people.caller = denied
    assert [model["name"] for model in (await api("GET", "models"))[1]["items"]] == ["fake-small"]
    assert [model.id for model in (await here.openai.models.list()).data] == ["fake-small"]
    with pytest.raises(NotFound, match="There is no chat model called fake"):
        await answer(here, asking(model="fake"))
    with pytest.raises(NotFound):
        await here.face.embed(denied, ["a"], "fake-embed", "passage")
    messages: Any = [{"role": "user", "content": "Hi"}]
    with pytest.raises(openai.NotFoundError) as hidden:
        await here.openai.chat.completions.create(model="fake", messages=messages)
    with pytest.raises(openai.NotFoundError) as unknown:
        await here.openai.chat.completions.create(model="fakf", messages=messages)
    assert str(hidden.value).replace("fake", "fakf") == str(unknown.value)
    for asked in (
        here.openai.responses.create(model="fake", input="Hi"),
        here.openai.embeddings.create(model="fake-embed", input="Hi"),
        here.openai.models.retrieve("fake"),
    ):
        with pytest.raises(openai.NotFoundError):
            await asked
    assert not fake.requests
    here.caller = here.people.caller = allowed
    assert finish_of(await answer(here, asking(model="fake"))).model == "fake"
    assert (await here.openai.embeddings.create(model="fake-embed", input="Hi")).data


async def test_whoever_may_not_use_the_default_gets_the_first_that_is_theirs(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await restricted(api, fake, {"kind": "operators"})
    await api("PUT", "models/default", {"name": "fake"})
    assert finish_of(await answer(here, asking())).model == "fake"
    here.caller = MEMBER
    assert (await api("GET", "models"))[1]["items"][0]["default"] is True
    assert finish_of(await answer(here, asking())).model == "fake-small"


async def test_a_background_response_is_made_only_for_who_may_still_use_the_model(
    api: Api, fake: FakeProvider, here: World
) -> None:
    await connected(api, fake)
    here.caller = here.people.caller = MEMBER
    queued = await here.openai.responses.create(model="fake", input="Hi", background=True)
    here.caller = OPERATOR
    model = (await api("GET", "providers"))[1]["items"][0]["models"][0]["id"]
    await api("PATCH", f"models/{model}", {"access": {"kind": "operators"}})
    await here.jobs.run_due(here.kit.clock.now())
    here.caller = MEMBER
    made = await here.openai.responses.retrieve(queued.id)
    assert made.status == "failed"
    assert not fake.requests


async def test_an_alias_has_an_access_of_its_own(api: Api, fake: FakeProvider, here: World) -> None:
    await restricted(api, fake, {"kind": "operators"})
    body = {"name": "mecum-fast", "tiers": [["fake"]], "access": {"kind": "everybody"}}
    assert (await api("POST", "aliases", body))[0] == 201
    here.caller = MEMBER
    assert finish_of(await answer(here, asking(model="mecum-fast"))).model == "fake"
    with pytest.raises(NotFound):
        await answer(here, asking(model="fake"))


async def test_access_for_nobody_is_refused(api: Api, fake: FakeProvider, here: World) -> None:
    model = (await connected(api, fake))["models"][0]["id"]
    for access in ({"kind": "roles"}, {"kind": "organisations", "organisations": []}):
        assert (await api("PATCH", f"models/{model}", {"access": access}))[0] == 422
    assert (await api("PATCH", f"models/{model}", {"access": {"kind": "friends"}}))[0] == 400
