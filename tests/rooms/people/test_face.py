"""The face as other rooms use it, and what is swept away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from sqlalchemy import text

from mecum.kit.bus import RIGHTS, person_channel
from mecum.kit.errors import BadRequest, Forbidden, NotFound, Unauthenticated
from mecum.kit.http import Credentials
from mecum.kit.i18n import I18n
from mecum.kit.ids import decode, new_id
from mecum.kit.types import OrganisationId, PersonId, Principal
from mecum.rooms.people.words import LETTERS
from tests.rooms.people.world import OTHER_PASSWORD, OWNER, PASSWORD, Browser, World, after

ORGANISATION = text(
    "INSERT INTO people.organisations (id, slug, name, created_at) VALUES (:id, 'harbour', 'Harbour', now())"
)
SPACE = text(
    "INSERT INTO people.spaces (id, person_id, organisation_id, kind, created_at)"
    " VALUES (:space, :person, :organisation, 'membership', now())"
)
MEMBERSHIP = text(
    "INSERT INTO people.memberships (space_id, organisation_id, person_id, role, created_at)"
    " VALUES (:space, :organisation, :person, :role, now())"
)


async def _principal(world: World, browser: Browser) -> Principal:
    return await world.people.authenticate(Credentials(None, browser.cookies, None, None, "GET", "", "", None))


async def test_people_are_known_by_id_and_strangers_are_not_found(world: World) -> None:
    principal = await _principal(world, await world.set_up())
    assert (await world.people.person(principal.person)).email == OWNER
    assert [space.id for space in await world.people.spaces(principal)] == [principal.space]
    with pytest.raises(NotFound):
        await world.people.person(PersonId(new_id()))


async def test_people_and_their_keys_have_names_and_strangers_have_none(world: World) -> None:
    browser = await world.set_up()
    principal, key = await _principal(world, browser), await browser.key()
    key_id, stranger = decode("key", key["id"]), new_id()
    found = await world.people.names({principal.person, stranger}, {key_id, stranger})
    assert found == {principal.person: (await world.people.person(principal.person)).name, key_id: key["name"]}
    home = await world.people.names((), (), {principal.organisation, stranger})
    assert set(home) == {principal.organisation}


async def test_a_key_stands_until_it_is_revoked(world: World) -> None:
    browser = await world.set_up()
    key = await browser.key()
    assert await world.people.key_stands(decode("key", key["id"]))
    await browser.delete(f"/api/me/keys/{key['id']}")
    assert not await world.people.key_stands(decode("key", key["id"]))
    assert not await world.people.key_stands(new_id())


async def test_who_operates_and_who_administers_an_organisation_look_after_it(world: World) -> None:
    owner = await _principal(world, await world.set_up())
    await world.open_sign_up()
    admin = await _principal(world, await world.member("cy@example.org"))
    member = await _principal(world, await world.member("bo@example.org"))
    organisation, spaces = OrganisationId(new_id()), {each: new_id() for each in (admin, member)}
    async with world.kit.db.transaction() as connection:
        await connection.execute(ORGANISATION, {"id": organisation})
        for each, space in spaces.items():
            of = {"space": space, "organisation": organisation, "person": each.person}
            await connection.execute(SPACE, of)
            await connection.execute(MEMBERSHIP, of | {"role": "admin" if each is admin else "member"})
        everywhere = await world.people.overseers(connection, None)
        here = await world.people.overseers(connection, organisation)
    assert [(each.person, each.space, each.operates) for each in everywhere] == [(owner.person, owner.space, True)]
    assert [(each.person, each.space, each.operates) for each in here] == [
        (owner.person, owner.space, True),
        (admin.person, spaces[admin], False),
    ]


async def test_a_principal_is_good_until_its_session_has_ended(world: World) -> None:
    browser, other = await world.set_up(), world.browser()
    await other.sign_in()
    principal = await _principal(world, other)
    await world.people.recheck(principal)
    await browser.delete("/api/me/sessions")
    with pytest.raises(Unauthenticated):
        await world.people.recheck(principal)
    kept = await _principal(world, browser)
    await world.people.recheck(kept)
    world.clock.advance(after(days=31))
    with pytest.raises(Unauthenticated):
        await world.people.recheck(kept)


async def test_a_principal_is_good_until_its_key_has_ended(world: World) -> None:
    browser = await world.set_up()
    revoked, expiring = await browser.key(), await browser.key(expires_at="2026-03-02T09:00:03Z")
    one, two = [
        await world.people.authenticate(Credentials(key["secret"], {}, None, None, "GET", "", "", None))
        for key in (revoked, expiring)
    ]
    await world.people.recheck(one)
    await browser.delete(f"/api/me/keys/{revoked['id']}")
    await world.people.recheck(two)
    world.clock.advance(3)
    for ended in (one, two):
        with pytest.raises(Unauthenticated):
            await world.people.recheck(ended)


async def test_nothing_of_a_person_is_good_once_they_are_disabled(world: World) -> None:
    owner = await world.set_up()
    await world.open_sign_up()
    browser = await world.member("bo@example.org")
    session = await _principal(world, browser)
    secret = (await browser.key())["secret"]
    key = await world.people.authenticate(Credentials(secret, {}, None, None, "GET", "", "", None))
    job = await world.people.principal_for_job(session.person, session.space, new_id())
    person = f"/api/people/prs_{session.person.hex}"
    assert (await owner.request("PATCH", person, {"state": "disabled"})).status_code == 200
    for principal in (key, job):
        with pytest.raises(Forbidden):
            await world.people.recheck(principal)
    with pytest.raises(Unauthenticated):
        await world.people.recheck(session)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda other, _: other.post("/api/sign-out"), id="signing out"),
        pytest.param(lambda _, browser: browser.delete("/api/me/sessions"), id="ending the others"),
        pytest.param(
            lambda _, browser: browser.post("/api/me/password", {"current": PASSWORD, "new": OTHER_PASSWORD}),
            id="another password",
        ),
    ],
)
async def test_open_streams_hear_at_once_of_what_ends_sessions(
    world: World, act: Callable[[Browser, Browser], Awaitable[httpx2.Response]]
) -> None:
    browser, other = await world.set_up(), world.browser()
    await other.sign_in()
    person = (await _principal(world, browser)).person
    async with world.kit.bus.subscribe(person_channel(person)) as frames, asyncio.timeout(10):
        assert (await act(other, browser)).is_success
        assert await anext(frames) == RIGHTS


async def test_the_list_of_people_is_paged_and_for_operators(world: World) -> None:
    principal = await _principal(world, await world.set_up())
    await world.open_sign_up()
    members = [await world.member(f"p{i}@example.org") for i in range(3)]
    first = await world.people.people(principal, None, 3)
    rest = await world.people.people(principal, first.next, 3)
    assert len(first.items) == 3 and [person.email for person in rest.items] == ["p2@example.org"] and rest.next is None
    with pytest.raises(BadRequest):
        await world.people.people(principal, "nonsense", 3)
    with pytest.raises(Forbidden):
        await world.people.people(await _principal(world, members[0]), None, 3)


async def test_a_job_removes_what_is_long_over_and_nothing_else(world: World) -> None:
    browser = await world.set_up()
    await world.browser().sign_in(OWNER, "wrong password")
    await world.browser().post("/api/sign-in/passkey/options")
    gone = world.browser()
    await gone.sign_in()
    await gone.post("/api/sign-out")
    sweep = next(spec.run for spec in world.room.jobs if spec.name == "people.sweep")
    await sweep()
    assert await _counts(world) == {"sessions": 2, "challenges": 1, "throttle": 3, "links": 1}
    for _ in range(31):
        world.clock.advance(after(days=1))
        await browser.session()
        await browser.session()
    await sweep()
    assert await _counts(world) == {"sessions": 1, "challenges": 0, "throttle": 0, "links": 0}
    assert (await browser.session())["person"] is not None
    async with world.db.transaction() as connection:
        tokens = (await connection.exec_driver_sql("SELECT count(*) FROM people.session_tokens")).scalar_one()
    assert tokens < 12


async def _counts(world: World) -> dict[str, int]:
    async with world.db.transaction() as connection:
        return {
            table: (await connection.exec_driver_sql(f"SELECT count(*) FROM people.{table}")).scalar_one()
            for table in ("sessions", "challenges", "throttle", "links")
        }


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_every_letter_has_its_words(locale: str) -> None:
    given = {"name": "N", "url": "U", "inviter": "I", "installation": "S", "count": 2}
    for kind in LETTERS:
        for part in ("subject", "body"):
            text = I18n().text(locale, f"people.mail.{kind}.{part}", **given)
            assert not text.startswith("people.mail.") and "{" not in text, (kind, part)
