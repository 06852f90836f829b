"""Totals of calls to models by hour, kept when the records of the calls are gone. Nobody is named in them."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import BigInteger, cast, delete, func, select, text, tuple_
from sqlalchemy.dialects import postgresql

from mecum.kit.db import AsyncConnection
from mecum.rooms.models.store.tables import hourly
from mecum.rooms.models.store.usage import UsageRecord

Outcome: TypeAlias = Literal["ok", "cancelled", "refused", "failed"]
OVER_BUDGET = "models.budget_spent"
REFUSALS = frozenset(("models.busy", "models.local_line_full", OVER_BUDGET))
"""Codes of calls that were not let in: the gate had no place for them, or a budget was used up."""
MODELS_MAX = 50

_KEY = ("hour", "provider", "model", "band", "surface", "outcome")
_MAXIMA = frozenset(("queue_max_ms", "ttft_max_ms"))
_VALUES = tuple(column.name for column in hourly.columns if column.name not in _KEY)


@dataclass(slots=True)
class _Total:
    """The values of a row."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    cost_micros: int = 0
    queue_ms: int = 0
    queue_max_ms: int = 0
    ttft_calls: int = 0
    ttft_ms: int = 0
    ttft_max_ms: int = 0
    refused_tokens: int = 0
    degraded_calls: int = 0
    degraded_tokens: int = 0

    def add(self, record: UsageRecord, demand_tokens: int) -> None:
        self.calls += 1
        self.input_tokens += record.input_tokens
        self.cached_tokens += record.cached_tokens
        self.output_tokens += record.output_tokens
        self.reasoning_tokens += record.reasoning_tokens
        self.cost_micros += record.cost_micros
        self.queue_ms += record.queue_ms
        self.queue_max_ms = max(self.queue_max_ms, record.queue_ms)
        if record.ttft_ms is not None:
            self.ttft_calls += 1
            self.ttft_ms += record.ttft_ms
            self.ttft_max_ms = max(self.ttft_max_ms, record.ttft_ms)
        if outcome_of(record) == "refused":
            self.refused_tokens += demand_tokens
        if record.degraded is not None:
            self.degraded_calls += 1
            self.degraded_tokens += record.input_tokens + record.output_tokens


def outcome_of(record: UsageRecord) -> Outcome:
    """How it ended, as operators of capacity count it."""
    if record.outcome in ("ok", "cancelled"):
        return "ok" if record.outcome == "ok" else "cancelled"
    return "refused" if record.outcome in REFUSALS else "failed"


_ARRAYS = ", ".join(
    f"CAST(:{column.name} AS {column.type.compile(postgresql.dialect())}[])"  # pyright: ignore[reportUnknownMemberType]
    for column in hourly.columns
)
_SUMS = ", ".join(
    f"{name} = greatest(hourly.{name}, excluded.{name})"
    if name in _MAXIMA
    else f"{name} = hourly.{name} + excluded.{name}"
    for name in _VALUES
)
_ADD = text(
    f"INSERT INTO models.hourly ({', '.join(column.name for column in hourly.columns)})"  # noqa: S608  names of our own
    f" SELECT * FROM unnest({_ARRAYS}) ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {_SUMS}"
)


async def add(connection: AsyncConnection, records: Iterable[tuple[UsageRecord, int]]) -> None:
    """Add records of calls to the totals of their hours, each with the tokens that it asked for.

    Rows are written in one order by every process: they never wait for each other in a circle.
    """
    totals: dict[tuple[Any, ...], _Total] = defaultdict(_Total)
    for record, demand_tokens in records:
        hour = record.at.astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
        key = (hour, record.provider, record.model, record.band, record.surface, outcome_of(record))
        totals[key].add(record, demand_tokens)
    if not totals:
        return
    rows = sorted(totals.items(), key=lambda each: each[0])
    values: dict[str, list[Any]] = {name: [key[at] for key, _ in rows] for at, name in enumerate(_KEY)}
    values |= {name: [getattr(total, name) for _, total in rows] for name in _VALUES}
    await connection.execute(_ADD, values)


@dataclass(frozen=True, slots=True)
class HourRow:
    """Calls of one band in one hour. Waits and times to the first word in milliseconds, their sums and the longest."""

    hour: dt.datetime
    band: str
    calls: int
    tokens: int
    queue_ms: int
    queue_max_ms: int
    ttft_calls: int
    ttft_ms: int
    refused: int
    refused_tokens: int
    degraded: int
    degraded_tokens: int


@dataclass(frozen=True, slots=True)
class ModelRow:
    """Calls of one model. `queue_max_ms`: the longest wait of one of them."""

    provider: str
    model: str
    calls: int
    tokens: int
    cost_micros: int
    refused: int
    degraded: int
    queue_max_ms: int


def _sum(name: str, where: Any = None) -> Any:
    total = func.sum(hourly.c[name])
    return _whole(func.coalesce(total if where is None else total.filter(where), 0))


def _whole(value: Any) -> Any:
    """Sums of bigint are numeric in PostgreSQL."""
    return cast(value, BigInteger)


_REFUSED = hourly.c.outcome == "refused"
_TOKENS = _whole(func.sum(hourly.c.input_tokens + hourly.c.output_tokens))


async def by_hour(connection: AsyncConnection, since: dt.datetime) -> tuple[HourRow, ...]:
    """Totals by hour and band from `since` on."""
    columns = (
        hourly.c.hour,
        hourly.c.band,
        _sum("calls").label("calls"),
        _TOKENS.label("tokens"),
        _sum("queue_ms").label("queue_ms"),
        func.max(hourly.c.queue_max_ms).label("queue_max_ms"),
        _sum("ttft_calls").label("ttft_calls"),
        _sum("ttft_ms").label("ttft_ms"),
        _sum("calls", _REFUSED).label("refused"),
        _sum("refused_tokens").label("refused_tokens"),
        _sum("degraded_calls").label("degraded"),
        _sum("degraded_tokens").label("degraded_tokens"),
    )
    # bounded: by the hours of the span, each with a row per band
    statement = select(*columns).where(hourly.c.hour >= since).group_by(hourly.c.hour, hourly.c.band)
    rows = (await connection.execute(statement)).mappings()
    return tuple(HourRow(**row) for row in rows)


async def by_model(connection: AsyncConnection, since: dt.datetime) -> tuple[ModelRow, ...]:
    """The models of which most was asked from `since` on, `MODELS_MAX` at most."""
    columns = (
        hourly.c.provider,
        hourly.c.model,
        _sum("calls").label("calls"),
        _TOKENS.label("tokens"),
        _sum("cost_micros").label("cost_micros"),
        _sum("calls", _REFUSED).label("refused"),
        _sum("degraded_calls").label("degraded"),
        func.max(hourly.c.queue_max_ms).label("queue_max_ms"),
    )
    statement = (
        select(*columns)
        .where(hourly.c.hour >= since)
        .group_by(hourly.c.provider, hourly.c.model)
        .order_by(_TOKENS.desc(), hourly.c.provider, hourly.c.model)
        .limit(MODELS_MAX)
    )
    rows = (await connection.execute(statement)).mappings()
    return tuple(ModelRow(**row) for row in rows)


async def sweep(connection: AsyncConnection, before: dt.datetime, limit: int) -> int:
    """Remove totals of hours before a moment, at most `limit`; gives how many."""
    key = tuple_(*(hourly.c[name] for name in _KEY))
    old = select(*(hourly.c[name] for name in _KEY)).where(hourly.c.hour < before).limit(limit)
    return (await connection.execute(delete(hourly).where(key.in_(old)))).rowcount
