"""How an answer was made is said at its end, and what people do with it is told to whoever chose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from mecum.kit.db import Database
from mecum.kit.outbox import OutboxEvent, Subscription
from mecum.rooms.models import ANSWER_JUDGED, ModelEvent, ModelRequest, Routed, TextDelta
from tests.rooms.assistant.world import World, bodies, finish, says

pytestmark = pytest.mark.anyio


async def routed(_: ModelRequest) -> AsyncIterator[ModelEvent]:
    yield TextDelta("Yes.")
    yield replace(finish(), routed=Routed("fast", "lookup", "smaller"))


def listening(world: World) -> asyncio.Queue[tuple[str, str]]:
    """What is told of answers: the run, and what became of it."""
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    async def hear(event: OutboxEvent) -> None:
        heard.put_nowait((event.payload["work"], event.payload["what"]))

    world.kit.outbox.subscribe([Subscription(ANSWER_JUDGED, "test.hear", hear)])
    return heard


async def answered(world: World) -> tuple[UUID, UUID, UUID]:
    """A thread, its run, and the answer."""
    posted = await world.face.post_new(world.caller, world.message("Hi"))
    log = await world.until(posted.thread, "run.finished")
    answer = next(event.message for event in log if event.type == "message.assistant")
    assert answer is not None
    return posted.thread, posted.run, answer


async def test_the_end_of_a_run_says_how_its_answer_was_made(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        world.models.play(routed, says("No."))
        thread, _, _ = await answered(world)
        (ended,) = [event for event in await world.log(thread) if event.type == "run.finished"]
        assert bodies(ended)["routed"] == {"effort": "fast", "why": "lookup", "lowered": "smaller"}
        thread, _, _ = await answered(world)
        (ended,) = [event for event in await world.log(thread) if event.type == "run.finished"]
        assert "routed" not in bodies(ended)


async def test_what_people_do_with_an_answer_is_told_to_whoever_chose_how_it_was_made(
    database: Database, tmp_path: Path
) -> None:
    world = World(database, tmp_path)
    heard = listening(world)
    async with world.running():
        world.models.play(routed, says("Longer."), says("Again."), says("By another."))
        thread, run, answer = await answered(world)
        await world.face.feedback(world.caller, thread, answer, "down", "")
        for times, post in enumerate(
            (world.message("", effort="think"), world.message(""), world.message("", model="another")), start=2
        ):
            await world.face.regenerate(world.caller, thread, answer, post)
            await world.until(thread, "run.finished", times=times)
        assert world.models.requests[1].effort == "think"
        async with asyncio.timeout(10):
            told = {await heard.get() for _ in range(3)}
    assert told == {(run.hex, "down"), (run.hex, "think_longer"), (run.hex, "regenerated")}
    assert heard.empty()


async def test_what_was_not_read_because_many_waited_is_said_at_the_end_too(database: Database, tmp_path: Path) -> None:
    async def lighter(_: ModelRequest) -> AsyncIterator[ModelEvent]:
        yield replace(finish(), routed=Routed("fast", "lookup", None, ("tools", "context")))

    async with World(database, tmp_path).running() as world:
        world.models.play(lighter)
        posted = await world.face.post_new(world.caller, world.message("Hi"))
        (ended,) = [each for each in await world.until(posted.thread, "run.finished") if each.type == "run.finished"]
        assert bodies(ended)["routed"]["lighter"] == ["tools", "context"]
        assert (await world.face.run_result(world.caller, posted.run))["routed"]["lighter"] == ["tools", "context"]
