"""Versions of prices: none is ever changed, and only one that has not held yet is taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from mecum.kit.db import AsyncConnection
from mecum.kit.money import Micros
from mecum.rooms.models.prices import Prices
from mecum.rooms.models.store.tables import price


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What a model costs from `since` on, until a later version holds. `model`: what it was called."""

    id: UUID
    model_id: UUID
    model: str
    currency: str
    since: dt.datetime
    prices: Prices
    created_at: dt.datetime


async def in_force(connection: AsyncConnection, at: dt.datetime, currency: str) -> dict[UUID, PriceRow]:
    """The version that holds at a moment, by model; of two that begin together the one that was stated last."""
    # bounded: one row per model
    holds = (price.c.since <= at) & (price.c.currency == currency)
    statement = (
        select(price)
        .where(holds)
        .ext(distinct_on(price.c.model_id))
        .order_by(price.c.model_id, price.c.since.desc(), price.c.id.desc())
    )
    return {row.model_id: row for row in _rows(await connection.execute(statement))}


async def coming(connection: AsyncConnection, at: dt.datetime, limit: int) -> tuple[PriceRow, ...]:
    """The versions that do not hold yet at a moment, the next one first."""
    statement = select(price).where(price.c.since > at).order_by(price.c.since, price.c.id).limit(limit)
    return tuple(_rows(await connection.execute(statement)))


async def versions(
    connection: AsyncConnection, model_id: UUID, before: tuple[dt.datetime, UUID] | None, limit: int
) -> tuple[PriceRow, ...]:
    """All versions of a model, the latest first, older ones than `before`."""
    statement = select(price).where(price.c.model_id == model_id)
    if before is not None:
        statement = statement.where(tuple_(price.c.since, price.c.id) < before)
    statement = statement.order_by(price.c.since.desc(), price.c.id.desc()).limit(limit)
    return tuple(_rows(await connection.execute(statement)))


async def version(connection: AsyncConnection, price_id: UUID) -> PriceRow | None:
    rows = list(_rows(await connection.execute(select(price).where(price.c.id == price_id).limit(1))))
    return rows[0] if rows else None


async def count(connection: AsyncConnection, model_id: UUID) -> int:
    """How many versions a model has."""
    return await connection.scalar(select(func.count()).select_from(price).where(price.c.model_id == model_id)) or 0


async def add(connection: AsyncConnection, row: PriceRow) -> None:
    await connection.execute(insert(price).values(_values(row)))


async def withdraw(connection: AsyncConnection, price_id: UUID, now: dt.datetime) -> bool:
    """Take a version back that does not hold yet; False for any other."""
    statement = delete(price).where(price.c.id == price_id, price.c.since > now)
    return (await connection.execute(statement)).rowcount == 1


def _values(row: PriceRow) -> dict[str, Any]:
    own = {name: getattr(row, name) for name in PriceRow.__slots__ if name != "prices"}
    return own | {name: getattr(row.prices, name) for name in Prices.__slots__}


def _rows(found: Any) -> Iterable[PriceRow]:
    for row in found.mappings():
        prices = Prices(**{name: Micros(row[name]) for name in Prices.__slots__})
        own = {name: row[name] for name in PriceRow.__slots__ if name != "prices"}
        yield PriceRow(**own, prices=prices)
