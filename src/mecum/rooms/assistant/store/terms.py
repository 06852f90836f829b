"""What titles and files are found by. Messages get theirs with the log (`store.log`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import bindparam, select, text

from mecum.kit.db import UUID as PgUuid
from mecum.kit.db import AsyncConnection
from mecum.kit.text import to_tsvector_input
from mecum.rooms.assistant.store.tables import file_text, thread, title_text

NAME = 0
"""The number of the piece that is a file's name: each file has it, whatever can be read of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a file: of its part `part` from the character `start` on. None: its name."""

    part: int | None
    start: int
    terms: str


_TITLE = text(
    """
    INSERT INTO assistant.title_text (thread_id, person_id, space_id, organisation_id, terms)
    SELECT id, person_id, space_id, organisation_id, to_tsvector('simple', :terms)
    FROM assistant.thread WHERE id = :thread AND NOT temporary
    ON CONFLICT (thread_id) DO UPDATE SET terms = excluded.terms
    """
).bindparams(bindparam("thread", type_=PgUuid()))
_FILE = text(
    """
    INSERT INTO assistant.file_text
        (attachment_id, number, part, start, person_id, space_id, organisation_id, terms)
    SELECT file.id, piece.number, piece.part, piece.start, file.person_id, file.space_id, file.organisation_id,
           to_tsvector('simple', piece.terms)
    FROM assistant.attachment file, unnest(
        CAST(:numbers AS integer[]), CAST(:parts AS integer[]), CAST(:starts AS integer[]), CAST(:terms AS text[])
    ) AS piece (number, part, start, terms)
    WHERE file.id = :attachment
    ON CONFLICT (attachment_id, number) DO UPDATE SET terms = excluded.terms
    """
).bindparams(bindparam("attachment", type_=PgUuid()))


async def write_title(connection: AsyncConnection, thread_id: UUID, title: str) -> None:
    """What the thread is found by; a temporary one is found by nothing."""
    await connection.execute(_TITLE, {"thread": thread_id, "terms": to_tsvector_input(title)})


async def write_file(connection: AsyncConnection, attachment_id: UUID, pieces: Sequence[Piece], first: int) -> None:
    """The pieces that a file is found by, numbered from `first` on. A file that is gone has none."""
    if not pieces:
        return
    values = {
        "attachment": attachment_id,
        "numbers": list(range(first, first + len(pieces))),
        "parts": [piece.part for piece in pieces],
        "starts": [piece.start for piece in pieces],
        "terms": [piece.terms for piece in pieces],
    }
    await connection.execute(_FILE, values)


async def lock_unsearched_titles(connection: AsyncConnection, limit: int) -> list[tuple[UUID, str]]:
    """Some threads, with their titles, that are not found by these yet; nobody else gets them meanwhile."""
    query = (
        select(title_text.c.thread_id, thread.c.title)
        .join(thread, thread.c.id == title_text.c.thread_id)
        .where(title_text.c.terms.is_(None))
        .limit(limit)
        .with_for_update(of=title_text, skip_locked=True)
    )
    return [(row.thread_id, row.title) for row in await connection.execute(query)]


async def unsearched_files(connection: AsyncConnection, limit: int) -> list[UUID]:
    """Some files that are not found yet."""
    query = select(file_text.c.attachment_id).where(file_text.c.terms.is_(None)).limit(limit)
    return list((await connection.execute(query)).scalars())
