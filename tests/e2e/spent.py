"""A month in which somebody used models, as the meter would have written it down."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import text

from mecum.kit.ids import decode, new_id
from mecum.rooms.models.budgets.rules import Window, window
from mecum.rooms.models.store import hourly, usage
from mecum.rooms.models.store.usage import UsageRecord
from tests.support.living_house import House

COUNT = text(
    "INSERT INTO models.budget_window (budget_id, owner_id, starts_at, ends_at, spent, unattributed)"
    " VALUES (:budget, :owner, :starts, :ends, :spent, :unattributed)"
    " ON CONFLICT (budget_id, owner_id, starts_at)"
    " DO UPDATE SET spent = excluded.spent, unattributed = excluded.unattributed"
)
DEAR = 2.6
"""Micro-units per token of the model that costs something."""


def record(person: UUID, at: dt.datetime, surface: str, tokens: int, model: str, cost: float) -> UsageRecord:
    wrote = tokens // 4
    return UsageRecord(
        request_id=new_id(),
        at=at,
        person_id=person,
        space_id=uuid4(),
        organisation_id=uuid4(),
        actor="session",
        key_id=None,
        surface=surface,
        purpose="assistant.answer",
        model=model,
        provider="Nordwind",
        input_tokens=tokens - wrote,
        output_tokens=wrote,
        cached_tokens=0,
        reasoning_tokens=0,
        estimated=False,
        latency_ms=2_400,
        ttft_ms=600,
        outcome="ok",
        cost_micros=round(tokens * cost),
        work_id=uuid4(),
    )


def month_of(person: str, days: int, now: dt.datetime, *, cost: float = DEAR, key: str = "") -> list[UsageRecord]:
    """Calls of the last so many days, more on some than on others, one day with three long ones."""
    chance, who = random.Random(11), decode("prs", person)
    found: list[UsageRecord] = []
    for ago in range(days - 1, -1, -1):
        day = (now - dt.timedelta(days=ago)).replace(hour=1, minute=0)
        for number in range(chance.randint(4, 22)):
            at = day + dt.timedelta(minutes=7 * number)
            model = "nordwind-large" if chance.random() < 0.7 else "nordwind-small"
            surface = "terminal" if chance.random() < 0.25 else "web"
            price = cost if model.endswith("large") else cost / 8
            found.append(record(who, at, surface, chance.randint(900, 9_000), model, price))
        if key:
            made = record(who, day, "api", chance.randint(4_000, 24_000), "nordwind-small", cost / 3)
            found.append(dataclasses.replace(made, key_id=decode("key", key), band="api", purpose="relay.chat"))
        if ago % 6 == 0:
            late = record(who, day, "none", 30_000, "nordwind-large", cost)
            found.append(dataclasses.replace(late, band="background", purpose="assistant.background"))
        if ago == 11:
            found += [record(who, day, "web", 90_000, "nordwind-large", cost) for _ in range(3)]
    return found


def write_down(house: House, records: list[UsageRecord]) -> None:
    """As the meter does: records, and the totals of their hours."""

    async def add() -> None:
        async with house.app.kit.db.transaction() as connection:
            await usage.add(connection, records)
            await hourly.add(connection, ((each, 0) for each in records))

    house.run(add())


def spend(house: House, budget: dict[str, Any], person: str, records: list[UsageRecord]) -> None:
    """What these calls of a person took is spent of a budget's period, as the meter would have charged it."""
    found = _now_of(budget)
    inside = [each for each in records if found.starts_at <= each.at < found.ends_at]
    if budget["unit"] == "money":
        spent = sum(each.cost_micros for each in inside)
    else:
        spent = sum(each.input_tokens + each.output_tokens for each in inside)
    count(house, budget, decode("prs", person), spent)


def count(house: House, budget: dict[str, Any], owner: UUID, spent: int, unattributed: int = 0) -> None:
    """So much of a budget is spent in its period: tokens, or micro-units of money."""
    found = _now_of(budget)
    values = {"budget": decode("bud", budget["id"]), "owner": owner, "starts": found.starts_at, "ends": found.ends_at}

    async def add() -> None:
        async with house.app.kit.db.transaction() as connection:
            await connection.execute(COUNT, {**values, "spent": spent, "unattributed": unattributed})

    house.run(add())


def _now_of(budget: dict[str, Any]) -> Window:
    return window(budget["period"], budget["timezone"], dt.datetime.now(dt.UTC))
