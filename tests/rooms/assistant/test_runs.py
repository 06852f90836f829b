"""Runs: from a message to one answer, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mecum.kit.db import Database
from mecum.kit.errors import DatabaseUnavailable, NotFound, ProviderError
from mecum.kit.tools import Tool, ToolCall, ToolResult
from mecum.rooms.assistant.runner import ADVANCE
from mecum.rooms.models import ModelEvent, ModelRequest, ReasoningDelta
from tests.rooms.assistant.world import World, bodies, breaks, calls, principal, says, texts

pytestmark = pytest.mark.anyio


def add_tool(done: list[dict[str, Any]]) -> Tool:
    async def call(request: ToolCall) -> ToolResult:
        done.append(dict(request.arguments))
        return ToolResult(str(request.arguments["a"] + request.arguments["b"]))

    return Tool("add", "Adds.", {"type": "object", "required": ["a", "b"]}, call)


async def test_a_message_is_answered_once(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        world.models.play(says("Good ", "morning."))
        posted = await world.face.post_new(world.caller, world.message("Hi there"))
        log = await world.until(posted.thread, "run.finished")
    assert [event.type for event in log] == [
        "thread.created",
        "thread.titled",
        "message.user",
        "run.started",
        "message.assistant",
        "run.finished",
    ]
    assert [event.seq for event in log] == list(range(1, 7))
    assert texts(log) == ["Good morning."]
    assert bodies(log[-1])["usage"] == {"input": 5, "output": 3, "cached": 0, "reasoning": 0}


async def test_the_same_client_id_is_the_same_message(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        message = world.message("Hi")
        posted = await asyncio.gather(*(world.face.post_new(world.caller, message) for _ in range(5)))
        await world.until(posted[0].thread, "run.finished")
        log = await world.log(posted[0].thread)
    assert len({one.message for one in posted}) == 1
    assert sorted(one.repeated for one in posted) == [False, True, True, True, True]
    assert sum(event.type == "message.user" for event in log) == 1


async def test_tools_are_called_and_their_results_reach_the_model(database: Database, tmp_path: Path) -> None:
    done: list[dict[str, Any]] = []
    async with World(database, tmp_path, [add_tool(done)]).running() as world:
        world.models.play(calls(("add", '{"a": 2, "b": 3}'), text="Let me add."), says("It is 5."))
        posted = await world.face.post_new(world.caller, world.message("2+3?"))
        log = await world.until(posted.thread, "run.finished")
    assert done == [{"a": 2, "b": 3}]
    assert texts(log) == ["Let me add.\n\nIt is 5."]
    second = world.models.requests[1].messages
    assert [message.role for message in second] == ["system", "user", "assistant", "tool"]
    assert second[2].tool_uses[0].id == second[3].tool_use_id


@pytest.mark.parametrize("arguments", ["not json", "[1]", '{"a": 1}'])
async def test_bad_arguments_are_told_to_the_model_and_nothing_is_called(
    database: Database, tmp_path: Path, arguments: str
) -> None:
    done: list[dict[str, Any]] = []
    async with World(database, tmp_path, [add_tool(done)]).running() as world:
        world.models.play(calls(("add", arguments)), says("Sorry."))
        posted = await world.face.post_new(world.caller, world.message("2+3?"))
        log = await world.until(posted.thread, "run.finished")
    assert done == []
    assert [bodies(e)["failed"] for e in log if e.type == "act.done"] == [True]
    assert texts(log) == ["Sorry."]


async def test_a_message_posted_meanwhile_joins_the_run(database: Database, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with World(database, tmp_path).running() as world:
        world.models.play(says("First.", before=gate), says("Second."))
        first = await world.face.post_new(world.caller, world.message("one"))
        await world.until(first.thread, "run.started")
        second = await world.face.post(world.caller, first.thread, world.message("two"))
        gate.set()
        log = await world.until(first.thread, "run.finished")
    assert second.run == first.run
    assert texts(log) == ["First.", "Second."]
    answers = [event for event in log if event.type == "message.assistant"]
    assert answers[0].parent == first.message
    assert answers[1].parent == second.message
    user_two = next(event for event in log if event.message == second.message)
    assert user_two.parent == answers[0].message


async def test_an_interrupting_message_stops_the_run_and_is_answered(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        world.models.play(says("slow ", *["word "] * 500, pause_s=0.02), says("Right away."))
        first = await world.face.post_new(world.caller, world.message("one"))
        await world.until(first.thread, "run.started")
        await world.face.post(world.caller, first.thread, world.message("two", interrupt=True))
        log = await world.until(first.thread, "run.finished", times=2)
    assert [bodies(e)["reason"] for e in log if e.type == "run.finished"] == ["stopped", "done"]
    assert texts(log)[-1] == "Right away."


async def test_stop_keeps_the_partial_text(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        world.models.play(says("begun ", *["more "] * 500, pause_s=0.02))
        posted = await world.face.post_new(world.caller, world.message("talk"))
        async with asyncio.timeout(10):
            async for frame in world.face.follow(world.caller, posted.thread):
                if frame.kind == "delta":
                    break
        assert await world.face.stop(world.caller, posted.thread)
        log = await world.until(posted.thread, "run.finished")
        assert not await world.face.stop(world.caller, posted.thread)
    assert texts(log)[0].startswith("begun")
    assert bodies(log[-1])["reason"] == "stopped"


async def test_stop_keeps_what_was_thought_so_far(database: Database, tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def thinks(_: ModelRequest) -> AsyncIterator[ModelEvent]:
        yield ReasoningDelta("They want a number.")
        await gate.wait()

    async with World(database, tmp_path).running() as world:
        world.models.play(thinks)
        posted = await world.face.post_new(world.caller, world.message("how many"))
        async with asyncio.timeout(10):
            async for frame in world.face.follow(world.caller, posted.thread):
                if frame.kind == "delta":
                    break
        await world.face.stop(world.caller, posted.thread)
        log = await world.until(posted.thread, "run.finished")
    (answer,) = [bodies(event) for event in log if event.type == "message.assistant"]
    assert (answer["text"], answer["reasoning"]) == ("", "They want a number.")


async def test_a_failure_that_may_heal_is_tried_again_then_told(database: Database, tmp_path: Path) -> None:
    error = ProviderError("models.cut", "The stream was cut.", retryable=True)
    async with World(database, tmp_path).running() as world:
        world.models.play(breaks(error, "half "), says("Whole."))
        healed = await world.face.post_new(world.caller, world.message("a"))
        first = await world.until(healed.thread, "run.finished")
        world.models.play(breaks(error, "half "))
        broken = await world.face.post_new(world.caller, world.message("b"))
        second = await world.until(broken.thread, "run.finished")
    assert texts(first) == ["Whole."]
    assert texts(second) == ["half "] or texts(second) == ["half"]
    assert bodies(second[-1])["error"]["code"] == "models.cut"
    assert bodies(second[-1])["reason"] == "failed"


async def test_a_run_without_a_database_is_not_over_but_waits_for_it(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path)
    advance = next(spec for spec in world.room.jobs if spec.name == ADVANCE)
    world.models.play(breaks(DatabaseUnavailable(), "half "), says("Whole."))
    posted = await world.face.post_new(world.caller, world.message("a"))
    with pytest.raises(DatabaseUnavailable):
        await advance.run(run=posted.run.hex)
    await advance.run(run=posted.run.hex)
    log = await world.log(posted.thread)
    assert (texts(log), bodies(log[-1])["reason"]) == (["Whole."], "done")


async def test_a_loop_of_calls_ends_at_the_limit(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path, [add_tool([])], rounds_max=3).running() as world:
        world.models.play(calls(("add", '{"a": 1, "b": 1}')))
        posted = await world.face.post_new(world.caller, world.message("go"))
        log = await world.until(posted.thread, "run.finished")
    assert bodies(log[-1])["limit"] == "rounds"
    assert len(world.models.requests) == 3


async def test_a_form_waits_for_the_person_and_then_goes_on(database: Database, tmp_path: Path) -> None:
    async def ask(_: ToolCall) -> ToolResult:
        return ToolResult("", wait={"title": "Which day?", "schema": {"type": "object"}})

    tool = Tool("ask_person", "Asks.", {"type": "object"}, ask)
    async with World(database, tmp_path, [tool]).running() as world:
        world.models.play(calls(("ask_person", "{}")), says("Friday it is."))
        posted = await world.face.post_new(world.caller, world.message("book"))
        log = await world.until(posted.thread, "run.waiting")
        assert (await world.face.thread(world.caller, posted.thread)).state == "waiting"
        wait = bodies(log[-1])["wait"]
        from uuid import UUID

        await world.face.answer(world.caller, posted.thread, UUID(hex=wait), {"values": {"day": "Friday"}})
        log = await world.until(posted.thread, "run.finished")
    assert "Friday" in str(world.models.requests[1].messages[-1].content)
    assert texts(log) == ["Friday it is."]


async def test_a_message_instead_of_an_answer_dismisses_the_question(database: Database, tmp_path: Path) -> None:
    async def ask(_: ToolCall) -> ToolResult:
        return ToolResult("", wait={"title": "Which day?"})

    tool = Tool("ask_person", "Asks.", {"type": "object"}, ask)
    async with World(database, tmp_path, [tool]).running() as world:
        world.models.play(calls(("ask_person", "{}")), says("All right."))
        posted = await world.face.post_new(world.caller, world.message("book"))
        await world.until(posted.thread, "run.waiting")
        await world.face.post(world.caller, posted.thread, world.message("never mind"))
        log = await world.until(posted.thread, "run.finished")
    assert texts(log)[-1] == "All right."
    assert any(event.type == "run.answered" and bodies(event)["answer"] == {"dismissed": True} for event in log)


async def test_regenerating_makes_a_sibling_answer(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        world.models.play(says("One."), says("Two."))
        posted = await world.face.post_new(world.caller, world.message("a"))
        log = await world.until(posted.thread, "run.finished")
        answer = next(event for event in log if event.type == "message.assistant")
        assert answer.message is not None
        await world.face.regenerate(world.caller, posted.thread, answer.message, world.message(""))
        log = await world.until(posted.thread, "run.finished", times=2)
    answers = [event for event in log if event.type == "message.assistant"]
    assert [event.parent for event in answers] == [posted.message, posted.message]
    assert texts(log) == ["One.", "Two."]


async def test_lent_tools_end_the_run_and_their_results_start_the_next(database: Database, tmp_path: Path) -> None:
    lent = [{"name": "shell", "description": "Runs.", "parameters": {"type": "object"}}]
    async with World(database, tmp_path).running() as world:
        world.models.play(calls(("shell", '{"cmd": "ls"}')), says("Two files."))
        posted = await world.face.post_new(world.caller, world.message("list", lent_tools=lent), origin="api")
        await world.until(posted.thread, "run.finished")
        result = await world.face.run_result(world.caller, posted.run)
        assert result["finish"] == "tool_calls"
        (call,) = result["tool_calls"]
        answer = world.message("", tool_results=[{"call": call["call"], "text": "a b"}], lent_tools=lent)
        second = await world.face.post(world.caller, posted.thread, answer)
        await world.until(posted.thread, "run.finished", times=2)
        result = await world.face.run_result(world.caller, second.run)
    assert result["text"] == "Two files."
    assert [m.role for m in world.models.requests[1].messages] == ["system", "user", "assistant", "tool"]


async def test_another_person_sees_nothing(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        posted = await world.face.post_new(world.caller, world.message("secret plan"))
        await world.until(posted.thread, "run.finished")
        stranger = principal()
        for attempt in (
            world.face.thread(stranger, posted.thread),
            world.face.events(stranger, posted.thread),
            world.face.post(stranger, posted.thread, world.message("x")),
            world.face.stop(stranger, posted.thread),
            world.face.run_result(stranger, posted.run),
        ):
            with pytest.raises(NotFound):
                await attempt
        assert (await world.face.threads(stranger)).items == ()
        assert (await world.searching.search(stranger, "plan", limit=10)).items == ()
        assert len((await world.searching.search(world.caller, "plan", limit=10)).items) == 2


async def test_a_reader_at_any_position_gets_exactly_what_it_lacks(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        words = [f"w{i} " for i in range(60)]
        world.models.play(says(*words, pause_s=0.01))
        posted = await world.face.post_new(world.caller, world.message("go"))
        whole = "".join(words)
        shown = ""
        position = "0"
        answer = ""
        for _ in range(200):
            frames = 0
            async with asyncio.timeout(10):
                async for frame in world.face.follow(world.caller, posted.thread, position=position):
                    data = json.loads(frame.json)
                    position = frame.position or position
                    if frame.kind == "checkpoint":
                        shown = data["text"]
                    elif frame.kind == "delta":
                        assert data["offset"] == len(shown)
                        shown += data["text"]
                    elif frame.kind == "event" and data["type"] == "message.assistant":
                        answer = data["payload"]["text"]
                    frames += 1
                    if frames >= 3 or (frame.kind == "event" and data["type"] == "run.finished"):
                        break
            if answer:
                break
        assert answer == whole
        assert whole.startswith(shown)
