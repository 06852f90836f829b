"""Search over a person's own threads: their titles, their messages, and the names and texts of their files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from mecum.kit.errors import BadRequest
from mecum.kit.room import Kit
from mecum.kit.text import snippet, to_and_query, to_or_query
from mecum.kit.types import Page, Principal
from mecum.rooms.assistant.files.pieces import PIECE_CHARS, name_piece, text_pieces
from mecum.rooms.assistant.store import files, search, terms
from mecum.rooms.assistant.store.search import Hit
from mecum.rooms.assistant.store.terms import NAME

CATCH_UP = "assistant.catch_up_search"
PAGE_MAX = 50
OFFSET_DIGITS_MAX = 7
TITLES_AT_ONCE = 200
FILES_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Found:
    """A hit with its excerpt: pieces of text, and whether each is what was looked for."""

    hit: Hit
    excerpt: list[tuple[str, bool]]


class Searching:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    async def search(self, principal: Principal, query: str, *, cursor: str | None = None, limit: int) -> Page[Found]:
        """Where `query` is found: what has all of its words first, then what has more of them.

        Raises:
            BadRequest: `cursor` is not one that a page gave.
        """
        offset, limit = _offset(cursor), min(limit, PAGE_MAX)
        any_of = to_or_query(query)
        if not any_of:
            return Page((), None)
        async with self._kit.db.transaction() as connection:
            hits = await search.search(
                connection,
                principal,
                any_of=any_of,
                all_of=to_and_query(query),
                offset=offset,
                limit=limit + 1,
                piece_chars=PIECE_CHARS,
            )
        found = await asyncio.to_thread(_excerpts, hits[:limit], query)
        return Page(tuple(found), str(offset + limit) if len(hits) > limit else None)

    async def catch_up(self) -> None:
        """The job: titles and files from before they were searched get what they are found by."""
        while await self._some_titles() == TITLES_AT_ONCE:
            pass
        while await self._some_files() == FILES_AT_ONCE:
            pass

    async def _some_titles(self) -> int:
        async with self._kit.db.transaction() as connection:
            found = await terms.lock_unsearched_titles(connection, TITLES_AT_ONCE)
            for thread, title in found:
                await terms.write_title(connection, thread, title)
        return len(found)

    async def _some_files(self) -> int:
        async with self._kit.db.transaction() as connection:
            found = await terms.unsearched_files(connection, FILES_AT_ONCE)
        for attachment in found:
            async with self._kit.db.transaction() as connection:
                file = await files.get(connection, attachment)
            if file is None:
                continue
            pieces = await asyncio.to_thread(text_pieces, file.parts)
            async with self._kit.db.transaction() as connection:
                await terms.write_file(connection, attachment, [name_piece(file.name), *pieces], NAME)
        return len(found)


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= OFFSET_DIGITS_MAX):
        raise BadRequest("cursor_malformed", "The cursor is not one that a list gave.")
    return int(cursor)


def _excerpts(hits: list[Hit], query: str) -> list[Found]:
    return [Found(hit, snippet(hit.words, query)) for hit in hits]
