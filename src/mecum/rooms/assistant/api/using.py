"""What conversations used."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from mecum.kit.http import ThreadsCaller
from mecum.kit.ids import encode
from mecum.kit.money import MICROS_PER_UNIT
from mecum.rooms.assistant.using import ThreadUse, Using

LISTED_MAX = 50


def build_router(using: Using) -> APIRouter:
    router = APIRouter(prefix="/api/threads/usage", tags=["threads"])

    @router.get("")
    async def usage_of_threads(
        caller: ThreadsCaller,
        month: Annotated[str | None, Query(max_length=20, description="Like 2026-11; this month if absent.")] = None,
        limit: Annotated[int, Query(ge=1, le=LISTED_MAX)] = 8,
    ) -> JSONResponse:
        """Which of your conversations took most in a month, the dearest first.

        `thread` and `title` are null where one is deleted, temporary, or in another space than you are.
        """
        found = await using.threads(caller, month, limit)
        return JSONResponse(
            {
                "month": found.month,
                "currency": found.currency,
                "conversations": found.conversations,
                "items": [_rendered(each) for each in found.items],
            }
        )

    return router


def _rendered(use: ThreadUse) -> dict[str, Any]:
    return {
        "thread": None if use.thread is None else encode("thr", use.thread),
        "title": use.title,
        "calls": use.calls,
        "input_tokens": use.input_tokens,
        "output_tokens": use.output_tokens,
        "cost": f"{use.cost_micros / MICROS_PER_UNIT:.6f}",
    }
