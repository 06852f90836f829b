"""What a search costs, and what making things searchable must not hold up."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mecum.kit.db import Database
from mecum.kit.text import searchable, to_and_query, to_or_query
from mecum.rooms.assistant.files.pieces import PIECE_CHARS
from mecum.rooms.assistant.store.search import SEARCH, TITLE_WEIGHT
from tests.rooms.assistant.world import World, says, texts

pytestmark = pytest.mark.anyio

MESSAGES = 10_000
MINE = "00000000-0000-4000-8000-000000000000"
A_LARGE_HOUSE = (
    """
    INSERT INTO assistant.thread
        (id, person_id, space_id, organisation_id, title, title_by, origin, created_at, updated_at)
    SELECT gen_random_uuid(), person, person, person, 'About ' || number, 'person', 'chat', now(), now()
    FROM unnest(CAST(:persons AS uuid[])) AS p (person), generate_series(1, 200) AS number
    """,
    """
    INSERT INTO assistant.title_text (thread_id, person_id, space_id, organisation_id, terms)
    SELECT id, person_id, space_id, organisation_id, to_tsvector('simple', title) FROM assistant.thread
    """,
    """
    INSERT INTO assistant.event (thread_id, seq, id, type, v, at, actor, message_id)
    SELECT id, number, gen_random_uuid(), 'message.user', 1, now(), 'person', gen_random_uuid()
    FROM assistant.thread, generate_series(1, 50) AS number
    """,
    """
    INSERT INTO assistant.payload (event_id, thread_id, space_id, organisation_id, body)
    SELECT e.id, t.id, t.space_id, t.organisation_id,
           jsonb_build_object('text', concat_ws(' ', 'word' || e.seq, 'the rest' || e.seq + 12, 'of it', e.id))
    FROM assistant.event e JOIN assistant.thread t ON t.id = e.thread_id
    """,
    """
    INSERT INTO assistant.message_text (message_id, thread_id, person_id, space_id, organisation_id, at, terms)
    SELECT e.message_id, t.id, t.person_id, t.space_id, t.organisation_id, e.at,
           to_tsvector('simple', p.body ->> 'text')
    FROM assistant.event e
    JOIN assistant.thread t ON t.id = e.thread_id
    JOIN assistant.payload p ON p.event_id = e.id
    """,
    """
    INSERT INTO assistant.attachment
        (id, person_id, space_id, organisation_id, thread_id, blob_id, name, kind, media_type, size_bytes, state, parts,
        created_at)
    SELECT gen_random_uuid(), person_id, space_id, organisation_id, id,
        gen_random_uuid(), 'a.txt', 'text', 'text/plain',
        1, 'ready', jsonb_build_array(jsonb_build_object('anchor', '', 'text', 'the word1 of a file')), now()
    FROM assistant.thread
    """,
    """
    INSERT INTO assistant.file_text (attachment_id, number, part, start, person_id, space_id, organisation_id, terms)
    SELECT id, 1, 0, 0, person_id, space_id, organisation_id, to_tsvector('simple', parts -> 0 ->> 'text')
    FROM assistant.attachment
    """,
    "ANALYZE",
)
"""Eight persons with 200 threads, 10,000 messages and 200 files each."""
SEARCHED = ("title_text", "message_text", "file_text", "event", "payload", "attachment")


async def test_a_search_reads_no_table_from_end_to_end(database: Database) -> None:
    async with database.transaction() as connection:
        persons = [UUID(MINE), *(UUID(int=number, version=4) for number in range(1, 8))]
        for statement in A_LARGE_HOUSE:
            await connection.execute(text(statement), {"persons": persons} if ":persons" in statement else {})
        count = "SELECT count(*) FROM assistant.message_text WHERE person_id = :person"
        assert (await connection.execute(text(count), {"person": UUID(MINE)})).scalar_one() == MESSAGES
        for query in ("word7 rest19", "the", "notfound"):
            plan = [str(line) for (line,) in await connection.execute(text(f"EXPLAIN {SEARCH.text}"), _values(query))]
            read = {found[1] for line in plan if (found := re.search(r"Seq Scan on (\w+)", line))}
            assert not read & set(SEARCHED), "\n".join(plan)


def _values(query: str) -> dict[str, Any]:
    queries = {"any": to_or_query(query), "whole": to_and_query(query)}
    page = {"title_weight": TITLE_WEIGHT, "offset": 0, "limit": 21, "piece_chars": PIECE_CHARS}
    return {"person": UUID(MINE), "space": UUID(MINE), **queries, **page}


class Probe:
    """Makes words searchable as the house does, and raises where a thread is locked meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.asked: list[str] = []

    async def searchable(self, words: str) -> str:
        self.asked.append(words)
        async with self._database.transaction() as connection:
            await connection.execute(text("SELECT id FROM assistant.thread FOR UPDATE NOWAIT"))
        return await searchable(words)


async def test_no_thread_is_locked_while_a_message_or_an_answer_is_taken_apart(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = Probe(database)
    monkeypatch.setattr("mecum.rooms.assistant.posting.searchable", probe.searchable)
    monkeypatch.setattr("mecum.rooms.assistant.finishing.searchable", probe.searchable)
    async with World(database, tmp_path).running() as world:
        world.models.play(says("An answer."))
        posted = await world.face.post_new(world.caller, world.message("A question"))
        await world.until(posted.thread, "run.finished")
        await world.face.post(world.caller, posted.thread, world.message("Another"))
        log = await world.until(posted.thread, "run.finished", times=2)
    assert texts(log) == ["An answer.", "An answer."]
    assert probe.asked == ["A question", "An answer.", "Another", "An answer."]


async def test_the_loop_turns_while_a_long_message_and_a_long_file_are_taken_apart(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    turned: list[bool] = []

    def slow(words: str) -> str:
        if len(words) > 1_000:
            seen = threading.Event()
            loop.call_soon_threadsafe(seen.set)
            turned.append(seen.wait(10.0))
        return "found"

    monkeypatch.setattr("mecum.kit.text.to_tsvector_input", slow)
    monkeypatch.setattr("mecum.rooms.assistant.files.pieces.to_tsvector_input", slow)
    world = World(database, tmp_path)
    await world.face.post_new(world.caller, world.message("黑猫咖啡店。" * 1_000))
    added = await world.attachments.upload(world.caller, "long.txt", _once(b"harbour " * 500))
    await world.attachments.read(added.id.hex)
    assert turned == [True, True]


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
