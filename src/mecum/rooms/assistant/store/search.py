"""What a search finds: words of titles, of messages and of files, each in a table of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, text

from mecum.kit.db import UUID as PgUuid
from mecum.kit.db import AsyncConnection
from mecum.kit.types import Principal
from mecum.rooms.assistant import Thread
from mecum.rooms.assistant.store.threads import thread_of

TITLE_WEIGHT = 3.0
"""A title says what the whole thread is about."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Where words were found.

    Args:
        message: the message that says them, or that brought the file; None of a title, or where no message did.
        attachment, name, anchor: of a file: which, and where in it (`{"page": 3}`).
        words: what they stand in: the title, the message, the piece or the name of the file.
    """

    thread: Thread
    where: Literal["title", "message", "file"]
    message: UUID | None
    attachment: UUID | None
    name: str
    anchor: Mapping[str, Any]
    words: str
    at: dt.datetime


_FOUND = """
WITH found AS (
    SELECT 'title' AS place, t.thread_id, CAST(NULL AS uuid) AS message, CAST(NULL AS uuid) AS file,
           CAST(NULL AS integer) AS number, t.terms @@ to_tsquery('simple', :whole) AS whole,
           :title_weight * ts_rank(t.terms, to_tsquery('simple', :any), 1) AS rank
    FROM assistant.title_text t
    WHERE t.person_id = :person AND t.space_id = :space AND t.terms @@ to_tsquery('simple', :any)
    UNION ALL
    SELECT 'message', m.thread_id, m.message_id, NULL, NULL, m.terms @@ to_tsquery('simple', :whole),
           ts_rank(m.terms, to_tsquery('simple', :any), 1)
    FROM assistant.message_text m
    WHERE m.person_id = :person AND m.space_id = :space AND m.terms @@ to_tsquery('simple', :any)
    UNION ALL
    SELECT 'file', best.*
    FROM (
        SELECT DISTINCT ON (f.attachment_id) a.thread_id, a.message_id, f.attachment_id, f.number,
               f.terms @@ to_tsquery('simple', :whole) AS whole, ts_rank(f.terms, to_tsquery('simple', :any), 1) AS rank
        FROM assistant.file_text f
        JOIN assistant.attachment a ON a.id = f.attachment_id
        WHERE f.person_id = :person AND f.space_id = :space AND f.terms @@ to_tsquery('simple', :any)
        ORDER BY f.attachment_id, whole DESC, rank DESC, f.number
    ) AS best
)
SELECT found.place, found.message, found.file, found.number, found.whole, found.rank, thread.*
FROM found
JOIN assistant.thread ON thread.id = found.thread_id
WHERE thread.person_id = :person AND thread.space_id = :space AND thread.deleted_at IS NULL AND NOT thread.temporary
ORDER BY found.whole DESC, found.rank DESC, thread.updated_at DESC, found.place, thread.id, found.message, found.file
OFFSET :offset LIMIT :limit
"""
SEARCH = text(
    f"""
    WITH page AS MATERIALIZED ({_FOUND})
    SELECT page.*, file.name AS file_name, file.part -> 'anchor' AS anchor,
           coalesce(said.at, file.created_at, page.updated_at) AS at,
           CASE page.place WHEN 'title' THEN page.title WHEN 'message' THEN said.words
           ELSE coalesce(substr(file.part ->> 'text', file.start + 1, :piece_chars), file.name) END AS words
    FROM page
    LEFT JOIN LATERAL (
        SELECT e.at, p.body ->> 'text' AS words
        FROM assistant.event e
        JOIN assistant.payload p ON p.event_id = e.id
        WHERE page.place = 'message' AND e.message_id = page.message
            AND e.type IN ('message.user', 'message.assistant')
        LIMIT 1
    ) AS said ON true
    LEFT JOIN LATERAL (
        SELECT a.name, a.created_at, a.parts -> piece.part AS part, piece.start
        FROM assistant.file_text piece
        JOIN assistant.attachment a ON a.id = piece.attachment_id
        WHERE piece.attachment_id = page.file AND piece.number = page.number
        LIMIT 1
    ) AS file ON true
    ORDER BY page.whole DESC, page.rank DESC, page.updated_at DESC, page.place, page.id, page.message, page.file
    """  # noqa: S608
).bindparams(bindparam("person", type_=PgUuid()), bindparam("space", type_=PgUuid()))
"""One statement. The texts are read for a page alone: they are long."""


async def search(
    connection: AsyncConnection,
    principal: Principal,
    *,
    any_of: str,
    all_of: str,
    offset: int,
    limit: int,
    piece_chars: int,
) -> list[Hit]:
    """Hits in the caller's threads, deleted and temporary ones aside; what has all of the words first, then by rank.

    Args:
        any_of, all_of: tsqueries.
        piece_chars: how long a piece of a file is.
    """
    values = {
        "person": principal.person,
        "space": principal.space,
        "any": any_of,
        "whole": all_of,
        "title_weight": TITLE_WEIGHT,
        "offset": offset,
        "limit": limit,
        "piece_chars": piece_chars,
    }
    return [_hit(row) for row in (await connection.execute(SEARCH, values)).mappings()]


def _hit(row: RowMapping) -> Hit:
    return Hit(
        thread=thread_of(row),
        where=cast(Literal["title", "message", "file"], row["place"]),
        message=row["message"],
        attachment=row["file"],
        name=row["file_name"] or "",
        anchor=row["anchor"] or {},
        words=row["words"] or "",
        at=row["at"],
    )
