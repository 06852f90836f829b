"""Keys of providers: accounts that are added, named, limited, paused, tried and removed, and never shown."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from mecum.kit.db import Database
from mecum.kit.errors import Unavailable
from mecum.kit.ids import decode
from tests.rooms.models.asking import asking
from tests.rooms.models.routes import Api, connected
from tests.rooms.models.world import World, answer
from tests.support.fake_provider import FakeProvider, Reply

LONG = "sk-a-long-key-that-ends-in-"


async def test_a_provider_has_several_keys_which_are_sealed_and_shown_by_their_end(
    api: Api, fake: FakeProvider, database: Database, here: World
) -> None:
    provider = await connected(api, fake, key=f"{LONG}1111")
    status, found = await api("POST", f"providers/{provider['id']}/keys", {"key": f"{LONG}2222", "name": "team"})
    assert status == 201
    assert [(key["name"], key["tail"], key["paused"]) for key in found["keys"]] == [
        ("", "1111", False),
        ("team", "2222", False),
    ]
    third = (await api("POST", f"providers/{provider['id']}/keys", {"key": "short"}))[1]["keys"][2]
    assert (third["name"], third["tail"]) == ("key 2", ""), "of a short key its end would be too much"
    assert LONG not in str((await api("GET", "providers"))[1])
    async with database.transaction() as connection:
        sealed = (await connection.scalars(text("SELECT key_sealed FROM models.account"))).all()
    assert len(sealed) == 3 and not any(LONG.encode() in bytes(each) for each in sealed)
    assert here.people.actions[1:] == ["models.key_added", "models.key_added"]


async def test_a_key_is_renamed_replaced_limited_paused_and_removed(api: Api, fake: FakeProvider, here: World) -> None:
    provider = await connected(api, fake)
    path = f"providers/{provider['id']}/keys"
    first, second = (await api("POST", path, {"key": "sk-2", "name": "b"}))[1]["keys"]
    limits = {"calls_max": 4, "tokens_per_minute": 90_000}
    change = {"name": "spare", "paused": True, "limits": limits}
    changed = (await api("PATCH", f"{path}/{second['id']}", change))[1]["keys"][1]
    assert (changed["name"], changed["paused"], changed["limits"]) == ("spare", True, limits)
    assert here.people.actions[-1] == "models.key_paused"
    assert (await api("PATCH", f"{path}/{first['id']}", {"name": "spare"}))[0] == 409
    await api("PATCH", f"{path}/{first['id']}", {"key": "sk-3"})
    await answer(here, asking())
    assert fake.requests[-1].headers["authorization"] == "Bearer sk-3"
    left = (await api("DELETE", f"{path}/{first['id']}"))[1]["keys"]
    assert [key["name"] for key in left] == ["spare"]
    status, problem = await api("POST", "models/fake/test")
    assert status == 200 and problem["ok"], "a trial is made by a paused key too, where there is no other"
    none = (await api("DELETE", f"{path}/{second['id']}"))[1]
    assert (none["has_key"], [key["has_key"] for key in none["keys"]]) == (False, [False])
    await answer(here, asking())
    assert "authorization" not in fake.requests[-1].headers
    assert (await api("DELETE", f"{path}/{second['id']}"))[0] == 404


async def test_the_first_key_of_a_provider_without_one_takes_its_place(api: Api, fake: FakeProvider) -> None:
    provider = await connected(api, fake, key="")
    assert [key["has_key"] for key in provider["keys"]] == [False]
    found = (await api("POST", f"providers/{provider['id']}/keys", {"key": "sk-1"}))[1]
    assert [(key["name"], key["has_key"]) for key in found["keys"]] == [("", True)]
    assert (await api("POST", f"providers/{provider['id']}/keys", {"key": " "}))[0] == 422


async def test_while_every_key_is_paused_nobody_is_asked(api: Api, fake: FakeProvider, here: World) -> None:
    provider = await connected(api, fake)
    path = f"providers/{provider['id']}/keys/{provider['keys'][0]['id']}"
    await api("PATCH", path, {"paused": True})
    with pytest.raises(Unavailable, match="paused"):
        await answer(here, asking())
    assert not fake.requests
    await api("PATCH", path, {"paused": False})
    await answer(here, asking())


async def test_each_key_is_tried_by_itself_and_says_why_it_fails(api: Api) -> None:
    async with FakeProvider(key="sk-right") as strict:
        provider = await connected(api, strict, key="sk-right")
        path = f"providers/{provider['id']}/keys"
        good, bad = (await api("POST", path, {"key": "sk-wrong", "name": "old"}))[1]["keys"]
        assert (await api("POST", f"{path}/{good['id']}/test"))[1]["ok"]
        trial = (await api("POST", f"{path}/{bad['id']}/test"))[1]
        assert (trial["ok"], trial["problem"]["code"]) == (False, "models.provider_key")
        shown = (await api("GET", "providers"))[1]["items"][0]
        assert [(key["state"], key["problem"] and key["problem"]["code"]) for key in shown["keys"]] == [
            ("ok", None),
            ("failing", "models.provider_key"),
        ]
        assert shown["keys"][1]["failed_at"] is not None
        assert shown["state"] == "ok", "it works by one of its keys"


async def test_a_provider_has_waits_of_its_own(api: Api, fake: FakeProvider, here: World) -> None:
    provider = await connected(api, fake)
    path = f"providers/{provider['id']}"
    waits = {"first_byte_s": 30.0, "silence_s": 0.05, "total_s": None}
    assert (await api("PATCH", path, {"timeouts": waits}))[1]["timeouts"] == waits
    fake.script(Reply(interval_ms=120, chunks=5))
    fault = (await api("POST", "models/fake/test"))[1]["problem"]
    assert (fault["code"], fault["params"]["phase"], fault["params"]["seconds"]) == (
        "models.provider_timeout",
        "silence",
        0.05,
    )
    assert (await api("PATCH", path, {"timeouts": {}}))[1]["timeouts"]["silence_s"] is None
    assert (await api("PATCH", path, {"timeouts": {"total_s": 0}}))[0] == 400


async def test_at_another_origin_all_keys_are_dropped(api: Api, fake: FakeProvider) -> None:
    provider = await connected(api, fake)
    await api("POST", f"providers/{provider['id']}/keys", {"key": "sk-2"})
    moved = (await api("PATCH", f"providers/{provider['id']}", {"base_url": "http://localhost:9/v1"}))[1]
    assert [key["has_key"] for key in moved["keys"]] == [False]


async def test_a_key_that_was_sealed_for_a_provider_opens_as_its_first_account(
    api: Api, fake: FakeProvider, here: World
) -> None:
    """Keys from before a provider could have several came over as they were sealed, with their provider's id."""
    provider = await connected(api, fake, key="")
    provider_id = decode("prv", provider["id"])
    sealed = here.kit.secrets.seal(b"sk-old", f"models.provider:{provider_id.hex}")
    async with here.kit.db.transaction() as connection:
        statement = text("UPDATE models.account SET key_sealed = :sealed WHERE id = :id")
        await connection.execute(statement, {"sealed": sealed, "id": provider_id})
    here.parts.catalogue.forget()
    await answer(here, asking())
    assert fake.requests[-1].headers["authorization"] == "Bearer sk-old"
