"""Runs: claiming under an epoch, the fence, checkpoints, waits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, exists, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.sql.dml import ReturningUpdate

from mecum.kit.db import AsyncConnection
from mecum.kit.types import Surface
from mecum.rooms.assistant.store.log import Place
from mecum.rooms.assistant.store.tables import checkpoint, run, thread, wait

Condition: TypeAlias = ColumnElement[bool]
RunState = Literal["queued", "running", "waiting", "finished"]


class Fenced(Exception):
    """Another worker has taken the run over, or it is finished: this one writes nothing more."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run. `key`: the API key that asked for it, or None."""

    id: UUID
    place: Place
    state: RunState
    epoch: int
    attempt: int
    answer_message: UUID
    answer_parent: UUID
    surface: Surface
    options: Mapping[str, Any]
    stop_requested: bool
    reason: str | None
    active_seconds: float
    created_at: dt.datetime
    finished_at: dt.datetime | None
    key: UUID | None = None


@dataclass(frozen=True, slots=True)
class Locked:
    """A thread that is locked, as far as runs want to know it; all empty when it was erased.

    Args:
        untitled: it has only the first words of its first message, and may get a title.
    """

    origin: str = ""
    title: str = ""
    untitled: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The partial text of a running answer."""

    run: UUID
    message: UUID
    attempt: int
    text: str
    reasoning: str


def _row(r: Any) -> RunRow:
    place = Place(r["thread_id"], r["person_id"], r["space_id"], r["organisation_id"])
    return RunRow(
        r["id"], place, r["state"], r["epoch"], r["attempt"], r["answer_message"], r["answer_parent"], r["surface"],
        r["options"], r["stop_requested"], r["reason"], r["active_seconds"], r["created_at"], r["finished_at"],
        r["key_id"],
    )  # fmt: skip


async def create(
    connection: AsyncConnection,
    place: Place,
    *,
    run_id: UUID,
    answer_message: UUID,
    answer_parent: UUID,
    surface: str,
    key: UUID | None,
    options: Mapping[str, Any],
    now: dt.datetime,
) -> None:
    await connection.execute(
        insert(run),
        {
            "id": run_id,
            "thread_id": place.thread,
            "person_id": place.person,
            "space_id": place.space,
            "organisation_id": place.organisation,
            "state": "queued",
            "epoch": 0,
            "attempt": 0,
            "answer_message": answer_message,
            "answer_parent": answer_parent,
            "surface": surface,
            "key_id": key,
            "options": options,
            "stop_requested": False,
            "created_at": now,
            "active_seconds": 0.0,
        },
    )


_GET = select(run).where(run.c.id == bindparam("of"))


async def get(connection: AsyncConnection, run_id: UUID) -> RunRow | None:
    row = (await connection.execute(_GET, {"of": run_id})).mappings().one_or_none()
    return _row(row) if row else None


async def open_run(connection: AsyncConnection, thread_id: UUID) -> RunRow | None:
    """The oldest run of the thread that is not finished: the one that goes on, or is next."""
    query = (
        select(run)
        .where(run.c.thread_id == thread_id, run.c.state != "finished")
        .order_by(run.c.created_at, run.c.id)
        .limit(1)
    )
    row = (await connection.execute(query)).mappings().one_or_none()
    return _row(row) if row else None


async def all_called(connection: AsyncConnection, thread_id: UUID) -> bool:
    """Whether every run of the thread was asked for through `/v1`: `options` say what its caller asked."""
    others = exists().where(run.c.thread_id == thread_id, func.coalesce(run.c.options["caller"].astext, "") == "")
    return not (await connection.execute(select(others))).scalar_one()


async def asked_by_open_answer(connection: AsyncConnection, thread_id: UUID) -> UUID | None:
    """What the answer that is selected answers, while its run goes on; None when no such answer is being made."""
    query = (
        select(run.c.answer_parent)
        .join(thread, thread.c.selected_message == run.c.answer_message)
        .where(thread.c.id == thread_id, run.c.thread_id == thread_id, run.c.state != "finished")
    )
    return (await connection.execute(query)).scalar_one_or_none()


_LOCK_OF_RUN = (
    select(thread.c.id)
    .where(thread.c.id == select(run.c.thread_id).where(run.c.id == bindparam("of")).scalar_subquery())
    .with_for_update()
)
_CLAIM = (
    update(run)
    .where(run.c.id == bindparam("of"), run.c.state.in_(("queued", "running")))
    .values(epoch=run.c.epoch + 1)
    .returning(run)
)


async def claim(connection: AsyncConnection, run_id: UUID) -> RunRow | None:
    """Lock the run's thread and take the run for this worker: a new epoch.

    Returns None when there is nothing to do (finished, waiting, erased).
    """
    await connection.execute(_LOCK_OF_RUN, {"of": run_id})
    row = (await connection.execute(_CLAIM, {"of": run_id})).mappings().one_or_none()
    return _row(row) if row else None


async def fence(connection: AsyncConnection, claimed: RunRow, **values: Any) -> RunRow:
    """Lock the run's row, prove that its epoch is still ours, and set `values`.

    Raises:
        Fenced: it is not.
    """
    given = values or {"epoch": claimed.epoch}
    changed = await connection.execute(
        _fence(tuple(given)), {**given, "of": claimed.id, "claimed_epoch": claimed.epoch}
    )
    row = changed.mappings().one_or_none()
    if row is None:
        raise Fenced
    return _row(row)


@cache
def _fence(columns: tuple[str, ...]) -> ReturningUpdate[Any]:
    """Built once for each set of columns: it stands before every write of a run."""
    mine = (run.c.id == bindparam("of")) & (run.c.epoch == bindparam("claimed_epoch")) & (run.c.state != "finished")
    return update(run).where(mine).values({name: bindparam(name) for name in columns}).returning(run)


_SET_STATE = update(thread).where(thread.c.id == bindparam("of")).values(state=bindparam("state"))


async def set_state(connection: AsyncConnection, thread_id: UUID, state: str) -> None:
    await connection.execute(_SET_STATE, {"of": thread_id, "state": state})


async def to_stop(connection: AsyncConnection, condition: Condition, limit: int) -> list[tuple[UUID, UUID]]:
    """Runs that meet `condition` and that nobody asked to stop yet, each with its thread."""
    query = select(run.c.id, run.c.thread_id).join(thread, thread.c.id == run.c.thread_id)
    found = await connection.execute(query.where(run.c.stop_requested.is_(False), condition).limit(limit))
    return [(row.id, row.thread_id) for row in found]


def at_work_for(person: UUID) -> Condition:
    return (run.c.person_id == person) & run.c.state.in_(("queued", "running"))


def waiting_since(before: dt.datetime) -> Condition:
    return (run.c.state == "waiting") & (thread.c.updated_at < before)


async def request_stop(connection: AsyncConnection, run_id: UUID) -> None:
    await connection.execute(update(run).where(run.c.id == run_id).values(stop_requested=True))


async def save_checkpoint(
    connection: AsyncConnection, claimed: RunRow, text: str, reasoning: str, now: dt.datetime, **values: Any
) -> RunRow:
    """Overwrite the run's checkpoint, and set `values` in the run. Raises Fenced."""
    row = await fence(connection, claimed, **values)
    place = claimed.place
    await connection.execute(
        _SAVE,
        {
            "run_id": claimed.id,
            "thread_id": place.thread,
            "space_id": place.space,
            "organisation_id": place.organisation,
            "message_id": row.answer_message,
            "attempt": row.attempt,
            "text": text,
            "reasoning": reasoning,
            "at": now,
        },
    )
    return row


