"""Usage records outlive a database that is away for a while, and a person's things are exported and forgotten."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import AsyncConnection, Database
from mecum.kit.errors import Unavailable
from mecum.kit.ids import new_id
from mecum.kit.types import PersonId
from mecum.rooms.models import Message, ModelRequest, TextPart
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.meter import Meter
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import hourly, usage
from mecum.rooms.models.store.usage import NOBODY, UsageRecord
from mecum.rooms.people import PERSON_ERASED
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider
from tests.support.jobs import HandJobs

AT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
DAY_S = 86_400.0


def record(person: UUID | None = None) -> UsageRecord:
    return UsageRecord(
        request_id=new_id(),
        at=AT,
        person_id=person or uuid4(),
        space_id=uuid4(),
        organisation_id=uuid4(),
        actor="session",
        key_id=None,
        surface="web",
        purpose="assistant.answer",
        model="m",
        provider="p",
        input_tokens=1,
        output_tokens=2,
        cached_tokens=0,
        reasoning_tokens=0,
        estimated=False,
        latency_ms=3,
        ttft_ms=None,
        outcome="ok",
    )


async def test_records_wait_while_the_database_is_away_and_the_oldest_are_given_up(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "sqlalchemy.pool")
    away = Database("postgresql://mecum:x@127.0.0.1:1/none")
    settings = ModelsSettings(usage_buffer_max=100, usage_flush_ms=10)
    meter = Meter(away, ManualClock(AT), settings, Keeper(away, ManualClock(AT), settings))
    records = [record() for _ in range(130)]
    for each in records:
        meter.record(each)
    with pytest.raises(Unavailable):
        await meter.flush()
    await away.close()
    meter._db = database
    await meter.stop()
    async with database.transaction() as connection:
        found = [
            each
            for kept in records
            for each in await usage.of_person(connection, kept.person_id, kept.space_id, NOBODY, 10)
        ]
    assert found == records[30:]


async def test_a_record_is_written_once_however_often_it_is_tried(database: Database) -> None:
    once = record()
    for _ in range(2):
        async with database.transaction() as connection:
            await usage.add(connection, [once])
    async with database.transaction() as connection:
        assert await usage.of_person(connection, once.person_id, once.space_id, NOBODY, 10) == (once,)


async def test_a_batch_that_was_written_without_our_hearing_of_it_counts_once(database: Database) -> None:
    clock, settings = ManualClock(AT), ModelsSettings()
    person, space = uuid4(), uuid4()
    unheard, new = (dataclasses.replace(record(person), space_id=space) for _ in range(2))
    meter = Meter(database, clock, settings, Keeper(database, clock, settings))
    for batch in ([unheard], [unheard, new]):
        for each in batch:
            meter.record(each)
        await meter.flush()
    async with database.transaction() as connection:
        assert await usage.of_person(connection, person, space, NOBODY, 10) == (unheard, new)
        assert sum(row.calls for row in await hourly.by_hour(connection, AT - dt.timedelta(hours=1))) == 2


async def test_records_that_come_while_others_are_written_wait_for_the_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, settings = ManualClock(AT), ModelsSettings()
    meter = Meter(database, clock, settings, Keeper(database, clock, settings))
    copied, batches = usage.copy, list[int]()

    async def busy(connection: AsyncConnection, records: Sequence[UsageRecord]) -> None:
        batches.append(len(records))
        meter.record(record())
        await copied(connection, records)

    monkeypatch.setattr(usage, "copy", busy)
    for _ in range(600):
        meter.record(record())
    await meter.flush()
    assert batches == [500, 100]
    await meter.flush()
    assert batches == [500, 100, 2]


@pytest.mark.parametrize("name", ["nul \0", "half a pair \ud83d", "long" * 100], ids=["nul", "surrogate", "long"])
async def test_a_name_that_no_database_keeps_is_mended_and_holds_nobody_up(database: Database, name: str) -> None:
    clock, settings = ManualClock(AT), ModelsSettings()
    person, space = uuid4(), uuid4()
    strange, plain = (dataclasses.replace(record(person), space_id=space, model=model) for model in (name, "m"))
    meter = Meter(database, clock, settings, Keeper(database, clock, settings))
    meter.record(strange)
    meter.record(plain)
    await meter.flush()
    async with database.transaction() as connection:
        kept = [each.model for each in await usage.of_person(connection, person, space, NOBODY, 10)]
    assert kept == [name.replace("\0", "\ufffd").replace("\ud83d", "\ufffd")[:128], "m"]


async def test_records_are_written_after_the_connection_broke_in_the_middle_of_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, settings = ManualClock(AT), ModelsSettings()
    meter = Meter(database, clock, settings, Keeper(database, clock, settings))
    once = record()
    meter.record(once)
    copied = asyncpg.Connection.copy_records_to_table

    async def cut(connection: Any, *args: Any, **named: Any) -> None:
        await copied(connection, *args, **named)
        connection.terminate()
        await copied(connection, *args, **named)

    with monkeypatch.context() as patched:
        patched.setattr(asyncpg.Connection, "copy_records_to_table", cut)
        with pytest.raises(Unavailable):
            await meter.flush()
    await meter.flush()
    async with database.transaction() as connection:
        assert await usage.of_person(connection, once.person_id, once.space_id, NOBODY, 10) == (once,)


async def test_records_are_swept_when_they_are_old(database: Database) -> None:
    settings = ModelsSettings(usage_days=10)
    clock = ManualClock(AT)
    meter = Meter(database, clock, settings, Keeper(database, clock, settings))
    person, space = uuid4(), uuid4()
    old, young = [dataclasses.replace(record(person), space_id=space, at=AT + dt.timedelta(days=d)) for d in (0, 5)]
    async with database.transaction() as connection:
        await usage.add(connection, [old, young])
    clock.advance(9 * DAY_S)
    await meter.sweep()
    async with database.transaction() as connection:
        assert len(await usage.of_person(connection, person, space, NOBODY, 10)) == 2
    clock.advance(2 * DAY_S)
    await meter.sweep()
    async with database.transaction() as connection:
        assert await usage.of_person(connection, person, space, NOBODY, 10) == (young,)


async def exported(here: World) -> dict[str, list[dict[str, object]]]:
    files: dict[str, list[dict[str, object]]] = {}
    async for part in here.face.exporting.export(here.caller):
        content = b"".join([chunk async for chunk in part.content])
        files[part.path] = [json.loads(line) for line in content.splitlines()]
    return files


async def test_a_person_gets_everything_on_export_and_is_forgotten_on_erasure(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path) as here:
        await here.connect(fake)
        async for _ in here.face.stream(here.caller, ModelRequest([Message("user", (TextPart("Hi"),))])):
            pass
        await here.openai.responses.create(model="fake", input="Remember me")
        await here.parts.shelf.flush()
        await here.parts.meter.flush()
        files = await exported(here)
        assert len(files["models/usage.ndjson"]) == 2
        assert "Remember me" in str(files["models/responses.ndjson"])
        async with database.transaction() as connection:
            await here.kit.outbox.publish(connection, PERSON_ERASED, person=here.caller.person.hex, erasure=uuid4().hex)
        await jobs.run_due(here.kit.clock.now())
        assert await exported(here) == {
            "models/usage.ndjson": [],
            "models/responses.ndjson": [],
            "models/routing.ndjson": [],
            "models/batches.ndjson": [],
        }
        assert {row["person_id"] for row in await here.usage()} == {PersonId(NOBODY)}


async def test_what_was_under_way_when_a_person_was_erased_is_forgotten_once_it_has_ended(
    database: Database, jobs: HandJobs, tmp_path: Path, fake: FakeProvider
) -> None:
    async with world(database, jobs, tmp_path) as here:
        await here.connect(fake)
        async with database.transaction() as connection:
            await here.kit.outbox.publish(connection, PERSON_ERASED, person=here.caller.person.hex, erasure=uuid4().hex)
        await jobs.run_due(here.kit.clock.now())
        await here.openai.responses.create(model="fake", input="Remember me")
        await here.parts.shelf.flush()
        await here.parts.meter.flush()
        longest = dt.timedelta(seconds=ModelsSettings().provider_total_timeout_s)
        await jobs.run_due(here.kit.clock.now() + longest + dt.timedelta(minutes=2))
        assert await exported(here) == {
            "models/usage.ndjson": [],
            "models/responses.ndjson": [],
            "models/routing.ndjson": [],
            "models/batches.ndjson": [],
        }
        assert {row["person_id"] for row in await here.usage()} == {PersonId(NOBODY)}
