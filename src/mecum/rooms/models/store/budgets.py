"""Budgets, their counts, and the leases of processes.

Whoever changes a count locks its window first and its lease after, windows in one order: so no two wait for each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from mecum.kit.db import AsyncConnection
from mecum.rooms.models.budgets.rules import Rule, Subject, Window
from mecum.rooms.models.store.tables import budget, budget_lease, budget_window

SHARE_OF_LEFT = 4


@dataclass(frozen=True, slots=True)
class Count:
    """What was spent of a period of a budget; `leased` is drawn by processes and may still be spent.

    `unattributed`: the part of `spent` that stood open when a process died.
    """

    budget_id: UUID
    owner_id: UUID
    starts_at: dt.datetime
    ends_at: dt.datetime
    spent: int
    leased: int
    unattributed: int


@dataclass(frozen=True, slots=True)
class Asked:
    """What a process wants to draw.

    Args:
        least: it needs so much, and takes nothing if that is not there.
        usual: it should have so much, even if little is left.
        wish: it takes so much if there is plenty: four times as much.
        block: it takes so much at once if there is plenty.
    """

    least: int
    usual: int
    wish: int
    block: int

    def grant(self, left: int) -> int:
        """How much of what is left. A call that held it all would make every other one wait until it ends."""
        if left < self.least:
            return 0
        plenty = left // SHARE_OF_LEFT
        return min(left, max(self.least, self.usual, min(max(self.wish, self.block), plenty)))


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was granted, how much stands open of the process's lease now, and of all leases on the period."""

    amount: int
    open: int
    leased: int


@dataclass(frozen=True, slots=True)
class Spending:
    """What a process accounts for: so much was spent, out of its lease if there is one; `ends`: that is over."""

    budget_id: UUID
    owner_id: UUID
    window: Window
    spent: int
    lease: UUID
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Accounted:
    """Whether the lease still stood, and what is spent of the period altogether."""

    stood: bool
    spent: int


async def of(connection: AsyncConnection, person: UUID, organisation: UUID, key: UUID | None) -> tuple[Rule, ...]:
    """The budgets that a call of `person` in `organisation`, perhaps through `key`, has to keep to."""
    mine = [and_(budget.c.subject == "person", budget.c.subject_id == person), budget.c.subject == "each_person"]
    mine.append(and_(budget.c.subject == "organisation", budget.c.subject_id == organisation))
    if key is not None:
        mine.append(and_(budget.c.subject == "key", budget.c.subject_id == key))
    # bounded: by the unique index, one per subject, unit, period and who set it
    rows = await connection.execute(select(budget).where(or_(*mine)).order_by(budget.c.id))
    return tuple(Rule(**row) for row in rows.mappings())


async def concerning(connection: AsyncConnection, person: UUID, organisation: UUID) -> tuple[Rule, ...]:
    """All budgets that `person` may run into in `organisation`: those of their keys too."""
    mine = (budget.c.person_id == person, budget.c.subject == "each_person", budget.c.subject_id == organisation)
    # bounded: by the unique index, and by how many keys a person may have
    rows = await connection.execute(select(budget).where(or_(*mine)).order_by(budget.c.id))
    return tuple(Rule(**row) for row in rows.mappings())


async def page(
    connection: AsyncConnection,
    after: UUID,
    limit: int,
    subject_id: UUID | None = None,
    kind: Subject | None = None,
    *,
    with_default: bool = False,
) -> tuple[Rule, ...]:
    """Budgets, oldest first, after the budget `after`.

    Args:
        subject_id: only those of this person and their keys, or of this key or organisation.
        with_default: also what each person has, where `subject_id` has nothing else of that unit from an operator.
    """
    wanted = budget.c.id > after
    if subject_id is not None:
        its = or_(budget.c.subject_id == subject_id, budget.c.person_id == subject_id)
        own = budget.alias()
        instead = select(own.c.id).where(
            own.c.subject == "person",
            own.c.subject_id == subject_id,
            own.c.set_by == "operator",
            own.c.unit == budget.c.unit,
        )
        holds = and_(budget.c.subject == "each_person", ~instead.exists())
        wanted &= or_(its, holds) if with_default else its
    if kind is not None:
        wanted &= budget.c.subject == kind
    rows = await connection.execute(select(budget).where(wanted).order_by(budget.c.id).limit(limit))
    return tuple(Rule(**row) for row in rows.mappings())


async def each_person(connection: AsyncConnection) -> tuple[Rule, ...]:
    """What each person has."""
    # bounded: by the unique index, one per unit and period
    rows = await connection.execute(select(budget).where(budget.c.subject == "each_person").order_by(budget.c.id))
    return tuple(Rule(**row) for row in rows.mappings())


async def how_many_subjects(connection: AsyncConnection) -> Mapping[Subject, int]:
    """How many persons, keys and organisations have a budget that an operator set."""
    counted = select(budget.c.subject, func.count(budget.c.subject_id.distinct()).label("number"))
    rows = await connection.execute(counted.where(budget.c.set_by == "operator").group_by(budget.c.subject))
    return {row.subject: row.number for row in rows}


