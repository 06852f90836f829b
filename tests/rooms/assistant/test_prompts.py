"""What a model is told about itself and the day, and that it need not read it again with every message."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.i18n import I18n
from mecum.rooms.assistant.prompts import system_message
from mecum.rooms.models import TextPart
from tests.rooms.assistant.world import World, principal

pytestmark = pytest.mark.anyio
EVENING = dt.datetime(2026, 11, 23, 22, 58, tzinfo=dt.UTC)


def told(now: dt.datetime, *recalled: str, instructions: str = "", locale: str = "en") -> str:
    caller = dataclasses.replace(principal(), timezone="Europe/Vienna", locale=locale)
    (part,) = system_message(I18n(), caller, now, recalled, instructions).content
    assert isinstance(part, TextPart)
    return part.text


async def test_a_request_begins_with_all_of_the_one_before_though_minutes_passed(
    database: Database, tmp_path: Path
) -> None:
    clock = ManualClock(EVENING - dt.timedelta(hours=2))
    async with World(database, tmp_path, clock=clock).running() as world:
        posted = await world.face.post_new(world.caller, world.message("Hi"))
        await world.until(posted.thread, "run.finished")
        clock.advance(17 * 60)
        await world.face.post(world.caller, posted.thread, world.message("And now?"))
        await world.until(posted.thread, "run.finished", times=2)
    first, second = (list(request.messages) for request in world.models.requests)
    assert second[: len(first)] == first
    assert len(second) == len(first) + 2


def test_the_day_is_that_of_the_person_and_the_same_until_their_midnight() -> None:
    assert "Today is Monday 2026-11-23 where the person is (Europe/Vienna)." in told(EVENING)
    assert told(EVENING) == told(EVENING - dt.timedelta(hours=20))
    assert "Tuesday 2026-11-24" in told(EVENING + dt.timedelta(minutes=3))
    assert "2026-11-23" in told(EVENING, locale="zh")


def test_what_changes_with_the_question_stands_after_all_that_does_not() -> None:
    plain, full = told(EVENING, instructions="Be terse."), told(EVENING, "Likes tea.", instructions="Be terse.")
    assert full.startswith(plain)
    assert full.endswith("- Likes tea.")
    assert plain.index("Be terse.") < plain.index("2026-11-23")
