"""How long things may be: what the operator sets holds, and what is over it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from mecum.kit.db import Database
from mecum.kit.tools import Tool, ToolCall, ToolResult
from mecum.rooms.models import TextPart
from tests.rooms.assistant.world import World, bodies, calls, says, texts

pytestmark = pytest.mark.anyio

LONG = "x" * 3_000


async def lookup(_: ToolCall) -> ToolResult:
    return ToolResult(LONG)


LOOKUP = Tool("lookup", "Looks up.", {"type": "object"}, lookup)


async def test_an_answer_that_gets_too_long_is_ended_with_what_it_has(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path, answer_chars_max=1_000).running() as world:
        world.models.play(says("a" * 900, "b" * 900, "c" * 900))
        posted = await world.face.post_new(world.caller, world.message("go on for ever"))
        log = await world.until(posted.thread, "run.finished")
    assert (bodies(log[-1])["reason"], bodies(log[-1])["limit"]) == ("limit", "size")
    assert texts(log) == ["a" * 900 + "b" * 900]


async def test_of_a_tools_result_so_much_is_kept_and_so_much_the_model_is_given(
    database: Database, tmp_path: Path
) -> None:
    here = World(database, tmp_path, [LOOKUP], tool_result_chars_max=2_000, tool_result_given_chars_max=600)
    async with here.running() as world:
        world.models.play(calls(("lookup", "{}")), says("Done."))
        posted = await world.face.post_new(world.caller, world.message("look it up"))
        log = await world.until(posted.thread, "run.finished")
    kept = next(event for event in log if event.type == "act.done")
    assert len(bodies(kept)["text"]) == 2_000
    (part,) = world.models.requests[1].messages[-1].content
    assert isinstance(part, TextPart)
    assert len(part.text) == 600
