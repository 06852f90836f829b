"""Files that belong to nothing are removed, files that belong to something never."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from mecum.kit.blobs.local import FileBlobs
from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import Conflict, NotFound
from mecum.kit.outbox import OutboxEvent
from mecum.rooms.assistant.files.attachments import CLAIM_WITHIN, Attachments, ReadPart
from mecum.rooms.assistant.room import ERASE_AGAIN
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.store import files as store
from mecum.rooms.people import PERSON_ERASED
from tests.rooms.assistant.world import World, principal

pytestmark = pytest.mark.anyio


async def words(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


class ReaderWhoseWordsDoNotFit:
    """What it says about a file can't be written into the table, so that an upload fails after the file is stored."""

    def sniff(self, data: bytes, name: str) -> tuple[str, str]:
        return "k" * 1_000, "text/plain"

    async def read(self, kind: str, data: bytes) -> Sequence[ReadPart]:
        raise AssertionError("not asked")


def on_disk(data: Path) -> int:
    return sum(path.is_file() for path in (data / "blobs").rglob("*"))


@pytest.fixture
def world(database: Database, tmp_path: Path, clock: ManualClock) -> World:
    return World(database, tmp_path, clock=clock)


async def blobs_swept(world: World) -> None:
    await cast(FileBlobs, world.kit.blobs).sweep()


async def test_a_stored_file_that_nothing_came_to_refer_to_is_swept(
    world: World, clock: ManualClock, tmp_path: Path
) -> None:
    failing = Attachments(world.kit, ReaderWhoseWordsDoNotFit(), AssistantSettings())
    with pytest.raises(DBAPIError):
        await failing.upload(world.caller, "a.txt", words("lost"))
    await blobs_swept(world)
    assert on_disk(tmp_path) == 1
    clock.advance(CLAIM_WITHIN.total_seconds() + 1)
    await blobs_swept(world)
    assert on_disk(tmp_path) == 0
    assert await world.kit.blobs.used_bytes(world.caller.space) == 0


async def test_a_stored_file_that_an_attachment_refers_to_stays(
    world: World, clock: ManualClock, tmp_path: Path
) -> None:
    added = await world.attachments.upload(world.caller, "a.txt", words("kept"))
    clock.advance(2 * CLAIM_WITHIN.total_seconds())
    await blobs_swept(world)
    content = await world.attachments.content(world.caller, added.id, 0, None)
    assert b"".join([piece async for piece in content]) == b"kept"


async def test_a_file_that_was_never_sent_is_removed_with_its_bytes_and_a_sent_one_is_not(
    world: World, clock: ManualClock, tmp_path: Path
) -> None:
    await world.attachments.upload(world.caller, "loose.txt", words("loose"))
    sent = await world.attachments.upload(world.caller, "sent.txt", words("sent"))
    await world.face.post_new(world.caller, world.message("Read this", attachments=[sent.id]))
    clock.advance(AssistantSettings().loose_attachment_hours * 3600 + 1)
    await world.sweeper().sweep()
    await blobs_swept(world)
    assert on_disk(tmp_path) == 1
    with pytest.raises(Conflict):
        await world.attachments.remove(world.caller, sent.id)


async def test_a_file_that_is_being_sent_is_not_swept_at_the_same_moment(world: World, clock: ManualClock) -> None:
    added = await world.attachments.upload(world.caller, "a.txt", words("just in time"))
    thread = await world.face.create_thread(world.caller, title="Files")
    clock.advance(AssistantSettings().loose_attachment_hours * 3600 + 1)
    async with world.kit.db.transaction() as sending:
        assert await store.tie(sending, [added.id], thread.id, None) == 1
        sweep = asyncio.create_task(world.attachments.sweep())
        await waits_for_a_lock(world)
    await sweep
    assert (await world.attachments.get(world.caller, added.id)).thread == thread.id


async def test_a_file_that_is_swept_at_this_moment_is_not_sent(world: World, clock: ManualClock) -> None:
    added = await world.attachments.upload(world.caller, "a.txt", words("too late"))
    async with world.kit.db.transaction() as sweeping:
        assert await store.take_loose(sweeping, [added.id]) == [added.blob]
        message = world.message("Read this", attachments=[added.id])
        post = asyncio.create_task(world.face.post_new(world.caller, message))
        await waits_for_a_lock(world)
    with pytest.raises(NotFound):
        await post


async def test_with_a_person_everything_goes_that_was_not_sent_yet_too(
    world: World, clock: ManualClock, tmp_path: Path
) -> None:
    other = principal()
    await world.attachments.upload(world.caller, "a.txt", words("mine"))
    sent = await world.attachments.upload(world.caller, "b.txt", words("also mine"))
    await world.face.post_new(world.caller, world.message("Read this", attachments=[sent.id]))
    theirs = await world.attachments.upload(other, "c.txt", words("theirs"))
    await world.sweeper().erase_person(erased(world.caller.person))
    await blobs_swept(world)
    assert on_disk(tmp_path) == 1
    assert (await world.attachments.get(other, theirs.id)).blob == theirs.blob


async def test_what_a_request_still_wrote_while_its_person_was_erased_goes_a_little_later(
    world: World, tmp_path: Path
) -> None:
    await world.sweeper().erase_person(erased(world.caller.person))
    sent = await world.attachments.upload(world.caller, "a.txt", words("mine"))
    posted = await world.face.post_new(world.caller, world.message("Read this", attachments=[sent.id]))
    await run_deferred(world, ERASE_AGAIN)
    with pytest.raises(NotFound):
        await world.face.thread(world.caller, posted.thread)
    await blobs_swept(world)
    assert on_disk(tmp_path) == 0


async def run_deferred(world: World, name: str) -> None:
    """Run what waits under `name`, without waiting for its time."""
    waiting = text("SELECT args FROM jobs.procrastinate_jobs WHERE status = 'todo' AND task_name = :name")
    async with world.kit.db.transaction() as connection:
        arguments = (await connection.execute(waiting, {"name": name})).scalars().all()
    assert arguments
    for each in arguments:
        await next(job.run for job in world.room.jobs if job.name == name)(**each)


async def test_a_file_that_can_not_be_read_for_good_is_said_to_be_so(world: World) -> None:
    added = await world.attachments.upload(world.caller, "a.txt", words("words"))
    await world.attachments.give_up_reading(added.id.hex)
    found = await world.attachments.get(world.caller, added.id)
    assert found.state == "failed" and found.fault and found.fault["code"] == "assistant.file_given_up"


async def waits_for_a_lock(world: World) -> None:
    """Returns once somebody waits for a row of this database."""
    ours = "datname = current_database() AND wait_event_type = 'Lock'"
    waiting = text(f"SELECT count(*) FROM pg_stat_activity WHERE {ours}")
    async with asyncio.timeout(10):
        while True:
            async with world.kit.db.transaction() as connection:
                if (await connection.execute(waiting)).scalar_one():
                    return


def erased(person: UUID) -> OutboxEvent:
    return OutboxEvent(uuid4(), PERSON_ERASED, {"person": person.hex}, dt.datetime(2026, 3, 2, tzinfo=dt.UTC))
