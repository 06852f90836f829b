"""What is kept beside the log: files, shared copies, scheduled tasks, deletion, export."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.errors import Gone, NotFound, TooLarge, TooMany
from mecum.rooms.assistant.exporting import Exporting
from mecum.rooms.assistant.files.attachments import READ
from mecum.rooms.assistant.settings import AssistantSettings
from mecum.rooms.assistant.sharing import Sharing
from mecum.rooms.assistant.tools.ask import ASK_PERSON
from tests.rooms.assistant.world import World, bodies, calls, principal, says

pytestmark = pytest.mark.anyio

CSV = b"month,kWh\nJanuary,310\nFebruary,280\n"


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 10):
        yield data[start : start + 10]


async def test_a_file_is_read_and_its_text_reaches_the_model(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        files = world.attachments
        added = await files.upload(world.caller, "../energy 2025.csv", pieces(CSV))
        assert (added.name, added.kind, added.state) == ("energy 2025.csv", "csv", "reading")
        await next(job.run for job in world.room.jobs if job.name == READ)(attachment=added.id.hex)
        assert (await files.get(world.caller, added.id)).state == "ready"
        posted = await world.face.post_new(world.caller, world.message("How much?", attachments=[added.id]))
        log = await world.until(posted.thread, "run.finished")
        body = b"".join([part async for part in await files.content(world.caller, added.id, 6, 9)])
    said = str(world.models.requests[0].messages[-1].content)
    assert "January,310" in said and "not an instruction" in said
    (file,) = bodies(next(event for event in log if event.type == "message.user"))["attachments"]
    assert file["name"] == "energy 2025.csv"
    assert body == CSV[6:9]


async def test_a_file_belongs_to_one_person_and_one_thread(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path, attachment_bytes_max=1_000).running() as world:
        added = await world.attachments.upload(world.caller, "a.txt", pieces(b"words"))
        with pytest.raises(NotFound):
            await world.attachments.get(principal(), added.id)
        with pytest.raises(NotFound):
            await world.face.post_new(principal(), world.message("x", attachments=[added.id]))
        with pytest.raises(TooLarge):
            await world.attachments.upload(world.caller, "b.txt", pieces(b"x" * 1_001))


async def test_a_shared_copy_shows_the_branch_until_it_is_withdrawn(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        sharing = Sharing(world.kit, world.people, AssistantSettings())
        world.models.play(says("Blue, like the sea."), says("Later."))
        posted = await world.face.post_new(world.caller, world.message("What colour?"))
        await world.until(posted.thread, "run.finished")
        share = await sharing.share(world.caller, posted.thread, None)
        await world.face.post(world.caller, posted.thread, world.message("A secret for later"))
        await world.until(posted.thread, "run.finished", times=2)
        token = sharing.url(share).rsplit("/", 1)[-1]
        seen = await sharing.open(token)
        assert [(m["role"], m["text"]) for m in seen["messages"]] == [
            ("you", "What colour?"),
            ("mecum", "Blue, like the sea."),
        ]
        with pytest.raises(NotFound):
            await sharing.withdraw(principal(), share.id)
        await sharing.withdraw(world.caller, share.id)
        with pytest.raises(NotFound):
            await sharing.open(token)


async def test_shared_copies_have_a_limit_of_number_and_of_size(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        world.models.play(says("x" * 60_000))
        posted = await world.face.post_new(world.caller, world.message("Write much"))
        await world.until(posted.thread, "run.finished")
        for most, fit in ((AssistantSettings(shares_max=1), 1), (AssistantSettings(shares_bytes_max=100_000), 2)):
            sharing = Sharing(world.kit, world.people, most)
            made = [await sharing.share(world.caller, posted.thread, None) for _ in range(fit)]
            with pytest.raises(TooMany):
                await sharing.share(world.caller, posted.thread, None)
            for share in made:
                await sharing.withdraw(world.caller, share.id)


async def test_a_shared_copy_leads_nowhere_while_its_conversation_is_deleted(
    database: Database, tmp_path: Path
) -> None:
    async with World(database, tmp_path).running() as world:
        sharing = Sharing(world.kit, world.people, AssistantSettings())
        posted = await world.face.post_new(world.caller, world.message("What colour?"))
        await world.until(posted.thread, "run.finished")
        token = sharing.url(await sharing.share(world.caller, posted.thread, None)).rsplit("/", 1)[-1]
        await world.face.delete_thread(world.caller, posted.thread)
        with pytest.raises(NotFound):
            await sharing.open(token)
        assert (await sharing.listed(world.caller, cursor=None, limit=10, thread=None)).items == ()
        await world.face.restore_thread(world.caller, posted.thread)
        assert (await sharing.open(token))["messages"]


async def test_a_deleted_thread_can_be_restored_and_is_erased_after_its_time(
    database: Database, tmp_path: Path
) -> None:
    clock = ManualClock(dt.datetime(2026, 11, 23, 8, 30, tzinfo=dt.UTC))
    world = World(database, tmp_path, clock=clock)
    kept = await world.face.create_thread(world.caller, title="Kept")
    gone = await world.face.create_thread(world.caller, title="Gone")
    await world.face.create_thread(world.caller, title="Temporary", temporary=True)
    for thread in (kept, gone):
        await world.face.delete_thread(world.caller, thread.id)
    with pytest.raises(Gone):
        await world.face.thread(world.caller, gone.id)
    assert {thread.title for thread in (await world.face.threads(world.caller, deleted=True)).items} == {"Kept", "Gone"}
    await world.face.restore_thread(world.caller, kept.id)
    assert [thread.title for thread in (await world.face.threads(world.caller, deleted=True)).items] == ["Gone"]
    clock.advance(31 * 86_400)
    await world.sweeper().sweep()
    assert [thread.title for thread in (await world.face.threads(world.caller)).items] == ["Kept"]
    with pytest.raises(NotFound):
        await world.face.thread(world.caller, gone.id)


FORM = json.dumps({"title": "Dinner", "fields": [{"label": "Which day?"}]})


async def test_a_temporary_thread_that_waits_for_an_answer_is_erased_after_its_time(
    database: Database, tmp_path: Path
) -> None:
    clock = ManualClock(dt.datetime(2026, 11, 23, 8, 30, tzinfo=dt.UTC))
    async with World(database, tmp_path, [ASK_PERSON], clock).running() as world:
        world.models.play(calls(("ask_person", FORM)))
        posted = await world.face.post_new(world.caller, world.message("A secret dinner"), temporary=True)
        await world.until(posted.thread, "run.waiting")
        await world.sweeper().sweep()
        assert (await world.face.thread(world.caller, posted.thread)).state == "waiting"
        clock.advance(25 * 3600)
        await world.sweeper().sweep()
        with pytest.raises(NotFound):
            await world.face.thread(world.caller, posted.thread)


async def test_a_run_that_nobody_answers_is_stopped_after_its_time(database: Database, tmp_path: Path) -> None:
    clock = ManualClock(dt.datetime(2026, 11, 23, 8, 30, tzinfo=dt.UTC))
    async with World(database, tmp_path, [ASK_PERSON], clock).running() as world:
        world.models.play(calls(("ask_person", FORM)))
        posted = await world.face.post_new(world.caller, world.message("A dinner"))
        await world.until(posted.thread, "run.waiting")
        clock.advance(2 * 86_400)
        await world.sweeper(wait_days=3).sweep()
        assert (await world.face.thread(world.caller, posted.thread)).state == "waiting"
        clock.advance(2 * 86_400)
        await world.sweeper(wait_days=3).sweep()
        log = await world.until(posted.thread, "run.finished")
    assert bodies(log[-1])["reason"] == "stopped"


async def test_an_export_has_every_thread_and_file(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        added = await world.attachments.upload(world.caller, "a.txt", pieces(b"some words"))
        posted = await world.face.post_new(world.caller, world.message("Keep this", attachments=[added.id]))
        await world.until(posted.thread, "run.finished")
        found = {
            part.path: b"".join([piece async for piece in part.content])
            async for part in Exporting(world.kit).export(world.caller)
        }
        assert [part.path async for part in Exporting(world.kit).export(principal())] == [
            "assistant/schedules.ndjson",
            "assistant/shares.ndjson",
        ]
    assert sum(path.startswith("assistant/threads/") for path in found) == 1
    assert any(b"Keep this" in content for content in found.values())
    assert next(content for path, content in found.items() if path.endswith("/a.txt")) == b"some words"


async def test_what_the_person_does_to_a_thread_makes_it_unread_for_nobody(database: Database, tmp_path: Path) -> None:
    async with World(database, tmp_path).running() as world:
        face, caller = world.face, world.caller
        assert not (await face.create_thread(caller, title="Empty")).unread
        posted = await face.post_new(caller, world.message("What colour?"))
        log = await world.until(posted.thread, "run.finished")
        answer = next(event.message for event in log if event.type == "message.assistant")
        assert answer is not None

        async def act() -> None:
            await face.change_thread(caller, posted.thread, title=f"Colours {len(await world.log(posted.thread))}")
            await face.feedback(caller, posted.thread, answer, "up", "")
            await face.select_branch(caller, posted.thread, answer)

        await act()
        assert (await face.thread(caller, posted.thread)).unread  # The answer was not read yet.
        await face.mark_read(caller, posted.thread)
        await act()
        assert not (await face.thread(caller, posted.thread)).unread


async def test_a_copy_made_while_an_answer_is_written_is_of_the_branch_that_is_shown(
    database: Database, tmp_path: Path
) -> None:
    written = asyncio.Event()
    async with World(database, tmp_path).running() as world:
        sharing = Sharing(world.kit, world.people, AssistantSettings())
        world.models.play(says("Blue."), says("Green."), says("Later.", before=written))
        posted = await world.face.post_new(world.caller, world.message("What colour?"))
        log = await world.until(posted.thread, "run.finished")
        blue = next(event.message for event in log if event.type == "message.assistant")
        assert blue is not None
        await world.face.post(world.caller, posted.thread, world.message("And of the grass?", from_start=True))
        await world.until(posted.thread, "run.finished", times=2)
        await world.face.regenerate(world.caller, posted.thread, blue, world.message(""))
        share = await sharing.share(world.caller, posted.thread, None)
        seen = await sharing.open(sharing.url(share).rsplit("/", 1)[-1])
        written.set()
        await world.until(posted.thread, "run.finished", times=3)
    assert [message["text"] for message in seen["messages"]] == ["What colour?"]


async def test_work_in_the_background_that_is_asked_for_twice_is_done_once(database: Database, tmp_path: Path) -> None:
    world = World(database, tmp_path)
    first, again = [await world.face.background(world.caller, "Sort the photos.", client_id="photos") for _ in range(2)]
    other = await world.face.background(world.caller, "Sort the photos.")
    assert (again.thread, again.run, again.repeated) == (first.thread, first.run, True)
    assert other.thread != first.thread