_INSERT = pg_insert(checkpoint)
_SAVE = _INSERT.on_conflict_do_update(
    index_elements=["run_id"],
    set_={name: _INSERT.excluded[name] for name in ("message_id", "attempt", "text", "reasoning", "at")},
)
_DROP = delete(checkpoint).where(checkpoint.c.run_id == bindparam("of"))


async def drop_checkpoint(connection: AsyncConnection, run_id: UUID) -> None:
    await connection.execute(_DROP, {"of": run_id})


async def checkpoint_of(connection: AsyncConnection, thread_id: UUID) -> Checkpoint | None:
    row = (
        (await connection.execute(select(checkpoint).where(checkpoint.c.thread_id == thread_id).limit(1)))
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    return Checkpoint(row["run_id"], row["message_id"], row["attempt"], row["text"], row["reasoning"])


async def add_wait(connection: AsyncConnection, claimed: RunRow, wait_id: UUID, kind: str, call: str | None) -> None:
    place = claimed.place
    await connection.execute(
        insert(wait).values(
            id=wait_id,
            thread_id=place.thread,
            run_id=claimed.id,
            space_id=place.space,
            organisation_id=place.organisation,
            kind=kind,
            call_id=call,
        )
    )


async def answer_wait(
    connection: AsyncConnection, thread_id: UUID, wait_id: UUID, now: dt.datetime
) -> tuple[UUID, str, str | None] | None:
    """Mark the question answered, once.

    Returns run, kind and call, or None when it was answered already or is not there.
    """
    answered = await connection.execute(
        update(wait)
        .where(wait.c.id == wait_id, wait.c.thread_id == thread_id, wait.c.answered_at.is_(None))
        .values(answered_at=now)
        .returning(wait.c.run_id, wait.c.kind, wait.c.call_id)
    )
    row = answered.one_or_none()
    return None if row is None else (row[0], row[1], row[2])


async def has_wait(connection: AsyncConnection, thread_id: UUID, wait_id: UUID) -> bool:
    query = select(wait.c.id).where(wait.c.id == wait_id, wait.c.thread_id == thread_id)
    return (await connection.execute(query)).scalar_one_or_none() is not None


_LOCK = (
    select(thread.c.origin, thread.c.title, thread.c.title_by, thread.c.temporary)
    .where(thread.c.id == bindparam("of"))
    .with_for_update()
)


async def lock_thread(connection: AsyncConnection, thread_id: UUID) -> Locked:
    """Everything that changes a thread's log, runs or selection takes this lock first: one order, no deadlock."""
    row = (await connection.execute(_LOCK, {"of": thread_id})).one_or_none()
    return Locked() if row is None else Locked(row.origin, row.title, row.title_by == "words" and not row.temporary)


async def open_waits(connection: AsyncConnection, run_id: UUID) -> list[UUID]:
    query = select(wait.c.id).where(wait.c.run_id == run_id, wait.c.answered_at.is_(None)).limit(100)
    return list((await connection.execute(query)).scalars())


async def resume(connection: AsyncConnection, run_id: UUID) -> None:
    """A waiting run may go on."""
    await connection.execute(update(run).where(run.c.id == run_id, run.c.state == "waiting").values(state="queued"))