async def how_many_used_up(connection: AsyncConnection, rules: Sequence[UUID], now: dt.datetime) -> Mapping[UUID, int]:
    """How many have used all of their part of these budgets in today's period, by budget."""
    counted = select(budget_window.c.budget_id, func.count().label("number")).join(
        budget, budget.c.id == budget_window.c.budget_id
    )
    spent = (budget_window.c.starts_at <= now, budget_window.c.ends_at > now, budget_window.c.spent >= budget.c.amount)
    rows = await connection.execute(
        counted.where(budget_window.c.budget_id.in_(rules), *spent).group_by(budget_window.c.budget_id)
    )
    return {row.budget_id: row.number for row in rows}


async def get(connection: AsyncConnection, budget_id: UUID) -> Rule | None:
    row = (await connection.execute(select(budget).where(budget.c.id == budget_id))).mappings().first()
    return None if row is None else Rule(**row)


async def add(connection: AsyncConnection, rule: Rule) -> bool:
    """False when the subject has one of this unit, period and origin already."""
    values = {name: getattr(rule, name) for name in Rule.__slots__}
    return (await connection.execute(insert(budget).values(values).on_conflict_do_nothing())).rowcount == 1


async def change(connection: AsyncConnection, budget_id: UUID, **values: object) -> None:
    await connection.execute(update(budget).where(budget.c.id == budget_id).values(**values))


async def remove(connection: AsyncConnection, budget_id: UUID) -> bool:
    """Its counts go with it."""
    return (await connection.execute(delete(budget).where(budget.c.id == budget_id))).rowcount == 1


async def how_many(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(func.count()).select_from(budget))).scalar_one())


async def counts(
    connection: AsyncConnection, owners: Sequence[tuple[UUID, UUID]], now: dt.datetime
) -> Mapping[tuple[UUID, UUID], Count]:
    """The counts of today's periods, by (budget, owner)."""
    if not owners:
        return {}
    pairs = or_(*(and_(budget_window.c.budget_id == rule, budget_window.c.owner_id == owner) for rule, owner in owners))
    now_on = and_(budget_window.c.starts_at <= now, budget_window.c.ends_at > now)
    # bounded: one row per pair that was asked for
    rows = await connection.execute(select(budget_window).where(pairs, now_on))
    return {(row["budget_id"], row["owner_id"]): Count(**row) for row in rows.mappings()}


async def draw(connection: AsyncConnection, spending: Spending, asked: Asked, expires_at: dt.datetime) -> Drawn | None:
    """Take out of a budget what is granted, for the lease of `spending`. None: the budget was removed."""
    is_there = select(budget.c.id).where(budget.c.id == spending.budget_id).with_for_update(read=True, key_share=True)
    if (await connection.execute(is_there)).first() is None:
        return None
    place = {"budget_id": spending.budget_id, "owner_id": spending.owner_id, "starts_at": spending.window.starts_at}
    blank = place | {"ends_at": spending.window.ends_at}
    await connection.execute(insert(budget_window).values(blank).on_conflict_do_nothing())
    here = and_(*(budget_window.c[name] == value for name, value in place.items()))
    counted = select(budget_window.c.spent, budget_window.c.leased, budget.c.amount)
    joined = counted.join(budget, budget.c.id == budget_window.c.budget_id).where(here)
    row = (await connection.execute(joined.with_for_update(of=budget_window))).one()
    amount = asked.grant(max(0, row.amount - row.spent - row.leased))
    await connection.execute(update(budget_window).where(here).values(leased=budget_window.c.leased + amount))
    lease: Any = insert(budget_lease).values(place | {"id": spending.lease, "amount": amount, "expires_at": expires_at})
    more = {"amount": budget_lease.c.amount + amount, "expires_at": expires_at}
    upsert = lease.on_conflict_do_update(index_elements=["id"], set_=more).returning(budget_lease.c.amount)
    return Drawn(amount, (await connection.execute(upsert)).scalar_one(), row.leased + amount)


async def keep(connection: AsyncConnection, leases: Sequence[UUID], expires_at: dt.datetime) -> set[UUID]:
    """Renew leases; gives those that still stand."""
    renewed = update(budget_lease).where(budget_lease.c.id.in_(leases)).values(expires_at=expires_at)
    return set((await connection.execute(renewed.returning(budget_lease.c.id))).scalars())


