"""`/api` routes of capacity, for operators: parse, call, render."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from mecum.kit.http import Operator
from mecum.rooms.models.bodies import problems
from mecum.rooms.models.capacity.history import Histories, Span
from mecum.rooms.models.capacity.looking import Looking
from mecum.rooms.models.capacity.out import history_out, look_out


def build_capacity_router(looking: Looking, histories: Histories, currency: str) -> APIRouter:
    router = APIRouter()

    @router.get("/api/capacity", responses=problems(401, 403))
    async def read_capacity(caller: Operator) -> dict[str, Any]:
        """What each provider has to do right now, who waits and why: at all server processes (`replicas`), but for
        those that did not answer (`silent`)."""
        return look_out(await looking.look())

    @router.get("/api/capacity/history", responses=problems(401, 403))
    async def read_capacity_history(
        caller: Operator, span: Annotated[Span, Query(description="How far back.")] = "hour"
    ) -> dict[str, Any]:
        """What was asked and served: the last hour every ten seconds, a day or a week by the hour."""
        return history_out(await histories.of(span), currency)

    return router
