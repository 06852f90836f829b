"""The audit log: appended to, chained, and any change to it is found."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy.exc import DBAPIError

from mecum.kit.http import Credentials
from mecum.kit.types import Principal
from mecum.rooms.people import AuditCheck
from tests.rooms.people.world import OWNER, World


async def _filled(world: World, count: int = 6) -> None:
    for number in range(count):
        await _append(world, number)


async def _append(world: World, number: int, who: Principal | None = None) -> None:
    async with world.db.transaction() as connection:
        await world.people.record(connection, who, "test.happened", f"thing {number}", {"number": number, "ok": True})


async def _tamper(world: World, *statements: str) -> AuditCheck:
    """Do what somebody with the database's password could do, and look."""
    async with world.db.transaction() as connection:
        await connection.exec_driver_sql("ALTER TABLE people.audit DISABLE TRIGGER USER")
        for statement in statements:
            await connection.exec_driver_sql(statement)
        await connection.exec_driver_sql("ALTER TABLE people.audit ENABLE TRIGGER USER")
    return await world.people.verify_audit()


async def test_an_empty_log_and_a_whole_log_are_whole(world: World) -> None:
    assert await world.people.verify_audit() == AuditCheck(True, 0, None, "")
    await _filled(world)
    assert await world.people.verify_audit() == AuditCheck(True, 6, None, "")


@pytest.mark.parametrize(
    "statement", ["UPDATE people.audit SET action = 'x'", "DELETE FROM people.audit", "TRUNCATE people.audit CASCADE"]
)
async def test_the_database_itself_refuses_changes_to_envelopes(world: World, statement: str) -> None:
    await _filled(world, 2)
    with pytest.raises(DBAPIError, match="append-only"):
        async with world.db.transaction() as connection:
            await connection.exec_driver_sql(statement)
    assert (await world.people.verify_audit()).checked == 2


@pytest.mark.parametrize(
    ("statement", "first_bad", "problem"),
    [
        ("UPDATE people.audit SET action = 'people.nothing' WHERE seq = 3", 3, "envelope_changed"),
        ("UPDATE people.audit SET at = at - interval '1 day' WHERE seq = 1", 1, "envelope_changed"),
        ("UPDATE people.audit SET subject = 'thing 9' WHERE seq = 6", 6, "envelope_changed"),
        ("UPDATE people.audit SET person_id = gen_random_uuid() WHERE seq = 2", 2, "envelope_changed"),
        ("UPDATE people.audit SET hash = sha256('x') WHERE seq = 4", 4, "envelope_changed"),
        (
            'UPDATE people.audit_payloads SET details = \'{"number": 99, "ok": true}\' WHERE seq = 4',
            4,
            "details_changed",
        ),
        ("UPDATE people.audit_payloads SET salt = sha256('x') WHERE seq = 5", 5, "details_changed"),
        ("UPDATE people.audit_head SET seq = 5", 6, "seal"),
        ("UPDATE people.audit_head SET seq = 5, hash = (SELECT hash FROM people.audit WHERE seq = 5)", 5, "seal"),
        ("DELETE FROM people.audit_head", 7, "end_missing"),
    ],
)
async def test_a_changed_log_is_found_at_the_entry_that_was_changed(
    world: World, statement: str, first_bad: int, problem: str
) -> None:
    await _filled(world)
    found = await _tamper(world, statement)
    assert not found.ok and found.problem == problem
    assert found.first_bad == first_bad or problem == "seal"


async def test_a_missing_entry_is_found_in_the_middle_and_at_the_end(world: World) -> None:
    await _filled(world)
    found = await _tamper(
        world, "DELETE FROM people.audit_payloads WHERE seq = 3", "DELETE FROM people.audit WHERE seq = 3"
    )
    assert (found.problem, found.first_bad) == ("entry_missing", 4)


async def test_a_log_that_was_cut_off_at_its_end_is_found(world: World) -> None:
    await _filled(world)
    found = await _tamper(
        world, "DELETE FROM people.audit_payloads WHERE seq > 4", "DELETE FROM people.audit WHERE seq > 4"
    )
    assert (found.problem, found.first_bad) == ("end_missing", 5)


async def test_details_can_be_erased_and_the_chain_holds(world: World) -> None:
    await _filled(world)
    found = await _tamper(world, "DELETE FROM people.audit_payloads WHERE seq IN (2, 6)")
    assert found == AuditCheck(True, 6, None, "")


async def test_entries_written_at_the_same_time_stand_one_after_the_other(world: World) -> None:
    await asyncio.gather(*(_append(world, number) for number in range(20)))
    assert await world.people.verify_audit() == AuditCheck(True, 20, None, "")


async def test_an_entry_exists_exactly_when_what_it_tells_of_does(world: World) -> None:
    with pytest.raises(RuntimeError):
        async with world.db.transaction() as connection:
            await world.people.record(connection, None, "test.happened", "thing")
            raise RuntimeError
    assert (await world.people.verify_audit()).checked == 0
    await _filled(world, 1)
    assert (await world.people.verify_audit()).checked == 1


async def test_an_entry_names_who_did_it_through_what_and_where(world: World) -> None:
    browser = await world.set_up()
    (token,) = browser.cookies.values()
    cookies = browser.cookies
    given = Credentials(None, cookies, None, None, "GET", "192.0.2.1", "", None)
    principal = await world.people.authenticate(given)
    await _append(world, 1, principal)
    entries = (await browser.get("/api/audit")).json()["items"]
    me = (await browser.session())["person"]["id"]
    assert entries[0]["actor"] == {"kind": "session", "person": me}
    assert entries[0]["details"] == {"number": 1, "ok": True} and entries[0]["seq"] == 2
    assert token not in json.dumps(entries) and OWNER not in json.dumps(entries)


async def test_the_log_is_paged_newest_first_and_for_operators_only(world: World) -> None:
    browser = await world.set_up()
    await _filled(world)
    first = (await browser.get("/api/audit?limit=4")).json()
    rest = (await browser.get(f"/api/audit?limit=4&cursor={first['next']}")).json()
    assert [each["seq"] for each in first["items"] + rest["items"]] == [7, 6, 5, 4, 3, 2, 1]
    assert rest["next"] is None
    for cursor in ("x", "-1", "9" * 30, "²"):
        assert (await browser.http.get("/api/audit", params={"cursor": cursor})).status_code == 400
    await world.open_sign_up()
    assert (await (await world.member("bo@example.org")).get("/api/audit")).status_code == 403


async def test_an_entry_has_a_limit(world: World) -> None:
    async with world.db.transaction() as connection:
        with pytest.raises(ValueError, match="too long"):
            await world.people.record(connection, None, "test.happened", "thing", {"text": "x" * 9000})
