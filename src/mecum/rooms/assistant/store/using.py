"""To which threads runs belong, for what they used."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select

from mecum.kit.db import AsyncConnection
from mecum.kit.types import Principal
from mecum.rooms.assistant.store.tables import run, thread


async def threads_of(connection: AsyncConnection, principal: Principal, runs: Collection[UUID]) -> Mapping[UUID, UUID]:
    """The thread of each of these runs, of those that are the person's own."""
    # bounded: one row for each run that is asked for
    rows = await connection.execute(
        select(run.c.id, run.c.thread_id).where(run.c.id.in_(runs), run.c.person_id == principal.person)
    )
    return {row.id: row.thread_id for row in rows}


async def titles(connection: AsyncConnection, principal: Principal, threads: Collection[UUID]) -> Mapping[UUID, str]:
    """Titles of the person's own threads in the space that they are in; deleted and temporary ones have none."""
    mine = (thread.c.person_id == principal.person, thread.c.space_id == principal.space)
    kept = (thread.c.deleted_at.is_(None), thread.c.temporary.is_(False))
    # bounded: one row for each thread that is asked for
    rows = await connection.execute(select(thread.c.id, thread.c.title).where(thread.c.id.in_(threads), *mine, *kept))
    return {row.id: row.title for row in rows}
