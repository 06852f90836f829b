"""The log of a thread: appending and reading events."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, RowMapping, bindparam, func, null, select, text

from mecum.kit.db import TIMESTAMP, AsyncConnection, json_text
from mecum.kit.db import UUID as PgUuid
from mecum.kit.types import OrganisationId, PersonId, SpaceId
from mecum.rooms.assistant import Event
from mecum.rooms.assistant.events import MESSAGE_ASSISTANT, POSTED_TYPES, Draft, upcast
from mecum.rooms.assistant.store.tables import event, payload, thread

CHILDREN_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """A thread and whose it is: what every row about it repeats."""

    thread: UUID
    person: PersonId
    space: SpaceId
    organisation: OrganisationId


_APPEND = text(
    """
    WITH given AS (
        SELECT * FROM unnest(
            CAST(:ids AS uuid[]), CAST(:types AS varchar[]), CAST(:versions AS smallint[]), CAST(:actors AS varchar[]),
            CAST(:runs AS uuid[]), CAST(:messages AS uuid[]), CAST(:parents AS uuid[]), CAST(:bodies AS text[]),
            CAST(:terms AS text[])
        ) WITH ORDINALITY AS g (id, type, v, actor, run_id, message_id, parent_id, body, terms, number)
    ), taken AS (
        UPDATE assistant.thread
        SET head_seq = head_seq + :count, state = coalesce(CAST(:state AS varchar), state),
            updated_at = CASE WHEN :quiet THEN updated_at ELSE :at END,
            read_seq = CASE WHEN :quiet AND read_seq = head_seq THEN head_seq + :count ELSE read_seq END
        WHERE id = :thread RETURNING head_seq - :count AS base
    ), envelopes AS (
        INSERT INTO assistant.event (thread_id, seq, id, type, v, at, actor, run_id, message_id, parent_id)
        SELECT :thread, base + number, id, type, v, :at, actor, run_id, message_id, parent_id FROM given, taken
    ), payloads AS (
        INSERT INTO assistant.payload (event_id, thread_id, space_id, organisation_id, body)
        SELECT id, :thread, :space, :organisation, CAST(body AS jsonb) FROM given, taken
    ), words AS (
        INSERT INTO assistant.message_text (message_id, thread_id, person_id, space_id, organisation_id, at, terms)
        SELECT message_id, :thread, :person, :space, :organisation, :at, to_tsvector('simple', terms)
        FROM given, taken WHERE terms IS NOT NULL ON CONFLICT DO NOTHING
    )
    SELECT base FROM taken
    """
).bindparams(
    *(bindparam(name, type_=PgUuid()) for name in ("thread", "person", "space", "organisation")),
    bindparam("at", type_=TIMESTAMP(timezone=True)),
    bindparam("count", type_=BigInteger()),
    bindparam("quiet", type_=Boolean()),
)
"""One statement: an answer writes its log often, and every statement is a round trip."""


async def append(
    connection: AsyncConnection,
    place: Place,
    drafts: Sequence[Draft],
    now: dt.datetime,
    *,
    state: str | None = None,
    quiet: bool = False,
) -> tuple[Event, ...]:
    """Give `drafts` the next numbers of the thread's log and write them. Locks the thread's row until the transaction
    ends.

    Args:
        state: becomes the thread's, where given.
        quiet: nothing happened for the person: the thread keeps its place in the list, and stays read if it was.
    """
    values = {
        "thread": place.thread,
        "person": place.person,
        "space": place.space,
        "organisation": place.organisation,
        "at": now,
        "state": state,
        "quiet": quiet,
        "count": len(drafts),
        "ids": [d.id for d in drafts],
        "types": [d.type for d in drafts],
        "versions": [d.v for d in drafts],
        "actors": [d.actor for d in drafts],
        "runs": [d.run for d in drafts],
        "messages": [d.message for d in drafts],
        "parents": [d.parent for d in drafts],
        "bodies": [json_text(d.payload) for d in drafts],
        "terms": [d.terms or None for d in drafts],
    }
    base = (await connection.execute(_APPEND, values)).scalar_one()
    return tuple(
        Event(base + number, d.id, d.type, d.v, now, d.actor, d.run, d.message, d.parent, d.payload)
        for number, d in enumerate(drafts, 1)
    )


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


async def run_of_answer(connection: AsyncConnection, thread_id: UUID, message: UUID) -> UUID | None:
    """The run that wrote the answer `message`."""
    query = select(event.c.run_id).where(
        event.c.thread_id == thread_id, event.c.message_id == message, event.c.type == MESSAGE_ASSISTANT
    )
    return (await connection.execute(query)).scalar_one_or_none()


async def read_types(connection: AsyncConnection, thread_id: UUID, *, after: int, upto: int) -> frozenset[str]:
    """The types of the events with numbers above `after` up to `upto`. bounded: there are few types."""
    query = (
        select(event.c.type).where(event.c.thread_id == thread_id, event.c.seq > after, event.c.seq <= upto).distinct()
    )
    return frozenset((await connection.execute(query)).scalars())


_READ_NEWEST = (
    select(event, payload.c.body)
    .join(payload, payload.c.event_id == event.c.id, isouter=True)
    .where(
        event.c.thread_id == bindparam("of"),
        event.c.seq
        > select(thread.c.head_seq - bindparam("most")).where(thread.c.id == bindparam("of")).scalar_subquery(),
    )
    .order_by(event.c.seq)
    .limit(bindparam("most"))
)


async def read_all(connection: AsyncConnection, thread_id: UUID, *, events_max: int) -> tuple[Event, ...]:
    """The newest `events_max` events of the log, in order."""
    found = await connection.execute(_READ_NEWEST, {"of": thread_id, "most": events_max})
    return tuple(_event(row) for row in found.mappings())


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
