"""Organisations as operators find them."""

from __future__ import annotations

import uuid

from sqlalchemy import text

from mecum.kit.ids import encode, new_id
from tests.rooms.people.world import World

ADD = text("INSERT INTO people.organisations (id, slug, name, created_at) VALUES (:id, :slug, :name, now())")


async def added(world: World, *names: str) -> dict[str, str]:
    """Organisations of these names, by name their ids."""
    ids = {name: new_id() for name in names}
    async with world.kit.db.transaction() as connection:
        for name, id_ in ids.items():
            await connection.execute(ADD, {"id": id_, "slug": id_.hex, "name": name})
    return {name: encode("org", id_) for name, id_ in ids.items()}


async def test_all_organisations_are_found_by_a_part_of_their_name_page_by_page(world: World) -> None:
    owner = await world.set_up()
    await added(world, "Harbour", "Old Harbour", "Museum", "50 % off")
    first = (await owner.get("/api/organisations?limit=3")).json()
    rest = (await owner.get(f"/api/organisations?limit=3&cursor={first['next']}")).json()
    names = [each["name"] for each in (*first["items"], *rest["items"])]
    assert (len(first["items"]), rest["next"]) == (3, None)
    assert sorted(names) == ["50 % off", "Harbour", "Home", "Museum", "Old Harbour"]
    found = (await owner.get("/api/organisations?query=harbour")).json()["items"]
    assert [each["name"] for each in found] == ["Harbour", "Old Harbour"]
    assert [each["name"] for each in (await owner.get("/api/organisations?query=%25")).json()["items"]] == ["50 % off"]


async def test_names_are_asked_for_by_id_and_what_is_gone_is_left_out(world: World) -> None:
    owner = await world.set_up()
    made = await added(world, "Harbour", "Museum")
    gone = encode("org", uuid.uuid4())
    ids = f"{made['Museum']},{gone}"
    assert (await owner.get(f"/api/organisations?ids={ids}")).json()["items"] == [
        {"id": made["Museum"], "name": "Museum", "members": 0}
    ]
    many = ",".join([gone] * 51)
    assert (await owner.get(f"/api/organisations?ids={many}")).status_code == 400
    assert (await owner.get("/api/organisations?ids=prs_1")).status_code == 400


async def test_members_are_not_told_which_organisations_there_are(world: World) -> None:
    await world.set_up()
    await world.open_sign_up()
    member = await world.member("bo@example.org")
    assert (await member.get("/api/organisations")).status_code == 403
