"""`/api` routes of what a person used: parse, call, render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query

from mecum.kit.http import AccountCaller
from mecum.kit.ids import encode
from mecum.kit.money import Micros
from mecum.rooms.models.bodies import LIMIT, Limit, problems
from mecum.rooms.models.budgets.api import Cursor, cursor_of
from mecum.rooms.models.pricing.amounts import written
from mecum.rooms.models.reports.mine import Month, MyUsage
from mecum.rooms.models.store.reports import Sum
from mecum.rooms.models.store.usage import UsageRecord


def build_usage_router(mine: MyUsage) -> APIRouter:
    router = APIRouter()

    @router.get("/api/usage", responses=problems(401, 403))
    async def read_usage(
        caller: AccountCaller,
        month: Annotated[str | None, Query(max_length=20, description="Like 2026-11; this month if absent.")] = None,
    ) -> dict[str, Any]:
        """What you used in a month: by day and place, by model, and what was taken away from answers."""
        return month_out(await mine.month(caller, month), mine.currency)

    @router.get("/api/usage/calls", responses=problems(401, 403))
    async def list_calls(caller: AccountCaller, cursor: Cursor = None, limit: Limit = LIMIT) -> dict[str, Any]:
        """Your calls to models, newest first."""
        found = await mine.calls(caller, cursor_of(cursor), limit)
        more = found[-1].request_id.hex if len(found) == limit else None
        return {"currency": mine.currency, "items": [call_out(each) for each in found], "next": more}

    return router


def month_out(month: Month, currency: str) -> dict[str, Any]:
    days: dict[str, dict[tuple[str, str | None], list[Sum]]] = {}
    models: dict[str, list[Sum]] = {}
    for each in month.sums:
        key = None if each.key_id is None else encode("key", each.key_id)
        days.setdefault(each.day.isoformat(), {}).setdefault((each.place, key), []).append(each)
        models.setdefault(each.model, []).append(each)
    by_cost = sorted(models.items(), key=lambda item: (-sum(each.cost_micros for each in item[1]), item[0]))
    first = month.work.first_at
    return {
        "month": month.month,
        "timezone": month.timezone,
        "currency": currency,
        "starts_at": month.starts.isoformat(),
        "ends_at": month.ends.isoformat(),
        "first_at": None if first is None else first.isoformat(),
        "answers": month.work.answers,
        "background": month.work.background,
        "total": sum_out(month.sums),
        "days": [
            {
                "day": day,
                "places": [{"place": place, "key": key} | sum_out(sums) for (place, key), sums in places.items()],
            }
            for day, places in days.items()
        ],
        "models": [{"model": name} | sum_out(sums) for name, sums in by_cost],
        "degraded": [call_out(each) for each in month.degraded],
    }


def sum_out(sums: Sequence[Sum]) -> dict[str, Any]:
    read, wrote = sum(each.input_tokens for each in sums), sum(each.output_tokens for each in sums)
    return {
        "calls": sum(each.calls for each in sums),
        "input_tokens": read,
        "output_tokens": wrote,
        "cost": written(Micros(sum(each.cost_micros for each in sums))),
    }


def call_out(record: UsageRecord) -> dict[str, Any]:
    return {
        "id": encode("req", record.request_id),
        "at": record.at.isoformat(),
        "surface": record.surface,
        "key": None if record.key_id is None else encode("key", record.key_id),
        "work": None if record.work_id is None else encode("run", record.work_id),
        "purpose": record.purpose,
        "model": record.model,
        "provider": record.provider,
        "input_tokens": record.input_tokens,
        "output_tokens": record.output_tokens,
        "cached_tokens": record.cached_tokens,
        "cache_write_tokens": record.cache_write_tokens,
        "reasoning_tokens": record.reasoning_tokens,
        "estimated": record.estimated,
        "cost": written(Micros(record.cost_micros)),
        "band": record.band,
        "tier": record.tier,
        "degraded": record.degraded,
        "waited_ms": record.queue_ms,
        "latency_ms": record.latency_ms,
        "ttft_ms": record.ttft_ms,
        "outcome": record.outcome,
    }
