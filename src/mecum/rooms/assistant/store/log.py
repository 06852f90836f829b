"""The log of a thread: appending and reading events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, func, insert, null, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert

from mecum.kit.db import AsyncConnection
from mecum.kit.text import to_tsvector_input
from mecum.kit.types import OrganisationId, PersonId, SpaceId
from mecum.rooms.assistant import Event
from mecum.rooms.assistant.events import MESSAGE_ASSISTANT, MESSAGE_USER, POSTED_TYPES, Draft, upcast
from mecum.rooms.assistant.store.tables import event, message_text, payload, thread

SEARCHED_CHARS_MAX = 100_000
CHILDREN_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """A thread and whose it is: what every row about it repeats."""

    thread: UUID
    person: PersonId
    space: SpaceId
    organisation: OrganisationId


async def append(
    connection: AsyncConnection, place: Place, drafts: Sequence[Draft], now: dt.datetime
) -> tuple[Event, ...]:
    """Give `drafts` the next numbers of the thread's log and write them.

    Locks the thread's row until the transaction ends.
    """
    taken = await connection.execute(
        update(thread)
        .where(thread.c.id == place.thread)
        .values(head_seq=thread.c.head_seq + len(drafts), updated_at=now)
        .returning(thread.c.head_seq)
    )
    first = taken.scalar_one() - len(drafts) + 1
    events = tuple(
        Event(first + i, d.id, d.type, d.v, now, d.actor, d.run, d.message, d.parent, d.payload)
        for i, d in enumerate(drafts)
    )
    await connection.execute(insert(event), [_envelope(place, e) for e in events])
    await connection.execute(
        insert(payload),
        [
            {
                "event_id": e.id,
                "thread_id": place.thread,
                "space_id": place.space,
                "organisation_id": place.organisation,
                "body": e.payload,
            }
            for e in events
        ],
    )
    await _make_searchable(connection, place, events, now)
    return events


def _envelope(place: Place, e: Event) -> dict[str, object]:
    return {
        "thread_id": place.thread,
        "seq": e.seq,
        "id": e.id,
        "type": e.type,
        "v": e.v,
        "at": e.at,
        "actor": e.actor,
        "run_id": e.run,
        "message_id": e.message,
        "parent_id": e.parent,
    }


async def _make_searchable(
    connection: AsyncConnection, place: Place, events: Sequence[Event], now: dt.datetime
) -> None:
    rows = [
        {
            "message_id": e.message,
            "thread_id": place.thread,
            "person_id": place.person,
            "space_id": place.space,
            "organisation_id": place.organisation,
            "at": now,
            "terms": func.to_tsvector("simple", to_tsvector_input(str(e.payload.get("text", ""))[:SEARCHED_CHARS_MAX])),
        }
        for e in events
        if e.type in (MESSAGE_USER, MESSAGE_ASSISTANT) and e.payload and e.payload.get("text")
    ]
    for row in rows:
        await connection.execute(pg_insert(message_text).values(row).on_conflict_do_nothing())


async def read(
    connection: AsyncConnection, thread_id: UUID, *, after: int = 0, limit: int = 500, run: UUID | None = None
) -> tuple[Event, ...]:
    """Events with a number above `after`, in order, at most `limit`; only those of `run` when given."""
    query = (
        select(event, payload.c.body)
        .join(payload, payload.c.event_id == event.c.id, isouter=True)
        .where(event.c.thread_id == thread_id, event.c.seq > after)
        .order_by(event.c.seq)
        .limit(limit)
    )
    if run is not None:
        query = query.where(event.c.run_id == run)
    return tuple(_event(row) for row in (await connection.execute(query)).mappings())


async def read_children(connection: AsyncConnection, thread_id: UUID, message: UUID) -> tuple[Event, ...]:
    """Envelopes of what was posted from the moment on when `message` was a parent, in order, without payloads."""
    first = (
        select(func.min(event.c.seq))
        .where(event.c.thread_id == thread_id, event.c.parent_id == message)
        .scalar_subquery()
    )
    query = (
        select(event, null().label("body"))
        .where(event.c.thread_id == thread_id, event.c.seq >= first, event.c.type.in_(POSTED_TYPES))
        .order_by(event.c.seq)
        .limit(CHILDREN_MAX)
    )
    return tuple(_event(row) for row in (await connection.execute(query)).mappings())


async def parent_of_answer(connection: AsyncConnection, thread_id: UUID, message: UUID) -> UUID | None:
    """What the answer `message` answered; None when there is no such answer."""
    query = select(event.c.parent_id).where(
        event.c.thread_id == thread_id, event.c.message_id == message, event.c.type == MESSAGE_ASSISTANT
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def read_types(connection: AsyncConnection, thread_id: UUID, *, after: int, upto: int) -> frozenset[str]:
    """The types of the events with numbers above `after` up to `upto`. bounded: there are few types."""
    query = (
        select(event.c.type).where(event.c.thread_id == thread_id, event.c.seq > after, event.c.seq <= upto).distinct()
    )
    return frozenset((await connection.execute(query)).scalars())


async def read_all(connection: AsyncConnection, thread_id: UUID, *, events_max: int) -> tuple[Event, ...]:
    """The newest `events_max` events of the log, in order."""
    head = (await connection.execute(select(thread.c.head_seq).where(thread.c.id == thread_id))).scalar_one()
    return await read(connection, thread_id, after=max(0, head - events_max), limit=events_max)


def _event(row: RowMapping) -> Event:
    body = row["body"]
    return Event(
        seq=row["seq"],
        id=row["id"],
        type=row["type"],
        v=row["v"],
        at=row["at"],
        actor=row["actor"],
        run=row["run_id"],
        message=row["message_id"],
        parent=row["parent_id"],
        payload=None if body is None else upcast(row["type"], row["v"], body),
    )
