"""What happens while a run is at it: messages, stops and breaks that cross its way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mecum.kit.db import Database
from mecum.kit.errors import Conflict, NotFound, ProviderError, TooMany
from mecum.kit.tools import Tool, ToolCall, ToolResult
from mecum.rooms.assistant import Recalled, posting
from mecum.rooms.assistant.finishing import close_and_go_on
from mecum.rooms.assistant.runner import ADVANCE
from mecum.rooms.assistant.service import RunState
from mecum.rooms.assistant.store import runs
from mecum.rooms.assistant.tools.ask import ASK_PERSON
from mecum.rooms.assistant.tools.calculator import CALCULATOR
from mecum.rooms.models import ModelEvent, ModelRequest, TextDelta, TextPart
from tests.rooms.assistant.world import Script, World, bodies, breaks, calls, says, texts

pytestmark = pytest.mark.anyio

FORM = json.dumps({"title": "Which?", "fields": [{"label": "Which one?"}]})


def held(gate: asyncio.Event, then: Script) -> Script:
    """`then`, once the gate is open."""

    async def script(request: ModelRequest) -> AsyncIterator[ModelEvent]:
        await gate.wait()
        async for event in then(request):
            yield event

    return script


async def test_a_message_that_came_before_the_question_puts_it_aside(database: Database, tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with World(database, tmp_path, [ASK_PERSON]).running() as world:
        world.models.play(held(gate, calls(("ask_person", FORM))), says("Never mind, then."))
        posted = await world.face.post_new(world.caller, world.message("Ask me"))
        await world.models.asked.wait()
        await world.face.post(world.caller, posted.thread, world.message("Forget the form"))
        gate.set()
        log = await world.until(posted.thread, "run.finished")
        thread = await world.face.thread(world.caller, posted.thread)
    assert [bodies(event)["answer"] for event in log if event.type == "run.answered"] == [{"dismissed": True}]
    assert texts(log)[-1] == "Never mind, then."
    assert thread.state == "idle"


async def test_a_stop_that_came_before_the_question_ends_the_run(database: Database, tmp_path: Path) -> None:
    gate = asyncio.Event()
    asked: list[str] = []

    async def ask(_: ToolCall) -> ToolResult:
        asked.append("once")
        await gate.wait()
        return ToolResult("", wait={"title": "Which?"})

    tool = Tool("write_form", "Asks.", {"type": "object"}, ask, effects=frozenset({"writes"}))
    async with World(database, tmp_path, [tool]).running() as world:
        world.models.play(calls(("write_form", "{}")), says("No."))
        posted = await world.face.post_new(world.caller, world.message("Ask me"))
        await world.until(posted.thread, "act.intended")
        await world.face.stop(world.caller, posted.thread)
        gate.set()
        log = await world.until(posted.thread, "run.finished")
    assert bodies(log[-1])["reason"] == "stopped"
    assert asked == ["once"]


async def test_a_tool_that_only_reads_is_given_up_on_a_stop(database: Database, tmp_path: Path) -> None:
    async def read(_: ToolCall) -> ToolResult:
        await asyncio.Event().wait()
        raise AssertionError

    tool = Tool("read_slowly", "Reads.", {"type": "object"}, read, timeout_s=600)
    async with World(database, tmp_path, [tool]).running() as world:
        world.models.play(calls(("read_slowly", "{}")), says("Never said."))
        posted = await world.face.post_new(world.caller, world.message("Read"))
        await world.until(posted.thread, "act.intended")
        await world.face.stop(world.caller, posted.thread)
        log = await world.until(posted.thread, "run.finished")
    assert bodies(log[-1])["reason"] == "stopped"


async def test_a_message_for_another_model_is_answered_by_that_model_in_a_run_of_its_own(
    database: Database, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    async with World(database, tmp_path).running() as world:
        world.models.play(says("First.", before=gate), says("Second."))
        first = await world.face.post_new(world.caller, world.message("One", model="quick"))
        await world.models.asked.wait()
        second = await world.face.post(world.caller, first.thread, world.message("Two", model="slow"))
        gate.set()
        log = await world.until(first.thread, "run.finished", times=2)
    assert second.run != first.run
    assert texts(log) == ["First.", "Second."]
    assert [request.model for request in world.models.requests] == ["quick", "slow"]
    said = [part for message in world.models.requests[1].messages[1:] for part in message.content]
    assert said == [TextPart("One"), TextPart("First."), TextPart("Two")]


async def test_a_caller_that_shows_no_questions_does_not_put_them_aside(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path, [ASK_PERSON]).running() as world:
        world.models.play(calls(("ask_person", FORM)), says("Thanks."))
        posted = await world.face.post_new(world.caller, world.message("Ask me"))
        await world.until(posted.thread, "run.waiting")
        with pytest.raises(Conflict):
            await world.face.post(world.caller, posted.thread, world.message("From code", keeps_questions=True))
        log = await world.log(posted.thread)
    assert not [event for event in log if event.type in ("run.answered", "run.finished")]


async def test_what_breaks_in_the_house_is_told_and_the_thread_is_free(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        world.models.play(breaks(RuntimeError("a mistake of ours"), "Half"), says("Better."))
        posted = await world.face.post_new(world.caller, world.message("Hello"))
        log = await world.until(posted.thread, "run.finished")
        assert bodies(log[-1])["error"]["code"] == "assistant.broken"
        assert texts(log) == ["Half"]
        await world.face.post(world.caller, posted.thread, world.message("Again"))
        log = await world.until(posted.thread, "run.finished", times=2)
    assert texts(log)[-1] == "Better."


async def test_what_breaks_after_a_step_keeps_the_steps_before_it(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path, [CALCULATOR]).running() as world:
        sum_ = calls(("calculate", '{"expression": "1 + 1"}'), text="I count.")
        world.models.play(sum_, breaks(RuntimeError("a mistake of ours"), "It is"))
        posted = await world.face.post_new(world.caller, world.message("Count"))
        log = await world.until(posted.thread, "run.finished")
    assert texts(log) == ["I count.\n\nIt is"]


async def test_a_message_that_joins_after_a_writer_died_keeps_what_people_have_read(
    database: Database, tmp_path: Path
) -> None:
    gate = asyncio.Event()

    async def script(_: ModelRequest) -> AsyncIterator[ModelEvent]:
        yield TextDelta("Half a line")
        await gate.wait()

    async with World(database, tmp_path).running() as world:
        world.models.play(script, says("Both, then."))
        posted = await world.face.post_new(world.caller, world.message("Hello"))
        await world.models.asked.wait()
        await world.face.post(world.caller, posted.thread, world.message("And this"))
        async with database.transaction() as connection:
            row = await runs.get(connection, posted.run)
            assert row is not None
            await runs.save_checkpoint(connection, row, "Half a line", "", world.kit.clock.now())
        advance = next(job.run for job in world.room.jobs if job.name == ADVANCE)
        await advance(run=posted.run.hex)
        log = await world.log(posted.thread)
        gate.set()
    assert texts(log) == ["Half a line", "Both, then."]
    assert [bodies(event)["finish"] for event in log if event.type == "message.assistant"] == ["joined", "stop"]


async def test_an_interruption_that_comes_as_the_answer_ends_is_answered(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unheard(*_: object) -> None:
        """The word of the stop comes too late."""

    monkeypatch.setattr(posting, "ask_to_stop", unheard)
    gate = asyncio.Event()
    async with World(database, tmp_path).running() as world:
        world.models.play(held(gate, says("The first.")), says("The second."))
        posted = await world.face.post_new(world.caller, world.message("One"))
        await world.models.asked.wait()
        await world.face.post(world.caller, posted.thread, world.message("Two", interrupt=True))
        gate.set()
        log = await world.until(posted.thread, "run.finished", times=2)
    assert texts(log) == ["The first.", "The second."]
    assert [bodies(event)["reason"] for event in log if event.type == "run.finished"] == ["done", "done"]


async def test_an_interruption_that_comes_as_another_message_joins_is_answered(
    database: Database, tmp_path: Path
) -> None:
    world = World(database, tmp_path)
    posted = await world.face.post_new(world.caller, world.message("One"))
    await world.face.post(world.caller, posted.thread, world.message("Two"))
    async with database.transaction() as connection:
        claimed = await runs.claim(connection, posted.run)
    assert claimed is not None
    await world.face.post(world.caller, posted.thread, world.message("Three", interrupt=True))
    await close_and_go_on(world.kit, claimed, RunState())
    assert texts(await world.log(posted.thread)) == []
    async with world.running():
        log = await world.until(posted.thread, "run.finished", times=2)
    assert [bodies(event)["reason"] for event in log if event.type == "run.finished"] == ["stopped", "done"]
    assert texts(log) == ["", "Hello."]
    assert log[-2].parent == [event.message for event in log if event.type == "message.user"][-1]


async def test_arguments_that_no_parser_survives_are_told_to_the_model(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path, [CALCULATOR]).running() as world:
        world.models.play(calls(("calculate", "[" * 90_000)), says("I see."))
        posted = await world.face.post_new(world.caller, world.message("Count"))
        log = await world.until(posted.thread, "run.finished")
    assert texts(log) == ["I see."]
    assert "not valid JSON" in next(bodies(event)["text"] for event in log if event.type == "act.done")


@pytest.mark.parametrize(
    ("error", "is_asked"),
    [(NotFound("x", "No such shop."), False), (ProviderError("x", "The line broke."), True), (OSError("reset"), True)],
)
async def test_a_write_that_broke_on_the_way_is_the_persons_to_judge(
    database: Database, tmp_path: Path, error: Exception, is_asked: bool
) -> None:
    async def write(_: ToolCall) -> ToolResult:
        raise error

    tool = Tool("send", "Sends.", {"type": "object"}, write, effects=frozenset({"writes"}), idempotent=False)
    async with World(database, tmp_path, [tool]).running() as world:
        world.models.play(calls(("send", "{}")), says("Not sent."))
        posted = await world.face.post_new(world.caller, world.message("Send it"))
        log = await world.until(posted.thread, "run.waiting", "run.finished")
    assert ("act.unknown" in [event.type for event in log]) is is_asked


async def test_a_person_has_only_so_many_unfinished_answers(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path, open_runs_max=2)
    await world.face.post_new(world.caller, world.message("One"))
    last = world.message("Two")
    await world.face.post_new(world.caller, last)
    with pytest.raises(TooMany):
        await world.face.post_new(world.caller, world.message("Three"))
    assert (await world.face.post_new(world.caller, last)).repeated


async def test_a_temporary_thread_recalls_nothing(database: Database, tmp_path: Path) -> None:
    asked: list[str] = []

    class Memory:
        async def recall(self, principal: object, text: str, token_budget: int) -> Recalled:
            asked.append(text)
            return Recalled((), ())

    async with World(database, tmp_path, recall=Memory()).running() as world:
        for temporary in (True, False):
            posted = await world.face.post_new(world.caller, world.message(f"{temporary}"), temporary=temporary)
            await world.until(posted.thread, "run.finished")
    assert asked == ["False"]


async def test_a_stop_after_its_writer_died_keeps_what_people_have_read(database: Database, tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def script(_: ModelRequest) -> AsyncIterator[ModelEvent]:
        yield TextDelta("Half a line")
        await gate.wait()

    async with World(database, tmp_path).running() as world:
        world.models.play(script)
        posted = await world.face.post_new(world.caller, world.message("Hello"))
        async with asyncio.timeout(10):
            async for frame in world.face.follow(world.caller, posted.thread):
                if frame.kind == "delta":
                    break
        async with database.transaction() as connection:
            row = await runs.get(connection, posted.run)
            assert row is not None
            await runs.save_checkpoint(connection, row, "Half a line", "", world.kit.clock.now())
            await runs.request_stop(connection, posted.run)
        advance = next(job.run for job in world.room.jobs if job.name == ADVANCE)
        await advance(run=posted.run.hex)
        log = await world.log(posted.thread)
        gate.set()
    assert texts(log) == ["Half a line"]
    assert bodies(log[-1])["reason"] == "stopped"


async def test_a_stop_after_its_writer_died_tells_of_an_act_whose_end_nobody_knows(
    database: Database, tmp_path: Path
) -> None:
    gate, entered = asyncio.Event(), asyncio.Event()

    async def write(_: ToolCall) -> ToolResult:
        entered.set()
        await gate.wait()
        return ToolResult("written")

    tool = Tool("send", "Sends.", {"type": "object"}, write, effects=frozenset({"writes"}), idempotent=False)
    async with World(database, tmp_path, [tool]).running() as world:
        world.models.play(calls(("send", "{}")), says("Sent."))
        posted = await world.face.post_new(world.caller, world.message("Send it"))
        async with asyncio.timeout(10):
            await entered.wait()
        await world.face.stop(world.caller, posted.thread)
        advance = next(job.run for job in world.room.jobs if job.name == ADVANCE)
        await advance(run=posted.run.hex)
        log = await world.log(posted.thread)
        gate.set()
    assert [event.type for event in log][-3:] == ["act.unknown", "message.assistant", "run.finished"]
