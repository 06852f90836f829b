"""Erasing a person: what is gone, what stays, and who is told."""

from __future__ import annotations

from mecum.kit.errors import Forbidden, NotFound
from mecum.kit.ids import decode, new_id
from mecum.kit.outbox import OutboxEvent, Subscription
from mecum.kit.types import PersonId, SpaceId
from mecum.rooms.people import PERSON_ERASED
from tests.rooms.people.world import OTHER_PASSWORD, OWNER, PASSWORD, Browser, World, after

BO = "bo@example.org"


async def _two(world: World) -> tuple[Browser, Browser]:
    owner = await world.set_up()
    await world.open_sign_up()
    return owner, await world.member(BO)


async def test_everything_of_the_person_is_gone_and_every_room_is_told(world: World) -> None:
    heard: list[OutboxEvent] = []

    async def hear(event: OutboxEvent) -> None:
        heard.append(event)

    world.kit.outbox.subscribe([Subscription(PERSON_ERASED, "test.hear", hear)])
    owner, other = await _two(world)
    person = (await other.session())["person"]["id"]
    client = world.client((await other.key("chat"))["secret"])
    await other.sign_in(BO, "wrong password")
    await other.post("/api/me/password", {"current": OTHER_PASSWORD, "new": "five paper kites"})
    answer = await other.delete("/api/me", {"confirm": " BO@example.org", "password": "five paper kites"})
    assert answer.status_code == 204, answer.text
    assert (await other.session())["person"] is None
    assert (await client.get("/api/me")).status_code == 401
    assert (await world.browser().sign_in(BO, "five paper kites")).status_code == 401
    assert [each["email"] for each in (await owner.get("/api/people")).json()["items"]] == [OWNER]
    await world.work()
    assert [event.payload["person"] for event in heard] == [decode("prs", person).hex]
    assert set(heard[0].payload) == {"person", "erasure"}
    await _nothing_left(world)


async def _nothing_left(world: World) -> None:
    async with world.db.transaction() as connection:
        query = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname IN ('people', 'kit') ORDER BY 1"
        for table in (await connection.exec_driver_sql(query)).scalars().all():
            rows = str((await connection.exec_driver_sql(f"SELECT t::text FROM {table} t")).all())
            assert BO not in rows and "192.0.2.2" not in rows, table
        left = await connection.exec_driver_sql("SELECT count(*) FROM kit.notification")
        assert left.scalar_one() == 0


async def test_the_address_is_free_again_for_a_new_account_that_is_somebody_else(world: World) -> None:
    _, other = await _two(world)
    before = (await other.session())["person"]["id"]
    await other.delete("/api/me", {"confirm": BO})
    again = await world.member(BO)
    assert (await again.session())["person"]["id"] != before


async def test_erasing_oneself_takes_the_own_address_and_the_password_or_a_recent_sign_in(world: World) -> None:
    _, other = await _two(world)
    wrong = await other.delete("/api/me", {"confirm": OWNER, "password": OTHER_PASSWORD})
    assert wrong.status_code == 422 and wrong.json()["code"] == "people.confirmation_wrong"
    wrong = await other.delete("/api/me", {"confirm": BO, "password": PASSWORD})
    assert wrong.status_code == 403 and wrong.json()["code"] == "people.password_wrong"
    key = world.client((await other.key("account"))["secret"])
    refused = await key.request("DELETE", "/api/me", json={"confirm": BO, "password": OTHER_PASSWORD})
    assert refused.status_code == 403 and refused.json()["code"] == "people.session_needed"
    world.clock.advance(after(minutes=31))
    late = await other.delete("/api/me", {"confirm": BO})
    assert late.status_code == 403 and late.json()["code"] == "people.sign_in_again"
    assert (await other.delete("/api/me", {"confirm": BO, "password": OTHER_PASSWORD})).status_code == 204


async def test_an_operator_erases_somebody_and_the_log_keeps_ids_alone(world: World) -> None:
    owner, other = await _two(world)
    person = (await other.session())["person"]["id"]
    assert (await owner.delete(f"/api/people/{person}")).status_code == 204
    assert (await owner.delete(f"/api/people/{person}")).status_code == 404
    entries = (await owner.get("/api/audit")).json()["items"]
    about = [entry for entry in entries if entry["subject"] == person]
    assert [entry["action"] for entry in about] == ["people.person_erased", "people.person_added"]
    assert [entry["details"] for entry in about] == [{}, None]
    assert (await world.people.verify_audit()).ok


async def test_work_for_an_erased_or_disabled_person_stops(world: World) -> None:
    owner, other = await _two(world)
    session = await other.session()
    person, space = PersonId(decode("prs", session["person"]["id"])), SpaceId(decode("spc", session["space"]["id"]))
    principal = await world.people.principal_for_job(person, space, new_id())
    assert principal.actor.kind == "job" and principal.scopes == {"chat", "models", "threads"}
    foreign = SpaceId(decode("spc", (await owner.session())["space"]["id"]))
    await _raises(world, NotFound, person, foreign)
    await owner.request("PATCH", f"/api/people/{session['person']['id']}", {"state": "disabled"})
    await _raises(world, Forbidden, person, space)
    await owner.delete(f"/api/people/{session['person']['id']}")
    await _raises(world, NotFound, person, space)


async def _raises(world: World, error: type[Exception], person: PersonId, space: SpaceId) -> None:
    try:
        await world.people.principal_for_job(person, space, new_id())
    except error:
        return
    raise AssertionError(f"{error.__name__} was not raised")