_GIVEN = """
    WITH given AS (
        SELECT * FROM unnest(
            CAST(:budgets AS uuid[]), CAST(:owners AS uuid[]),
            CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]),
            CAST(:spent AS bigint[]), CAST(:leases AS uuid[]), CAST(:ended AS boolean[])
        ) AS t (budget_id, owner_id, starts_at, ends_at, spent, lease_id, ends)
    )
"""
_BLANK = text(
    f"""{_GIVEN}
    INSERT INTO models.budget_window (budget_id, owner_id, starts_at, ends_at)
    SELECT given.budget_id, given.owner_id, given.starts_at, given.ends_at
    FROM given JOIN models.budget b ON b.id = given.budget_id
    ON CONFLICT DO NOTHING
"""  # noqa: S608  a text of our own
)
_LOCK = text(
    f"""{_GIVEN}
    SELECT w.budget_id FROM models.budget_window w JOIN given USING (budget_id, owner_id, starts_at)
    ORDER BY w.budget_id, w.owner_id, w.starts_at FOR UPDATE OF w
"""  # noqa: S608
)
_ACCOUNT = text(
    f"""{_GIVEN}
    , held AS (
        SELECT l.id, l.amount, CASE WHEN given.ends THEN 0 ELSE GREATEST(0, l.amount - given.spent) END AS open
        FROM models.budget_lease l JOIN given ON l.id = given.lease_id FOR UPDATE OF l
    ), ended AS (
        DELETE FROM models.budget_lease l USING given WHERE l.id = given.lease_id AND given.ends
    ), kept AS (
        UPDATE models.budget_lease l SET amount = held.open, expires_at = :expires_at
        FROM held JOIN given ON given.lease_id = held.id WHERE l.id = held.id AND NOT given.ends
    )
    UPDATE models.budget_window w
    SET spent = w.spent + given.spent, leased = w.leased - COALESCE(held.amount - held.open, 0)
    FROM given LEFT JOIN held ON held.id = given.lease_id
    WHERE w.budget_id = given.budget_id AND w.owner_id = given.owner_id AND w.starts_at = given.starts_at
    RETURNING given.lease_id, held.id IS NOT NULL AS stood, w.spent
"""  # noqa: S608
)


async def account(
    connection: AsyncConnection, spendings: Iterable[Spending], expires_at: dt.datetime
) -> Mapping[UUID, Accounted]:
    """Write what was spent, out of leases that then hold until `expires_at` unless they end.

    Gives by lease how that stands. A budget that was removed is passed over.
    """
    given = list(spendings)
    if not given:
        return {}
    values: dict[str, Any] = {
        "budgets": [each.budget_id for each in given],
        "owners": [each.owner_id for each in given],
        "starts": [each.window.starts_at for each in given],
        "ends": [each.window.ends_at for each in given],
        "spent": [each.spent for each in given],
        "leases": [each.lease for each in given],
        "ended": [each.ends for each in given],
    }
    await connection.execute(_BLANK, values)
    await connection.execute(_LOCK, values)
    rows = await connection.execute(_ACCOUNT, values | {"expires_at": expires_at})
    return {row.lease_id: Accounted(row.stood, row.spent) for row in rows}


_LAPSED = text(
    """
    SELECT w.budget_id, w.owner_id, w.starts_at FROM models.budget_window w
    WHERE EXISTS (
        SELECT 1 FROM models.budget_lease l
        WHERE l.expires_at < :now AND (l.budget_id, l.owner_id, l.starts_at) = (w.budget_id, w.owner_id, w.starts_at)
    )
    ORDER BY 1, 2, 3 LIMIT :most FOR UPDATE
"""
)
_BOOK = text(
    """
    WITH gone AS (
        DELETE FROM models.budget_lease l
        WHERE l.expires_at < :now AND (l.budget_id, l.owner_id, l.starts_at) = (:budget, :owner, :starts_at)
        RETURNING l.amount
    ), lost AS (SELECT COALESCE(sum(amount), 0) AS amount FROM gone)
    UPDATE models.budget_window SET
        leased = leased - lost.amount, spent = spent + lost.amount, unattributed = unattributed + lost.amount
    FROM lost WHERE budget_id = :budget AND owner_id = :owner AND starts_at = :starts_at
    RETURNING lost.amount
"""
)


async def book_lapsed(connection: AsyncConnection, now: dt.datetime, most: int) -> int:
    """What stood open of leases that have run out counts as spent; gives how much that was."""
    lost = 0
    for row in (await connection.execute(_LAPSED, {"now": now, "most": most})).all():
        of = {"budget": row.budget_id, "owner": row.owner_id, "starts_at": row.starts_at}
        lost += int((await connection.execute(_BOOK, {"now": now} | of)).scalar_one())
    return lost


async def sweep(connection: AsyncConnection, before: dt.datetime, limit: int) -> int:
    """Remove counts of periods that ended before a moment, at most `limit`; gives how many."""
    old = select(budget_window.c.budget_id, budget_window.c.owner_id, budget_window.c.starts_at)
    rows = (await connection.execute(old.where(budget_window.c.ends_at < before).limit(limit))).all()
    for row in rows:
        here = and_(
            budget_window.c.budget_id == row.budget_id,
            budget_window.c.owner_id == row.owner_id,
            budget_window.c.starts_at == row.starts_at,
        )
        await connection.execute(delete(budget_window).where(here))
    return len(rows)


async def forget_person(connection: AsyncConnection, person: UUID) -> None:
    """A person's budgets and those of their keys, and their count of the budgets that each person has."""
    await connection.execute(delete(budget).where(budget.c.person_id == person))
    await connection.execute(delete(budget_window).where(budget_window.c.owner_id == person))
