"""The part of budgets that counts as spent because a process died, and giving it back.

What is written of calls that ended is `spent` without `unattributed`: giving that back can't reach it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select, text

from mecum.kit.db import AsyncConnection
from mecum.rooms.models.store.tables import budget_window


async def totals(connection: AsyncConnection, budgets: Sequence[UUID], now: dt.datetime) -> Mapping[UUID, int]:
    """How much of today's periods of these budgets is not attributed, of all owners together; by budget."""
    lost = func.sum(budget_window.c.unattributed)
    now_on = (budget_window.c.starts_at <= now, budget_window.c.ends_at > now, budget_window.c.unattributed > 0)
    rows = await connection.execute(
        select(budget_window.c.budget_id, lost.label("amount"))
        .where(budget_window.c.budget_id.in_(budgets), *now_on)
        .group_by(budget_window.c.budget_id)
    )
    return {row.budget_id: int(row.amount) for row in rows}


_LOCK = text(
    """
    SELECT unattributed FROM models.budget_window
    WHERE budget_id = :budget AND (CAST(:owner AS uuid) IS NULL OR owner_id = :owner)
        AND starts_at <= :now AND ends_at > :now AND unattributed > 0
    ORDER BY budget_id, owner_id, starts_at FOR UPDATE
"""
)
_GIVE_BACK = text(
    """
    UPDATE models.budget_window SET spent = spent - unattributed, unattributed = 0
    WHERE budget_id = :budget AND (CAST(:owner AS uuid) IS NULL OR owner_id = :owner)
        AND starts_at <= :now AND ends_at > :now AND unattributed > 0
"""
)


async def locked(connection: AsyncConnection, budget: UUID, owner: UUID | None, now: dt.datetime) -> int:
    """How much is not attributed today, of one owner or of all; it stays so until the transaction ends."""
    rows = await connection.execute(_LOCK, {"budget": budget, "owner": owner, "now": now})
    return sum(int(amount) for amount in rows.scalars())


async def give_back(connection: AsyncConnection, budget: UUID, owner: UUID | None, now: dt.datetime) -> None:
    """What `locked` gave is spent no more."""
    await connection.execute(_GIVE_BACK, {"budget": budget, "owner": owner, "now": now})
