"""Usage records outlive a database that is away for a while, and a person's things are exported and forgotten."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import logging
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import Unavailable
from mecum.kit.ids import new_id
from mecum.kit.types import PersonId
from mecum.rooms.models import Message, ModelRequest, TextPart
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.meter import Meter
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import usage
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
