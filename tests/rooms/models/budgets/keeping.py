"""A process that spends: a keeper and a meter over the real database, with time in hand."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import text

from mecum.kit.clock import ManualClock
from mecum.kit.db import Database
from mecum.kit.ids import new_id
from mecum.kit.types import Principal
from mecum.rooms.models.budgets.keeper import Keeper
from mecum.rooms.models.budgets.reservation import Need, Reservation
from mecum.rooms.models.budgets.rules import Amounts, Period, Rule, Subject, Unit
from mecum.rooms.models.meter import Meter
from mecum.rooms.models.settings import ModelsSettings
from mecum.rooms.models.store import budgets as store
from mecum.rooms.models.store import unattributed
from mecum.rooms.models.store.usage import UsageRecord
from tests.support.principals import principal

AT = dt.datetime(2026, 3, 4, 12, 0, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Counted:
    spent: int
    leased: int
    unattributed: int


class Process:
    """One of perhaps several processes on one database. `die` is kill -9: nothing of it is written any more."""

    def __init__(self, database: Database, clock: ManualClock, **settings: Any) -> None:
        self.clock = clock
        usual: dict[str, Any] = {"budget_wait_max_s": 0, "budget_answer_tokens": 100}
        self.settings = ModelsSettings(**usual | settings)
        self.keeper = Keeper(database, clock, self.settings)
        self.meter = Meter(database, clock, self.settings, self.keeper)

    async def reserve(
        self, caller: Principal, tokens: int, answer: int | None = 0, *, price: int = 0, least: int = 0
    ) -> Reservation:
        def bound(output: int) -> Amounts:
            return Amounts(tokens + output, (tokens + output) * price)

        try:
            return await self.keeper.reserve(caller, Need(bound, answer, least))
        finally:
            # What it reads anew beside that is read before the test ends, and its connection given back.
            await asyncio.gather(*self.keeper._reading)

    def ended(self, caller: Principal, held: Reservation, tokens: int, money: int = 0) -> None:
        charges = held.settle(Amounts(tokens, money), self.clock.monotonic())
        self.meter.record(record(caller, tokens, money), charges)

    async def call(self, caller: Principal, tokens: int, took: int | None = None) -> None:
        self.ended(caller, await self.reserve(caller, tokens), tokens if took is None else took)


def record(caller: Principal, tokens: int, money: int = 0, request_id: UUID | None = None) -> UsageRecord:
    return UsageRecord(
        request_id=request_id or new_id(),
        at=AT,
        person_id=caller.person,
        space_id=caller.space,
        organisation_id=caller.organisation,
        actor="session",
        key_id=caller.paying_key,
        surface="web",
        purpose="assistant.answer",
        model="m",
        provider="p",
        input_tokens=tokens,
        output_tokens=0,
        cached_tokens=0,
        reasoning_tokens=0,
        estimated=False,
        latency_ms=3,
        ttft_ms=None,
        outcome="ok",
        cost_micros=money,
    )


async def limit(
    database: Database,
    amount: int,
    caller: Principal | None = None,
    *,
    subject: Subject = "each_person",
    unit: Unit = "tokens",
    period: Period = "day",
    hard: bool = True,
) -> Rule:
    """A budget of each person, or of what `caller` names."""
    of = {"each_person": None, "person": caller and caller.person, "organisation": caller and caller.organisation}
    subject_id = caller.paying_key if subject == "key" and caller else of.get(subject)
    rule = Rule(
        new_id(), subject, subject_id, caller and caller.person, unit, amount, period, hard, "UTC", "operator", AT
    )
    async with database.transaction() as connection:
        assert await store.add(connection, rule)
    return rule


async def counted(database: Database, rule: Rule) -> Counted:
    """All periods and owners of a budget together; its leases must agree with what it says is leased."""
    async with database.transaction() as connection:
        sums = await connection.execute(
            text(
                "SELECT coalesce(sum(spent), 0), coalesce(sum(leased), 0), coalesce(sum(unattributed), 0)"
                " FROM models.budget_window WHERE budget_id = :rule"
            ),
            {"rule": rule.id},
        )
        spent, leased, unattributed = sums.one()
        open_leases = await connection.execute(
            text("SELECT coalesce(sum(amount), 0) FROM models.budget_lease WHERE budget_id = :rule"), {"rule": rule.id}
        )
        assert leased == open_leases.scalar_one()
    return Counted(int(spent), int(leased), int(unattributed))


async def recorded(database: Database, caller: Principal) -> int:
    """What the usage records of `caller` say that they used."""
    async with database.transaction() as connection:
        sums = await connection.execute(
            text("SELECT coalesce(sum(input_tokens), 0) FROM models.usage WHERE person_id = :person"),
            {"person": caller.person},
        )
    return int(sums.scalar_one())


async def give_back(database: Database, rule: Rule, now: dt.datetime) -> None:
    """Somebody decides that what is not attributed was not spent."""
    async with database.transaction() as connection:
        await unattributed.locked(connection, rule.id, rule.subject_id, now)
        await unattributed.give_back(connection, rule.id, rule.subject_id, now)


def somebody() -> Principal:
    return principal()
