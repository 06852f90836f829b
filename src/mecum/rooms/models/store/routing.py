"""What the router decided, what became of it, and what was learned from that."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import AsyncConnection
from mecum.rooms.models.store.tables import route_decision as table
from mecum.rooms.models.store.tables import route_weights

LEARNING = text("SELECT pg_advisory_xact_lock(hashtext('models.route_weights'))")
"""One process learns at a time: each goes on from what the last one wrote."""
VERSIONS_KEPT = 100


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision. No word of the message is kept.

    Args:
        work_id: the run or job for which it was made, None for a call of the API.
        effort: what was decided. lowered: what the ladder took from it. model: who was asked.
        score: how likely thinking helps. price: of the thinking pool. propensity: of the decision.
        version: of the weights. outcomes: what became of it, in order. learned: how many of those were learned from.
    """

    id: UUID
    at: dt.datetime
    person_id: UUID
    space_id: UUID
    organisation_id: UUID
    surface: str
    purpose: str
    work_id: UUID | None
    model: str
    effort: str
    why: str
    lowered: str | None
    features: dict[str, float]
    score: float
    price: float
    propensity: float
    version: int
    outcomes: list[str]
    learned: int


_NAMES = DecisionRow.__slots__


async def add(connection: AsyncConnection, rows: Sequence[DecisionRow]) -> None:
    """Write decisions; one that is there already stays as it is."""
    values = [{name: getattr(row, name) for name in _NAMES} for row in rows]
    await connection.execute(insert(table).on_conflict_do_nothing(index_elements=["id"]), values)


async def judge(connection: AsyncConnection, work: UUID, what: str) -> bool:
    """Note what became of the newest answer of a run, each thing once. False: no decision was kept for it."""
    mine = select(table.c.id, table.c.outcomes, table.c.learned).where(table.c.work_id == work)
    row = (await connection.execute(mine.order_by(table.c.at.desc()).limit(1).with_for_update())).one_or_none()
    if row is None:
        return False
    known, taught = list[str](row.outcomes), int(row.learned)
    if what in ("up", "down", "none"):
        # The last thumb holds, until it was learned from.
        known = [*known[:taught], *(each for each in known[taught:] if each not in ("up", "down"))]
    if what != "none" and what not in known:
        known.append(what)
    await connection.execute(update(table).where(table.c.id == row.id).values(outcomes=known))
    return True


async def settle(connection: AsyncConnection, before: dt.datetime, limit: int) -> int:
    """Fast answers of before a moment that nobody said anything of: that says a little, too. Gives how many."""
    quiet = (table.c.effort == "fast") & (table.c.at < before) & (func.jsonb_array_length(table.c.outcomes) == 0)
    chosen = select(table.c.id).where(quiet, table.c.why != "asked").limit(limit).scalar_subquery()
    return (await connection.execute(update(table).where(table.c.id.in_(chosen)).values(outcomes=["settled"]))).rowcount


async def unlearned(connection: AsyncConnection, limit: int) -> tuple[DecisionRow, ...]:
    """Decisions with outcomes that were not learned from, oldest first; nobody else changes them meanwhile."""
    new = func.jsonb_array_length(table.c.outcomes) > table.c.learned
    statement: Any = select(table).where(new).order_by(table.c.at, table.c.id).limit(limit).with_for_update()
    return tuple(DecisionRow(**row) for row in (await connection.execute(statement)).mappings())


async def mark_learned(connection: AsyncConnection, ids: Sequence[UUID]) -> None:
    count = func.jsonb_array_length(table.c.outcomes)
    await connection.execute(update(table).where(table.c.id.in_(ids)).values(learned=count))


async def weights(connection: AsyncConnection) -> tuple[int, dict[str, float]] | None:
    """The newest weights and their version; None: nothing was learned yet."""
    newest = select(route_weights.c.version, route_weights.c.weights).order_by(route_weights.c.version.desc()).limit(1)
    row = (await connection.execute(newest)).one_or_none()
    return None if row is None else (int(row.version), dict[str, float](row.weights))


async def put_weights(
    connection: AsyncConnection, version: int, weights: dict[str, float], outcomes: int, now: dt.datetime
) -> None:
    """Keep new weights; versions of long ago go."""
    row = {"version": version, "at": now, "weights": weights, "outcomes": outcomes}
    await connection.execute(insert(route_weights).values(row))
    await connection.execute(delete(route_weights).where(route_weights.c.version <= version - VERSIONS_KEPT))


async def of_person(
    connection: AsyncConnection, person: UUID, space: UUID, after: UUID, limit: int
) -> tuple[DecisionRow, ...]:
    """A person's decisions in a space, by id, after one."""
    mine = (table.c.person_id == person) & (table.c.space_id == space) & (table.c.id > after)
    statement: Any = select(table).where(mine).order_by(table.c.id).limit(limit)
    return tuple(DecisionRow(**row) for row in (await connection.execute(statement)).mappings())


async def sweep(connection: AsyncConnection, before: dt.datetime, limit: int) -> int:
    """Remove decisions of before a moment, at most `limit`; gives how many."""
    old = select(table.c.id).where(table.c.at < before).limit(limit).scalar_subquery()
    return (await connection.execute(delete(table).where(table.c.id.in_(old)))).rowcount


async def forget_person(connection: AsyncConnection, person: UUID) -> None:
    await connection.execute(delete(table).where(table.c.person_id == person))
