"""Acts: a tool call happens once, or the person learns that nobody knows."""

from __future__ import annotations

import asyncio
from pathlib import Path
from uuid import UUID

import pytest

from mecum.kit.db import Database
from mecum.kit.tools import Tool, ToolCall, ToolResult
from mecum.rooms.assistant.runner import ADVANCE
from tests.rooms.assistant.world import World, bodies, calls, says, texts

pytestmark = pytest.mark.anyio


class Shop:
    """A tool that writes outside and can be held in the middle."""

    def __init__(self, *, idempotent: bool, receiver: str | None = None) -> None:
        self.keys: list[UUID] = []
        self.held = asyncio.Event()
        self.entered = asyncio.Event()
        self.called = asyncio.Condition()
        self.tool = Tool(
            "buy",
            "Buys.",
            {"type": "object"},
            self.call,
            receiver=receiver,
            effects=frozenset({"writes"}),
            idempotent=idempotent,
            timeout_s=30,
        )

    async def until_called(self, times: int) -> None:
        async with self.called, asyncio.timeout(10):
            await self.called.wait_for(lambda: len(self.keys) >= times)

    async def call(self, request: ToolCall) -> ToolResult:
        self.keys.append(request.idempotency_key)
        self.entered.set()
        async with self.called:
            self.called.notify_all()
        await self.held.wait()
        return ToolResult("bought")


async def second_worker(world: World, run: UUID) -> None:
    """Another worker takes the run over while the first is still at it: what a restart after kill -9 does."""
    advance = next(job.run for job in world.room.jobs if job.name == ADVANCE)
    await advance(run=run.hex)


async def test_an_idempotent_act_is_repeated_with_the_same_key_and_written_once(
    database: Database, tmp_path: Path
) -> None:
    shop = Shop(idempotent=True)
    async with World(database, tmp_path, [shop.tool]).running() as world:
        world.models.play(calls(("buy", "{}")), says("Done."))
        posted = await world.face.post_new(world.caller, world.message("buy it"))
        await asyncio.wait_for(shop.entered.wait(), 10)
        takeover = asyncio.create_task(second_worker(world, posted.run))
        await shop.until_called(2)
        shop.held.set()
        await takeover
        log = await world.until(posted.thread, "run.finished")
    assert shop.keys[0] == shop.keys[1]
    types = [event.type for event in log]
    assert types.count("act.intended") == types.count("act.done") == 1
    assert types.count("message.assistant") == types.count("run.finished") == 1


@pytest.mark.parametrize(("decision", "times"), [("again", 2), ("done", 1), ("leave", 1)])
async def test_an_act_of_unknown_outcome_is_decided_by_the_person(
    database: Database, tmp_path: Path, decision: str, times: int
) -> None:
    shop = Shop(idempotent=False)
    async with World(database, tmp_path, [shop.tool]).running() as world:
        world.models.play(calls(("buy", "{}")), says("Fine."))
        posted = await world.face.post_new(world.caller, world.message("buy it"))
        await asyncio.wait_for(shop.entered.wait(), 10)
        await second_worker(world, posted.run)
        log = await world.until(posted.thread, "act.unknown")
        assert len(shop.keys) == 1
        waiting = next(event for event in log if event.type == "run.waiting")
        assert bodies(waiting)["kind"] == "unknown_act"
        shop.held.set()
        await world.face.answer(world.caller, posted.thread, UUID(hex=bodies(waiting)["wait"]), {"decision": decision})
        log = await world.until(posted.thread, "run.finished")
    assert len(shop.keys) == times
    assert len(set(shop.keys)) == times
    assert texts(log) == ["Fine."]


async def test_writing_outside_needs_a_yes(database: Database, tmp_path: Path) -> None:
    shop = Shop(idempotent=True, receiver="shop.example")
    shop.held.set()
    async with World(database, tmp_path, [shop.tool]).running() as world:
        world.models.play(calls(("buy", '{"what": "tea"}')), says("Not bought."))
        posted = await world.face.post_new(world.caller, world.message("buy tea"))
        log = await world.until(posted.thread, "run.waiting")
        question = bodies(log[-1])
        assert question["kind"] == "confirm"
        assert question["question"]["arguments"] == {"what": "tea"}
        await world.face.answer(world.caller, posted.thread, UUID(hex=question["wait"]), {"decision": "no"})
        await world.until(posted.thread, "run.finished")
        assert shop.keys == []
        world.models.play(calls(("buy", '{"what": "tea"}')), says("Bought."))
        await world.face.post(world.caller, posted.thread, world.message("do it"))
        log = await world.until(posted.thread, "run.waiting", times=2)
        wait = UUID(hex=bodies(log[-1])["wait"])
        await world.face.answer(world.caller, posted.thread, wait, {"decision": "yes"})
        log = await world.until(posted.thread, "run.finished", times=2)
    assert len(shop.keys) == 1
    assert texts(log)[-1] == "Bought."


async def test_a_tool_that_breaks_or_hangs_does_not_break_the_run(database: Database, tmp_path: Path) -> None:
    async def broken(_: ToolCall) -> ToolResult:
        raise ZeroDivisionError

    async def hangs(_: ToolCall) -> ToolResult:
        await asyncio.Event().wait()
        raise AssertionError

    tools = [
        Tool("broken", "", {"type": "object"}, broken),
        Tool("hangs", "", {"type": "object"}, hangs, timeout_s=0.05),
    ]
    async with World(database, tmp_path, tools).running() as world:
        world.models.play(calls(("broken", "{}"), ("hangs", "{}"), ("missing", "{}")), says("Oh."))
        posted = await world.face.post_new(world.caller, world.message("go"))
        log = await world.until(posted.thread, "run.finished")
    failed = [bodies(event) for event in log if event.type == "act.done"]
    assert [body["failed"] for body in failed] == [True, True, True]
    assert "longer than" in failed[1]["text"]
    assert "no tool called 'missing'" in failed[2]["text"]
    assert texts(log) == ["Oh."]


async def test_a_worker_that_was_cut_off_writes_nothing_more(database: Database, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with World(database, tmp_path).running() as world:
        world.models.play(says("from the first", before=gate), says("from the second"))
        posted = await world.face.post_new(world.caller, world.message("go"))
        await world.until(posted.thread, "run.started")
        await world.models.asked.wait()
        await second_worker(world, posted.run)
        gate.set()
    # Leaving the world waits for the first worker's job to end.
    log = await world.log(posted.thread)
    assert texts(log) == ["from the second"]
    assert [event.type for event in log].count("run.finished") == 1
