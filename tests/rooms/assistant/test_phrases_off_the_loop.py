"""A phrase that takes long to read holds up nobody else."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.ids import new_id
from mecum.kit.tools import Tool, ToolCall
from mecum.kit.types import Principal
from mecum.rooms.assistant.api.schedules import NewScheduleBody, ReadBody, build_router
from mecum.rooms.assistant.scheduling import Scheduling
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.tools.dates import date_tool
from mecum.rooms.assistant.tools.tasks import schedule_tool
from tests.rooms.assistant.world import World, principal

NOW = dt.datetime(2026, 11, 23, 18, 0, tzinfo=dt.UTC)
HELD_UP_S = 10.0


class SlowParser:
    """Stands where the library stands: it reads a phrase once the event loop has turned meanwhile."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.turned: list[bool] = []
        self.threads: list[int] = []

    def parse(self, words: str, **_: Any) -> dt.datetime:
        self.threads.append(threading.get_ident())
        turned = threading.Event()
        self._loop.call_soon_threadsafe(turned.set)
        self.turned.append(turned.wait(HELD_UP_S))
        return NOW.replace(month=12, day=24, tzinfo=None)


@pytest.fixture
async def parser(monkeypatch: pytest.MonkeyPatch) -> SlowParser:
    slow = SlowParser(asyncio.get_running_loop())
    monkeypatch.setattr("mecum.kit.dates.reading.parser", slow)
    return slow


def call(tool: Tool, caller: Principal, **arguments: str) -> Any:
    return tool.call(ToolCall(caller, arguments, new_id(), new_id(), new_id()))


def endpoint(scheduling: Scheduling, name: str) -> Callable[..., Any]:
    routes = build_router(scheduling, ManualClock(NOW)).routes
    return next(route.endpoint for route in routes if isinstance(route, APIRoute) and route.name == name)


async def test_the_loop_turns_while_the_date_tool_reads_both_of_its_phrases(parser: SlowParser) -> None:
    await call(date_tool(ManualClock(NOW)), principal(), phrase="Christmas Eve", until="New Year")
    assert parser.turned == [True, True]


async def test_the_loop_turns_while_the_words_of_a_task_are_read(
    parser: SlowParser, database: Database, tmp_path: Path
) -> None:
    world = World(database, tmp_path)
    scheduling = Scheduling(world.kit, world.people, world.posting, AssistantSettings())
    tool = schedule_tool(scheduling, ManualClock(NOW), 8_000)
    await call(tool, world.caller, when="at Christmas Eve", task="Light it.")
    add, read = endpoint(scheduling, "add_schedule"), endpoint(scheduling, "read_schedule_words")
    await add(world.caller, NewScheduleBody.model_validate({"text": "Light it.", "words": "at Christmas Eve"}))
    await read(world.caller, ReadBody.model_validate({"text": "at Christmas Eve"}))
    assert parser.turned == [True, True, True]


async def test_one_thread_reads_all_phrases(parser: SlowParser) -> None:
    """The library keeps what it learns where two threads would get in each other's way."""
    tool = date_tool(ManualClock(NOW))
    await asyncio.gather(*(call(tool, principal(), phrase="Christmas Eve") for _ in range(8)))
    assert len(parser.threads) == 8 and len(set(parser.threads)) == 1
