"""What lasts: over workers that die, and no longer than the person, the retention and the limits allow."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import Unavailable
from mecum.kit.outbox import OutboxEvent
from tests.rooms.models.batches.conftest import SETTINGS
from tests.rooms.models.batches.desk import Desk, Refused, jsonl, line, pause
from tests.rooms.models.world import World, world
from tests.support.fake_provider import FakeProvider, Reply
from tests.support.jobs import HandJobs
from tests.support.principals import principal

DAY_S = 86_400
AT_ONCE = 4
"""So many requests may still be on their way when their worker dies, and arrive after it."""


def asked(fake: FakeProvider) -> Counter[str]:
    """How often each line was asked, by what it says."""
    return Counter(json.dumps(request.body["messages"]) for request in fake.requests)


@pytest.mark.parametrize("seed", range(3))
async def test_a_worker_that_dies_at_any_moment_is_followed_by_one_that_asks_for_nothing_that_has_a_result(
    here: World, desk: Desk, fake: FakeProvider, seed: int
) -> None:
    chance = random.Random(seed)
    batch = await desk.hand_in([line(str(n), said=f"line {n}") for n in range(12)])
    number = batch.removeprefix("batch_")
    seen = 0
    for _ in range(4):
        working = asyncio.create_task(here.parts.batch_work.work(number))
        seen += chance.randint(1, 3)
        dying = asyncio.create_task(fake.seen(seen - 1))
        await asyncio.wait({working, dying}, return_when=asyncio.FIRST_COMPLETED)
        done_before = (await desk.batch(batch))["request_counts"]["completed"]
        working.cancel()
        dying.cancel()
        await asyncio.gather(working, dying, return_exceptions=True)
        seen = len(fake.requests)
        assert (await desk.batch(batch))["request_counts"]["completed"] >= done_before
    before = len(fake.requests)
    unfinished = 12 - (await desk.batch(batch))["request_counts"]["completed"]
    await desk.work()
    ended = await desk.ended(batch)
    assert ended.batch["status"] == "completed"
    assert len(ended.output) == 12
    again = len(fake.requests) - before
    assert unfinished <= again <= unfinished + AT_ONCE, "what has a result is not asked again"
    assert max(asked(fake).values()) <= 5


async def test_a_worker_that_was_cut_off_and_comes_back_writes_nothing(
    here: World, desk: Desk, fake: FakeProvider
) -> None:
    fake.script(*[Reply(text="old", first_byte_ms=400)] * 2)
    batch = await desk.hand_in([line("a", said="a"), line("b", said="b")])
    number = batch.removeprefix("batch_")
    cut_off = asyncio.create_task(here.parts.batch_work.work(number))
    await fake.seen(1)
    await here.parts.batch_work.work(number)
    await cut_off
    ended = await desk.ended(batch)
    said = {each["response"]["body"]["choices"][0]["message"]["content"] for each in ended.output.values()}
    assert "old" not in said
    assert len(fake.requests) == 4
    await desk.work()
    assert (await desk.ended(batch)).batch == ended.batch, "the job that is left over does nothing"


async def test_a_batch_whose_file_cant_be_read_fails_for_good_and_keeps_what_is_done(
    here: World, desk: Desk, fake: FakeProvider, tmp_path: Path
) -> None:
    await here.connect(fake, "held", name="Held")
    await pause(here, "Held", paused=True)
    batch = await desk.hand_in([line("a"), line("b", model="held")])
    await desk.work()
    for file in (tmp_path / "blobs").glob("[0-9a-f][0-9a-f]/*"):
        file.write_bytes(b"")
    number = batch.removeprefix("batch_")
    with pytest.raises(Unavailable):
        await here.parts.batch_work.work(number)
    await here.parts.batch_work.give_up(number)
    found = await desk.batch(batch)
    assert (found["status"], found["errors"]["data"][0]["code"]) == ("failed", "internal")
    assert json.loads(await desk.content(found["output_file_id"]))["custom_id"] == "a"


async def test_results_wait_until_the_space_has_room_for_them(
    here: World, desk: Desk, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = await desk.hand_in([line("a")])
    monkeypatch.setattr(here.kit.blobs, "_quota_bytes", 100)
    await desk.work()
    assert (await desk.batch(batch))["status"] == "finalizing"
    monkeypatch.setattr(here.kit.blobs, "_quota_bytes", 10_000_000)
    clock.advance(600)
    await desk.work()
    assert set((await desk.ended(batch)).output) == {"a"}


async def test_nobody_else_sees_files_and_batches_nor_uses_them(here: World, desk: Desk) -> None:
    file = (await desk.upload(jsonl([line("a")])))["id"]
    batch = (await desk.create(file))["id"]
    here.caller = principal()
    for name, forbidden in (
        ("models.file_unknown", desk.create(file)),
        ("models.batch_unknown", desk.batch(batch)),
        ("models.batch_unknown", desk.cancel(batch)),
    ):
        with pytest.raises(Refused) as hidden:
            await forbidden
        assert (hidden.value.status, hidden.value.code) == (404, name)
    bulk = here.face.bulk
    for answer in (await bulk.content(here.caller, file), await bulk.remove_file(here.caller, file)):
        assert answer.status == 404
    assert json.loads(bytes((await bulk.files(here.caller)).body))["data"] == []  # pyright: ignore[reportArgumentType]


async def test_a_person_who_is_erased_takes_files_batches_and_results_along(
    here: World, desk: Desk, tmp_path: Path
) -> None:
    done, waits = await desk.hand_in([line("a")]), await desk.hand_in([line("b")])
    await here.parts.batch_work.work(done.removeprefix("batch_"))
    person = here.caller.person
    await here.parts.forgetting.erase(
        OutboxEvent(UUID(int=1), "people.erased", {"person": person.hex}, here.kit.clock.now())
    )
    await here.parts.batch_work.work(waits.removeprefix("batch_"))
    async with here.kit.db.transaction() as connection:
        for table in ("file", "batch", "batch_line"):
            assert (await connection.execute(text(f"SELECT count(*) FROM models.{table}"))).scalar_one() == 0
    await here.kit.blobs.sweep()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert not list((tmp_path / "blobs").glob("[0-9a-f][0-9a-f]/*"))


async def test_the_export_has_batches_and_files_with_their_bytes(here: World, desk: Desk) -> None:
    batch = await desk.hand_in([line("a")])
    await desk.work()
    parts = {
        part.path: b"".join([piece async for piece in part.content])
        async for part in here.face.exporting.export(here.caller)
    }
    assert json.loads(parts["models/batches.ndjson"])["id"] == batch
    assert parts[next(path for path in parts if path.endswith("/in.jsonl"))] == jsonl([line("a")])
    assert any(path.endswith(f"{batch}_output.jsonl") for path in parts)


async def test_files_and_batches_go_when_their_time_is_over_but_no_file_that_is_read(
    here: World, desk: Desk, clock: ManualClock
) -> None:
    ended = await desk.hand_in([line("a")])
    await desk.work()
    short = {"purpose": "batch", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
    used = await desk.upload(jsonl([line("b")]), others=short)
    waits = (await desk.create(used["id"]))["id"]
    clock.advance(3601)
    await here.parts.files.sweep()
    await desk.work()
    assert set((await desk.ended(waits)).output) == {"b"}
    await here.parts.files.sweep()
    clock.advance(31 * DAY_S)
    await here.parts.files.sweep()
    for batch in (ended, waits):
        with pytest.raises(Refused):
            await desk.batch(batch)
    async with here.kit.db.transaction() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM models.file"))).scalar_one() == 0


async def test_files_batches_and_sizes_have_limits(
    database: Database, jobs: HandJobs, tmp_path: Path, clock: ManualClock
) -> None:
    limits = {**SETTINGS, "batch_files_max": 2, "batches_open_max": 1, "batch_file_limit_bytes": 65_536}
    async with world(database, jobs, tmp_path, clock=clock, **limits) as here:
        desk = Desk(here)
        with pytest.raises(Refused) as large:
            await desk.upload(b"x" * 65_537)
        assert large.value.status == 413
        file = (await desk.upload(b"x" * 65_536))["id"]
        await desk.create(file)
        with pytest.raises(Refused) as open_ones:
            await desk.create(file)
        assert (open_ones.value.status, open_ones.value.code) == (429, "models.too_many_batches")
        await desk.upload(b"x")
        with pytest.raises(Refused) as many:
            await desk.upload(b"x")
        assert (many.value.status, many.value.code) == (429, "models.too_many_files")


async def test_a_line_that_breaks_mecum_fails_alone(
    here: World, desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asker = here.parts.batch_work._asker  # pyright: ignore[reportPrivateUsage]
    ask = asker.ask

    async def breaks(batch: object, request: object) -> object:
        if getattr(request, "custom_id", "") == "b":
            raise ValueError("broken")
        return await ask(batch, request)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(asker, "ask", breaks)
    batch = await desk.hand_in([line("a"), line("b"), line("c")])
    await desk.work()
    ended = await desk.ended(batch)
    assert set(ended.output) == {"a", "c"}
    assert ended.errors["b"]["response"]["body"]["error"]["code"] == "internal"
    assert "broken" in caplog.text
