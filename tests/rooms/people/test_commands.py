"""What commands on the machine do with accounts, beside a server that runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mecum.kit.errors import Conflict, Forbidden, NotFound, Unprocessable
from mecum.kit.ids import encode
from mecum.kit.settings import load
from mecum.rooms.people.cli_ops import Machine, PeopleCommands
from mecum.rooms.people.settings import PeopleSettings
from tests.rooms.people.world import OTHER_PASSWORD, OWNER, PASSWORD, World


@pytest.fixture
def commands(world: World) -> Iterator[PeopleCommands]:
    machine = Machine(world.kit.db, world.kit.clock, world.kit.secrets, world.kit.public_url)
    made = PeopleCommands(machine, load(PeopleSettings))
    yield made
    made.close()


async def test_an_owner_made_by_a_command_can_sign_in_and_the_set_up_link_is_gone(
    world: World, commands: PeopleCommands
) -> None:
    url = await commands.setup_link()
    assert url == await world.people.setup_url() and url is not None
    added = await commands.add_person(OWNER, "owner", PASSWORD)
    assert added.link is None and added.person.name == "ada"
    assert await commands.setup_link() is None
    assert (await world.browser().sign_in()).status_code == 200
    assert [person.email for person in await commands.list_people()] == [OWNER]


async def test_a_person_without_password_gets_a_link_that_the_running_server_takes(
    world: World, commands: PeopleCommands
) -> None:
    added = await commands.add_person("bo@example.org", "member")
    assert added.link is not None
    token = added.link.url.rsplit("/", 1)[1]
    answer = await world.browser().post("/api/reset", {"token": token, "password": OTHER_PASSWORD})
    assert answer.status_code == 200


async def test_mistakes_are_named(commands: PeopleCommands) -> None:
    await commands.add_person(OWNER, "owner", PASSWORD)
    with pytest.raises(Conflict):
        await commands.add_person("ADA@example.org", "member", PASSWORD)
    with pytest.raises(Unprocessable):
        await commands.add_person("no address", "member", PASSWORD)
    with pytest.raises(Unprocessable):
        await commands.add_person("bo@example.org", "member", "short")
    with pytest.raises(NotFound):
        await commands.reset_link("nobody@example.org")
    with pytest.raises(NotFound):
        await commands.add_key("nobody@example.org", "k", ["chat"])
    with pytest.raises(NotFound):
        await commands.revoke_key(OWNER, "no such key")


async def test_a_key_made_by_a_command_works_at_once_and_ends_when_it_is_revoked(
    world: World, commands: PeopleCommands
) -> None:
    await commands.add_person(OWNER, "owner", PASSWORD)
    issued = await commands.add_key(OWNER, "terminal", ["chat", "threads"])
    client = world.client(issued.secret)
    assert (await client.get("/api/me")).status_code == 200
    assert [key.name for key in await commands.list_keys(OWNER)] == ["terminal"]
    assert await commands.revoke_key(OWNER, "terminal") == 1
    world.clock.advance(5)
    assert (await client.get("/api/me")).status_code == 401


async def test_the_name_of_a_key_made_by_a_command_is_erased_with_its_person(
    world: World, commands: PeopleCommands
) -> None:
    owner = await world.set_up()
    added = await commands.add_person("bo@example.org", "member", OTHER_PASSWORD)
    await commands.add_key("bo@example.org", "laptop of Bo", ["chat"])
    assert "laptop of Bo" in (await owner.get("/api/audit")).text
    assert (await owner.delete(f"/api/people/{encode('prs', added.person.id)}")).status_code == 204
    assert "laptop of Bo" not in (await owner.get("/api/audit")).text
    assert (await commands.verify_audit()).ok


async def test_a_member_gets_no_key_that_administers(commands: PeopleCommands) -> None:
    await commands.add_person("bo@example.org", "member", OTHER_PASSWORD)
    with pytest.raises(Forbidden):
        await commands.add_key("bo@example.org", "k", ["admin"])


async def test_a_reset_link_lets_an_owner_back_in_who_lost_everything(world: World, commands: PeopleCommands) -> None:
    await world.set_up(password=None)
    link = await commands.reset_link(OWNER)
    browser = world.browser()
    answer = await browser.post("/api/reset", {"token": link.url.rsplit("/", 1)[1], "password": PASSWORD})
    assert answer.status_code == 200 and answer.json()["person"]["role"] == "owner"


async def test_what_commands_do_is_in_the_audit_log_and_the_log_is_whole(
    world: World, commands: PeopleCommands
) -> None:
    await commands.add_person(OWNER, "owner", PASSWORD)
    await commands.add_key(OWNER, "k", ["chat"])
    assert [action for action, _ in await world.audit()] == ["people.person_added", "people.key_created"]
    browser = world.browser()
    await browser.sign_in()
    assert (await browser.get("/api/audit")).json()["items"][-1]["actor"] == {"kind": "command", "person": None}
    assert (await commands.verify_audit()).ok
