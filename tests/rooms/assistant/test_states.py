"""What a model wants back with its own steps is kept in the log, given back, and shown to nobody."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from mecum.kit.db import Database
from mecum.kit.tools import Tool, ToolCall, ToolResult
from mecum.kit.types import Tokens
from mecum.rooms.assistant.fitting import size
from mecum.rooms.assistant.wire import render_event
from mecum.rooms.models import (
    Message,
    ModelEvent,
    ModelRequest,
    ModelState,
    TextDelta,
    TextPart,
    ToolCallDelta,
    ToolUse,
)
from tests.rooms.assistant.world import Script, World, finish, says

pytestmark = pytest.mark.anyio

STATE = ModelState("responses:Somebody:thinker", '[{"own": "sealed thoughts"}]', Tokens(120))


async def look(_: ToolCall) -> ToolResult:
    return ToolResult("It rains.")


LOOK = Tool("look", "Looks.", {"type": "object"}, look)


def looks(state: ModelState | None) -> Script:
    async def script(_: ModelRequest) -> AsyncIterator[ModelEvent]:
        yield TextDelta("I look.")
        yield ToolCallDelta(ToolUse("theirs", "look", "{}"))
        yield replace(finish("tool_calls"), state=state)

    return script


async def test_a_step_goes_back_with_its_state_in_this_run_and_in_later_ones(
    database: Database, tmp_path: Path
) -> None:
    async with World(database, tmp_path, [LOOK]).running() as world:
        world.models.play(looks(STATE), looks(None), says("It rains."))
        posted = await world.face.post_new(world.caller, world.message("Rain?"))
        log = await world.until(posted.thread, "run.finished")
        await world.face.post(world.caller, posted.thread, world.message("Still?"))
        await world.until(posted.thread, "run.finished", times=2)
        requests = list(world.models.requests)
    said = [[message.state for message in each.messages if message.tool_uses] for each in requests]
    assert said == [[], [STATE], [STATE, None], [STATE, None]]
    steps = [event for event in log if event.type == "run.step"]
    assert (steps[0].payload or {})["state"]["value"] == STATE.value
    shown = [render_event(event) for event in log]
    assert "sealed" not in json.dumps(shown)
    assert next(event["payload"]["text"] for event in shown if event["type"] == "run.step") == "I look."


def test_a_state_takes_room_in_what_a_model_reads() -> None:
    said = Message("assistant", (TextPart("I look."),))
    assert size(replace(said, state=STATE)) == size(said) + 120
