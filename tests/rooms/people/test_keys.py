"""API keys: shown once, scoped, listed, revoked, remembered for a moment."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import Unauthenticated
from mecum.kit.http import Credentials
from tests.rooms.people.world import World, after


def _bearer(secret: str, surface: str | None = None) -> Credentials:
    return Credentials(secret, {}, None, None, "GET", "192.0.2.9", "a program", surface)


async def test_a_key_speaks_for_its_person_with_its_scopes_alone(world: World) -> None:
    browser = await world.set_up()
    key = await browser.key("chat", "threads")
    assert key["secret"].startswith("mk_") and key["secret"].startswith(key["prefix"])
    principal = await world.people.authenticate(_bearer(key["secret"]))
    assert principal.scopes == {"chat", "threads"} and principal.actor.kind == "key" and principal.surface == "api"
    assert principal.role == "owner" and not principal.operates
    assert (await world.people.authenticate(_bearer(key["secret"], "terminal"))).surface == "terminal"
    assert (await world.people.authenticate(_bearer(key["secret"], "nonsense"))).surface == "api"


async def test_the_secret_is_shown_once_and_only_its_hash_is_kept(world: World) -> None:
    browser = await world.set_up()
    secret = (await browser.key())["secret"]
    listed = await browser.get("/api/me/keys")
    assert secret not in listed.text and listed.json()["items"][0]["name"] == "a key"
    async with world.db.transaction() as connection:
        assert secret not in str((await connection.exec_driver_sql("SELECT k::text FROM people.keys k")).all())


async def test_a_key_without_a_scope_is_refused_where_the_scope_is_needed(world: World) -> None:
    browser = await world.set_up()
    client = world.client((await browser.key("chat"))["secret"])
    assert (await client.get("/api/me")).status_code == 200
    answer = await client.get("/api/me/keys")
    assert answer.status_code == 403 and answer.json()["code"] == "scope_missing"


async def test_a_key_can_make_a_key_but_not_a_stronger_one(world: World) -> None:
    browser = await world.set_up()
    client = world.client((await browser.key("account", "chat"))["secret"])
    weaker = await client.post("/api/me/keys", json={"name": "weaker", "scopes": ["chat"]})
    assert weaker.status_code == 201
    stronger = await client.post("/api/me/keys", json={"name": "stronger", "scopes": ["chat", "admin"]})
    assert stronger.status_code == 403 and stronger.json()["code"] == "people.scopes_beyond"


async def test_a_revoked_key_is_refused_at_once(world: World) -> None:
    browser = await world.set_up()
    key = await browser.key()
    client = world.client(key["secret"])
    assert (await client.get("/api/me")).status_code == 200
    assert (await browser.delete(f"/api/me/keys/{key['id']}")).status_code == 204
    assert (await client.get("/api/me")).status_code == 401
    assert (await browser.get("/api/me/keys")).json()["items"] == []
    assert (await browser.delete(f"/api/me/keys/{key['id']}")).status_code == 404


async def test_operators_see_the_keys_of_others_without_secrets_and_members_do_not(world: World) -> None:
    owner = await world.set_up()
    await world.open_sign_up()
    member = await world.member("ines@example.org")
    key = await member.key("chat")
    person = (await member.session())["person"]["id"]
    listed = await owner.get(f"/api/people/{person}/keys")
    assert [each["id"] for each in listed.json()["items"]] == [key["id"]] and key["secret"] not in listed.text
    assert (await member.get(f"/api/people/{person}/keys")).json()["code"] == "operator_only"
    assert (await owner.get("/api/people/prs_" + "0" * 32 + "/keys")).status_code == 404


async def test_a_key_revoked_by_another_process_works_five_seconds_at_most(
    world: World, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    browser = await world.set_up()
    key = await browser.key()
    other = World(database, clock, tmp_path)
    client = other.client(key["secret"])
    assert (await client.get("/api/me")).status_code == 200
    await browser.delete(f"/api/me/keys/{key['id']}")
    clock.advance(5)
    assert (await client.get("/api/me")).status_code == 401
    await other.close()


async def test_a_remembered_key_asks_no_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await world.set_up()
    secret = (await browser.key())["secret"]
    await world.people.authenticate(_bearer(secret))
    monkeypatch.setattr(world.db, "transaction", _no_database)
    assert (await world.people.authenticate(_bearer(secret))).actor.kind == "key"


async def test_many_requests_with_one_key_ask_the_database_once(world: World) -> None:
    browser = await world.set_up()
    secret = (await browser.key())["secret"]
    found = await asyncio.gather(*(world.people.authenticate(_bearer(secret)) for _ in range(50)))
    assert len({each.actor.id for each in found}) == 1


async def test_a_key_expires_even_while_it_is_remembered(world: World) -> None:
    browser = await world.set_up()
    key = await browser.key(expires_at="2026-03-02T09:00:03Z")
    assert (await world.people.authenticate(_bearer(key["secret"]))).actor.kind == "key"
    world.clock.advance(3)
    with pytest.raises(Unauthenticated):
        await world.people.authenticate(_bearer(key["secret"]))


async def test_an_expiry_in_the_past_is_refused(world: World) -> None:
    browser = await world.set_up()
    for past in ("2026-03-02T08:59:00Z", "2026-03-02T09:00:00", "0001-01-01T00:00:00+14:00"):
        answer = await browser.post("/api/me/keys", {"name": "k", "scopes": ["chat"], "expires_at": past})
        assert answer.status_code == 422 and answer.json()["code"] == "people.expiry_past"


async def test_the_last_use_is_written_at_most_once_a_minute(world: World) -> None:
    browser = await world.set_up()
    key = await browser.key()

    async def last_used() -> str | None:
        return (await browser.get("/api/me/keys")).json()["items"][0]["last_used_at"]

    assert await last_used() is None
    await world.people.authenticate(_bearer(key["secret"]))
    assert await last_used() == "2026-03-02T09:00:00Z"
    world.clock.advance(30)
    await world.people.authenticate(_bearer(key["secret"]))
    assert await last_used() == "2026-03-02T09:00:00Z"
    world.clock.advance(30)
    await world.people.authenticate(_bearer(key["secret"]))
    assert await last_used() == "2026-03-02T09:01:00Z"


@pytest.mark.parametrize("secret", ["mk_", "mk_wrong", "sk-other", "mk_" + "x" * 500, "ms_session"])
async def test_what_is_no_key_is_refused(world: World, secret: str) -> None:
    answer = await world.client(secret).get("/api/me")
    assert answer.status_code == 401 and answer.json()["code"] == "people.key_invalid"
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_bad_key_is_not_saved_by_a_good_cookie(world: World) -> None:
    browser = await world.set_up()
    assert (await browser.get("/api/me", authorization="Bearer mk_wrong")).status_code == 401


async def test_a_session_token_is_no_key(world: World) -> None:
    browser = await world.set_up()
    (token,) = browser.cookies.values()
    assert (await world.client(token).get("/api/me")).status_code == 401


async def test_a_key_needs_neither_origin_nor_csrf_token(world: World) -> None:
    browser = await world.set_up()
    client = world.client((await browser.key("account"))["secret"])
    assert (await client.post("/api/me/keys", json={"name": "k", "scopes": ["account"]})).status_code == 201


async def test_nobody_has_more_than_so_many_keys(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    world = World(database, clock, tmp_path, keys_per_person=3)
    browser = await world.set_up()
    body = {"name": "k", "scopes": ["chat"]}
    answers = await asyncio.gather(*(browser.post("/api/me/keys", body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 409, 409, 409]
    await world.close()


async def test_a_key_without_name_or_scope_is_refused(world: World) -> None:
    browser = await world.set_up()
    assert (await browser.post("/api/me/keys", {"name": " ", "scopes": ["chat"]})).status_code == 422
    assert (await browser.post("/api/me/keys", {"name": "k", "scopes": []})).status_code == 422
    assert (await browser.post("/api/me/keys", {"name": "k", "scopes": ["fly"]})).status_code == 400


async def test_the_cache_is_bounded(
    database: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(database, clock, tmp_path, key_cache_size=16)
    browser = await world.set_up()
    secrets = [(await browser.key())["secret"] for _ in range(17)]
    for secret in secrets:
        await world.people.authenticate(_bearer(secret))
    monkeypatch.setattr(world.db, "transaction", _no_database)
    assert (await world.people.authenticate(_bearer(secrets[1]))).actor.kind == "key"
    with pytest.raises(AssertionError):
        await world.people.authenticate(_bearer(secrets[0]))
    monkeypatch.undo()
    await world.close()


async def test_another_persons_key_cannot_be_seen_or_revoked(world: World) -> None:
    owner = await world.set_up()
    key = await owner.key()
    await world.open_sign_up()
    other = await world.member("bo@example.org")
    assert (await other.get("/api/me/keys")).json()["items"] == []
    assert (await other.delete(f"/api/me/keys/{key['id']}")).status_code == 404
    assert (await other.post("/api/me/keys", {"name": "k", "scopes": ["admin"]})).status_code == 403


def _no_database() -> None:
    raise AssertionError("the database was asked")


def test_five_seconds_is_the_longest_memory() -> None:
    from mecum.rooms.people.settings import PeopleSettings

    assert PeopleSettings().key_cache_seconds <= after(seconds=5)
