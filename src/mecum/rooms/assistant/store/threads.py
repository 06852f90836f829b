"""Threads: rows, lists, what was posted, search."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from mecum.kit.db import AsyncConnection
from mecum.kit.errors import BadRequest
from mecum.kit.types import Page, Principal
from mecum.rooms.assistant import Origin, Posted, Thread
from mecum.rooms.assistant.store import terms
from mecum.rooms.assistant.store.log import Place
from mecum.rooms.assistant.store.tables import event, posted, run, thread


def thread_of(row: Any) -> Thread:
    """A thread from a row with its columns."""
    return Thread(
        id=row["id"],
        title=row["title"],
        origin=cast(Origin, row["origin"]),
        state=row["state"],
        head_seq=row["head_seq"],
        pinned=row["pinned"],
        archived=row["archived"],
        temporary=row["temporary"],
        unread=row["read_seq"] < row["head_seq"] and row["state"] == "idle",
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        deleted_at=row["deleted_at"],
    )


def mine(principal: Principal) -> ColumnElement[bool]:
    return and_(thread.c.person_id == principal.person, thread.c.space_id == principal.space)


async def create(
    connection: AsyncConnection,
    principal: Principal,
    thread_id: UUID,
    *,
    title: str,
    origin: Origin,
    temporary: bool,
    now: dt.datetime,
    title_by: str = "person",
    state: str = "idle",
    selected_message: UUID | None = None,
) -> Place:
    await connection.execute(
        insert(thread),
        {
            "id": thread_id,
            "person_id": principal.person,
            "space_id": principal.space,
            "organisation_id": principal.organisation,
            "title": title,
            "title_by": title_by if title else "words",
            "origin": origin,
            "state": state,
            "selected_message": selected_message,
            "temporary": temporary,
            "pinned": False,
            "archived": False,
            "head_seq": 0,
            "read_seq": 0,
            "created_at": now,
            "updated_at": now,
        },
    )
    if title:
        await terms.write_title(connection, thread_id, title)
    return Place(thread_id, principal.person, principal.space, principal.organisation)


async def get(
    connection: AsyncConnection, principal: Principal, thread_id: UUID, *, lock: bool = False
) -> Thread | None:
    query = select(thread).where(thread.c.id == thread_id, mine(principal))
    row = (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()
    return thread_of(row) if row else None


async def selected(connection: AsyncConnection, thread_id: UUID) -> UUID | None:
    return (await connection.execute(select(thread.c.selected_message).where(thread.c.id == thread_id))).scalar_one()


async def keep_read(connection: AsyncConnection, thread_id: UUID, head_seq: int) -> None:
    """What the person did themselves is read, where all up to `head_seq` before it was."""
    seen = update(thread).where(thread.c.id == thread_id, thread.c.read_seq >= head_seq)
    await connection.execute(seen.values(read_seq=thread.c.head_seq))


async def change(connection: AsyncConnection, thread_id: UUID, **values: Any) -> None:
    """Change columns of a thread. By a new title it is found from then on."""
    await connection.execute(update(thread).where(thread.c.id == thread_id).values(values))
    if "title" in values:
        await terms.write_title(connection, thread_id, values["title"])


async def listed(
    connection: AsyncConnection,
    principal: Principal,
    *,
    cursor: str | None,
    limit: int,
    origin: Origin | None,
    archived: bool,
    deleted: bool = False,
) -> Page[Thread]:
    """`deleted`: those that can be restored, wherever they were listed before."""
    query = select(thread).where(mine(principal), thread.c.temporary.is_(False))
    if deleted:
        query = query.where(thread.c.deleted_at.is_not(None))
    else:
        query = query.where(thread.c.deleted_at.is_(None), thread.c.archived.is_(archived))
    if origin:
        query = query.where(thread.c.origin == origin)
    elif not deleted:
        query = query.where(thread.c.origin != "api")
    if cursor:
        pinned, updated_at, thread_id = _read_cursor(cursor)
        key = tuple_(thread.c.pinned, thread.c.updated_at, thread.c.id)
        query = query.where(key < tuple_(pinned, updated_at, thread_id))
    order = (thread.c.pinned.desc(), thread.c.updated_at.desc(), thread.c.id.desc())
    rows = (await connection.execute(query.order_by(*order).limit(limit + 1))).mappings().all()
    items = tuple(thread_of(row) for row in rows[:limit])
    return Page(items, _cursor(items[-1]) if len(rows) > limit else None)


def _cursor(last: Thread) -> str:
    return base64.urlsafe_b64encode(
        json.dumps([last.pinned, last.updated_at.isoformat(), last.id.hex]).encode()
    ).decode()


def _read_cursor(cursor: str) -> tuple[bool, dt.datetime, UUID]:
    try:
        pinned, updated_at, thread_id = json.loads(base64.urlsafe_b64decode(cursor))
        return bool(pinned), dt.datetime.fromisoformat(updated_at), UUID(hex=thread_id)
    except (ValueError, TypeError, AttributeError):
        raise BadRequest("cursor_malformed", "The cursor is not one that a list gave.") from None


_BEFORE_POSTING = (
    select(
        posted,
        select(func.count())
        .select_from(run)
        .where(run.c.person_id == bindparam("person"), run.c.state != "finished")
        .scalar_subquery()
        .label("open_runs"),
    )
    .select_from(select(literal(1)).subquery())
    .join(
        posted,
        and_(
            posted.c.person_id == bindparam("person"),
            posted.c.space_id == bindparam("space"),
            posted.c.client_id == bindparam("client"),
        ),
        isouter=True,
    )
)
_REMEMBER = pg_insert(posted).on_conflict_do_nothing()


async def before_posting(
    connection: AsyncConnection, principal: Principal, client_id: str
) -> tuple[Posted | None, int]:
    """What the client id stands for already, and how many runs of the person are not finished."""
    sought = {"person": principal.person, "space": principal.space, "client": client_id}
    row = (await connection.execute(_BEFORE_POSTING, sought)).mappings().one()
    known = row["thread_id"] is not None
    found = Posted(row["thread_id"], row["message_id"], row["run_id"], row["seq"], repeated=True) if known else None
    return found, row["open_runs"]


async def remember_posted(
    connection: AsyncConnection, place: Place, client_id: str, done: Posted, now: dt.datetime
) -> bool:
    """False when the same client id was posted meanwhile: the caller rolls back and answers with the first one."""
    written = await connection.execute(
        _REMEMBER,
        {
            "person_id": place.person,
            "space_id": place.space,
            "organisation_id": place.organisation,
            "client_id": client_id,
            "thread_id": done.thread,
            "message_id": done.message,
            "run_id": done.run,
            "seq": done.seq,
            "at": now,
        },
    )
    return written.rowcount == 1


async def message_exists(connection: AsyncConnection, thread_id: UUID, message_id: UUID) -> bool:
    query = select(event.c.id).where(event.c.thread_id == thread_id, event.c.message_id == message_id).limit(1)
    return (await connection.execute(query)).first() is not None


async def page_by_id(connection: AsyncConnection, principal: Principal, after: UUID | None, limit: int) -> list[Thread]:
    """All of the caller's threads in the order of their ids, deleted and temporary ones too."""
    query = select(thread).where(mine(principal))
    if after is not None:
        query = query.where(thread.c.id > after)
    rows = (await connection.execute(query.order_by(thread.c.id).limit(limit))).mappings()
    return [thread_of(row) for row in rows]


Condition = Callable[[], ColumnElement[bool]]


async def lock_some(connection: AsyncConnection, condition: ColumnElement[bool], limit: int) -> list[UUID]:
    """Threads that meet a condition, and go on meeting it until the end of the transaction."""
    query = select(thread.c.id).where(condition).limit(limit).with_for_update()
    return list((await connection.execute(query)).scalars())


async def erase(connection: AsyncConnection, threads: Sequence[UUID]) -> None:
    """Remove threads for good, with their logs."""
    await connection.execute(delete(thread).where(thread.c.id.in_(threads)))


async def known(connection: AsyncConnection, thread_id: UUID) -> Thread | None:
    """A thread, whoever it belongs to: for the room's own work."""
    row = (await connection.execute(select(thread).where(thread.c.id == thread_id))).mappings().one_or_none()
    return thread_of(row) if row else None


def expired(before_deleted: dt.datetime, before_temporary: dt.datetime) -> ColumnElement[bool]:
    return or_(
        thread.c.deleted_at < before_deleted,
        and_(thread.c.temporary.is_(True), thread.c.state != "running", thread.c.updated_at < before_temporary),
    )


def of_person(person: UUID) -> ColumnElement[bool]:
    return thread.c.person_id == person
