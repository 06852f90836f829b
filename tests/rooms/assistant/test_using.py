"""What a person's conversations used, by their titles; nobody else's are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from mecum.kit.db import Database
from mecum.kit.types import SpaceId
from mecum.rooms.assistant import Posted
from mecum.rooms.assistant.using import ThreadsUse, Using
from tests.rooms.assistant.world import Used, World, principal


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> AsyncIterator[World]:
    async with World(database, tmp_path).running() as running:
        yield running


async def answered(world: World, said: str) -> Posted:
    posted = await world.face.post_new(world.caller, world.message(said))
    await world.until(posted.thread, "run.finished")
    return posted


def use(work: UUID | None, cost: int) -> Used:
    return Used(work or uuid4(), 1, 10, 10, cost)


async def used(world: World, limit: int = 8, **other: object) -> ThreadsUse:
    caller = replace(world.caller, **other)  # type: ignore[arg-type]
    return await Using(world.kit.db, world.models).threads(caller, None, limit)


async def test_the_dearest_conversation_comes_first_with_its_answers_together(world: World) -> None:
    first, second = await answered(world, "First"), await answered(world, "Second")
    again = await world.face.post(world.caller, first.thread, world.message("More"))
    await world.until(first.thread, "run.finished", times=2)
    world.models.used = (use(second.run, 5), use(first.run, 3), use(again.run, 4), use(None, 90))
    found = await used(world)
    assert [(each.thread, each.cost_micros, each.calls) for each in found.items] == [
        (first.thread, 7, 2),
        (second.thread, 5, 1),
    ]
    assert (found.conversations, found.currency) == (2, "EUR")
    assert all(each.title is not None for each in found.items)
    assert [each.thread for each in (await used(world, 1)).items] == [first.thread]


async def test_in_another_space_no_title_is_told_and_to_others_nothing(world: World) -> None:
    posted = await answered(world, "A secret plan")
    world.models.used = (use(posted.run, 5),)
    (hidden,) = (await used(world, space=SpaceId(uuid4()))).items
    assert (hidden.thread, hidden.title, hidden.cost_micros) == (None, None, 5)
    assert (await used(world, person=principal().person, role="owner")).items == ()


async def test_a_deleted_conversation_counts_and_is_not_named(world: World) -> None:
    posted = await answered(world, "Gone")
    world.models.used = (use(posted.run, 5),)
    async with world.kit.db.transaction() as connection:
        await connection.execute(
            text("UPDATE assistant.thread SET deleted_at = now() WHERE id = :thread"), {"thread": posted.thread}
        )
    (left,) = (await used(world)).items
    assert (left.thread, left.title, left.cost_micros) == (None, None, 5)
